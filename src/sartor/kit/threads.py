"""Threads for calls that take seconds, or may: pictures, archives, language models, a storage that does not answer.

Whoever is let in, asked about or looked up takes one of the framework's forty threads for a moment. If pictures waited
for their turn in those, a burst of uploads would keep everybody out, health checks among them.
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from anyio import CapacityLimiter, to_thread

from sartor.errors import TooManyRequests

T = TypeVar("T")

THREADS, WAITING = 16, 48
_RETRY_AFTER = 5.0  # seconds
_limiters: WeakKeyDictionary[asyncio.AbstractEventLoop, CapacityLimiter] = WeakKeyDictionary()


async def slowly(call: Callable[..., T], *arguments: Any, patient: bool = False, **named: Any) -> T:
    """``call`` in one of THREADS threads, in the order in which they come.

    Raises TooManyRequests where WAITING others wait already, unless it is ``patient``, and what ``call`` raises.
    """
    limiter = _limiters.setdefault(asyncio.get_running_loop(), CapacityLimiter(THREADS))
    if not patient and limiter.statistics().tasks_waiting >= WAITING:
        raise TooManyRequests("Too much is being worked on at this moment.", retry_after=_RETRY_AFTER)
    return await to_thread.run_sync(functools.partial(call, *arguments, **named), limiter=limiter)
