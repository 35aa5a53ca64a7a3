"""``/image/generate/tailored``, ``/structured_prompt/generate/tailored``, ``/status/{request_id}`` with ``/cancel``,
``/requests``.

They answer under ``/v2`` and, because their description writes them so, without it.
"""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Header, Path, Query, Request
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool

from sartor.accounts.endpoints import CallerDependency, Door, guarded_router
from sartor.accounts.service import Caller
from sartor.errors import SartorError, StatusNotFoundAnswer, describe, request_id, respond
from sartor.generation.schemas import (
    AcceptedAnswer,
    ImageAnswer,
    ImageBody,
    RequestsAnswer,
    RequestSummary,
    StatusAnswer,
    StructuredPromptAnswer,
    StructuredPromptBody,
)
from sartor.generation.service import Generation
from sartor.generation.tables import ERROR, IN_PROGRESS, GenerationRequest
from sartor.kit.idempotency import HEADER, check_key
from sartor.kit.storage import Address

# How often a waiting synchronous request looks, in seconds: quickly at first, then in step with what images take.
_FIRST_LOOK, _SLOWEST_LOOK = 0.02, 0.25

Key = Annotated[
    str | None,
    Header(
        alias=HEADER,
        description="1 to 255 printable ASCII characters of yours: sent again with the same body within a day, it "
        "gives the same request instead of a second one; with another body, 422.",
    ),
]
RequestStatus = Literal["IN_PROGRESS", "COMPLETED", "ERROR"]
RequestId = Annotated[str, Path(description="From a 202 answer.")]


_AFTER_ACCEPTED = {"status": "get_status", "cancel": "cancel_request"}


def _follow(operation: str) -> dict[str, Any]:
    """An OpenAPI link from an answer with a request's id to what can be asked of that request."""
    return {"operationId": operation, "parameters": {"request_id": "$response.body#/request_id"}}


def router(
    generation: Generation, door: Door, *, address_of: Callable[[Request], Address], sync_wait: timedelta
) -> APIRouter:
    """The generation routes; the app mounts them under each prefix."""
    routes = guarded_router(door, tag="Generation")
    declared = describe(401, 403, 409, 413, 422, 429, 500, 503)
    declared[202] = {
        "model": AcceptedAnswer,
        "description": "Accepted: ask the status for the result.",
        "links": {name: _follow(operation) for name, operation in _AFTER_ACCEPTED.items()},
    }

    async def run(request: Request, caller: Caller, body: StructuredPromptBody, key: str | None) -> JSONResponse:
        address = address_of(request)
        identifier = await run_in_threadpool(
            generation.submit, caller, request_id(request), body, base=address.base, idempotency_key=check_key(key)
        )
        prefix = request.url.path.partition("/image/")[0].partition("/structured_prompt/")[0]
        row = await _wait(generation, caller, identifier, sync_wait) if body.sync else None
        if row is None or row.status == IN_PROGRESS:
            status_url = f"{address.base}{prefix}/status/{identifier}"
            return JSONResponse({"request_id": identifier, "status_url": status_url}, 202)
        if row.status == ERROR:  # of an earlier call, perhaps, that this one repeats
            return respond(SartorError.from_record(row.error or {}), identifier)
        result = generation.result(row, address)
        return JSONResponse({"request_id": identifier, **result, "result": result})

    @routes.post(
        "/image/generate/tailored",
        operation_id="generate_image",
        summary="Generate an image",
        response_model=ImageAnswer,
        responses=declared,
    )
    async def generate_image(
        request: Request, caller: CallerDependency, body: ImageBody, idempotency_key: Key = None
    ) -> JSONResponse:
        """An image in a tailored model's look: from words, from a structured prompt again, or from one changed by
        words. Give exactly one of `prompt`, `structured_prompt` + `seed`, `structured_prompt` + `prompt`."""
        return await run(request, caller, body, idempotency_key)

    @routes.post(
        "/structured_prompt/generate/tailored",
        operation_id="generate_structured_prompt",
        summary="Generate a structured prompt",
        response_model=StructuredPromptAnswer,
        responses=declared,
    )
    async def generate_structured_prompt(
        request: Request, caller: CallerDependency, body: StructuredPromptBody, idempotency_key: Key = None
    ) -> JSONResponse:
        """The structured prompt of which an image would be made, to be read or edited first. Give `prompt`, or
        `structured_prompt` + `prompt`."""
        return await run(request, caller, body, idempotency_key)

    @routes.get(
        "/status/{request_id}",
        operation_id="get_status",
        summary="Get the status of a request",
        response_model=StatusAnswer,
        responses=describe(401, 429, 500, 503, status_404=StatusNotFoundAnswer),
    )
    def get_status(request: Request, caller: CallerDependency, request_id: RequestId) -> Any:
        """200 for every request of this organisation, whatever became of it: read `status`."""
        return JSONResponse(generation.status(generation.find(caller, request_id), address_of(request)))

    @routes.post(
        "/status/{request_id}/cancel",
        operation_id="cancel_request",
        summary="Cancel a request",
        response_model=StatusAnswer,
        responses=describe(401, 429, 500, 503, status_404=StatusNotFoundAnswer),
    )
    def cancel_request(request: Request, caller: CallerDependency, request_id: RequestId) -> Any:
        """Ends a request that is in progress: its status becomes `ERROR` with the code 409 and the message `Cancelled`.
        One that has ended already stays what it is, so cancelling twice does no harm. Answers the status."""
        return JSONResponse(generation.status(generation.cancel(caller, request_id), address_of(request)))

    @routes.get(
        "/requests",
        operation_id="list_requests",
        summary="List requests",
        response_model=RequestsAnswer,
        responses=describe(401, 422, 429, 500, 503),
    )
    def list_requests(
        request: Request,
        caller: CallerDependency,
        limit: Annotated[int, Query(ge=1, le=100, description="Requests of a page.")] = 20,
        cursor: Annotated[str | None, Query(max_length=200, description="From the page before.")] = None,
        status: Annotated[RequestStatus | None, Query(description="Only those in this state.")] = None,
    ) -> Any:
        """This organisation's requests, newest first."""
        rows, following = generation.page(caller, limit=limit, cursor=cursor, status=status)
        address = address_of(request)
        summaries = [RequestSummary.model_validate(generation.summary(row, address)) for row in rows]
        shown = [summary.model_dump(mode="json", exclude_unset=True) for summary in summaries]
        return JSONResponse({"requests": shown, "next_cursor": following})

    return routes


async def _wait(generation: Generation, caller: Caller, identifier: str, limit: timedelta) -> GenerationRequest:
    """The request when it has ended, or as it is after ``limit`` or when the process stops: whoever sent it is to have
    its id."""
    clock = asyncio.get_running_loop().time
    deadline, pause = clock() + limit.total_seconds(), _FIRST_LOOK
    while True:
        row = await run_in_threadpool(generation.find, caller, identifier)
        if row.status != IN_PROGRESS or clock() >= deadline:
            return row
        try:
            await asyncio.sleep(min(pause, max(0.0, deadline - clock())))
        except asyncio.CancelledError:  # by the server, which waits for open requests no longer
            return row
        pause = min(pause * 1.3, _SLOWEST_LOOK)
