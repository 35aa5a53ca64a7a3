"""Guarded HTTP: every address that a user gives is asked through here, and nowhere else.

    FetchError
    ├── BadAddress           not an http or https address that could be asked; never worth another try
    ├── RefusedAddress       leads into a network that is not public and that the operator did not allow
    ├── Unreachable          no such name, no connection, no valid certificate, or not HTTP
    ├── TimedOut             the whole of it took too long
    └── BadAnswer            an answer came, but not one to take
        ├── TooManyRedirects
        └── TooLarge

The guard sits where sockets are opened. A name is looked up once, every answer is checked, and the connection goes to
a checked address itself, with the original name in ``Host`` and in TLS: DNS that answers otherwise a moment later
changes nothing. Redirects are followed by hand, so each hop passes the same guard. Proxies of the environment are
not used, and nothing is decompressed. Messages are for whoever gave the address: they never tell what an inner name
resolves to.
"""

from __future__ import annotations

import asyncio
import os
import re
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from importlib.metadata import version
from ipaddress import ip_address
from pathlib import Path
from typing import Any, BinaryIO

import httpcore
import httpx
import structlog

from sartor.kit.networks import IPAddress, IPNetwork, literal, permitted

log = structlog.get_logger(__name__)

MAX_ADDRESS_CHARACTERS = 2048
_REDIRECTS = (301, 302, 303, 307, 308)
_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")
# A look-up cannot be interrupted; one that hangs keeps its thread until the system gives it up.
_LOOK_UPS = 64
_AGENT = f"Sartor/{version('sartor')}"

# Name -> the addresses that it has. Raises OSError where it has none.
Resolver = Callable[[str], Sequence[str]]


class FetchError(Exception):
    """Base of the tree; the message is a sentence for whoever gave the address."""


class BadAddress(FetchError):
    pass


class RefusedAddress(FetchError):
    pass


class Unreachable(FetchError):
    pass


class TimedOut(FetchError):
    pass


class BadAnswer(FetchError):
    pass


class TooManyRedirects(BadAnswer):
    pass


class TooLarge(BadAnswer):
    pass


@dataclass(frozen=True)
class Answer:
    """``body`` is as much as was asked for."""

    status: int
    body: bytes


def parse_address(text: str) -> httpx.URL:
    """An absolute address in its plain form: host in ASCII and lower case, without a trailing dot, IP addresses
    written out. Says nothing about where it leads. Raises BadAddress."""
    if len(text) > MAX_ADDRESS_CHARACTERS:
        raise BadAddress(f"An address may have {MAX_ADDRESS_CHARACTERS} characters at most.")
    try:
        url = httpx.URL(text)
        host = url.raw_host.decode("ascii").removesuffix(".")
        address = literal(host)
    except (httpx.InvalidURL, ValueError):
        raise BadAddress("This is not an address that could be asked.") from None
    if url.scheme not in ("http", "https"):
        raise BadAddress("An address begins with http:// or https://.")
    if url.userinfo:
        raise BadAddress("An address holds no user name and no password.")
    if url.port is not None and not 0 < url.port < 65536:
        raise BadAddress("A port is a number from 1 to 65535.")
    if address is None and (len(host) > 253 or not all(map(_LABEL.fullmatch, host.split(".")))):
        raise BadAddress("The host of this address is no name that could be looked up.")
    if address is not None and address.version == 6 and "%" in host:
        raise BadAddress("An address names no network interface.")
    return url.copy_with(host=host if address is None else str(address), fragment=None)


def system_resolver(host: str) -> list[str]:
    """Asks the operating system, as any program on this machine would."""
    return [str(found[4][0]) for found in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)]


