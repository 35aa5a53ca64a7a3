"""The outermost layer: clients that leave, and bodies that are large together."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import Message, Receive, Scope, Send

from sartor.errors import SartorError, install
from sartor.kit import limits
from sartor.kit.limits import Frame

MEGABYTE = 1024 * 1024


def scope_of(path: str = "/large", **headers: str) -> dict[str, Any]:
    raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return {"type": "http", "method": "POST", "path": path, "headers": raw, "query_string": b""}


async def call(frame: Frame, scope: dict[str, Any], messages: Sequence[Message]) -> int:
    """The answer's status; 0 without an answer."""
    left, status = list(messages), 0

    async def receive() -> Message:
        return left.pop(0)

    async def send(message: Message) -> None:
        nonlocal status
        status = message.get("status", status)

    await frame(scope, receive, send)
    return status


async def reading(scope: Scope, receive: Receive, send: Send) -> None:
    """As a route does: what is refused while it reads becomes an answer."""
    try:
        await Request(scope, receive).body()
        answer: Response = PlainTextResponse("read")
    except SartorError as error:
        answer = PlainTextResponse("refused", error.code)
    await answer(scope, receive, send)


def test_a_client_that_leaves_is_no_bug() -> None:
    seen: list[int] = []
    frame = Frame(reading, body_limit=MEGABYTE, observe=lambda method, route, status, seconds: seen.append(status))
    messages = [{"type": "http.request", "body": b"x", "more_body": True}, {"type": "http.disconnect"}]
    assert asyncio.run(call(frame, scope_of(), messages)) == 0
    assert seen == [499]


@pytest.mark.parametrize("fails_after", [0, 1])
def test_a_bug_is_answered_once(fails_after: int) -> None:
    """Where an answer has begun the connection breaks: the server is told, and nothing is sent behind it."""
    sent: list[Message] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        begun: list[Message] = [{"type": "http.response.start", "status": 200, "headers": []}]
        for message in begun[:fails_after]:
            await send(message)
        raise ZeroDivisionError

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        raise AssertionError("nobody reads the body")

    seen: list[int] = []
    frame = Frame(app, body_limit=MEGABYTE, observe=lambda method, route, status, seconds: seen.append(status))
    with pytest.raises(ZeroDivisionError) if fails_after else nullcontext():
        asyncio.run(frame(scope_of(), receive, send))
    assert [message["status"] for message in sent if "status" in message] == seen == [200 if fails_after else 500]


@pytest.mark.parametrize("megabytes", [1, 2])
@pytest.mark.parametrize("announced", [True, False])
def test_a_body_has_a_limit_announced_or_not(megabytes: int, announced: bool) -> None:
    app = FastAPI()
    app.add_api_route("/small", read, methods=["POST"])
    install(app, away={})
    frame = Frame(app, body_limit=MEGABYTE, observe=lambda *_: None)
    length = {"content_length": str(megabytes * MEGABYTE)} if announced else {"transfer_encoding": "chunked"}
    status = asyncio.run(call(frame, scope_of("/small", **length), pieces(megabytes)))
    assert status == (200 if megabytes == 1 else 413)


FORM = {"content_type": "multipart/form-data; boundary=x"}


def pieces(megabytes: int) -> list[Message]:
    """A body that arrives a megabyte at a time."""
    return [
        {"type": "http.request", "body": b"x" * MEGABYTE, "more_body": number < megabytes - 1}
        for number in range(megabytes)
    ]


def owner_of(scope: Scope) -> str | None:
    return dict(scope["headers"]).get(b"api-token", b"").decode() or None


@pytest.mark.parametrize(
    ("headers", "megabytes", "status"),
    [
        ({"content_length": str(3 * MEGABYTE)}, 0, 429),  # at once
        ({"transfer_encoding": "chunked"}, 3, 429),  # when they arrive
        ({"transfer_encoding": "chunked"}, 1, 200),
        ({}, 0, 200),  # without a body
        ({"content_length": str(3 * MEGABYTE)} | FORM, 3, 429),
        ({"content_length": "20"}, 0, 200),
    ],
)
def test_large_bodies_have_a_limit_together(
    monkeypatch: pytest.MonkeyPatch, headers: dict[str, str], megabytes: int, status: int
) -> None:
    monkeypatch.setattr(limits, "LARGE_BYTES", 5 * MEGABYTE)
    asyncio.run(two(4 * MEGABYTE, 4, headers, megabytes, status))


@pytest.mark.parametrize(("headers", "status"), [(FORM, 200), ({}, 429)])
def test_where_gigabytes_may_come_those_of_a_form_are_not_counted(
    monkeypatch: pytest.MonkeyPatch, headers: dict[str, str], status: int
) -> None:
    """They go to a file."""
    monkeypatch.setattr(limits, "LARGE_BYTES", 5 * MEGABYTE)
    asyncio.run(two(8 * 1024 * MEGABYTE, 4, {"transfer_encoding": "chunked"} | headers, 3, status))


