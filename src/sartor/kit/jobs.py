"""Long work that survives: durable jobs on the service's own database, through DBOS Transact.

A job is an async function of one id, made of steps. Each step's result is written down; a job whose process died
goes on, in another process, at the step that it was in. Ids go in and references come out: never pixels, never
secrets, and everything as plain JSON.

What DBOS leaves to us is to notice that a process died. Every process start has an executor id with a lease in the
table ``leases``, renewed every third of its lifetime. At the same pace each worker looks for running jobs whose
executor has no live lease, and puts them back into their queues.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
import uuid
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar, cast

import structlog
from dbos import DBOS, DBOSClient, DBOSConfig, DBOSPortableJSONSerializer, EnqueueOptions, ScheduleInput, StepOptions
from dbos import error as dbos_errors
from sqlalchemy.orm import Session

from sartor.errors import SartorError
from sartor.kit.database import AWAY, Database, now
from sartor.kit.leases import Leases

log = structlog.get_logger(__name__)

# Constants, not settings: recovery filters by version, and a job of another one would wait in silence.
_APPLICATION = "sartor"
_VERSION = "1"
# A job that kills its process this often is at fault itself, and ends as an error. Every job that runs when a process
# dies is counted, whoever is at fault: with three a request was seen to be given up that had done nothing.
_MAX_RECOVERY_ATTEMPTS = 20
# While the database is away a step is tried again, 1, 2, 4 ... 15 seconds apart, for an hour. A try that lasted longer
# than a minute had found it again.
_AWAY_PAUSE, _LONGEST_AWAY_PAUSE, _AWAY_TRIES, _FOUND_AGAIN = 1.0, 15.0, 240, 60.0
_ENDED_BADLY = ["ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"]

T = TypeVar("T")
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

    A job that is taken up again more than ``recoveries`` times counts as poison; None is never.
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
        self._lost: set[str] = set()

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
        self._client.cancel_workflow(job_id)

    def forget(self, job_ids: Sequence[str]) -> None:
        """Deletes what is remembered of jobs that have ended."""
        self._client.delete_workflows(list(job_ids))
        self._lost.difference_update(job_ids)

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
        DBOS.launch()
        DBOS.apply_schedules(chores)
        self._stopping.clear()
        # Looking after others may take long (a storage that hangs): this process's own lease must not wait for it, nor
        # may those that are to be taken over wait for those that are to be ended.
        duties = {"lease": self._leases.renew, "watch": self._take_over, "lost": self._report_lost}
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
            try:
                await job.function(job_id)
                outcome = "ended"
            except Exception:
                outcome = "failed"
                raise
            finally:
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

    def _take_over(self) -> None:
        """Goes on with the jobs of processes that are dead."""
        running = DBOS.list_workflows(status="PENDING", load_input=False, load_output=False)
        dead = self._leases.dead({job.executor_id for job in running if job.executor_id})
        if dead:
            taken = DBOS._recover_pending_workflows(dead)
            log.info("took over jobs", executors=len(dead), jobs=len(taken))

    def _report_lost(self) -> None:
        ended = DBOS.list_workflows(
            status=_ENDED_BADLY, name=list(self._jobs), load_input=False, load_output=False, sort_desc=True, limit=1000
        )
        for found in ended:
            if found.workflow_id not in self._lost and not self._stopping.is_set():
                try:
                    self._jobs[found.name].on_lost(found.workflow_id)
                except Exception:  # tried again in the next round, and no reason to leave the others
                    log.exception("a lost job could not be ended", job=found.workflow_id)
                else:
                    self._lost.add(found.workflow_id)


async def step(name: str, function: Callable[..., T], *arguments: Any, attempts: int = 1) -> T:
    """One durable step of a job: ``function`` runs in a thread, and its JSON result is kept.

    A SartorError is an answer like any other, remembered and raised again when the job is taken up by another
    process. Other exceptions are repeated up to ``attempts`` times, a second and more apart; the database being away
    does not use them up.
    """

    async def work() -> dict[str, Any]:
        return await asyncio.to_thread(_outcome, function, *arguments)

    return cast(T, await _run(name, attempts, work))


async def async_step(name: str, function: Callable[..., Awaitable[T]], *arguments: Any, attempts: int = 1) -> T:
    """Like ``step``, for a function that waits for the network and needs no thread of its own meanwhile."""

    async def work() -> dict[str, Any]:
        try:
            return {"value": await function(*arguments)}
        except SartorError as error:
            return {"error": error.record()}

    return cast(T, await _run(name, attempts, work))


async def pause(duration: timedelta) -> None:
    """Waits in a job, in its place in the window. When it is over is written down: a job that is taken up again waits
    only for what is left."""
    await DBOS.sleep_async(duration.total_seconds())


async def interruptible_step(name: str, function: Callable[..., T], *arguments: Any, attempts: int = 1) -> T:
    """Like ``step``, for a function that also takes ``stop=threading.Event`` and returns soon after it is set.

    It is set when the job is cancelled and when the process stops. The step ends only once the thread has, so that
    what the thread held (the device) is free again.
    """
    stop = threading.Event()

    async def work() -> dict[str, Any]:
        thread = asyncio.get_running_loop().run_in_executor(None, lambda: _outcome(function, *arguments, stop=stop))
        try:
            return await asyncio.shield(thread)
        except asyncio.CancelledError:
            stop.set()
            while not thread.done():  # a stopping process cancels more than once
                with suppress(asyncio.CancelledError):
                    await asyncio.wait({thread})
            if not thread.cancelled():
                thread.exception()  # that it was interrupted is no news
            raise

    return cast(T, await _run(name, attempts, work, preemptible=True))


async def _run(
    name: str, attempts: int, work: Callable[[], Awaitable[dict[str, Any]]], *, preemptible: bool = False
) -> Any:
    async def outlasting() -> dict[str, Any]:
        duration, tries = _AWAY_PAUSE, 0
        while True:
            began = time.monotonic()
            try:
                return await work()
            except AWAY:
                if time.monotonic() - began > _FOUND_AGAIN:
                    duration, tries = _AWAY_PAUSE, 0
                tries += 1
                if tries >= _AWAY_TRIES:
                    raise
                log.warning("the database is away", step=name, tries=tries)
            await asyncio.sleep(duration)
            duration = min(2 * duration, _LONGEST_AWAY_PAUSE)

    failures = 0

    def again(error: BaseException) -> bool:
        nonlocal failures
        failures += 1
        return failures < attempts and not isinstance(error, AWAY)

    options: StepOptions = {
        "name": name,
        "preemptible": preemptible,
        "retries_allowed": True,
        "max_attempts": attempts + 1,  # never reached: the error itself is to be raised
        "should_retry": again,
    }
    return _value(await DBOS.run_step_async(options, outlasting))


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


def _outcome(function: Callable[..., Any], *arguments: Any, **named: Any) -> dict[str, Any]:
    try:
        return {"value": function(*arguments, **named)}
    except SartorError as error:
        return {"error": error.record()}


def _value(outcome: dict[str, Any]) -> Any:
    if "error" in outcome:
        raise SartorError.from_record(outcome["error"])
    return outcome["value"]
