"""Everything that can go wrong and be told to a client, and the one place where it becomes HTTP.

    SartorError                  500  and the base of all; nothing of its cause is shown
    ├── BadRequest               400  a life-cycle call with a wrong field
    ├── Unauthorized             401  no api_token, or one that nobody has
    ├── Forbidden                403  the model is unknown or another organisation's: which of the two is not said
    ├── NotFound                 404
    │   └── RequestNotFound      404  a status that is asked for too late, by the wrong one, or never existed
    ├── BodyTooSlow              408  and the connection ends
    ├── Conflict                 409  what is asked for does not go with what is there already
    │   └── Cancelled            409  the request was cancelled by its client
    ├── PreconditionFailed       412  something has to be done, or be larger, first
    ├── BodyTooLarge             413  a body, a picture or an archive
    ├── UnsupportedMediaType     415  no picture of a kind that is read here
    ├── Unprocessable            422  a generation body that cannot be used
    │   ├── ModelNotReady        422
    │   └── Moderated            422  the category is in ``details``
    ├── PictureNotFetched        460  an address in a body gave no picture; uploads to a dataset say 422
    ├── TooManyRequests          429  with ``retry_after`` seconds
    └── Unavailable              503  the database is away, what translates or checks words, or the engine

The envelope of every 4xx and 5xx of the API:
``{"error": {"code": <int>, "message": <short>, "details": <string>}, "request_id": <string>}``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import partial
from http import HTTPStatus
from json import JSONDecodeError
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

log = structlog.get_logger(__name__)


class SartorError(Exception):
    """Base of the tree. ``details`` is read by clients: no path, SQL or trace ever enters it."""

    code: int = 500
    message: str = "Internal Server Error"

    def __init__(self, details: str = "", *, code: int | None = None, message: str | None = None) -> None:
        self.details = details
        self.code = code or type(self).code
        self.message = message or type(self).message
        super().__init__(f"{self.code} {self.message}: {details}")

    def record(self) -> dict[str, Any]:
        """The wire's ``error`` object; also how a job remembers the error."""
        return {"code": self.code, "message": self.message, "details": self.details}

    @staticmethod
    def from_record(record: Mapping[str, Any]) -> SartorError:
        """The error that ``record`` was taken of, as far as a client can tell."""
        return SartorError(record["details"], code=int(record["code"]), message=record["message"])

    def headers(self) -> dict[str, str]:
        return {}

    def extra(self) -> dict[str, Any]:
        """Fields that this error adds beside ``error`` and ``request_id``."""
        return {}


class BadRequest(SartorError):
    code, message = 400, "Bad Request"


class Unauthorized(SartorError):
    code, message = 401, "Unauthorized"


class Forbidden(SartorError):
    code, message = 403, "Forbidden"


class NotFound(SartorError):
    code, message = 404, "Not Found"


class RequestNotFound(NotFound):
    def extra(self) -> dict[str, Any]:
        return {"status": "NOT_FOUND"}


class BodyTooSlow(SartorError):
    code, message = 408, "Request Timeout"

    def headers(self) -> dict[str, str]:
        return {"Connection": "close"}


class Conflict(SartorError):
    code, message = 409, "Conflict"


class Cancelled(Conflict):
    """What became of a request that its client cancelled."""

    message = "Cancelled"

    def __init__(self) -> None:
        super().__init__("The request was cancelled.")


class PreconditionFailed(SartorError):
    code, message = 412, "Precondition Failed"


class BodyTooLarge(SartorError):
    code, message = 413, "Content Too Large"


class UnsupportedMediaType(SartorError):
    code, message = 415, "Unsupported Media Type"


class Unprocessable(SartorError):
    code, message = 422, "Unprocessable Entity"


class ModelNotReady(Unprocessable):
    message = "Model Not Ready"


class Moderated(Unprocessable):
    """``subject`` is what was refused (prompt, structured_prompt, image); ``category`` why."""

    message = "Content Moderated"

    def __init__(self, subject: str, category: str) -> None:
        super().__init__(f"The {subject} was refused by content moderation; category: {category}")
        self.category = category


