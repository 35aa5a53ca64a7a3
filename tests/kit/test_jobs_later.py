"""Jobs that are to run only later: they wait outside of their queue, through a restart."""

import time
from collections.abc import Callable
from datetime import timedelta

from sartor.kit.database import Database
from sartor.kit.jobs import Jobs
from sartor.kit.steps import step
from tests.kit.conftest import QUEUE, Log, enqueue


def test_what_is_to_run_later_has_no_place_in_the_window(
    database: Database, start: Callable[..., Jobs], log: Log
) -> None:
    async def work(job_id: str) -> None:
        await step("only", log, job_id)

    jobs = start(work)
    began = time.monotonic()
    for number in range(QUEUE.window + 1):
        enqueue(database, jobs, f"later {number}", after=timedelta(seconds=4))
    enqueue(database, jobs, "now")
    log.awaits("now")
    assert log.lines == ["now"]
    jobs.stop()
    start(work)
    for number in range(QUEUE.window + 1):
        log.awaits(f"later {number}")
    assert 4 <= time.monotonic() - began < 8, "counted from when it was enqueued"
