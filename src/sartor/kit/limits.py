"""Around every request: an id, the answer to a bug, bounds on the body, and headers that keep browsers careful.

Plain ASGI, outside of the framework, so that nothing is parsed before it is bounded and nothing escapes unanswered.
Large bodies are held in memory, unless they are forms with files: all of them together may have LARGE_BYTES, those of
one caller a third of it. What counts is what has arrived, and it has to keep arriving.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from collections import Counter
from collections.abc import Callable, Hashable, Mapping

import structlog
from python_multipart.multipart import parse_options_header
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sartor.errors import (
    BodyTooLarge,
    BodyTooSlow,
    SartorError,
    TooManyRequests,
    UnsupportedMediaType,
    internal,
    respond,
)

log = structlog.get_logger(__name__)

# (method, path template or "", status, seconds)
Observer = Callable[[str, str, int, float], None]
# Whose request it is, as far as that is known by now.
Owner = Callable[[Scope], Hashable | None]

LARGE_BYTES = 768 * 1024 * 1024
_LARGEST = LARGE_BYTES // 4
_SHARE = LARGE_BYTES // 3
# A body may be silent for so many seconds, and from then on needs so many bytes a second on average.
SILENCE, _SLOWEST = 30.0, 32_000
_RETRY_AFTER = 5.0  # seconds
_FORM = b"multipart/form-data"
# The framework would decode a form by any codec that it names and Python has.
_UTF8 = {b"utf-8", b"utf8", b"us-ascii", b"ascii"}
_CLIENT_LEFT = 499  # what a client that broke off is counted as; it is not told

_HEADERS = [
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
]


class Frame:
    """The outermost layer. ``scope["sartor.request_id"]`` is the request's id; the answer's header repeats it.

    ``larger`` gives paths that end in its keys a body limit of their own, in bytes. ``owner`` is asked as a large body
    arrives, which is after the route has let its caller in.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        body_limit: int,
        observe: Observer,
        larger: Mapping[str, int] | None = None,
        owner: Owner = lambda scope: None,
    ) -> None:
        self._app = app
        self._body_limit = body_limit
        self._larger = dict(larger or {})
        self._observe = observe
        self._owner = owner
        self._held: Counter[Hashable | None] = Counter()  # bytes in memory, by owner; changed on the event loop alone

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        app = self._app
        if len(scope["path"]) > 1 and scope["path"].endswith("/"):
            app, scope = self._without_slash(scope)
        request_id = scope["sartor.request_id"] = str(uuid.uuid4())
        began = time.perf_counter()
        status = 0

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                own = list(message.get("headers", []))
                said = {name.lower() for name, _ in own}
                missing = [header for header in _HEADERS if header[0] not in said]
                message = {**message, "headers": [*own, *missing, (b"x-request-id", request_id.encode())]}
            await send(message)

        limit = self._limit(scope["path"])
        body = Arriving(receive)
        try:
            refused = self._refusal(scope, limit)
            if refused is not None:
                await respond(refused, request_id)(scope, receive, answer)
                return
            if self._large(scope, limit):
                body = Arriving(receive, free=self._body_limit, take=lambda count: self._take(scope, count))
            await app(scope, Bounded(scope, body, limit), answer)
        except ClientDisconnect:
            status = status or _CLIENT_LEFT
        except Exception as exception:
            response = respond(internal(exception, request_id), request_id)
            if status:  # too late to say it: the connection breaks instead
                raise
            await response(scope, receive, answer)
        finally:
            self._give_back(body)
            route = getattr(scope.get("route"), "path", "")
            seconds = time.perf_counter() - began
            self._observe(scope["method"], route, status, seconds)
            log.debug("answered", request_id=request_id, method=scope["method"], route=route, status=status)

    def _refusal(self, scope: Scope, limit: int) -> SartorError | None:
        """What is wrong before anything has arrived."""
        kind, said = parse_options_header(_header(scope, b"content-type"))
        if kind == _FORM and said.get(b"charset", b"utf-8").lower() not in _UTF8:
            return UnsupportedMediaType("Content-Type: forms are read as UTF-8 and nothing else.")
        announced = _header(scope, b"content-length")
        size = min(int(announced[:20]), limit, _LARGEST) if announced.isdigit() else 0
        held = self._held.total() if size > self._body_limit and self._large(scope, limit) else 0
        return _no_room() if held and held + size > LARGE_BYTES else None

    def _take(self, scope: Scope, count: int) -> Hashable | None:
        """Room for ``count`` more bytes; whose they are. Raises TooManyRequests."""
        owner = self._owner(scope)
        over = owner is not None and self._held[owner] + count > _SHARE
        if over or self._held.total() + count > LARGE_BYTES:
            raise _no_room()
        self._held[owner] += count
        return owner

    def _give_back(self, body: Arriving) -> None:
        self._held.subtract(body.taken)
        self._held += Counter()  # forgets those who hold nothing

    def _without_slash(self, scope: Scope) -> tuple[ASGIApp, Scope]:
        """The same place as without it: who looks is led there, by a relative address, for the host's name and what a
        proxy puts in front are not ours to say; who sends something need not send it twice."""
        path = scope["path"].rstrip("/")
        if path and scope["method"] in ("GET", "HEAD"):
            query = scope.get("query_string", b"").decode("latin-1")
            return RedirectResponse(f"../{path.rpartition('/')[2]}{'?' if query else ''}{query}"), scope
        return self._app, {**scope, "path": path or "/"}

    def _large(self, scope: Scope, limit: int) -> bool:
        """Whether a body may take more memory than any caller's. A file of a form that may be larger than _LARGEST does
        not stay there; of what is not a form so much is read at most."""
        form = _header(scope, b"content-type").strip().lower().startswith(_FORM)
        return limit > self._body_limit and not (form and limit > _LARGEST)

    def _limit(self, path: str) -> int:
        own = (limit for ending, limit in self._larger.items() if path.endswith(ending))
        return max(self._body_limit, *own, 0)


