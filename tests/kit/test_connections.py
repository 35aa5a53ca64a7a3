"""A real server that is sent nothing, half a head, or too much at once."""

from __future__ import annotations

import asyncio
import resource
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send

from sartor.kit import connections
from sartor.kit.connections import Connection
from tests.conftest import wait_for

MOST = 16
LARGE = b"x" * 262_144


async def gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """``/slow`` takes a second and a half; ``/large`` does not end by itself."""
    assert scope["type"] == "http"
    if scope["path"] == "/slow":
        await asyncio.sleep(1.5)
    await send({"type": "http.response.start", "status": 204 if scope["path"] != "/large" else 200, "headers": []})
    left = asyncio.ensure_future(gone(receive))
    while scope["path"] == "/large" and not left.done():
        await send({"type": "http.response.body", "body": LARGE, "more_body": True})
        await asyncio.sleep(0.01)
    await send({"type": "http.response.body", "body": b""})


@pytest.fixture
def port() -> Iterator[int]:
    few = type("Few", (Connection,), {"most": MOST})
    config = uvicorn.Config(app, http=few, ws="none", lifespan="off", log_config=None, backlog=8)
    server = uvicorn.Server(config)
    listening = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    yield int(listening.getsockname()[1])
    server.should_exit = server.force_exit = True
    thread.join(10)
    listening.close()


def connect(port: int, sent: bytes = b"") -> socket.socket:
    made = socket.create_connection(("127.0.0.1", port), timeout=10)
    made.sendall(sent)
    return made


def get(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode()


def is_open(one: socket.socket) -> bool:
    """Whether the server has not closed it; nothing is to be read from it."""
    one.setblocking(False)
    try:
        return bool(one.recv(1))
    except BlockingIOError:
        return True
    except OSError:
        return False


def reset(one: socket.socket) -> bool:
    """Whether the server takes nothing more."""
    try:
        one.send(b"x")
    except OSError:
        return True
    return False


def test_connections_that_ask_nothing_make_room(port: int) -> None:
    asking = connect(port, get("/slow"))
    idle = [connect(port) for _ in range(4 * MOST)]
    began = time.monotonic()
    assert connect(port, get("/")).recv(100).startswith(b"HTTP/1.1 204")
    assert time.monotonic() - began < 5
    assert asking.recv(100).startswith(b"HTTP/1.1 204"), "what has a request stays"
    still = [is_open(one) for one in idle]
    assert 0 < sum(still) <= MOST
    assert still[-1], "those that came first go first"
    assert not still[0]


@pytest.mark.parametrize("head", [b"", b"GET / HTTP/1.1\r\nHost: x\r\n"])
def test_a_head_has_to_come(port: int, head: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "HEAD_SECONDS", 1.0)
    one = connect(port, head)
    time.sleep(0.5)
    assert is_open(one)
    wait_for(lambda: None if is_open(one) else True, 5)


def test_a_head_that_drips_has_no_longer(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "HEAD_SECONDS", 1.0)
    one = connect(port, get("/"))
    assert one.recv(100).startswith(b"HTTP/1.1 204")
    one.setblocking(False)
    began = time.monotonic()

    def drip() -> bool | None:
        try:
            one.send(b"G")
        except OSError:
            return True
        time.sleep(0.1)
        return None if is_open(one) else True

    wait_for(drip, 5)
    assert 0.9 < time.monotonic() - began < 4


def test_a_request_may_take_longer_than_a_head(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "HEAD_SECONDS", 0.5)
    one = connect(port, get("/slow"))
    assert one.recv(100).startswith(b"HTTP/1.1 204")


def test_an_answer_has_to_be_read(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "READING_SECONDS", 1.0)
    one = connect(port, get("/large"))
    read = 0
    for _ in range(15):  # slowly is fine
        read += len(one.recv(65_536))
        time.sleep(0.1)
    assert read > 0
    time.sleep(3)
    deadline = time.monotonic() + 5
    with suppress(ConnectionResetError):
        while one.recv(1_048_576):
            assert time.monotonic() < deadline, "it goes on for ever"


REFUSED = b"POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 1000000000\r\n\r\n"


def test_an_answer_before_the_whole_body_arrives(port: int) -> None:
    """As nginx asks: for the last time on this connection, and it sends before it reads."""
    one = connect(port, REFUSED + LARGE)
    time.sleep(0.3)
    for _ in range(8):
        one.sendall(LARGE)
    time.sleep(0.3)
    assert one.recv(100).startswith(b"HTTP/1.1 204")
    while one.recv(100):
        pass  # the rest of the answer, and its end


def test_the_rest_of_a_body_is_not_awaited_for_ever(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "LINGER_SECONDS", 1.0)
    one = connect(port, REFUSED)
    began = time.monotonic()
    wait_for(lambda: True if reset(one) else None, 10)
    assert 0.9 < time.monotonic() - began < 5


def test_those_whose_answer_is_given_make_room_first(port: int) -> None:
    refused = [connect(port, REFUSED) for _ in range(MOST)]
    for one in refused:
        assert one.recv(100).startswith(b"HTTP/1.1 204")
    assert connect(port, get("/")).recv(100).startswith(b"HTTP/1.1 204")
    wait_for(lambda: True if reset(refused[0]) else None, 5)


def test_the_limit_of_open_files_is_raised() -> None:
    code = """
import resource
from sartor.kit.connections import make_room
hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
room = make_room()
print(resource.getrlimit(resource.RLIMIT_NOFILE)[0], room.connections, room.backlog)
resource.setrlimit(resource.RLIMIT_NOFILE, (256, 1024))
print(make_room())
"""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    wanted = 65_536 if hard == resource.RLIM_INFINITY else min(hard, 65_536)
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split("\n")
    assert said[0] == f"{wanted} {min(wanted // 2, 8_192)} {min(wanted // 8, 2_048)}"
    assert said[1] == "Room(connections=512, backlog=128)"