@pytest.mark.parametrize("first", [0, 1])
def test_what_is_only_announced_takes_no_room(monkeypatch: pytest.MonkeyPatch, first: int) -> None:
    monkeypatch.setattr(limits, "LARGE_BYTES", 5 * MEGABYTE)
    announced = {"content_length": str(4 * MEGABYTE)}
    asyncio.run(two(4 * MEGABYTE, first, announced, 4, 200, announced=announced))


@pytest.mark.parametrize(("token", "status"), [("one", 429), ("another", 200)])
def test_one_caller_has_a_share(monkeypatch: pytest.MonkeyPatch, token: str, status: int) -> None:
    monkeypatch.setattr(limits, "_SHARE", 5 * MEGABYTE)
    asyncio.run(two(4 * MEGABYTE, 4, {"api_token": token, "transfer_encoding": "chunked"}, 2, status))


async def two(
    limit: int,
    first: int,
    headers: dict[str, str],
    megabytes: int,
    status: int,
    *,
    announced: dict[str, str] | None = None,
) -> None:
    """A body of which ``first`` megabytes have come and the rest does not, and another one beside it and after it."""
    gate = asyncio.Event()

    frame = Frame(reading, body_limit=MEGABYTE, observe=lambda *_: None, larger={"/large": limit}, owner=owner_of)
    coming = [{**piece, "more_body": True} for piece in pieces(first)]

    async def receive() -> Message:
        if coming:
            return coming.pop(0)
        await gate.wait()
        return {"type": "http.request", "body": b"", "more_body": False}

    said: list[int] = []

    async def send(message: Message) -> None:
        said.extend([message["status"]] if "status" in message else [])

    its = (announced or {"transfer_encoding": "chunked"}) | {"api_token": "one"}
    held = asyncio.ensure_future(frame(scope_of(**its), receive, send))
    while coming:
        await asyncio.sleep(0)
    await asyncio.sleep(0)
    body = pieces(megabytes) or [{"type": "http.request", "body": b"{}", "more_body": False}]
    assert await call(frame, scope_of(**headers), body) == status
    gate.set()
    await held
    assert said == [200]
    assert await call(frame, scope_of(**headers), body) == 200, "there is room again"
    assert not frame._held


@pytest.mark.parametrize(
    ("rate", "status"),
    [
        (0, 408),  # silence
        (100, 408),  # 10 bytes in each tenth of a second
        (4_000, 200),
    ],
)
def test_a_body_has_to_keep_coming(monkeypatch: pytest.MonkeyPatch, rate: int, status: int) -> None:
    monkeypatch.setattr(limits, "SILENCE", 0.5)
    monkeypatch.setattr(limits, "_SLOWEST", 1_000)
    left = 15

    async def receive() -> Message:
        nonlocal left
        await asyncio.sleep(0.1 if rate else 10)
        left -= 1
        return {"type": "http.request", "body": b"x" * (rate // 10), "more_body": left > 0}

    said: list[Message] = []

    async def send(message: Message) -> None:
        said.append(message)

    app = FastAPI()
    app.add_api_route("/small", read, methods=["POST"])
    install(app, away={})
    frame = Frame(app, body_limit=MEGABYTE, observe=lambda *_: None)
    began = time.monotonic()
    asyncio.run(frame(scope_of("/small", content_length=str(15 * rate // 10)), receive, send))
    assert said[0]["status"] == status
    assert (b"connection", b"close") in said[0]["headers"] or status == 200
    assert time.monotonic() - began < 3


async def read(request: Request) -> int:
    return len(await request.body())


@pytest.mark.parametrize("charset", ["utf-8", "UTF8", "us-ascii", '"utf-8"'])
def test_forms_are_utf_8(charset: str) -> None:
    frame = Frame(reading, body_limit=MEGABYTE, observe=lambda *_: None)
    form = [{"type": "http.request", "body": b"--x--"}]
    assert asyncio.run(call(frame, scope_of(**FORM), form)) == 200
    assert asyncio.run(call(frame, charset_of(charset), form)) == 200
    json = scope_of(content_type="application/json; charset=latin-1")
    assert asyncio.run(call(frame, json, form)) == 200, "of which the framework reads no charset"


@pytest.mark.parametrize("charset", ["undefined", "unicode_escape", "raw_unicode_escape", "utf-7", "utf-16", "latin-1"])
def test_no_other_charset_is_decoded(charset: str) -> None:
    frame = Frame(reading, body_limit=MEGABYTE, observe=lambda *_: None)
    assert asyncio.run(call(frame, charset_of(charset), [{"type": "http.request", "body": b"--x--"}])) == 415


def charset_of(charset: str) -> dict[str, Any]:
    return scope_of(content_type=f"multipart/form-data; boundary=x; charset={charset}")
