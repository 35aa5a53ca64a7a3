"""A job whose database is away for a while."""

import threading
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa

from sartor.kit.database import Database
from sartor.kit.jobs import Jobs, interruptible_step, step
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
    monkeypatch.setattr("sartor.kit.jobs._AWAY_PAUSE", 0.01)
    monkeypatch.setattr("sartor.kit.jobs._LONGEST_AWAY_PAUSE", 0.01)

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


def test_in_the_end_it_is_said_that_the_database_is_away(
    database: Database, start: Callable[..., Jobs], log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sartor.kit.jobs._AWAY_PAUSE", 0.01)
    monkeypatch.setattr("sartor.kit.jobs._AWAY_TRIES", 3)

    def write() -> None:
        log("try")
        raise sa.exc.OperationalError("select 1", {}, OSError("gone"))

    async def work(job_id: str) -> None:
        try:
            await step("write", write, attempts=2)
        except sa.exc.OperationalError:
            log("given up")

    enqueue(database, start(work), "a")
    log.awaits("given up")
    assert log.lines == ["try"] * 3 + ["given up"]
