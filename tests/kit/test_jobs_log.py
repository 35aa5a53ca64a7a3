"""What the job library says reaches the process's log, where it is news."""

from collections.abc import Callable

import pytest

from sartor.kit.database import Database
from sartor.kit.jobs import Jobs
from sartor.kit.steps import interruptible_step
from tests.kit.conftest import Log, enqueue


def test_a_bug_is_logged_and_a_cancel_is_not(
    database: Database, start: Callable[..., Jobs], log: Log, caplog: pytest.LogCaptureFixture
) -> None:
    async def work(job_id: str) -> None:
        if job_id == "fails":
            raise ValueError("a bug")
        await interruptible_step("hold", lambda stop: log("begins") and log(f"interrupted {stop.wait(20)}"))

    jobs = start(work)
    enqueue(database, jobs, "is cancelled")
    log.awaits("begins")
    jobs.cancel("is cancelled")
    log.awaits("interrupted True")
    log.awaits("lost is cancelled")
    enqueue(database, jobs, "fails")
    log.awaits("lost fails")
    jobs.stop()
    told = [record.exc_info[1] for record in caplog.records if record.name == "dbos" and record.exc_info]
    assert [repr(error) for error in told] == ["ValueError('a bug')"]
