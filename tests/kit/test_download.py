"""Downloads into a file: whole or not there, bounded in bytes, time and silence, guarded like any other answer."""

from __future__ import annotations

import asyncio
import socket
import time
import tracemalloc
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from sartor.kit.fetch import BadAnswer, Fetcher, RefusedAddress, TimedOut, TooLarge, Unreachable
from sartor.kit.networks import networks
from tests.kit.server import Server, Talk, says

OK = "HTTP/1.1 200 OK|Content-Length: 5"


@pytest.fixture
def serve() -> Iterator[Callable[..., Server]]:
    servers: list[Server] = []

    def start(talk: Talk) -> Server:
        servers.append(Server(talk))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


def fetcher(allowed: str = "127.0.0.0/8") -> Fetcher:
    return Fetcher(allowed=networks(allowed))


def download(url: str, path: Path, *, max_bytes: int = 10_000, seconds: float = 5, silence: float = 5) -> int:
    limit, quiet = timedelta(seconds=seconds), timedelta(seconds=silence)
    return asyncio.run(fetcher().download(url, path, max_bytes=max_bytes, limit=limit, silence=quiet))


def announced(url: str, max_bytes: int = 10_000) -> int | None:
    return asyncio.run(fetcher().announced_bytes(url, max_bytes=max_bytes, limit=timedelta(seconds=5)))


def test_a_file_is_there_when_it_is_whole(serve: Callable[..., Server], tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    assert download(serve(says(OK, b"bytes")).url(), path) == 5
    assert path.read_bytes() == b"bytes"
    assert [found.name for found in tmp_path.iterdir()] == ["a.zip"]


def test_a_file_of_which_the_end_is_missing_is_not_there(serve: Callable[..., Server], tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with pytest.raises(Unreachable):
        download(serve(says("HTTP/1.1 200 OK|Content-Length: 9", b"bytes")).url(), path)
    assert not path.exists()
    assert download(serve(says(OK, b"other")).url(), path) == 5
    assert path.read_bytes() == b"other", "what was left is not gone on with"


def test_too_much_is_refused_by_its_announcement_and_by_its_bytes(serve: Callable[..., Server], tmp_path: Path) -> None:
    announces = serve(says("HTTP/1.1 200 OK|Content-Length: 6000000000"))
    with pytest.raises(TooLarge):
        download(announces.url(), tmp_path / "a", max_bytes=5_000_000_000)
    assert not (tmp_path / "a").exists()
    silent = serve(says("HTTP/1.1 200 OK", b"x" * 5001))
    with pytest.raises(TooLarge):
        download(silent.url(), tmp_path / "b", max_bytes=5000)
    assert not (tmp_path / "b").exists()
    assert download(serve(says("HTTP/1.1 200 OK", b"x" * 5000)).url(), tmp_path / "c", max_bytes=5000) == 5000


def test_silence_ends_it_long_before_the_limit(serve: Callable[..., Server], tmp_path: Path) -> None:
    def stalls(connection: socket.socket, _: bytes) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nby")
        time.sleep(3)

    began = time.monotonic()
    with pytest.raises(TimedOut, match="Nothing came"):
        download(serve(stalls).url(), tmp_path / "a", seconds=60, silence=0.2)
    assert time.monotonic() - began < 2


def test_a_drop_now_and_then_ends_at_the_limit(serve: Callable[..., Server], tmp_path: Path) -> None:
    def drips(connection: socket.socket, _: bytes) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n")
        for _byte in range(60):
            connection.sendall(b"x")
            time.sleep(0.05)

    with pytest.raises(TimedOut, match=r"within 0\.5 seconds"):
        download(serve(drips).url(), tmp_path / "a", seconds=0.5, silence=0.3)


def test_a_large_one_is_never_in_memory(serve: Callable[..., Server], tmp_path: Path) -> None:
    megabytes = 60

    def pours(connection: socket.socket, _: bytes) -> None:
        connection.sendall(f"HTTP/1.1 200 OK\r\nContent-Length: {megabytes * 1_000_000}\r\n\r\n".encode())
        for _part in range(megabytes * 10):
            connection.sendall(bytes(100_000))

    server = serve(pours)
    tracemalloc.start()
    try:
        size = download(server.url(), tmp_path / "a", max_bytes=10**9, seconds=60)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert size == (tmp_path / "a").stat().st_size == megabytes * 1_000_000
    assert peak < 8_000_000


def test_each_hop_is_guarded(serve: Callable[..., Server], tmp_path: Path) -> None:
    inner = serve(says("HTTP/1.1 302 Found|Location: http://169.254.169.254/latest|Content-Length: 0"))
    with pytest.raises(RefusedAddress):
        download(inner.url(), tmp_path / "a")
    with pytest.raises(RefusedAddress):
        announced(inner.url())
    target = serve(says(OK, b"bytes"))
    hop = serve(says(f"HTTP/1.1 307 Go|Location: {target.url()}|Content-Length: 0"))
    assert download(hop.url(), tmp_path / "a") == announced(hop.url()) == 5


def test_the_announced_size_is_asked_without_the_body(serve: Callable[..., Server]) -> None:
    assert announced(serve(says("HTTP/1.1 200 OK|Content-Length: 5")).url()) == 5
    assert announced(serve(says("HTTP/1.1 200 OK|Transfer-Encoding: chunked")).url()) is None
    with pytest.raises(TooLarge):
        announced(serve(says("HTTP/1.1 200 OK|Content-Length: 10001")).url())
    with pytest.raises(BadAnswer, match="404"):
        announced(serve(says("HTTP/1.1 404 No|Content-Length: 0")).url())
