"""Guarded HTTP, against real servers on this machine: where it never goes, how long it stays, how much it takes."""

from __future__ import annotations

import asyncio
import gzip
import io
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from pathlib import Path

import pytest

from sartor.kit.fetch import (
    Answer,
    BadAddress,
    BadAnswer,
    Fetcher,
    FetchError,
    RefusedAddress,
    TimedOut,
    TooLarge,
    TooManyRedirects,
    Unreachable,
)
from sartor.kit.networks import networks
from tests.kit.server import Server, Talk, certificate, says


@pytest.fixture
def serve() -> Iterator[Callable[..., Server]]:
    servers: list[Server] = []

    def start(talk: Talk, **values: object) -> Server:
        servers.append(Server(talk, **values))  # type: ignore[arg-type]
        return servers[-1]

    yield start
    for server in servers:
        server.close()


class Names:
    """A resolver whose answers change: each look-up of a name takes the next one, the last one stays."""

    def __init__(self, **answers: Sequence[Sequence[str]]) -> None:
        self._answers = {name.replace("_", "."): list(lists) for name, lists in answers.items()}
        self.asked: list[str] = []

    def __call__(self, host: str) -> Sequence[str]:
        self.asked.append(host)
        lists = self._answers.get(host)
        if not lists:
            raise socket.gaierror("no such name")
        return lists.pop(0) if len(lists) > 1 else lists[0]


def fetcher(names: Names | None = None, allowed: str = "127.0.0.0/8") -> Fetcher:
    return Fetcher(allowed=networks(allowed), **({} if names is None else {"resolver": names}))  # type: ignore[arg-type]


def get(fetcher: Fetcher, url: str, *, max_bytes: int = 10_000, seconds: float = 5, max_redirects: int = 5) -> bytes:
    into = io.BytesIO()
    limit = timedelta(seconds=seconds)
    size = asyncio.run(fetcher.get(url, into, max_bytes=max_bytes, limit=limit, max_redirects=max_redirects))
    assert size == len(into.getvalue())
    return into.getvalue()


def post(fetcher: Fetcher, url: str, *, seconds: float = 5, answer_bytes: int = 0) -> Answer:
    limit = timedelta(seconds=seconds)
    return asyncio.run(fetcher.post(url, b'{"a":1}', headers={"X-Mark": "7"}, limit=limit, answer_bytes=answer_bytes))


OK = "HTTP/1.1 200 OK|Content-Length: 5"


def test_a_body_is_got(serve: Callable[..., Server]) -> None:
    server = serve(says(OK, b"bytes"))
    assert get(fetcher(), server.url(path="/a%20b/ü?q=1#part")) == b"bytes"
    assert server.requests[0].startswith(b"GET /a%20b/%C3%BC?q=1 HTTP/1.1\r\n")
    assert b"Accept-Encoding: identity\r\n" in server.requests[0]


def test_a_body_is_posted(serve: Callable[..., Server]) -> None:
    server = serve(says("HTTP/1.1 500 Oh|Content-Length: 8", b"a reason"))
    assert post(fetcher(), server.url(), answer_bytes=5) == Answer(500, b"a rea")
    assert post(fetcher(), server.url()) == Answer(500, b"")
    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    assert body == b'{"a":1}'
    assert b"\r\nX-Mark: 7" in head


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.0.0.1.",
        "127.1",
        "2130706433",
        "0x7f.1",
        "0x7f000001",
        "0177.1",
        "017700000001",
        "127。0。0。1",
        "localhost",
        "LOCALHOST.",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[64:ff9b::127.0.0.1]",
        "0",
        "0.0.0.0",
    ],
)
def test_loopback_is_refused_in_every_form(serve: Callable[..., Server], host: str) -> None:
    """Each of these reaches the server where nobody stands guard, or would where the machine had the network for it."""
    server = serve(says(OK, b"bytes"))
    with pytest.raises(RefusedAddress, match="not on the public internet"):
        get(fetcher(allowed=""), server.url(host))
    with pytest.raises(RefusedAddress):
        post(fetcher(allowed=""), server.url(host))
    assert server.connections == 0


@pytest.mark.parametrize("host", ["127.0.0.1.", "127.1", "2130706433", "0x7f.1", "localhost", "[::ffff:127.0.0.1]"])
def test_the_same_forms_where_the_operator_allows_them(serve: Callable[..., Server], host: str) -> None:
    server = serve(says(OK, b"bytes"))
    names = Names(localhost=[["127.0.0.1"]])
    assert get(fetcher(names), server.url(host)) == b"bytes"


@pytest.mark.parametrize(
    "host",
    [
        "[::1]",
        "[::]",
        "[fd00:ec2::254]",
        "[fe80::1]",
        "[2002:7f00:1::]",
        "169.254.169.254",
        "100.100.100.200",
        "10.0.0.1",
        "168.63.129.16",
        "255.255.255.255",
        "224.0.0.1",
    ],
)
def test_other_networks_are_refused(host: str) -> None:
    with pytest.raises(RefusedAddress):
        post(fetcher(), f"http://{host}/latest/meta-data")