class Arriving:
    """``receive`` of a body that has to keep coming: HTTP's 408 where it does not. Only time spent in waiting counts.

    ``take`` is told how many bytes more stay in memory, once there are more than ``free``, and says whose they are.
    """

    def __init__(
        self, receive: Receive, *, free: int = 0, take: Callable[[int], Hashable | None] | None = None
    ) -> None:
        self.taken: Counter[Hashable | None] = Counter()
        self._receive = receive
        self._free = free
        self._take = take
        self._whole = False
        self._arrived = 0
        self._waited = 0.0

    async def __call__(self) -> Message:
        if self._whole:  # what comes now is that the client leaves
            return await self._receive()
        began = time.monotonic()
        try:
            async with asyncio.timeout(min(SILENCE, SILENCE + self._arrived / _SLOWEST - self._waited)):
                message = await self._receive()
        except TimeoutError:
            error = BodyTooSlow("The body did not arrive in time.")
            raise HTTPException(error.code, error.details, error.headers()) from None
        self._waited += time.monotonic() - began
        self._whole = not message.get("more_body", False)
        self._arrived += len(message.get("body", b""))
        if self._take is not None and self._arrived > self._free:
            more = self._arrived - self.taken.total()
            self.taken[self._take(more)] += more
        return message


class Bounded:
    """``receive`` that counts. A body's announced length is believed only when it is too large.

    ``limit`` is in bytes; ``refusal`` is what a client reads who sends more.
    """

    def __init__(self, scope: Scope, receive: Receive, limit: int, *, refusal: str = "") -> None:
        self._receive = receive
        self._left = limit
        self._refusal = refusal or f"A request body may have {limit:,} bytes at most."
        announced = dict(scope["headers"]).get(b"content-length", b"0")
        self._refused = not announced.isdigit() or int(announced[:20]) > limit

    async def __call__(self) -> Message:
        if self._refused:
            raise self._too_large()
        message = await self._receive()
        self._left -= len(message.get("body", b""))
        if self._left < 0:
            raise self._too_large()
        return message

    def _too_large(self) -> HTTPException:
        # The framework passes this kind on, and hides any other behind a 400.
        error = BodyTooLarge(self._refusal)
        return HTTPException(error.code, error.details)


def _header(scope: Scope, name: bytes) -> bytes:
    """The first of this name, which is the one that the framework reads; empty where there is none."""
    return next((bytes(value) for given, value in scope["headers"] if given == name), b"")


def _no_room() -> TooManyRequests:
    return TooManyRequests("Too many large bodies are being read at this moment.", retry_after=_RETRY_AFTER)
