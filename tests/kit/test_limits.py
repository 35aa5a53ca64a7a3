"""The outermost layer: clients that leave, and bodies that are large together."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import Message, Receive, Scope, Send

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
    await Request(scope, receive).body()
    await PlainTextResponse("read")(scope, receive, send)


def test_a_client_that_leaves_is_no_bug() -> None:
    seen: list[int] = []
    frame = Frame(reading, body_limit=MEGABYTE, observe=lambda method, route, status, seconds: seen.append(status))
    messages = [{"type": "http.request", "body": b"x", "more_body": True}, {"type": "http.disconnect"}]
    assert asyncio.run(call(frame, scope_of(), messages)) == 0
    assert seen == [499]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"content_length": str(3 * MEGABYTE)}, 429),
        ({"transfer_encoding": "chunked"}, 429),  # of unknown length: as long as it may be
        ({}, 200),  # without a body
        ({"content_length": str(3 * MEGABYTE), "content_type": "multipart/form-data; boundary=x"}, 429),
        ({"content_length": "20"}, 200),
    ],
)
def test_large_bodies_have_a_limit_together(
    monkeypatch: pytest.MonkeyPatch, headers: dict[str, str], status: int
) -> None:
    monkeypatch.setattr(limits, "LARGE_BYTES", 5 * MEGABYTE)
    asyncio.run(two(4 * MEGABYTE, {"transfer_encoding": "chunked"}, headers, status))


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"transfer_encoding": "chunked", "content_type": "multipart/form-data; boundary=x"}, 200),  # goes to a file
        ({"transfer_encoding": "chunked"}, 429),
    ],
)
def test_where_gigabytes_may_come_those_of_a_form_are_not_counted(
    monkeypatch: pytest.MonkeyPatch, headers: dict[str, str], status: int
) -> None:
    monkeypatch.setattr(limits, "LARGE_BYTES", limits._LARGEST + MEGABYTE)
    asyncio.run(two(8 * 1024 * MEGABYTE, {"transfer_encoding": "chunked"}, headers, status))


async def two(limit: int, first: dict[str, str], second: dict[str, str], status: int) -> None:
    """A body that is still being read, and another one beside it and after it."""
    gate = asyncio.Event()
    body = [{"type": "http.request", "body": b"{}", "more_body": False}]

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"].startswith("/first"):
            await gate.wait()
        await reading(scope, receive, send)

    frame = Frame(app, body_limit=MEGABYTE, observe=lambda *_: None, larger={"/large": limit})
    held = asyncio.ensure_future(call(frame, scope_of("/first/large", **first), body))
    await asyncio.sleep(0)
    assert await call(frame, scope_of(**second), body) == status
    gate.set()
    assert await held == 200
    assert await call(frame, scope_of(**second), body) == 200, "there is room again"