def test_what_is_no_address_is_not_asked() -> None:
    for address in ("ftp://127.0.0.1/", "http://user:word@127.0.0.1/", "http://[fe80::1%25eth0]/"):
        with pytest.raises(BadAddress):
            post(fetcher(), address)


def test_every_answer_of_dns_is_checked(serve: Callable[..., Server]) -> None:
    server = serve(says(OK, b"bytes"))
    for answers in (["127.0.0.1"], ["93.184.216.34", "127.0.0.1"], ["::1"], ["fe80::1%1"], ["::ffff:10.0.0.1"]):
        with pytest.raises(RefusedAddress) as refused:
            get(fetcher(Names(images_example=[answers]), allowed=""), server.url("images.example"))
        assert "127." not in str(refused.value), "what an inner name resolves to is not told"
    assert server.connections == 0


def test_dns_that_answers_otherwise_a_moment_later_changes_nothing(serve: Callable[..., Server]) -> None:
    """The first answer is the checked one, and the connection goes there; the second would have been another server."""
    checked = serve(says(OK, b"right"))
    rebound = Server(says(OK, b"wrong"), host="127.0.0.2")
    names = Names(images_example=[["127.0.0.1"], ["127.0.0.2"]])
    assert get(fetcher(names, allowed="127.0.0.1"), checked.url("images.example")) == b"right"
    assert names.asked == ["images.example"]
    assert f"Host: images.example:{checked.port}\r\n".encode() in checked.requests[0]
    with pytest.raises(RefusedAddress):
        get(fetcher(names, allowed="127.0.0.1"), rebound.url("images.example"))
    rebound.close()
    assert rebound.connections == 0


def test_the_next_address_of_a_name_is_tried(serve: Callable[..., Server]) -> None:
    server = serve(says(OK, b"bytes"))
    names = Names(images_example=[["127.0.0.9", "127.0.0.1"]])
    assert get(fetcher(names), server.url("images.example")) == b"bytes"


def test_redirects_are_followed_and_counted(serve: Callable[..., Server]) -> None:
    target = serve(says(OK, b"there"))
    hop = serve(says(f"HTTP/1.1 302 Found|Location: {target.url(path='/there')}"))
    relative = serve(lambda connection, head: says(OK, b"here!")(connection, head) if b"/b" in head else
                     says("HTTP/1.1 308 Moved|Location: /b")(connection, head))  # fmt: skip
    circle = serve(says("HTTP/1.1 301 Moved|Location: /again|Content-Length: 0"))
    assert get(fetcher(), hop.url()) == b"there"
    assert get(fetcher(), relative.url("127.0.0.1", "/a")) == b"here!"
    with pytest.raises(TooManyRedirects):
        get(fetcher(), circle.url(), max_redirects=3)
    assert circle.connections == 4
    assert post(fetcher(), hop.url()).status == 302
    assert len(target.requests) == 1, "a POST is never redirected"


@pytest.mark.parametrize(
    ("location", "error"),
    [
        ("http://127.0.0.2:{port}/", RefusedAddress),
        ("http://2130706434:{port}/", RefusedAddress),
        ("//inner.example:{port}/", RefusedAddress),
        ("http://169.254.169.254/latest/", RefusedAddress),
        ("file:///etc/passwd", BadAddress),
        ("http://user@127.0.0.1:{port}/", BadAddress),
        ("http://[::1", BadAddress),
    ],
)
def test_each_hop_passes_the_guard(serve: Callable[..., Server], location: str, error: type[FetchError]) -> None:
    inner = serve(says(OK, b"bytes"), host="127.0.0.2")
    hop = serve(says(f"HTTP/1.1 302 Found|Location: {location.format(port=inner.port)}"))
    names = Names(inner_example=[["127.0.0.2"]])
    with pytest.raises(error):
        get(fetcher(names, allowed="127.0.0.1"), hop.url())
    assert inner.connections == 0


def drips(head: str, *, every: float = 0.1) -> Talk:
    """A byte at a time: each read is quick, the whole is not."""

    def talk(connection: socket.socket, _: bytes) -> None:
        for byte in head.replace("|", "\r\n").encode() + b"\r\n\r\n" + b"x" * 1000:
            connection.sendall(bytes([byte]))
            time.sleep(every)

    return talk


@pytest.mark.parametrize(
    "talk",
    [
        drips("HTTP/1.1 200 OK|Content-Length: 1000"),
        lambda connection, _: connection.recv(1),
        drips("HTTP/1.1 200 OK|Content-Length: 1000", every=0.001),
    ],
    ids=["slow head", "silence", "slow body"],
)
def test_the_time_limit_is_for_the_whole(serve: Callable[..., Server], talk: Talk) -> None:
    server = serve(talk)
    began = time.monotonic()
    with pytest.raises(TimedOut):
        get(fetcher(), server.url(), seconds=0.6)
    assert time.monotonic() - began < 3


def test_a_look_up_that_hangs_ends_too() -> None:
    def hang(host: str) -> Sequence[str]:
        time.sleep(2)
        return ["93.184.216.34"]

    began = time.monotonic()
    with pytest.raises(TimedOut):
        post(Fetcher(resolver=hang), "http://slow.example/", seconds=0.3)
    assert time.monotonic() - began < 1.5