class PictureNotFetched(SartorError):
    code, message = 460, "Picture Not Fetched"


class TooManyRequests(SartorError):
    code, message = 429, "Too Many Requests"

    def __init__(self, details: str, *, retry_after: float) -> None:
        super().__init__(details)
        self.retry_after = max(1, math.ceil(retry_after))

    def headers(self) -> dict[str, str]:
        return {"Retry-After": str(self.retry_after)}

    def extra(self) -> dict[str, Any]:
        return {"retry_after": self.retry_after}


class Unavailable(SartorError):
    code, message = 503, "Service Unavailable"


class WrongField(ValueError):
    """What a validator of several fields raises of one of them, with which the message begins."""


class ErrorObject(BaseModel):
    code: int = Field(description="The HTTP status.", examples=[422])
    message: str = Field(description="What kind of error it is.", examples=["Unprocessable Entity"])
    details: str = Field(description="What was wrong, for a person; names the field.", examples=["seed: is missing"])


class ErrorAnswer(BaseModel):
    """Every 4xx and 5xx."""

    error: ErrorObject
    request_id: str = Field(description="Quote it when you report a problem.")


class TooManyRequestsAnswer(ErrorAnswer):
    retry_after: int = Field(description="Seconds to wait; also in the header `Retry-After`.", examples=[5])


class StatusNotFoundAnswer(ErrorAnswer):
    status: str = Field(pattern="^NOT_FOUND$", examples=["NOT_FOUND"])


def describe(*codes: int, **models: type[BaseModel]) -> dict[int | str, dict[str, Any]]:
    """The OpenAPI of the errors that a route answers; ``status_404=Model`` gives one its own shape.

    Whatever reads a body that can be too large (413) reads one that can be too slow (408).
    """
    shapes: dict[int, type[BaseModel]] = {429: TooManyRequestsAnswer}
    shapes |= {int(name.removeprefix("status_")): model for name, model in models.items()}
    slow = {BodyTooSlow.code} if BodyTooLarge.code in codes else set()
    described: dict[int | str, dict[str, Any]] = {}
    for code in sorted({*codes, *shapes, *slow} - ({429} - set(codes))):
        described[code] = {
            "model": shapes.get(code, ErrorAnswer),
            "description": _PHRASES.get(code) or HTTPStatus(code).phrase,
        }
        if code == 429:
            described[code]["headers"] = {"Retry-After": {"schema": {"type": "integer"}, "description": "Seconds."}}
    return described


def envelope(error: SartorError, request_id: str) -> dict[str, Any]:
    """The body of an error's answer."""
    return error.extra() | {"error": error.record(), "request_id": request_id}


def respond(error: SartorError, request_id: str) -> JSONResponse:
    """The whole answer to an error."""
    return JSONResponse(envelope(error, request_id), error.code, headers=error.headers())


def internal(exception: Exception, request_id: str) -> SartorError:
    """What a client is told of a bug: nothing but the number to ask with. The log has the rest."""
    log.error("internal error", request_id=request_id, exc_info=exception)
    return SartorError("An unexpected error occurred; quote the request_id when you report it.")


def install(app: FastAPI, *, away: Mapping[str, Sequence[type[Exception]]]) -> None:
    """Turns every error that an endpoint, the router or the body's validation raises into the envelope.

    ``away`` says what may not answer, "database", and what is raised then.
    """

    @app.exception_handler(SartorError)
    async def _ours(request: Request, error: SartorError) -> JSONResponse:
        return respond(error, request_id(request))

    for what, kinds in away.items():
        for kind in kinds:
            app.add_exception_handler(kind, partial(_unanswered, what))

    @app.exception_handler(RequestValidationError)
    async def _validation(request: Request, error: RequestValidationError) -> JSONResponse:
        return respond(_invalid(request, error), request_id(request))

    @app.exception_handler(HTTPException)
    async def _router(request: Request, error: HTTPException) -> JSONResponse:
        if error.status_code == 400:
            said = str(error.detail)
            said = unreadable(error.__cause__) if said == _UNREADABLE else said
            ours: SartorError = _wrong_body(request)(said)
        else:
            details = None
            if error.status_code in (404, 405):
                details = f"{request.method} {request.url.path} is not something that this service answers."
            ours = of_http(error, details)
        answer = respond(ours, request_id(request))
        answer.headers.update(error.headers or {})
        return answer


