"""The door: every route behind it knows its caller before it reads a body."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response, Security
from fastapi.routing import APIRoute
from fastapi.security import APIKeyHeader
from starlette.concurrency import run_in_threadpool

from sartor.accounts.quotas import Quotas
from sartor.accounts.service import Accounts, Caller

_SCHEME = APIKeyHeader(
    name="api_token",
    scheme_name="api_token",
    description="A token made with `sartor token create`.",
    auto_error=False,
)


class Door:
    """Lets callers in: those with a token, as often as their organisation's quota allows."""

    def __init__(self, accounts: Accounts, quotas: Quotas) -> None:
        self._accounts = accounts
        self._quotas = quotas

    def admit(self, request: Request) -> Caller:
        """Who sends ``request``. Raises Unauthorized, TooManyRequests."""
        return self.admit_token(request.headers.get("api_token"), request.method)

    def admit_token(self, token: str | None, method: str) -> Caller:
        """Who has this token, and sends a request with this HTTP method. Raises Unauthorized, TooManyRequests."""
        caller = self._accounts.authenticate(token)
        self._quotas.spend(caller, method)
        return caller


def guarded_router(door: Door, *, tag: str) -> APIRouter:
    """A router whose routes answer 401 to strangers, whatever else is wrong with their request."""

    class Guarded(APIRoute):
        def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
            handle = super().get_route_handler()

            async def authenticate_first(request: Request) -> Response:
                request.state.caller = await run_in_threadpool(door.admit, request)
                return await handle(request)

            return authenticate_first

    return APIRouter(route_class=Guarded, tags=[tag], dependencies=[Security(_SCHEME)])


def _caller(request: Request) -> Caller:
    caller = request.state.caller
    assert isinstance(caller, Caller)
    return caller


CallerDependency = Annotated[Caller, Depends(_caller)]
