"""Long work that survives: durable jobs on the service's own database, through DBOS Transact.

A job is an async function of one id, made of steps. Each step's result is written down; a job whose process died
goes on, in another process, at the step that it was in. Ids go in and references come out: never pixels, never
secrets, and everything as plain JSON.

What DBOS leaves to us is to notice that a process died: see ``recovery``.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
import uuid
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from dbos import (
    DBOS,
    DBOSClient,
    DBOSConfig,
    DBOSPortableJSONSerializer,
    EnqueueOptions,
    ScheduleInput,
    _sys_db,
)
from dbos import error as dbos_errors
from sqlalchemy.orm import Session

from sartor.kit.database import Database, now
from sartor.kit.leases import Leases
from sartor.kit.recovery import Recovery
from sartor.kit.steps import interruptible_step, step

log = structlog.get_logger(__name__)

# Constants, not settings: recovery filters by version, and a job of another one would wait in silence.
_APPLICATION = "sartor"
_VERSION = "1"
# A job that kills its process this often in one step is at fault itself, and ends as an error. Every job that runs when
# a process ends is counted, whoever is at fault: with three a request was seen to be given up that had done nothing.
_MAX_RECOVERY_ATTEMPTS = 20
_PASSING = ("database is locked", "disk is full", "disk I/O error", "unable to open database file")

JobFunction = Callable[[str], Awaitable[None]]
Observe = Callable[[str, str, float], None]


@dataclass(frozen=True)
class Queue:
    """At most ``window`` of its jobs run in one worker, ``per_tenant`` of them for the same tenant."""

    name: str
    window: int
    per_tenant: int


@dataclass(frozen=True)
class Job:
    """``on_lost(id)`` is told of a job that ended without having said so: it was poison, or there is a bug.

    A job that is taken up again more than ``recoveries`` times in one step counts as poison; None is never.
    """

    name: str
    queue: Queue
    function: JobFunction
    on_lost: Callable[[str], None]
    recoveries: int | None = _MAX_RECOVERY_ATTEMPTS


@dataclass(frozen=True)
class Chore:
    """A function that one worker of all runs at the times of a cron expression (UTC); its result is logged.

    ``function(stop)`` returns soon after the event is set: the process stops, and another goes on.
    """

    name: str
    cron: str
    function: Callable[[threading.Event], Any]


class Jobs:
    """Enqueues everywhere; does the work where it was started.

    observe(name, outcome, seconds) is told of every run of a job in this process, from taking it up to letting it go:
    it ``ended`` (jobs that write down their own errors have ended, too), was ``interrupted`` by a cancel or a stop, or
    ``failed`` with an exception that it did not expect.
    """

    def __init__(
        self, database: Database, *, poll: timedelta, lease: timedelta, observe: Observe = lambda *_: None
    ) -> None:
        self.executor_id = f"{uuid.uuid4()}"
        self._database = database
        self._observe = observe
        self._poll = poll.total_seconds()
        self._lease = lease.total_seconds()
        self._leases = Leases(database, self.executor_id, self._lease)
        self._jobs: dict[str, Job] = {}
        self._chores: list[Chore] = []
        self._serializer = DBOSPortableJSONSerializer()
        self._client = DBOSClient(
            system_database_engine=database.engine,
            serializer=self._serializer,
            application_name=_APPLICATION,
            retry_connection_errors=False,  # the database being away is an answer, and not worth a wait
            lazy=True,
        )
        self._stopping = threading.Event()
        self._resting = threading.Lock()
        self._keepers: list[threading.Thread] = []
        self._running: dict[asyncio.Task[Any], str] = {}
        self._recovery = Recovery(
            self.executor_id, self._leases, self._client, self._jobs, self._running, stopping=self._stopping
        )

    def add(self, job: Job) -> None:
        """Makes ``job`` known; before ``start``, in every process that may find it in its queue."""
        self._jobs[job.name] = job

    def add_chore(self, chore: Chore) -> None:
        """Makes ``chore`` known; before ``start``."""
        self._chores.append(chore)

    def enqueue(self, session: Session, name: str, job_id: str, *, tenant: str, after: timedelta | None = None) -> None:
        """Adds a job within the caller's transaction: both are committed, or neither.

        One that is to run only ``after`` some time waits outside of its queue, where it is in nobody's way, and comes
        into it up to about a second late.
        """
        options: EnqueueOptions = {
            "workflow_name": name,
            "workflow_id": job_id,
            "queue_name": self._jobs[name].queue.name,
            "queue_partition_key": tenant,
            "app_version": _VERSION,
        }
        if after is not None:
            options["delay_seconds"] = max(0.0, after.total_seconds())
        self._client.enqueue_in_transaction(session, options, job_id)

    def cancel(self, job_id: str) -> None:
        """Keeps a waiting job from starting, and interrupts a running one within about a second."""
        with _at_once():
            self._client.cancel_workflow(job_id)

    def worked_on(self) -> bool:
        """Whether any process works on jobs, or did so until it died less than a lease ago."""
        return self._leases.alive()

    def forget(self, job_ids: Sequence[str]) -> None:
        """Deletes what is remembered of jobs that have ended."""
        with _at_once():
            self._client.delete_workflows(list(job_ids))
        self._recovery.forget(job_ids)

    def forget_ended(self, name: str) -> int:
        """Deletes what is remembered of the jobs with this name that ended more than a day ago; how many there were."""
        yesterday = (now() - timedelta(days=1)).isoformat()
        runs = self._client.list_workflows(name=name, completed_before=yesterday, load_input=False, load_output=False)
        self.forget([run.workflow_id for run in runs])
        return len(runs)

    def prepare(self) -> None:
        """Makes the job library's tables and the queues. Part of ``start``; a process that only enqueues calls it."""
        DBOS.migrate(self._database.url)
        for queue in {job.queue for job in self._jobs.values()}:
            self._client.register_queue(
                queue.name,
                worker_concurrency=queue.window,
                partition_worker_concurrency=queue.per_tenant,
                polling_interval_sec=self._poll,
            )

    def start(self) -> None:
        """Begins to work: from here on this process takes jobs out of the queues.

        One started Jobs a process: DBOS keeps its state in the process. Not to be called on an event loop.
        """
        _join_log()
        self.prepare()  # before the launch, which would look for new queues only a second later
        self._leases.renew()  # before the first job can carry this executor's name
        DBOS(
            config=DBOSConfig(
                name=_APPLICATION,
                application_version=_VERSION,
                executor_id=self.executor_id,
                system_database_url=self._database.url,
                system_database_engine=self._database.engine,
                serializer=self._serializer,
                notification_listener_polling_interval_sec=1.0,
                log_level="ERROR",
                enable_otlp=False,
            )
        )
        for job in self._jobs.values():
            DBOS.workflow(name=job.name, max_recovery_attempts=job.recoveries)(self._observed(job))
        chores = [self._scheduled(chore) for chore in self._chores]
        # What it writes about jobs and steps it writes again where PostgreSQL was away, but SQLite only where locked.
        _sys_db.retriable_sqlite_exception = _may_pass  # type: ignore[attr-defined, assignment]
        DBOS.launch()
        DBOS.apply_schedules(chores)
        self._stopping.clear()
        # Looking after others may take long (a storage that hangs): this process's own lease must not wait for it, nor
        # may those that are to be taken over wait for those that are to be ended.
        duties = {"lease": self._leases.renew, "watch": self._recovery.take_over, "lost": self._recovery.report_lost}
        for name, duty in duties.items():
            keeper = threading.Thread(target=self._keep, args=(duty,), name=name, daemon=True)
            keeper.start()
            self._keepers.append(keeper)

    def rest(self) -> None:
        """Stops taking jobs and interrupts the running ones, which another process, or the next start, goes on with.

        What is enqueued from now on waits for them as well.
        """
        with self._resting:
            if not self._keepers:
                return
            self._stopping.set()
            while self._keepers:
                self._keepers.pop().join()
            DBOS.destroy(destroy_registry=True)
            self._leases.release()

    def stop(self) -> None:
        """Rests, and lets go of the database."""
        self.rest()
        self._client.destroy()

    def _observed(self, job: Job) -> JobFunction:
        # One for each job: the library marks the function that it is given, and a method cannot be marked.
        async def run(job_id: str) -> None:
            began, outcome = time.monotonic(), "interrupted"
            task = asyncio.current_task()
            assert task is not None
            self._running[task] = job_id
            try:
                await job.function(job_id)
                outcome = "ended"
            except Exception:
                outcome = "failed"
                raise
            finally:
                del self._running[task]
                self._observe(job.name, outcome, time.monotonic() - began)

        return run

    def _scheduled(self, chore: Chore) -> ScheduleInput:
        async def run(_due: datetime, _context: Any) -> None:
            result = await interruptible_step(chore.name, lambda *, stop: chore.function(stop))
            log.info("chore done", chore=chore.name, result=result)
            # Of a chore's runs only the last day's are remembered.
            await step("forget", self.forget_ended, chore.name)

        function = DBOS.workflow(name=chore.name, max_recovery_attempts=_MAX_RECOVERY_ATTEMPTS)(run)
        return {"schedule_name": chore.name, "workflow_fn": function, "schedule": chore.cron}

    def _keep(self, duty: Callable[[], None]) -> None:
        while True:
            # Whatever goes wrong in one round (the database away, a locked file) is tried again in the next.
            try:
                duty()
            except Exception:
                log.exception("lease keeper failed", duty=duty.__name__)
            if self._stopping.wait(self._lease / 3):
                return


def _join_log() -> None:
    """Lets the library's errors into the process's log. A handler that it finds keeps it from adding its own, which
    would write past that log."""
    logger = logging.getLogger("dbos")
    logger.setLevel(logging.ERROR)
    logger.addHandler(logging.NullHandler())
    logger.addFilter(_no_cancel)


def _no_cancel(record: logging.LogRecord) -> bool:
    """A job that was cancelled ends with an exception in the library, which is no news."""
    return not (record.exc_info and isinstance(record.exc_info[1], dbos_errors.DBOSAwaitedWorkflowCancelledError))


_asked = threading.local()


@contextmanager
def _at_once() -> Iterator[None]:
    """Somebody waits for what is done here: in this thread only a lock is worth a wait."""
    _asked.waits = True
    try:
        yield
    finally:
        _asked.waits = False


def _may_pass(error: Exception) -> bool:
    """Whether SQLite may take later what it does not take now."""
    said = str(getattr(error, "orig", None) or error)
    return any(words in said for words in (_PASSING[:1] if getattr(_asked, "waits", False) else _PASSING))
