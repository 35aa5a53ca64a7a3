"""A database; durable jobs on it, and a log of what happened."""

import threading
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest

from sartor.kit.database import Database
from sartor.kit.jobs import Job, Jobs, Queue
from tests.conftest import wait_for

QUEUE = Queue("test", window=2, per_tenant=2)


class Log:
    """What happened, in order."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._lock = threading.Lock()

    def __call__(self, line: str) -> str:
        with self._lock:
            self.lines.append(line)
        return line

    def awaits(self, line: str) -> None:
        wait_for(lambda: True if line in self.lines else None)


def holding(log: Log) -> Callable[..., None]:
    """A step that runs until it is told to stop."""

    def hold(*, stop: threading.Event) -> None:
        log("begins")
        stop.wait(20)

    return hold


@pytest.fixture
def log() -> Log:
    return Log()


@pytest.fixture
def start(database: Database, log: Log) -> Iterator[Callable[..., Jobs]]:
    """Starts a Jobs with one job, ``work``; a second call is the next start of the same service."""
    running: list[Jobs] = []

    def start(function: Callable[[str], object], **values: object) -> Jobs:
        observe, chores = values.pop("observe", lambda *_: None), values.pop("chores", ())
        jobs = Jobs(database, poll=timedelta(seconds=0.02), lease=timedelta(seconds=1.2), observe=observe)  # type: ignore[arg-type]
        told = {"on_lost": lambda job: log(f"lost {job}")}
        jobs.add(Job("work", QUEUE, function, **(told | values)))  # type: ignore[arg-type]
        for chore in chores:  # type: ignore[attr-defined]
            jobs.add_chore(chore)
        jobs.start()
        running.append(jobs)
        return jobs

    yield start
    for jobs in running:
        jobs.stop()


def enqueue(database: Database, jobs: Jobs, job_id: str, *, after: timedelta | None = None) -> None:
    with database.transaction() as session:
        jobs.enqueue(session, "work", job_id, tenant="1", after=after)