class Fetcher:
    """Asks addresses that users gave. ``limit`` is for the whole of a call: look-up, redirects and body."""

    def __init__(self, *, allowed: Sequence[IPNetwork] = (), resolver: Resolver = system_resolver) -> None:
        self._allowed = tuple(allowed)
        self._resolver = resolver
        self._threads = ThreadPoolExecutor(_LOOK_UPS, thread_name_prefix="look-up")

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def post(
        self,
        address: str,
        content: bytes,
        *,
        headers: Mapping[str, str],
        limit: timedelta,
        answer_bytes: int = 0,
    ) -> Answer:
        """Sends ``content``; the answer, whatever its status, with the first ``answer_bytes`` of its body. Redirects
        are answers too. Raises any FetchError but BadAnswer."""
        url = parse_address(address)
        async with _within(limit) as deadline, self._ask("POST", url, headers, content, deadline) as response:
            body = b""
            if answer_bytes:
                async for chunk in response.aiter_stream():
                    body += chunk
                    if len(body) >= answer_bytes:
                        break
            return Answer(response.status, body[:answer_bytes])

    async def get(
        self, address: str, into: BinaryIO, *, max_bytes: int, limit: timedelta, max_redirects: int = 5
    ) -> int:
        """Writes the body of a 200 into ``into`` as it comes, and says how many bytes it had. What kind of file it is
        only its bytes can tell: the announced type is not looked at. After an error ``into`` may hold a part.

        Raises any FetchError.
        """
        async with _within(limit) as deadline, self._follow(address, deadline, max_redirects) as response:
            size = 0
            async for chunk in _body(response, max_bytes):
                into.write(chunk)
                size += len(chunk)
            return size

    async def announced_bytes(
        self, address: str, *, max_bytes: int, limit: timedelta, max_redirects: int = 5
    ) -> int | None:
        """How long ``get`` would say the body is, as far as the answer's head tells; the body is not read.

        Raises any FetchError, TooLarge for one that announces more than ``max_bytes``.
        """
        async with _within(limit) as deadline, self._follow(address, deadline, max_redirects) as response:
            return _announced(response, max_bytes)

    async def download(
        self,
        address: str,
        path: Path,
        *,
        max_bytes: int,
        limit: timedelta,
        silence: timedelta,
        max_redirects: int = 5,
    ) -> int:
        """Writes the body of a 200 into the file ``path``, and says how many bytes it had.

        The file appears when it is whole; until then, and after an error, its bytes are in ``<path>.part``, which the
        next call replaces. ``silence`` is how long nothing may come before it is given up. Of the body, 64 kB at a
        time are in memory. Raises any FetchError.
        """
        part = path.with_name(f"{path.name}.part")
        async with _within(limit) as deadline, self._follow(address, deadline, max_redirects) as response:
            size = 0
            # In a thread: a disk that is busy holds up this download, and no other one.
            with part.open("wb") as file:
                async for chunk in _unless_silent(_body(response, max_bytes), silence):
                    await asyncio.to_thread(file.write, chunk)
                    size += len(chunk)
                await asyncio.to_thread(os.fsync, file.fileno())
            part.replace(path)
            return size

    @asynccontextmanager
    async def _follow(self, address: str, deadline: float, max_redirects: int) -> AsyncIterator[httpcore.Response]:
        """The answer at the end of the redirects, with a 200 and a body that is not compressed."""
        url = parse_address(address)
        for _ in range(max_redirects + 1):
            async with self._ask("GET", url, {}, None, deadline) as response:
                headers = _headers(response)
                if response.status not in _REDIRECTS or "location" not in headers:
                    if response.status != 200:
                        raise BadAnswer(f"The address answered with the status {response.status}.")
                    if headers.get("content-encoding", "identity").strip().lower() not in ("", "identity"):
                        raise BadAnswer("The answer is compressed, though that was not asked for.")
                    yield response
                    return
                url = _next(url, headers["location"])
        raise TooManyRedirects(f"The address redirects more than {max_redirects} times.")

    @asynccontextmanager
    async def _ask(
        self, method: str, url: httpx.URL, headers: Mapping[str, str], content: bytes | None, deadline: float
    ) -> AsyncIterator[httpcore.Response]:
        always = {"Host": url.netloc.decode("ascii"), "User-Agent": _AGENT, "Accept-Encoding": "identity"}
        # httpx's own lower half, because it lets us open the sockets. A connection serves one call: nothing that one
        # user's address left behind in it can reach the next one's.
        pool = httpcore.AsyncConnectionPool(
            ssl_context=self._tls if url.scheme == "https" else None,
            network_backend=_Guard(self._find, deadline),
            max_connections=1,
        )
        target = httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path)
        async with pool:
            try:
                async with pool.stream(
                    method, target, headers=[*always.items(), *headers.items()], content=content
                ) as got:
                    yield got
            except (httpcore.NetworkError, httpcore.ProtocolError, ssl.SSLError) as error:
                log.info("an address did not answer well", host=url.host, reason=repr(error))
                raise Unreachable("The connection failed, or what answered was not HTTP.") from None

    async def _find(self, host: str) -> list[IPAddress]:
        """The addresses behind ``host``, all of them permitted."""
        try:
            written = literal(host)
            if written is not None:
                found = [written]
            else:
                loop = asyncio.get_running_loop()
                answers = await loop.run_in_executor(self._threads, self._resolver, host)
                found = [ip_address(answer) for answer in dict.fromkeys(answers)]
        except (OSError, ValueError):
            found = []
        if not found:
            raise Unreachable(f"The name {host} could not be looked up.")
        if refused := [address for address in found if not permitted(address, self._allowed)]:
            log.info("an address was refused", host=host, found=[str(address) for address in refused])
            raise RefusedAddress(f"{host} is not on the public internet.")
        return found

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        return httpx.create_ssl_context()


