"""``/console``: sign in, draw, change what was drawn, look at the models.

Every page is made on the server of what the API's own services say; a form does what the same call of the API does. A
page of a request in progress asks again by itself, a second later, without a script.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, RedirectResponse
from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData

from sartor.accounts.endpoints import CallerDependency, Door
from sartor.accounts.service import Caller
from sartor.console.forms import idempotency_key, image_body
from sartor.console.pages import Pages
from sartor.console.session import PATH, refuse_other_sites, sign_in, sign_out, token_of
from sartor.errors import NotFound, SartorError, Unauthorized, request_id
from sartor.generation.schemas import ImageBody, drawn_seed
from sartor.generation.service import Generation
from sartor.generation.tables import COMPLETED, IMAGE, GenerationRequest
from sartor.kit.storage import Address
from sartor.models.endpoints import ModelId
from sartor.models.lifecycle import Lifecycle
from sartor.models.service import Models
from sartor.models.tables import Model
from sartor.vgl import diff, parse, plain

_IMAGES_OF_A_PAGE = 24
_PICTURES_OF_A_BRAND = 8
_SEE_OTHER = 303


class Console:
    """What the pages show, in plain values for the templates."""

    def __init__(
        self,
        generation: Generation,
        models: Models,
        lifecycle: Lifecycle,
        *,
        address_of: Callable[[Request], Address],
    ) -> None:
        self.generation = generation
        self.models = models
        self.lifecycle = lifecycle
        self.address_of = address_of

    def images(self, request: Request, caller: Caller, cursor: str | None) -> dict[str, Any]:
        """A page of the organisation's requests, newest first, and the models that the next can be drawn with."""
        rows, following = self.generation.page(caller, limit=_IMAGES_OF_A_PAGE, cursor=cursor)
        address = self.address_of(request)
        names = self._names(caller)
        shown = [self._shown(row, address, names) for row in rows if row.kind == IMAGE]
        return {"images": shown, "following": following, "first": cursor is None}

    def image(self, request: Request, caller: Caller, identifier: str) -> dict[str, Any]:
        """All that is known of one request. Raises RequestNotFound."""
        row = self.generation.find(caller, identifier)
        shown = self._shown(row, self.address_of(request), self._names(caller))
        scene = row.structured_prompt
        if scene is not None:
            shown["scene"] = json.dumps(plain(parse(scene)), ensure_ascii=False, indent=2)
            if row.given_structured_prompt is not None:
                shown["changes"] = diff(parse(row.given_structured_prompt), parse(scene))
            shown["again"] = json.dumps(
                {"tailored_model_id": str(row.model_id), "structured_prompt": scene, "seed": row.seed} | row.options,
                ensure_ascii=False,
            )
        return shown | {
            "canonical": scene,
            "seed": row.seed,
            "options": row.options,
            "notes": row.notes,
            "fingerprint": json.dumps(row.fingerprint, indent=2) if row.fingerprint else None,
            "seconds": (row.finished_at - row.created_at).total_seconds() if row.finished_at else None,
        }

    def drawable(self, caller: Caller) -> list[Model]:
        """The models that can be drawn with now, the organisation's own first."""
        found = self.models.visible(caller.organisation_id)
        return [model for model in found if model.status == "Completed" and model.training_version == "fibo"]

    def model(self, request: Request, caller: Caller, model_id: int) -> dict[str, Any]:
        """A model, its look as JSON and what shows it. Raises NotFound."""
        row = self.models.get(caller.organisation_id, model_id)
        links = self.lifecycle.links(row, self.address_of(request))
        return {
            "model": row,
            "schema": json.dumps(row.visual_schema, ensure_ascii=False, indent=2),
            "parameters": {name: value for name, value in row.training_parameters.items() if value is not None},
            "links": links,
            "pictures": [path.name for path in self.pictures(row)],
        }

    def pictures(self, row: Model) -> list[Path]:
        """Some of what a bundled model was trained on; none of any other."""
        brand = self.models.brand(row)
        return sorted((brand.folder / "images").glob("*.png"))[:_PICTURES_OF_A_BRAND] if brand else []

    def _names(self, caller: Caller) -> dict[int, str]:
        return {model.id: model.name for model in self.models.visible(caller.organisation_id)}

    def _shown(self, row: GenerationRequest, address: Address, names: dict[int, str]) -> dict[str, Any]:
        status = self.generation.status(row, address)
        scene = plain(parse(row.structured_prompt)) if row.structured_prompt else {}
        return {
            "id": row.id,
            "status": row.status,
            "url": status["result"].get("image_url") if row.status == COMPLETED else None,
            "progress": status.get("progress"),
            "error": row.error,
            "title": row.prompt or scene.get("short_description") or "A structured prompt, drawn again",
            "model": names.get(row.model_id, "a deleted model"),
            "model_id": row.model_id,
            "created_at": row.created_at,
        }


