"""Chores: what runs by itself, and lets a process that stops go."""

import threading
import time
from collections.abc import Callable

from sartor.kit.jobs import Chore, Jobs
from tests.kit.conftest import Log

EVERY_SECOND, NEVER_SOON = "* * * * * *", "0 0 0 29 2 *"


async def nothing(job_id: str) -> None:
    """A job that is never enqueued."""


def test_a_stopping_process_does_not_wait_for_its_chores(start: Callable[..., Jobs], log: Log) -> None:
    def sweep(stop: threading.Event) -> int:
        log("sweeps")
        if stop.wait(30):
            log("leaves the rest")
        return 0

    jobs = start(nothing, chores=[Chore("sweep", EVERY_SECOND, sweep)])
    log.awaits("sweeps")
    began = time.monotonic()
    jobs.rest()
    assert time.monotonic() - began < 15
    assert "leaves the rest" in log.lines


def test_a_chore_that_was_left_off_is_gone_on_with_at_the_next_start(start: Callable[..., Jobs], log: Log) -> None:
    """By what is remembered of it: its own time does not come again."""

    def first(stop: threading.Event) -> None:
        log("first begins")
        log(f"first {stop.wait(30)}")

    jobs = start(nothing, chores=[Chore("sweep", EVERY_SECOND, first)])
    log.awaits("first begins")
    jobs.rest()
    assert "first True" in log.lines
    start(nothing, chores=[Chore("sweep", NEVER_SOON, lambda stop: log("second"))])
    log.awaits("second")
