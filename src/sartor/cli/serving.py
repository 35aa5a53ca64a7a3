"""``sartor serve`` and ``sartor worker``: a process that runs until it is told to stop."""

from __future__ import annotations

import signal
import socket
import sys
import threading

import uvicorn

from sartor.app import create_app
from sartor.assembly import assemble
from sartor.generation.device import FAILED
from sartor.kit.connections import Connection, make_room
from sartor.kit.logs import configure_logging
from sartor.settings import Settings

# What is still being answered when the process is told to stop has this long, in seconds.
_GRACE = 10
# How often a worker looks at its device, in seconds.
_GLANCE = 1.0


def serve(settings: Settings) -> None:
    """Answers HTTP until SIGTERM or SIGINT; says on standard error where. Raises one of `kit.database.AWAY` where the
    database does not answer."""
    configure_logging(settings.log_level)
    room = make_room()
    app = create_app(settings)
    app.state.parts.database.check()  # the server would make pages of what its start raises
    config = uvicorn.Config(
        app,
        http=type("Connection", (Connection,), {"most": room.connections}),
        ws="none",
        backlog=room.backlog,
        host=settings.host,
        port=settings.port,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=_GRACE,
    )
    listening = config.bind_socket()
    # Connections inherit it. The event loop sets it only on sockets that were made for TCP by name, which this one is
    # not; without it every second answer of a connection waits 40 ms for the client's acknowledgement.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    print(f"Sartor answers on http://{host}:{listening.getsockname()[1]}, reference at /docs", file=sys.stderr)
    uvicorn.Server(config).run(sockets=[listening])


class DeviceFailed(Exception):
    """The engine could not be loaded, or its device was lost: only a new process may find it again."""


def work(settings: Settings) -> None:
    """Works on jobs until SIGTERM or SIGINT. Raises DeviceFailed where it no longer can: it has nothing else to do, and
    whoever watches processes starts it again."""
    configure_logging(settings.log_level)
    make_room()
    told = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: told.set())
    parts = assemble(settings)
    parts.start()
    try:
        while not told.wait(_GLANCE):
            if parts.device.failed:
                raise DeviceFailed(FAILED)
    finally:
        parts.stop()