# What the framework says of a body that it failed on; malformed JSON apart, which comes to ``_sentence``.
_UNREADABLE = "There was an error parsing the body"
# Python renamed the first in 3.13, where clients are to read the same on every version, and has no name for the other.
_PHRASES = {kind.code: kind.message for kind in (BodyTooLarge, PictureNotFetched)}


async def _unanswered(what: str, request: Request, error: Exception) -> JSONResponse:
    log.error(f"the {what} does not answer", request_id=request_id(request), reason=in_one_line(error))
    return respond(Unavailable(f"The {what} does not answer; try again."), request_id(request))


def in_one_line(error: Exception) -> str:
    """What a database's driver or an object store says in several, for where many such lines may follow each other."""
    said, _, _ = str(getattr(error, "orig", None) or error).partition("\n\nDebug source")
    return " ".join(said.split()) or type(error).__name__


def of_http(error: HTTPException, details: str | None = None) -> SartorError:
    """What the router, and whoever reads bodies, raise, as one of ours."""
    phrase = _PHRASES.get(error.status_code) or HTTPStatus(error.status_code).phrase
    return SartorError(str(error.detail) if details is None else details, code=error.status_code, message=phrase)


def unreadable(error: BaseException | None) -> str:
    """What is said of a body that ``json.loads`` raised this of."""
    if isinstance(error, JSONDecodeError):
        return f"body: is not JSON ({error.msg})"
    if isinstance(error, RecursionError):
        return "body: is nested too deeply"
    if isinstance(error, ValueError) and not isinstance(error, UnicodeError):
        return "body: holds a number of too many digits"
    return "body: cannot be read as JSON"


def request_id(request: Request) -> str:
    """The id given to an HTTP request when it came in; a job that it starts keeps it."""
    return str(request.scope.get("sartor.request_id", ""))


def _wrong_body(request: Request) -> type[SartorError]:
    """Generation answers 422 for any body that it cannot process, the life cycle 400."""
    life_cycle = ("/tailored-gen/", "/datasets/")
    return BadRequest if any(part in request.url.path for part in life_cycle) else Unprocessable


def _invalid(request: Request, error: RequestValidationError) -> SartorError:
    found = error.errors()
    if found and found[0]["loc"][:1] == ("path",):  # an id of a shape that no id has
        return NotFound("There is nothing at this address.")
    return _wrong_body(request)(sentences([{**one, "loc": one["loc"][1:]} for one in found]))


def sentences(found: Sequence[Mapping[str, Any]]) -> str:
    """What pydantic found wrong, the first five, in words; each ``loc`` begins with the field."""
    return "; ".join(_sentence(one) for one in found[:5])


# What pydantic says of a body that is no object: of text, above all, which is what comes without a Content-Type.
_NO_OBJECT = ("model_attributes_type", "model_type", "dict_type")


def _sentence(found: Mapping[str, Any]) -> str:
    """``seed: input should be ...``: the field first, never the value."""
    if found["type"] == "json_invalid":
        return f"body: is not JSON ({found['ctx'].get('error', 'malformed')})"
    if not found["loc"] and found["type"] in _NO_OBJECT:
        return "body: must be a JSON object, sent with Content-Type: application/json"
    where = ".".join(str(part) for part in found["loc"] if not str(part).startswith("function-"))
    error = found.get("ctx", {}).get("error")
    if isinstance(error, WrongField):
        return f"{where}.{error}" if where else str(error)
    reason = str(found["msg"]).removeprefix("Value error, ")
    return f"{where or 'body'}: {reason[:1].lower()}{reason[1:]}"
