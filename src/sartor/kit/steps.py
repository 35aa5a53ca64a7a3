"""The durable steps that a job is made of."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any, TypeVar, cast

import structlog
from dbos import DBOS, StepOptions

from sartor.errors import SartorError
from sartor.kit.database import AWAY
from sartor.kit.storage import StorageAway

log = structlog.get_logger(__name__)

# While the database or the storage is away a step is tried again, 1, 2, 4 ... 15 seconds apart, for an hour; then its
# job is put back into its queue, and begins at this step again. A try that lasted longer than a minute had found it.
_AWAY_PAUSE, _LONGEST_AWAY_PAUSE, _AWAY_TRIES, _FOUND_AGAIN = 1.0, 15.0, 240, 60.0

T = TypeVar("T")


async def step(name: str, function: Callable[..., T], *arguments: Any, attempts: int = 1) -> T:
    """One durable step of a job: ``function`` runs in a thread, and its JSON result is kept.

    A SartorError is an answer like any other, remembered and raised again when the job is taken up by another
    process. Other exceptions are repeated up to ``attempts`` times, a second and more apart; the database or the
    storage being away does not use them up.
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
    away = _Away(name)

    async def outlasting() -> dict[str, Any]:
        return await away.outlasted(work)

    failures = 0

    def again(_: BaseException) -> bool:
        nonlocal failures
        failures += 1
        return failures < attempts

    options: StepOptions = {
        "name": name,
        "preemptible": preemptible,
        "retries_allowed": True,
        "max_attempts": attempts + 1,  # never reached: the error itself is to be raised
        "should_retry": again,
    }
    return _value(await DBOS.run_step_async(options, outlasting))


class _Away:
    """The patience of one step with a database or a storage that is away."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._pause, self._tries = _AWAY_PAUSE, 0

    async def outlasted(self, work: Callable[[], Awaitable[T]]) -> T:
        """The result of ``work``, once database and storage are there for it.

        Raises CancelledError where it does not come in time: nothing is written down, and the job is taken up again.
        """
        while True:
            began = time.monotonic()
            try:
                return await work()
            except (*AWAY, StorageAway) as error:
                # A storage that is away may take minutes to say so.
                if time.monotonic() - began > _FOUND_AGAIN and not isinstance(error, StorageAway):
                    self._pause, self._tries = _AWAY_PAUSE, 0
                self._tries += 1
                away = "storage" if isinstance(error, StorageAway) else "database"
                log.warning(f"the {away} is away", step=self._name, tries=self._tries, reason=str(error.__cause__))
                if self._tries >= _AWAY_TRIES:
                    raise asyncio.CancelledError from None
            await asyncio.sleep(self._pause)
            self._pause = min(2 * self._pause, _LONGEST_AWAY_PAUSE)


def _outcome(function: Callable[..., Any], *arguments: Any, **named: Any) -> dict[str, Any]:
    try:
        return {"value": function(*arguments, **named)}
    except SartorError as error:
        return {"error": error.record()}


def _value(outcome: dict[str, Any]) -> Any:
    if "error" in outcome:
        raise SartorError.from_record(outcome["error"])
    return outcome["value"]