def test_a_tls_handshake_that_hangs_ends_too() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening, pytest.raises(TimedOut):
        post(fetcher(), f"https://127.0.0.1:{listening.getsockname()[1]}/", seconds=0.5)


def test_bodies_are_bounded_whatever_they_announce(serve: Callable[..., Server]) -> None:
    large = b"x" * 3000
    exact = serve(says("HTTP/1.1 200 OK|Content-Length: 3000", large))
    assert get(fetcher(), exact.url(), max_bytes=3000) == large
    chunked = f"{len(large):x}\r\n".encode() + large + b"\r\n0\r\n\r\n"
    for head, body in (
        ("HTTP/1.1 200 OK|Content-Length: 3000", b""),
        ("HTTP/1.1 200 OK", large),
        ("HTTP/1.1 200 OK|Transfer-Encoding: chunked", chunked),
    ):
        with pytest.raises(TooLarge):
            get(fetcher(), serve(says(head, body)).url(), max_bytes=2999)


def test_a_body_without_end(serve: Callable[..., Server]) -> None:
    sent = 0

    def talk(connection: socket.socket, _: bytes) -> None:
        nonlocal sent
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            sent += connection.send(b"x" * 65536)

    with pytest.raises(TooLarge):
        get(fetcher(), serve(talk).url(), max_bytes=100_000)
    assert sent < 20_000_000


def test_a_length_that_lies(serve: Callable[..., Server]) -> None:
    short = serve(says("HTTP/1.1 200 OK|Content-Length: 50", b"not fifty"))
    with pytest.raises(Unreachable):
        get(fetcher(), short.url())
    long = serve(says("HTTP/1.1 200 OK|Content-Length: 5", b"bytes and more"))
    assert get(fetcher(), long.url()) == b"bytes"
    for length in ("-1", "5, 6", "9" * 400, "0x10"):
        with pytest.raises((Unreachable, TooLarge)):
            get(fetcher(), serve(says(f"HTTP/1.1 200 OK|Content-Length: {length}", b"bytes")).url())


def test_nothing_is_decompressed(serve: Callable[..., Server]) -> None:
    bomb = gzip.compress(b"\x00" * 10_000_000)
    assert len(bomb) < 20_000
    server = serve(says(f"HTTP/1.1 200 OK|Content-Encoding: gzip|Content-Length: {len(bomb)}", bomb))
    with pytest.raises(BadAnswer, match="compressed"):
        get(fetcher(), server.url(), max_bytes=20_000)
    assert post(fetcher(), server.url(), answer_bytes=100).body == bomb[:100]
    with pytest.raises(FetchError):
        get(fetcher(), serve(says("HTTP/1.1 200 OK|Transfer-Encoding: gzip, chunked", b"0\r\n\r\n")).url())


@pytest.mark.parametrize("status", [204, 206, 304, 401, 404, 500])
def test_only_200_is_a_body(serve: Callable[..., Server], status: int) -> None:
    with pytest.raises(BadAnswer, match=str(status)):
        get(fetcher(), serve(says(f"HTTP/1.1 {status} Whatever|Content-Length: 0")).url())


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"SSH-2.0-OpenSSH_9\r\n",
        b"HTTP/1.1 2000 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"a" * 200_000 + b"\r\n\r\n",
    ],
    ids=["nothing", "another protocol", "no status", "an endless header"],
)
def test_what_is_not_http(serve: Callable[..., Server], raw: bytes) -> None:
    server = serve(lambda connection, _: connection.sendall(raw))
    with pytest.raises(Unreachable):
        get(fetcher(), server.url())


def test_nobody_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with pytest.raises(Unreachable):
        post(fetcher(), f"http://127.0.0.1:{port}/")
    with pytest.raises(Unreachable, match="could not be looked up"):
        post(fetcher(Names()), "http://nowhere.example/")


def test_proxies_of_the_environment_are_not_used(serve: Callable[..., Server], monkeypatch: pytest.MonkeyPatch) -> None:
    server, proxy = serve(says(OK, b"bytes")), serve(says(OK, b"proxy"))
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, proxy.url())
    monkeypatch.delenv("NO_PROXY", raising=False)
    assert get(fetcher(), server.url()) == b"bytes"
    assert proxy.connections == 0


def test_tls_is_with_the_name_and_not_with_the_address(
    serve: Callable[..., Server], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tls = certificate(tmp_path, "images.example")
    asked: list[str | None] = []
    tls.sni_callback = lambda _, name, __: asked.append(name)
    server = serve(says(OK, b"bytes"), tls=tls)
    names = Names(images_example=[["127.0.0.1"]], other_example=[["127.0.0.1"]])
    with pytest.raises(Unreachable):
        get(fetcher(names), server.url("images.example", scheme="https"))  # nobody vouches for it
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "certificate.pem"))
    assert get(fetcher(names), server.url("images.example.", scheme="https")) == b"bytes"
    with pytest.raises(Unreachable):
        get(fetcher(names), server.url("other.example", scheme="https"))
    assert asked == ["images.example", "images.example", "other.example"]