def router(
    generation: Generation,
    models: Models,
    lifecycle: Lifecycle,
    door: Door,
    *,
    address_of: Callable[[Request], Address],
) -> APIRouter:
    """The pages; the app mounts them once."""
    pages = Pages()
    console = Console(generation, models, lifecycle, address_of=address_of)

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
                    return RedirectResponse(f"{PATH}/sign-in", _SEE_OTHER)
                except RequestValidationError:
                    error: SartorError = NotFound("There is nothing at this address.")
                except SartorError as raised:
                    error = raised
                told = {"error": error, "request_id": request_id(request)}
                return pages.answer("error.html", error.code, error.headers(), **told)

            return answer

    routes = APIRouter(prefix=PATH, route_class=Page, include_in_schema=False)
    _mount_images(routes, pages, console)
    _mount_models(routes, pages, console)
    outer = APIRouter(include_in_schema=False)
    _mount_sign_in(outer, pages, door, address_of)
    outer.include_router(routes)
    return outer


def _mount_sign_in(routes: APIRouter, pages: Pages, door: Door, address_of: Callable[[Request], Address]) -> None:
    @routes.get("/")
    def root() -> Response:
        return RedirectResponse(PATH, _SEE_OTHER)

    @routes.get(f"{PATH}/style.css")
    def style() -> Response:
        return Response(pages.style, media_type="text/css", headers={"Cache-Control": "public, max-age=300"})

    @routes.get(f"{PATH}/sign-in")
    def sign_in_page() -> Response:
        return pages.answer("sign_in.html")

    @routes.post(f"{PATH}/sign-in")
    async def receive_token(request: Request) -> Response:
        try:
            refuse_other_sites(request, address_of(request).base)
            token = _texts(await request.form()).get("token", "").strip()
            await run_in_threadpool(door.admit_token, token, request.method)
        except SartorError as error:
            told = "That is not a token of this service." if isinstance(error, Unauthorized) else error.details
            return pages.answer("sign_in.html", error.code, error.headers(), told=told)
        answer = RedirectResponse(PATH, _SEE_OTHER)
        sign_in(answer, token, secure=address_of(request).base.startswith("https:"))
        return answer

    @routes.post(f"{PATH}/sign-out")
    def leave(request: Request) -> Response:
        refuse_other_sites(request, address_of(request).base)
        answer = RedirectResponse(f"{PATH}/sign-in", _SEE_OTHER)
        sign_out(answer)
        return answer


def _mount_images(routes: APIRouter, pages: Pages, console: Console) -> None:
    def form_page(
        request: Request, caller: Caller, given: dict[str, str], error: SartorError | None = None
    ) -> Response:
        """The first page: the form, with what was written into it, and the newest images."""
        return pages.answer(
            "images.html",
            error.code if error else 200,
            error.headers() if error else None,
            **console.images(request, caller, request.query_params.get("cursor")),
            models=console.drawable(caller),
            given={**dict.fromkeys(ImageBody.model_fields, ""), "form": secrets.token_hex(8), **given},
            told=error.details if error else "",
        )

    @routes.get("")
    def images(request: Request, caller: CallerDependency) -> Response:
        return form_page(request, caller, {"tailored_model_id": request.query_params.get("model", "")})

    @routes.get("/images")
    def first_page() -> Response:
        return RedirectResponse(PATH, _SEE_OTHER)

    @routes.post("/images")
    async def draw(request: Request, caller: CallerDependency) -> Response:
        given = _texts(await request.form())
        try:
            identifier = await run_in_threadpool(
                console.generation.submit,
                caller,
                request_id(request),
                image_body(given),
                base=console.address_of(request).base,
                idempotency_key=idempotency_key(given),
            )
        except SartorError as error:  # nothing that was written is lost
            return await run_in_threadpool(form_page, request, caller, given, error)
        return RedirectResponse(f"{PATH}/images/{identifier}", _SEE_OTHER)

    @routes.get("/images/{identifier}")
    def image(request: Request, caller: CallerDependency, identifier: str) -> Response:
        shown = console.image(request, caller, identifier)
        return pages.answer("image.html", image=shown, form=secrets.token_hex(8), other=drawn_seed())

    @routes.post("/images/{identifier}/cancel")
    def cancel(caller: CallerDependency, identifier: str) -> Response:
        console.generation.cancel(caller, identifier)
        return RedirectResponse(f"{PATH}/images/{identifier}", _SEE_OTHER)


def _mount_models(routes: APIRouter, pages: Pages, console: Console) -> None:
    @routes.get("/models")
    def models(caller: CallerDependency) -> Response:
        found = [
            {"model": model, "pictures": [path.name for path in console.pictures(model)[:4]]}
            for model in console.models.visible(caller.organisation_id)
        ]
        return pages.answer("models.html", models=found)

    @routes.get("/models/{model_id}")
    def model(request: Request, caller: CallerDependency, model_id: ModelId) -> Response:
        return pages.answer("model.html", **console.model(request, caller, model_id))

    @routes.get("/models/{model_id}/pictures/{name}")
    def picture(caller: CallerDependency, model_id: ModelId, name: str) -> Response:
        for path in console.pictures(console.models.get(caller.organisation_id, model_id)):
            if path.name == name:
                return FileResponse(path, headers={"Cache-Control": "private, max-age=3600"})
        raise NotFound("There is no such picture.")


def _texts(form: FormData) -> dict[str, str]:
    """The form's fields that are text; browsers send line ends as CR LF."""
    return {name: value.replace("\r\n", "\n") for name, value in form.items() if isinstance(value, str)}
