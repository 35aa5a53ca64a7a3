"""``/console``: sign in, draw, change what was drawn, teach a model a look.

Every page is made on the server of what the API's own services say; a form does what the same call of the API does. A
page of something in progress asks again by itself, seconds later, without a script.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import RedirectResponse
from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from sartor.accounts.endpoints import Door
from sartor.console import datasets, images, models, projects
from sartor.console.forms import texts
from sartor.console.kept import WRITTEN, carried, form_of_console, hidden, keep
from sartor.console.pages import ICON, SEE_OTHER, Pages
from sartor.console.rooms import Rooms
from sartor.console.session import PATH, page_of_console, refuse_other_sites, sign_in, sign_out, token_of
from sartor.errors import (
    NotFound,
    SartorError,
    TooManyRequests,
    Unauthorized,
    Unavailable,
    internal,
    of_http,
    request_id,
)
from sartor.kit.database import AWAY
from sartor.kit.storage import Address

# The ends of addresses that forms of a page are sent to.
_FORMS = {
    "pictures",
    "describe",
    "schema",
    "captions",
    "train",
    "clone",
    "delete",
    "datasets",
    "stop",
    "cancel",
    "words",
}

# How often what is away for a while is tried again.
_AWAY_SECONDS = 10


def router(rooms: Rooms, door: Door) -> APIRouter:
    """The pages; the app mounts them once."""
    pages, address_of = Pages(), rooms.address_of

    class Page(APIRoute):
        """Knows its caller first, and answers errors as pages. Only addresses are validated: forms are read by hand."""

        def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
            handle = super().get_route_handler()

            async def answer(request: Request) -> Response:
                try:
                    if request.method != "GET":
                        refuse_other_sites(request, address_of(request).base)
                    request.state.caller = await run_in_threadpool(door.admit_token, token_of(request), request.method)
                    return await handle(request)
                except Unauthorized:
                    return await _ask_to_sign_in(pages, request)
                except RequestValidationError:
                    error: SartorError = NotFound("There is nothing at this address.")
                except SartorError as raised:
                    error = raised
                except HTTPException as raised:  # a body that is too large, or no form at all
                    error = of_http(raised)
                except AWAY:
                    error = Unavailable("The database does not answer; go back and try again.")
                except Exception as raised:
                    error = internal(raised, request_id(request))
                asked = request.method == "GET"
                told = {
                    "error": error,
                    "request_id": request_id(request),
                    "back": None if asked else _page_of(request),
                    "again": _seconds_until_again(error) if asked else None,
                }
                return pages.answer("error.html", error.code, error.headers(), **told)

            return answer

    routes = APIRouter(prefix=PATH, route_class=Page, include_in_schema=False)
    for room in (images, projects, datasets, models):
        room.mount(routes, pages, rooms)
    _mount_rest(routes)
    outer = APIRouter(include_in_schema=False)
    _mount_sign_in(outer, pages, door, address_of)
    outer.include_router(routes)
    return outer


def _seconds_until_again(error: SartorError) -> int | None:
    """When a page that could not be shown is asked for again by itself, as one that was asking already has to be; None
    where that is of no use."""
    if isinstance(error, TooManyRequests):
        return error.retry_after
    return _AWAY_SECONDS if isinstance(error, Unavailable) else None


def _page_of(request: Request) -> str:
    """The page that a request asks for, or that its form is on."""
    page, _, last = request.url.path.rpartition("/")
    if last in _FORMS:
        return page
    return request.url.path + (f"?{request.url.query}" if request.url.query else "")


async def _ask_to_sign_in(pages: Pages, request: Request) -> Response:
    """The sign-in, which leads to the page that was asked for, or back to that of a form; with what was written into
    the form."""
    wanted = page_of_console(_page_of(request))
    if request.method == "GET":
        query = f"?{urlencode({'next': wanted})}" if wanted != PATH else ""
        return RedirectResponse(f"{PATH}/sign-in{query}", SEE_OTHER)
    kept, told = await keep(request)
    to = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return pages.answer("sign_in.html", Unauthorized.code, told=told, next=wanted, kept=hidden(kept), to=to)


def _mount_rest(routes: APIRouter) -> None:
    @routes.api_route("/{rest:path}", methods=["GET", "POST"])
    def rest(request: Request, rest: str) -> Response:
        """What no page has. Where only forms go, the page that they are on: a reload after a form leads here."""
        if not rest:
            return RedirectResponse(PATH, SEE_OTHER)
        page, _, last = rest.rpartition("/")
        if request.method == "GET" and page and last in _FORMS:
            return RedirectResponse(_page_of(request), SEE_OTHER)
        raise NotFound("There is nothing at this address.")


def _mount_sign_in(routes: APIRouter, pages: Pages, door: Door, address_of: Callable[[Request], Address]) -> None:
    @routes.get("/")
    def root() -> Response:
        return RedirectResponse(PATH, SEE_OTHER)

    @routes.get(f"{PATH}/style.css")
    def style() -> Response:
        return Response(pages.style, media_type="text/css", headers={"Cache-Control": "public, max-age=300"})

    @routes.get(ICON)
    def icon() -> Response:
        return Response(pages.icon, media_type="image/svg+xml", headers={"Cache-Control": "public, max-age=86400"})

    @routes.get(f"{PATH}/sign-in")
    def sign_in_page(request: Request) -> Response:
        return pages.answer("sign_in.html", told="", next=request.query_params.get("next", ""), kept={}, to="")

    @routes.post(f"{PATH}/sign-in")
    async def receive_token(request: Request) -> Response:
        given: dict[str, str] = {}
        try:
            refuse_other_sites(request, address_of(request).base)
            given = texts(await request.form())
            token = given.get("token", "").strip()
            await run_in_threadpool(door.admit_token, token, request.method)
        except SartorError as error:
            told = "That is not a token of this service." if isinstance(error, Unauthorized) else error.details
            shown = {"next": given.get("next", ""), "kept": hidden(carried(given)), "to": given.get("to", "")}
            return pages.answer("sign_in.html", error.code, error.headers(), told=told, **shown)
        wanted, kept, to = page_of_console(given.get("next", "")), carried(given), form_of_console(given.get("to", ""))
        answer: Response = RedirectResponse(wanted, SEE_OTHER)
        if kept and to:
            answer = pages.answer("kept.html", kept=kept, to=to, next=wanted, written=WRITTEN)
        sign_in(answer, token, secure=address_of(request).base.startswith("https:"))
        return answer

    @routes.post(f"{PATH}/sign-out")
    def leave(request: Request) -> Response:
        refuse_other_sites(request, address_of(request).base)
        answer = RedirectResponse(f"{PATH}/sign-in", SEE_OTHER)
        sign_out(answer)
        return answer
