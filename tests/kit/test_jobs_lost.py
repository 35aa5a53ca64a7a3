"""Jobs that end badly among many that did."""

import asyncio
import threading
from collections.abc import Callable

import sqlalchemy as sa

from sartor.kit.database import Database
from sartor.kit.jobs import Jobs
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
