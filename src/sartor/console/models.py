"""Models in the console: all of them, and one with its training."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import FileResponse, RedirectResponse
from starlette.concurrency import run_in_threadpool

from sartor.accounts.endpoints import CallerDependency
from sartor.accounts.service import Caller
from sartor.console.forms import body_of, texts
from sartor.console.limits import LIMITS
from sartor.console.pages import SEE_OTHER, After, Pages
from sartor.console.rooms import Rooms
from sartor.console.session import PATH
from sartor.errors import NotFound, SartorError
from sartor.kit.threads import slowly
from sartor.models.endpoints import ModelId
from sartor.models.schemas import ModelChanges
from sartor.models.tables import IN_TRAINING, Model

_PICTURES_OF_A_BRAND = 8
_MODELS_OF_A_PAGE = 24
# What may be changed of a model: its field, and what the page calls it.
_WORDS = (("name", "Name"), ("description", "Description"))


class ModelPages:
    """What the pages show, in plain values for the templates."""

    def __init__(self, rooms: Rooms) -> None:
        self.models, self.lifecycle, self.downloads = rooms.models, rooms.lifecycle, rooms.downloads
        self.datasets, self.address_of = rooms.datasets, rooms.address_of

    def one(self, request: Request, caller: Caller, model_id: int) -> dict[str, Any]:
        """A model, its look as JSON and what shows it. Raises NotFound."""
        row = self.models.get(caller.organisation_id, model_id)
        links = self.downloads.links(row, self.address_of(request))
        return {
            "model": row,
            "schema": json.dumps(row.visual_schema, ensure_ascii=False, indent=2),
            "parameters": {name: value for name, value in row.training_parameters.items() if value is not None},
            "links": links,
            "own": row.organisation_id is not None,
            "in_training": row.status in IN_TRAINING,
            "dataset_is_there": self._is_there(caller, row.dataset_id),
            "pictures": [path.name for path in self.pictures(row)],
        }

    def change(self, caller: Caller, model_id: int, given: dict[str, str]) -> None:
        """Takes the words of a form for the model's. Raises NotFound, Forbidden, Unprocessable."""
        words = {name: given[name] for name, _ in _WORDS if name in given}
        self.lifecycle.update(caller, model_id, body_of(ModelChanges, words, blank=True))

    def _is_there(self, caller: Caller, dataset_id: int | None) -> bool:
        try:
            return dataset_id is not None and bool(self.datasets.get(caller, dataset_id))
        except NotFound:
            return False

    def pictures(self, row: Model) -> list[Path]:
        """Some of what a bundled model was trained on; none of any other."""
        brand = self.models.brand(row)
        return sorted((brand.folder / "images").glob("*.png"))[:_PICTURES_OF_A_BRAND] if brand else []


def mount(routes: APIRouter, pages: Pages, rooms: Rooms) -> None:
    """Adds the pages."""
    console = ModelPages(rooms)

    @routes.get("/models")
    def models(caller: CallerDependency, after: After = None) -> Response:
        found, following = console.models.page(caller.organisation_id, limit=_MODELS_OF_A_PAGE, after=after)
        shown = [{"model": model, "pictures": [path.name for path in console.pictures(model)[:4]]} for model in found]
        return pages.answer("models.html", models=shown, after=after, following=following)

    def one_page(
        request: Request,
        caller: Caller,
        model_id: int,
        given: Mapping[str, str] = MappingProxyType({}),
        error: SartorError | None = None,
    ) -> Response:
        """A model, with what was written into its form and what was wrong with it."""
        shown = console.one(request, caller, model_id)
        row = shown["model"]
        return pages.answer(
            "model.html",
            error.code if error else 200,
            error.headers() if error else None,
            **shown,
            fields=[
                (name, label, given.get(name, getattr(row, name)), LIMITS[name].characters) for name, label in _WORDS
            ],
            told=error.details if error else "",
        )

    @routes.get("/models/{model_id}")
    def model(request: Request, caller: CallerDependency, model_id: ModelId) -> Response:
        return one_page(request, caller, model_id)

    @routes.get("/models/{model_id}/pictures/{name}")
    def picture(caller: CallerDependency, model_id: ModelId, name: str) -> Response:
        for path in console.pictures(console.models.get(caller.organisation_id, model_id)):
            if path.name == name:
                return FileResponse(path, headers={"Cache-Control": "private, max-age=3600"})
        raise NotFound("There is no such picture.")

    @routes.post("/models/{model_id}/words")
    async def change(request: Request, caller: CallerDependency, model_id: ModelId) -> Response:
        given = texts(await request.form())
        try:
            await run_in_threadpool(console.change, caller, model_id, given)
        except SartorError as error:  # nothing that was written is lost
            return await run_in_threadpool(one_page, request, caller, model_id, given, error)
        return RedirectResponse(f"{PATH}/models/{model_id}", SEE_OTHER)

    @routes.post("/models/{model_id}/stop")
    def stop(caller: CallerDependency, model_id: ModelId) -> Response:
        console.lifecycle.stop(caller, model_id)
        return RedirectResponse(f"{PATH}/models/{model_id}", SEE_OTHER)

    @routes.post("/models/{model_id}/delete")
    async def delete(caller: CallerDependency, model_id: ModelId) -> Response:
        await slowly(console.lifecycle.delete, caller, model_id)
        return RedirectResponse(f"{PATH}/models", SEE_OTHER)
