"""Open connections: how many there may be, and how long one may do nothing.

A connection is a file descriptor, of which a process has a limited number, and needs no token. So one that begins no
request is closed after a while, and sooner where there are too many; so is one whose client does not read its answer.

A system that closes a connection on which more arrives has it reset, and the answer that was sent is lost: nginx makes
a 502 of it. So what was answered before its whole body had come is read on for a moment, and thrown away.
"""

from __future__ import annotations

import asyncio
import resource
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, cast

from uvicorn.protocols.http.h11_impl import H11Protocol

# What is asked for, where the system allows it: more than this process ever needs.
_DESCRIPTORS = 65_536
_MOST_CONNECTIONS = 8_192
_BACKLOG = 2_048
# Seconds: for the whole head of a request, from the connection's or the head's first byte; and for a client to read
# what was sent to it so far; and for the rest of a body that nobody wants.
HEAD_SECONDS = 20.0
READING_SECONDS = 60.0
LINGER_SECONDS = 10.0


@dataclass(frozen=True)
class Room:
    """Connections that may be open, and those that the system may hold ready beside them."""

    connections: int
    backlog: int


def make_room() -> Room:
    """Raises this process's limit of descriptors as far as the system allows (65,536 at most, never lowered), and says
    how many connections of clients are to be kept: half of what there is, for the rest is needed by the work itself,
    and 8,192 at most."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, _DESCRIPTORS)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with suppress(ValueError, OSError):  # a system with another limit of its own
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    limit = _DESCRIPTORS if soft == resource.RLIM_INFINITY else soft
    # All that are ready are taken in before the first of them is looked at.
    return Room(min(limit // 2, _MOST_CONNECTIONS), min(max(limit // 8, 1), _BACKLOG))


class _Closing:
    """A connection's transport, which closes as ``close`` says."""

    def __init__(self, transport: asyncio.Transport, close: Callable[[], None]) -> None:
        self._transport = transport
        self.close = close
        self.lingers = False

    def is_closing(self) -> bool:
        return self.lingers or self._transport.is_closing()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)


class Connection(H11Protocol):
    """One connection of a client. ``config.limit_concurrency`` stays unset: it would refuse requests, and keep what
    does nothing."""

    most = _MOST_CONNECTIONS

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._head: asyncio.TimerHandle | None = None
        self._reading: asyncio.TimerHandle | None = None
        self._lingering: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self._closing = _Closing(transport, lambda: self._close(transport))
        super().connection_made(cast(asyncio.Transport, self._closing))
        self._expect_head()
        if len(self.connections) > self.most:
            self._close_the_idlest()

    def connection_lost(self, exc: Exception | None) -> None:
        for timer in (self._head, self._reading, self._lingering):
            if timer is not None:
                timer.cancel()
        self._head = self._reading = self._lingering = None
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._closing.lingers:
            return
        super().data_received(data)
        if self.idle:
            self._expect_head()
        elif self._head is not None:
            self._head.cancel()
            self._head = None

    def pause_writing(self) -> None:
        super().pause_writing()
        if self._reading is None:
            self._reading = self.loop.call_later(READING_SECONDS, self.transport.abort)

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._reading is not None:
            self._reading.cancel()
            self._reading = None

    def shutdown(self) -> None:
        super().shutdown()
        if self._closing.lingers:
            self.transport.close()

    @property
    def idle(self) -> bool:
        """Whether no request of it is being answered."""
        return self.cycle is None or self.cycle.response_complete

    def _expect_head(self) -> None:
        if self._head is None and not self.transport.is_closing():
            self._head = self.loop.call_later(HEAD_SECONDS, self._give_up)

    def _give_up(self) -> None:
        self._head = None
        if self.idle:
            self.transport.abort()

    def _close(self, transport: asyncio.Transport) -> None:
        """Closes; where an answer was given before its whole body had come, once the client has left or the time is
        over. Called again, at once."""
        answered_early = self.cycle is not None and self.cycle.response_complete and self.cycle.more_body
        if not answered_early or self._closing.is_closing():
            transport.close()
            return
        self._closing.lingers = True
        transport.write_eof()
        self.flow.resume_reading()
        self._lingering = self.loop.call_later(LINGER_SECONDS, transport.abort)

    def _close_the_idlest(self) -> None:
        """Makes room: those that have waited longest for a request, several at a time, for looking at all takes time.
        Where every connection has a request, the new one goes, which has none yet."""
        ours = [one for one in self.connections if isinstance(one, Connection)]
        for one in ours:
            if one._closing.lingers:
                one.transport.abort()
        open_ones = [one for one in ours if not one.transport.is_closing()]
        if len(open_ones) <= self.most:
            return
        waiting = [(one._head.when(), one) for one in open_ones if one._head is not None and one.idle]
        waiting.sort(key=lambda pair: pair[0])
        for _, one in waiting[: max(1, self.most // 16)]:
            one.transport.abort()
