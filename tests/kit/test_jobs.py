"""Durable jobs: enqueued with their row, done once, interrupted by a stop and by a cancel."""

import asyncio
import threading
import time
from collections.abc import Callable
from datetime import timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from sartor.errors import Moderated, SartorError
from sartor.kit.database import Database
from sartor.kit.jobs import Jobs
from sartor.kit.leases import Lease
from sartor.kit.steps import async_step, interruptible_step, pause, step
from tests.conftest import wait_for
from tests.kit.conftest import Log, enqueue, holding


def recorded(database: Database, column: str) -> list[object]:
    with database.engine.connect() as connection:
        return list(
            connection.execute(sa.text(f"SELECT {column} FROM operation_outputs ORDER BY function_id")).scalars()
        )


def test_a_job_runs_and_its_steps_are_plain_json(database: Database, start: Callable[..., Jobs], log: Log) -> None:
    async def work(job_id: str) -> None:
        first = await step("first", log, f"first {job_id}")
        await step("second", log, f"second after {first}")

    enqueue(database, start(work), "a")
    log.awaits("second after first a")
    wait_for(lambda: True if len(recorded(database, "output")) == 2 else None)
    assert recorded(database, "output") == ['{"value":"first a"}', '{"value":"second after first a"}']
    assert recorded(database, "function_name") == ["first", "second"]


def test_a_rolled_back_transaction_enqueues_nothing(database: Database, start: Callable[..., Jobs], log: Log) -> None:
    async def work(job_id: str) -> None:
        await step("only", log, job_id)

    jobs = start(work)
    with Session(database.engine) as session:
        jobs.enqueue(session, "work", "rolled back", tenant="1")
        session.rollback()
    enqueue(database, jobs, "kept")
    log.awaits("kept")
    assert log.lines == ["kept"]


def test_our_errors_are_answers_and_survive_a_replay(database: Database, start: Callable[..., Jobs], log: Log) -> None:
    def refuse() -> None:
        log("asked")
        raise Moderated("prompt", "violence")

    gate = threading.Event()

    async def work(job_id: str) -> None:
        try:
            await step("refuse", refuse)
        except SartorError as error:
            await step("told", log, f"{error.code} {error.details}")
            await interruptible_step("wait", lambda stop: log("done") if gate.wait(0) else holding(log)(stop=stop))

    jobs = start(work)
    enqueue(database, jobs, "a")
    told = "422 The prompt was refused by content moderation; category: violence"
    log.awaits("begins")
    jobs.stop()
    gate.set()
    start(work)
    log.awaits("done")
    assert log.lines == ["asked", told, "begins", "done"]


def test_every_run_is_observed_by_how_it_came_to_its_end(
    database: Database, start: Callable[..., Jobs], log: Log
) -> None:
    async def work(job_id: str) -> None:
        if job_id == "fails":
            raise KeyError(job_id)
        if job_id == "is cancelled":
            await interruptible_step("hold", holding(log))

    seen: list[tuple[str, str]] = []

    def observe(name: str, outcome: str, seconds: float) -> None:
        assert 0 <= seconds < 60
        seen.append((name, outcome))

    jobs = start(work, observe=observe)
    for count, job_id in enumerate(["ends", "fails", "is cancelled"]):
        wait_for(lambda count=count: True if len(seen) == count else None)  # type: ignore[misc]
        enqueue(database, jobs, job_id)
    log.awaits("begins")
    jobs.cancel("is cancelled")
    wait_for(lambda: True if len(seen) == 3 else None)
    assert seen == [("work", "ended"), ("work", "failed"), ("work", "interrupted")]


def test_an_async_step_is_kept_like_any_other(database: Database, start: Callable[..., Jobs], log: Log) -> None:
    async def refuse(job_id: str) -> None:
        await asyncio.sleep(0)
        log(f"asked {job_id}")
        raise Moderated("prompt", "violence")

    async def answer() -> list[int]:
        log("answered")
        return [1, 2]

    gate = threading.Event()

    async def work(job_id: str) -> None:
        try:
            await async_step("refuse", refuse, job_id)
        except SartorError as error:
            log(f"{error.code} {await async_step('answer', answer)}")
            await interruptible_step("wait", lambda stop: log("done") if gate.wait(0) else stop.wait())

    jobs = start(work)
    enqueue(database, jobs, "a")
    log.awaits("422 [1, 2]")
    jobs.stop()
    gate.set()
    start(work)
    log.awaits("done")
    assert log.lines == ["asked a", "answered", "422 [1, 2]", "422 [1, 2]", "done"]


def test_a_pause_goes_on_after_a_restart(database: Database, start: Callable[..., Jobs], log: Log) -> None:
    async def work(job_id: str) -> None:
        log("begins")
        await pause(timedelta(seconds=4))
        await step("after", log, "after")

    jobs = start(work)
    enqueue(database, jobs, "a")
    log.awaits("begins")
    began = time.monotonic()
    wait_for(lambda: True if recorded(database, "function_name") else None)
    time.sleep(2.5)
    jobs.stop()
    start(work)
    log.awaits("after")
    assert 3.5 < time.monotonic() - began < 6.5, "what was left of it, and not all of it again"


def test_other_exceptions_are_tried_again(database: Database, start: Callable[..., Jobs], log: Log) -> None:
    def flaky() -> str:
        log("try")
        if len(log.lines) < 2:
            raise OSError("away")
        return "back"

    async def work(job_id: str) -> None:
        log(await step("flaky", flaky, attempts=3))

    enqueue(database, start(work), "a")
    log.awaits("back")
    assert log.lines == ["try", "try", "back"]


def test_after_the_last_attempt_the_error_itself_is_raised(
    database: Database, start: Callable[..., Jobs], log: Log
) -> None:
    def broken() -> None:
        log("try")
        raise OSError("away")

    async def work(job_id: str) -> None:
        try:
            await step("broken", broken, attempts=2)
        except OSError:
            log("told")

    enqueue(database, start(work), "a")
    log.awaits("told")
    assert log.lines == ["try", "try", "told"]


def test_a_stopped_process_leaves_its_job_to_the_next(database: Database, start: Callable[..., Jobs], log: Log) -> None:
    gate = threading.Event()

    def long(*, stop: threading.Event) -> None:
        log("begins")
        while not gate.is_set():
            if stop.wait(0.01):
                log("interrupted")
                raise RuntimeError("half done")
        log("finishes")

    async def work(job_id: str) -> None:
        await step("before", log, "before")
        await interruptible_step("long", long)
        await step("after", log, "after")

    jobs = start(work)
    enqueue(database, jobs, "a")
    log.awaits("begins")
    jobs.stop()
    assert log.lines == ["before", "begins", "interrupted"]
    with database.transaction() as session:
        assert session.scalars(sa.select(Lease)).all() == []
    gate.set()
    start(work)
    log.awaits("after")
    assert log.lines[3:] == ["begins", "finishes", "after"]


def test_cancelling_interrupts_a_running_step(database: Database, start: Callable[..., Jobs], log: Log) -> None:
    def long(*, stop: threading.Event) -> None:
        log("begins")
        if stop.wait(20):
            log("interrupted")

    async def work(job_id: str) -> None:
        await interruptible_step("long", long)
        log("never")

    jobs = start(work)
    enqueue(database, jobs, "a")
    log.awaits("begins")
    jobs.cancel("a")
    log.awaits("interrupted")
    log.awaits("lost a")  # whoever owns the request is told
    assert "never" not in log.lines
