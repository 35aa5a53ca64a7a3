"""Around every request: an id, the answer to a bug, a bound on the body, and headers that keep browsers careful.

Plain ASGI, outside of the framework, so that nothing is parsed before it is bounded and nothing escapes unanswered.
Large bodies are held in memory, unless they are forms with files: all of them together may have LARGE_BYTES.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Mapping

import structlog
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sartor.errors import BodyTooLarge, SartorError, TooManyRequests, internal, respond

log = structlog.get_logger(__name__)

# (method, path template or "", status, seconds)
Observer = Callable[[str, str, int, float], None]

LARGE_BYTES = 768 * 1024 * 1024
_LARGEST = LARGE_BYTES // 4
_RETRY_AFTER = 5.0  # seconds
_FORM = b"multipart/form-data"
_CLIENT_LEFT = 499  # what a client that broke off is counted as; it is not told

_HEADERS = [
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
]


class Frame:
    """The outermost layer. ``scope["sartor.request_id"]`` is the request's id; the answer's header repeats it.

    ``larger`` gives paths that end in its keys a body limit of their own, in bytes.
    """

    def __init__(
        self, app: ASGIApp, *, body_limit: int, observe: Observer, larger: Mapping[str, int] | None = None
    ) -> None:
        self._app = app
        self._body_limit = body_limit
        self._larger = dict(larger or {})
        self._observe = observe
        self._held = 0  # bytes of large bodies in memory; changed on the event loop alone

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
        large = self._large(scope, limit)
        try:
            if large and self._held and self._held + large > LARGE_BYTES:
                refused: SartorError = TooManyRequests(
                    "Too many large bodies are being read at this moment.", retry_after=_RETRY_AFTER
                )
                large = 0
                await respond(refused, request_id)(scope, receive, answer)
                return
            self._held += large
            await app(scope, Bounded(scope, receive, limit), answer)
        except ClientDisconnect:
            status = status or _CLIENT_LEFT
        except Exception as exception:
            response = respond(internal(exception, request_id), request_id)
            if status:  # too late to say it: the connection breaks instead
                raise
            await response(scope, receive, answer)
        finally:
            self._held -= large
            route = getattr(scope.get("route"), "path", "")
            seconds = time.perf_counter() - began
            self._observe(scope["method"], route, status, seconds)
            log.debug("answered", request_id=request_id, method=scope["method"], route=route, status=status)

    def _without_slash(self, scope: Scope) -> tuple[ASGIApp, Scope]:
        """The same place as without it: who looks is led there, by a relative address, for the host's name and what a
        proxy puts in front are not ours to say; who sends something need not send it twice."""
        path = scope["path"].rstrip("/")
        if path and scope["method"] in ("GET", "HEAD"):
            query = scope.get("query_string", b"").decode("latin-1")
            return RedirectResponse(f"../{path.rpartition('/')[2]}{'?' if query else ''}{query}"), scope
        return self._app, {**scope, "path": path or "/"}

    def _large(self, scope: Scope, limit: int) -> int:
        """How many bytes a body may take in memory, where that is more than any caller's. A file of a form that may be
        larger than _LARGEST does not stay there; of what is not a form so much is read at most."""
        headers = dict(scope["headers"])
        form = headers.get(b"content-type", b"").strip().lower().startswith(_FORM)
        if limit <= self._body_limit or (form and limit > _LARGEST):
            return 0
        announced = headers.get(b"content-length", b"")
        if not announced and b"transfer-encoding" not in headers:
            return 0  # there is no body
        size = min(int(announced[:20]) if announced.isdigit() else limit, limit, _LARGEST)
        return size if size > self._body_limit else 0

    def _limit(self, path: str) -> int:
        own = (limit for ending, limit in self._larger.items() if path.endswith(ending))
        return max(self._body_limit, *own, 0)


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
