"""The door: every route behind it knows its caller before it reads a body."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response, Security
from fastapi.routing import APIRoute
from fastapi.security import APIKeyHeader
from starlette.concurrency import run_in_threadpool

from sartor.accounts.service import Accounts, Caller

_SCHEME = APIKeyHeader(
    name="api_token",
    scheme_name="api_token",
    description="A token made with `sartor token create`.",
    auto_error=False,
)


def guarded_router(accounts: Accounts, *, tag: str) -> APIRouter:
    """A router whose routes answer 401 to strangers, whatever else is wrong with their request."""

    class Guarded(APIRoute):
        def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
            handle = super().get_route_handler()

            async def authenticate_first(request: Request) -> Response:
                token = request.headers.get("api_token")
                request.state.caller = await run_in_threadpool(accounts.authenticate, token)
                return await handle(request)

            return authenticate_first

    return APIRouter(route_class=Guarded, tags=[tag], dependencies=[Security(_SCHEME)])


def _caller(request: Request) -> Caller:
    caller = request.state.caller
    assert isinstance(caller, Caller)
    return caller


CallerDependency = Annotated[Caller, Depends(_caller)]
