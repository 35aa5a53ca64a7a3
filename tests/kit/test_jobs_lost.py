"""Jobs that end badly among many that did."""

import asyncio
import threading
from collections.abc import Callable

import sqlalchemy as sa

from sartor.kit.database import Database
from sartor.kit.jobs import Jobs
from sartor.kit.steps import interruptible_step
from tests.kit.conftest import Log, enqueue


def test_a_lost_job_is_reported_after_a_thousand_newer_ones_were_cancelled(
    database: Database, start: Callable[..., Jobs], log: Log
) -> None:
    gate = threading.Event()

    def breaks(job_id: str) -> None:
        log("begins")
        assert gate.wait(60)
        raise RuntimeError("a bug outside of any step")

    async def work(job_id: str) -> None:
        await asyncio.to_thread(breaks, job_id)

    jobs = start(work)
    enqueue(database, jobs, "a")
    log.awaits("begins")
    with database.transaction() as session:
        for number in range(1001):
            jobs.enqueue(session, "work", f"c{number}", tenant="1")
        session.execute(
            sa.text(
                "UPDATE workflow_status SET status = 'CANCELLED', queue_name = NULL, completed_at = created_at"
                " WHERE workflow_uuid LIKE 'c%'"
            )
        )
    log.awaits("lost c1000")
    gate.set()
    log.awaits("lost a")
    assert log.lines.count("lost a") == 1


def test_a_job_that_goes_on_may_be_taken_up_again_and_again(
    database: Database, start: Callable[..., Jobs], log: Log
) -> None:
    """As a training is by each deployment; one that has ended no step meanwhile is given up."""

    def first(*, stop: threading.Event) -> None:
        log("first")
        if log.lines.count("first") == 1:
            stop.wait(20)

    def second(*, stop: threading.Event) -> None:
        log(f"second {log.lines.count('lives')}")
        stop.wait(20)

    async def work(job_id: str) -> None:
        await interruptible_step("first", first)
        await interruptible_step("second", second)

    def live_until(line: str) -> None:
        jobs = start(work)
        log.awaits(line)
        jobs.stop()
        log("lives")
        with database.engine.begin() as connection:
            connection.execute(sa.text("UPDATE workflow_status SET recovery_attempts = 21"))

    jobs = start(work)
    enqueue(database, jobs, "a")
    log.awaits("first")
    jobs.stop()
    live_until("second 0")
    live_until("second 1")
    live_until("lost a")


def test_a_job_that_was_taken_over_is_let_go(database: Database, start: Callable[..., Jobs], log: Log) -> None:
    """By a process that was frozen, or cut off, and is there again: two would work in one folder."""

    def hold(*, stop: threading.Event) -> None:
        log("begins")
        log("let go" if stop.wait(20) else "kept")

    async def work(job_id: str) -> None:
        await interruptible_step("long", hold)

    enqueue(database, start(work), "a")
    log.awaits("begins")
    with database.engine.begin() as connection:
        connection.execute(sa.text("INSERT INTO leases (executor_id, expires_at) VALUES ('other', 1e12)"))
        connection.execute(sa.text("UPDATE workflow_status SET executor_id = 'other', owner_xid = 'other'"))
    log.awaits("let go")
    with database.engine.connect() as connection:
        assert connection.scalar(sa.text("SELECT status FROM workflow_status")) == "PENDING"
