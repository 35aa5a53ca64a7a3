"""What becomes of jobs whose process died, which are taken over, and of those that ended badly, which are reported.

Every process start has an executor id with a lease in the table ``leases``, renewed every third of its lifetime. At the
same pace each worker looks for running jobs whose executor has no live lease, and puts them back into their queues.
"""

from __future__ import annotations

import asyncio
import itertools
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
import structlog
from dbos import DBOS, DBOSClient, WorkflowStatus

from sartor.kit.database import now
from sartor.kit.leases import Leases

if TYPE_CHECKING:
    from sartor.kit.jobs import Job

log = structlog.get_logger(__name__)

_LISTED_AT_ONCE = 1000
# Between the database's and this machine's, at most.
_CLOCKS_DIFFER = timedelta(hours=1)
_ENDED_BADLY = ["ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"]


class Recovery:
    """One process's part in it. ``jobs`` are those that are known here, by name; ``running`` the ids of those that run
    here, by their task; once ``stopping`` is set nothing more is reported."""

    def __init__(
        self,
        executor_id: str,
        leases: Leases,
        client: DBOSClient,
        jobs: Mapping[str, Job],
        running: Mapping[asyncio.Task[Any], str],
        *,
        stopping: threading.Event,
    ) -> None:
        self._executor_id = executor_id
        self._leases = leases
        self._client = client
        self._jobs = jobs
        self._running = running
        self._stopping = stopping
        self._stray: set[str] = set()
        self._lost: set[str] = set()
        self._reported: str | None = None

    def take_over(self) -> None:
        """Goes on with the jobs of processes that are dead, and lets those go that others took for such."""
        here = list(self._running.items())
        running = DBOS.list_workflows(status="PENDING", load_input=False, load_output=False)
        elsewhere = {job.workflow_id for job in running if job.executor_id != self._executor_id}
        for task, job_id in here:
            if job_id in elsewhere and task in self._running:  # this process was frozen, or cut off
                log.warning("a job was taken over from here", job=job_id)
                task.get_loop().call_soon_threadsafe(task.cancel)
        dead = self._leases.dead({job.executor_id for job in running if job.executor_id})
        if dead:
            self._acquit(dead)
            taken = DBOS._recover_pending_workflows(dead)
            log.info("took over jobs", executors=len(dead), jobs=len(taken))
        self._take_up(
            {
                job.workflow_id: self._jobs[job.name]
                for job in running
                if job.executor_id == self._executor_id and job.name in self._jobs
            }
        )

    def report_lost(self) -> None:
        """Tells those that they belong to of jobs that ended badly, once each."""
        began, whole = now(), True
        for found in list(self._ended_badly()):  # before any is ended, which moves the pages
            if found.workflow_id not in self._lost and not self._stopping.is_set():
                try:
                    self._jobs[found.name].on_lost(found.workflow_id)
                except Exception:  # tried again in the next round, and no reason to leave the others
                    log.exception("a lost job could not be ended", job=found.workflow_id)
                    whole = False
                else:
                    self._lost.add(found.workflow_id)
        if whole and not self._stopping.is_set():
            self._reported = (began - _CLOCKS_DIFFER).isoformat()

    def forget(self, job_ids: Iterable[str]) -> None:
        """Jobs with these ids may end badly, and be reported, anew."""
        self._lost.difference_update(job_ids)

    def _acquit(self, dead: Sequence[str]) -> None:
        """Counts anew how often jobs of these executors are taken up that have ended a step since the last time."""
        library = self._client._sys_db
        jobs, steps = library.tables.workflow_status.c, library.tables.operation_outputs.c
        went_on = sa.exists().where(
            steps.workflow_uuid == jobs.workflow_uuid, steps.completed_at_epoch_ms > jobs.started_at_epoch_ms
        )
        with library.engine.begin() as connection:
            connection.execute(
                sa.update(jobs.status.table)
                .where(jobs.status == "PENDING", jobs.executor_id.in_(dead), jobs.recovery_attempts > 1, went_on)
                .values(recovery_attempts=1)
            )

    def _take_up(self, mine: dict[str, Job]) -> None:
        """Goes on with this process's own jobs that do not run in it: the database was away for too long.

        Those that were seen in two rounds: one that was just taken begins in a moment.
        """
        stray = set(mine) - set(self._running.values())
        for job_id in stray & self._stray:
            DBOS.resume_workflow(job_id, queue_name=mine[job_id].queue.name)
            log.info("took up a job again", job=job_id)
        self._stray = stray - self._stray

    def _ended_badly(self) -> Iterator[WorkflowStatus]:
        """Since all were reported the last time, or ever."""
        for first in itertools.count(0, _LISTED_AT_ONCE):
            page = DBOS.list_workflows(
                status=_ENDED_BADLY,
                name=list(self._jobs),
                completed_after=self._reported,
                load_input=False,
                load_output=False,
                limit=_LISTED_AT_ONCE,
                offset=first,
            )
            yield from page
            if len(page) < _LISTED_AT_ONCE:
                return
