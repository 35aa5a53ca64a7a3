"""A job whose database is away for a while."""

import sqlite3
import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from dbos import DBOS

from sartor.kit.database import Database
from sartor.kit.jobs import Jobs
from sartor.kit.steps import interruptible_step, pause, step
from tests.conftest import wait_for
from tests.kit.conftest import Log, enqueue


def test_a_step_outlasts_a_database_that_is_away(
    database: Database, start: Callable[..., Jobs], log: Log, tmp_path: Path
) -> None:
    away = Database(f"sqlite:///{tmp_path / 'gone' / 'x.db'}")
    (tmp_path / "gone").rmdir()

    def write(*, stop: threading.Event | None = None) -> str:
        log("try")
        if log.lines.count("try") % 2:
            away.check()
        return "written"

    async def work(job_id: str) -> None:
        log(await step("first", write))
        log(await interruptible_step("second", write))

    enqueue(database, start(work), "a")
    wait_for(lambda: True if log.lines.count("written") == 2 else None)
    assert log.lines == ["try", "try", "written"] * 2


def test_a_step_outlasts_many_of_them(
    database: Database, start: Callable[..., Jobs], log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A failover takes a minute or two; and in a step of hours there may be many."""
    monkeypatch.setattr("sartor.kit.steps._AWAY_PAUSE", 0.01)
    monkeypatch.setattr("sartor.kit.steps._LONGEST_AWAY_PAUSE", 0.01)

    def write() -> str:
        log("try")
        if len(log.lines) < 30:
            raise sa.exc.OperationalError("select 1", {}, OSError("gone"))
        return "written"

    async def work(job_id: str) -> None:
        log(await step("write", write))

    enqueue(database, start(work), "a")
    log.awaits("written")
    assert log.lines == ["try"] * 30 + ["written"]


def test_after_an_hour_the_job_is_taken_up_again(
    database: Database, start: Callable[..., Jobs], log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It ends by no such error, and the step that it was in is no different for it."""
    monkeypatch.setattr("sartor.kit.steps._AWAY_PAUSE", 0.01)
    monkeypatch.setattr("sartor.kit.steps._AWAY_TRIES", 3)

    def write() -> str:
        log("try")
        if log.lines.count("try") < 5:
            raise sa.exc.OperationalError("select 1", {}, OSError("gone"))
        return "written"

    async def work(job_id: str) -> None:
        try:
            await step("first", log, "first")
            log(await interruptible_step("write", lambda stop: write()))
        except Exception:
            log("an error")

    enqueue(database, start(work), "a")
    log.awaits("written")
    assert log.lines == ["first", *["try"] * 5, "written"]


class Full:
    """A volume that has no room for what contains ``words``, as SQLite says it."""

    def __init__(self, database: Database, words: str) -> None:
        self.words: str | None = words
        self.refused = 0
        sa.event.listen(database.engine, "before_cursor_execute", self._look)

    def _look(self, _connection: object, _cursor: object, statement: str, *_: object) -> None:
        if self.words is not None and self.words in statement:
            self.refused += 1
            raise sa.exc.OperationalError(statement, {}, sqlite3.OperationalError("database or disk is full"))


def test_a_result_that_finds_no_room(database: Database, start: Callable[..., Jobs], log: Log) -> None:
    """The step is done, and only the library's own row about it cannot be written."""

    async def work(job_id: str) -> None:
        try:
            await step("first", log, "first")
            await pause(timedelta(milliseconds=1))
            log(await step("second", str, "done"))
        except Exception:
            log("an error")

    full = Full(database, "operation_outputs (")
    enqueue(database, start(work), "a")
    wait_for(lambda: True if full.refused >= 2 else None)
    full.words = None
    log.awaits("done")
    assert log.lines == ["first", "done"]
    names = [found["function_name"] for found in DBOS.list_workflow_steps("a")]
    assert names == ["first", "DBOS.sleep", "second"]


def test_an_end_that_finds_no_room(database: Database, start: Callable[..., Jobs], log: Log) -> None:
    async def work(job_id: str) -> None:
        await step("first", log, "first")

    full = Full(database, "workflow_output (")
    enqueue(database, start(work), "a")
    wait_for(lambda: True if full.refused else None)
    full.words = None
    wait_for(lambda: True if DBOS.list_workflows(status="SUCCESS") else None)
    assert log.lines == ["first"]
