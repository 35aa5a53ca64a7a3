"""JSON bodies that bring pictures, parsed and checked in a thread: the event loop stands still for less long."""

from __future__ import annotations

from json import loads
from typing import Any, TypeVar

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError
from starlette.concurrency import run_in_threadpool

from sartor.errors import BadRequest, unreadable

Body = TypeVar("Body", bound=BaseModel)


async def read_json(request: Request, kind: type[Body]) -> Body:
    """Raises RequestValidationError, BadRequest."""
    content = await request.body()
    return await run_in_threadpool(lambda: validated(_parsed(content), kind))


def validated(values: Any, kind: type[Body]) -> Body:
    """Raises RequestValidationError, as the framework does for the bodies that it reads itself."""
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False, include_input=False)
        raise RequestValidationError([{**one, "loc": ("body", *one["loc"])} for one in found]) from None


def described(kind: type[BaseModel]) -> dict[str, Any]:
    """The body of a route that reads it so, for OpenAPI."""
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": kind.model_json_schema()}}}}


def _parsed(content: bytes) -> Any:
    try:
        return loads(content)
    except (ValueError, RecursionError) as error:
        raise BadRequest(unreadable(error)) from None
