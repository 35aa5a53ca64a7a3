"""Jobs that are taken over from the dead, given up when they are poison, and reported when they end badly.

The other worker of these tests is a real process that is really killed; ``python -m tests.kit.worker`` is it.
"""

import asyncio
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import sqlalchemy as sa
from dbos import DBOS

from sartor.kit.database import Database
from sartor.kit.jobs import Job, Jobs
from sartor.kit.leases import Lease
from sartor.kit.steps import interruptible_step, step
from tests.conftest import wait_for
from tests.kit.conftest import QUEUE, Log, enqueue, holding


def test_a_killed_process_is_noticed_and_its_job_taken_over(
    database: Database, start: Callable[..., Jobs], log: Log, tmp_path: Path
) -> None:
    """Pins the private method that take-over rests on, with a real ``kill -9``."""

    async def work(job_id: str) -> None:
        await step("first", log, "first, again")
        await interruptible_step("second", lambda stop: log("second"))

    notes = tmp_path / "notes"
    other = subprocess.Popen([sys.executable, "-m", "tests.kit.worker", database.url, str(notes)])
    try:
        wait_for(lambda: True if notes.exists() and "second" in notes.read_text() else None, seconds=60)
    finally:
        other.send_signal(signal.SIGKILL)
        other.wait()
    killed = time.monotonic()
    start(work)
    log.awaits("second")
    assert log.lines == ["second"], "a completed step is not done again"
    assert time.monotonic() - killed < 10


def test_the_living_keep_their_jobs(database: Database, start: Callable[..., Jobs], log: Log) -> None:
    """A lease that is renewed protects, however long the job takes; one that has run out does not."""

    async def work(job_id: str) -> None:
        await interruptible_step("long", holding(log))

    jobs = start(work)
    enqueue(database, jobs, "a")
    log.awaits("begins")
    time.sleep(2.5)  # twice the lease
    assert log.lines == ["begins"]
    with database.transaction() as session:
        lease = session.scalars(sa.select(Lease)).one()
        clock = session.scalar(sa.select(database.clock()))
    assert lease.executor_id == jobs.executor_id
    assert clock is not None
    assert lease.expires_at > clock


def test_a_report_that_hangs_does_not_cost_the_lease(database: Database, log: Log) -> None:
    gate = threading.Event()

    def hang(job_id: str) -> None:
        log("hangs")
        gate.wait(20)

    async def work(job_id: str) -> None:
        raise RuntimeError("a bug outside of any step")

    jobs = Jobs(database, poll=timedelta(seconds=0.02), lease=timedelta(seconds=1.2))
    jobs.add(Job("work", QUEUE, work, on_lost=hang))
    jobs.start()
    try:
        enqueue(database, jobs, "a")
        log.awaits("hangs")
        time.sleep(2.5)  # twice the lease
        with database.transaction() as session:
            assert session.scalar(sa.select(Lease.expires_at >= database.clock()))
    finally:
        gate.set()
        jobs.stop()


def test_recovering_is_what_the_contract_says(database: Database, start: Callable[..., Jobs], log: Log) -> None:
    """``DBOS._recover_pending_workflows``: takes executor ids, answers handles, and moves nobody else's jobs."""

    async def work(job_id: str) -> None:
        await interruptible_step("long", holding(log))

    enqueue(database, start(work), "a")
    log.awaits("begins")
    assert DBOS._recover_pending_workflows(["nobody"]) == []
    time.sleep(0.3)
    assert log.lines == ["begins"]


def test_a_job_that_breaks_is_reported_lost_once(database: Database, start: Callable[..., Jobs], log: Log) -> None:
    async def work(job_id: str) -> None:
        raise RuntimeError("a bug outside of any step")

    enqueue(database, start(work), "a")
    log.awaits("lost a")
    time.sleep(1.0)  # more than two rounds of the keeper
    assert log.lines == ["lost a"]


def test_one_that_cannot_be_ended_does_not_keep_the_others_from_it(
    database: Database, start: Callable[..., Jobs], log: Log
) -> None:
    def end(job_id: str) -> None:
        log(f"ends {job_id}")
        if job_id == "b":
            raise OSError("the storage is away")

    async def work(job_id: str) -> None:
        raise RuntimeError("a bug outside of any step")

    jobs = start(work, on_lost=end)
    for job_id in "abc":
        enqueue(database, jobs, job_id)
    for job_id in "abc":
        log.awaits(f"ends {job_id}")
    wait_for(lambda: True if log.lines.count("ends b") > 1 else None)
    assert (log.lines.count("ends a"), log.lines.count("ends c")) == (1, 1)


def test_a_job_that_kills_its_process_again_and_again_is_given_up(
    database: Database, start: Callable[..., Jobs], log: Log
) -> None:
    async def work(job_id: str) -> None:
        await interruptible_step("long", holding(log))

    jobs = start(work)
    enqueue(database, jobs, "a")
    log.awaits("begins")
    jobs.stop()
    with database.engine.begin() as connection:  # as after that many deaths
        connection.execute(sa.text("UPDATE workflow_status SET recovery_attempts = 90"))
    start(work)
    log.awaits("lost a")
    assert log.lines == ["begins", "lost a"]


def test_a_job_that_only_waits_may_be_taken_up_again_and_again(
    database: Database, start: Callable[..., Jobs], log: Log
) -> None:
    async def work(job_id: str) -> None:
        await interruptible_step("long", holding(log))

    jobs = start(work, recoveries=None)
    enqueue(database, jobs, "a")
    log.awaits("begins")
    jobs.stop()
    with database.engine.begin() as connection:
        connection.execute(sa.text("UPDATE workflow_status SET recovery_attempts = 900"))
    start(work, recoveries=None)
    wait_for(lambda: True if log.lines.count("begins") == 2 else None)
    assert log.lines == ["begins", "begins"]


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
