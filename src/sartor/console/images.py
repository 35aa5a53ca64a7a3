"""Images in the console: the form, the newest ones, and the page of one."""

from __future__ import annotations

import json
import secrets
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse
from starlette.concurrency import run_in_threadpool

from sartor.accounts.endpoints import CallerDependency
from sartor.accounts.service import Caller
from sartor.console.forms import idempotency_key, image_body, sayable, texts
from sartor.console.pages import SEE_OTHER, Pages
from sartor.console.rooms import Rooms
from sartor.console.session import PATH
from sartor.errors import SartorError, request_id
from sartor.generation.schemas import ImageBody, drawn_seed
from sartor.generation.tables import COMPLETED, IMAGE, GenerationRequest
from sartor.kit.storage import Address
from sartor.models.tables import Model
from sartor.vgl import diff, parse, plain

_IMAGES_OF_A_PAGE = 24


class Images:
    """What the pages show, in plain values for the templates."""

    def __init__(self, rooms: Rooms) -> None:
        self.generation, self.models, self.address_of = rooms.generation, rooms.models, rooms.address_of

    def page(self, request: Request, caller: Caller, cursor: str | None) -> dict[str, Any]:
        """A page of the organisation's images, newest first, and the models that the next can be drawn with."""
        rows, following = self.generation.page(caller, limit=_IMAGES_OF_A_PAGE, cursor=cursor, kind=IMAGE)
        address = self.address_of(request)
        names = self._names(caller)
        shown = [self._shown(row, address, names) for row in rows]
        return {"images": shown, "following": following, "first": cursor is None}

    def one(self, request: Request, caller: Caller, identifier: str) -> dict[str, Any]:
        """All that is known of one request. Raises RequestNotFound."""
        row = self.generation.find(caller, identifier)
        shown = self._shown(row, self.address_of(request), self._names(caller))
        scene = row.structured_prompt
        if scene is not None:
            shown["scene"] = json.dumps(plain(parse(scene)), ensure_ascii=False, indent=2)
            if row.given_structured_prompt is not None:
                shown["changes"] = diff(parse(row.given_structured_prompt), parse(scene))
            body = {"tailored_model_id": str(row.model_id), "structured_prompt": scene, "seed": row.seed}
            shown["again"] = json.dumps(body | sayable(row.options), ensure_ascii=False)
        return shown | {
            "canonical": scene,
            "prompt": row.prompt,
            "given": row.given_structured_prompt,
            "seed": row.seed,
            "options": row.options,
            "kept": sayable(row.options),
            "notes": row.notes,
            "fingerprint": json.dumps(row.fingerprint, indent=2) if row.fingerprint else None,
            "seconds": (row.finished_at - row.created_at).total_seconds() if row.finished_at else None,
        }

    def drawable(self, caller: Caller) -> list[Model]:
        """The models that can be drawn with now, the organisation's own first."""
        found = self.models.visible(caller.organisation_id)
        return [model for model in found if model.status == "Completed" and model.training_version == "fibo"]

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
            "model_is_there": row.model_id in names,
            "created_at": row.created_at,
        }


def mount(routes: APIRouter, pages: Pages, rooms: Rooms) -> None:
    """Adds the pages."""
    console = Images(rooms)

    def form_page(
        request: Request, caller: Caller, given: dict[str, str], error: SartorError | None = None
    ) -> Response:
        """The first page: the form, with what was written into it, and the newest images."""
        return pages.answer(
            "images.html",
            error.code if error else 200,
            error.headers() if error else None,
            **console.page(request, caller, request.query_params.get("cursor")),
            models=console.drawable(caller),
            given={**dict.fromkeys(ImageBody.model_fields, ""), "form": secrets.token_hex(8), **given},
            steps=console.generation.defaults["steps_num"],
            told=error.details if error else "",
        )

    @routes.get("")
    def images(request: Request, caller: CallerDependency) -> Response:
        return form_page(request, caller, {"tailored_model_id": request.query_params.get("model", "")})

    @routes.get("/images")
    def first_page() -> Response:
        return RedirectResponse(PATH, SEE_OTHER)

    @routes.post("/images")
    async def draw(request: Request, caller: CallerDependency) -> Response:
        given = texts(await request.form())
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
        return RedirectResponse(f"{PATH}/images/{identifier}", SEE_OTHER)

    @routes.get("/images/{identifier}")
    def image(request: Request, caller: CallerDependency, identifier: str) -> Response:
        shown = console.one(request, caller, identifier)
        return pages.answer("image.html", image=shown, form=secrets.token_hex(8), other=drawn_seed())

    @routes.post("/images/{identifier}/cancel")
    def cancel(caller: CallerDependency, identifier: str) -> Response:
        console.generation.cancel(caller, identifier)
        return RedirectResponse(f"{PATH}/images/{identifier}", SEE_OTHER)