class _Guard(httpcore.AsyncNetworkBackend):
    """Connects to addresses that ``find`` lets pass, one after another until one answers."""

    def __init__(self, find: Callable[[str], Awaitable[list[IPAddress]]], deadline: float) -> None:
        self._find = find
        self._deadline = deadline
        self._sockets = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        found = await self._find(host)
        clock = asyncio.get_running_loop().time
        for left, address in zip(range(len(found), 0, -1), found, strict=True):
            # One that swallows everything leaves time for those after it; the last one has what is left.
            share = None if left == 1 else max(0.0, self._deadline - clock()) / left
            try:
                return await self._sockets.connect_tcp(str(address), port, timeout=share)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                continue
        raise Unreachable(f"{host} does not accept connections.")

    async def connect_unix_socket(
        self, path: str, timeout: float | None = None, socket_options: Iterable[Any] | None = None
    ) -> httpcore.AsyncNetworkStream:
        raise RefusedAddress("A file is no address.")

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


@asynccontextmanager
async def _within(limit: timedelta) -> AsyncIterator[float]:
    """A bound on everything inside; gives the moment, of the event loop's clock, at which it ends."""
    deadline = asyncio.get_running_loop().time() + limit.total_seconds()
    try:
        async with asyncio.timeout_at(deadline):
            yield deadline
    except TimeoutError:
        raise TimedOut(f"There was no whole answer within {limit.total_seconds():g} seconds.") from None


def _next(url: httpx.URL, location: str) -> httpx.URL:
    try:
        return parse_address(str(url.join(location)))
    except httpx.InvalidURL:
        raise BadAddress("The address redirects to something that is none.") from None


def _headers(response: httpcore.Response) -> dict[str, str]:
    return {name.lower().decode(): value.decode("latin-1") for name, value in response.headers}


def _announced(response: httpcore.Response, max_bytes: int) -> int | None:
    text = _headers(response).get("content-length", "")
    if not text.isdigit():
        return None
    if int(text[:20]) > max_bytes:
        raise TooLarge(f"The answer has more than {max_bytes:,} bytes.")
    return int(text)


async def _body(response: httpcore.Response, max_bytes: int) -> AsyncIterator[bytes]:
    _announced(response, max_bytes)
    size = 0
    async for chunk in response.aiter_stream():
        size += len(chunk)
        if size > max_bytes:
            raise TooLarge(f"The answer has more than {max_bytes:,} bytes.")
        yield chunk


async def _unless_silent(chunks: AsyncIterator[bytes], silence: timedelta) -> AsyncIterator[bytes]:
    while True:
        try:
            async with asyncio.timeout(silence.total_seconds()):
                chunk = await anext(chunks, None)
        except TimeoutError:
            raise TimedOut(f"Nothing came for {silence.total_seconds():g} seconds.") from None
        if chunk is None:
            return
        yield chunk
