"""Datasets in the console: pictures in, words for them, and the training that starts from both."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from types import MappingProxyType
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile

from sartor.accounts.endpoints import CallerDependency
from sartor.accounts.service import Caller
from sartor.console.forms import body_of, idempotency_key, texts
from sartor.console.pages import SEE_OTHER, After, Pages, in_words
from sartor.console.rooms import Rooms
from sartor.console.session import PATH
from sartor.datasets.captions import subject_of
from sartor.datasets.endpoints import DatasetId
from sartor.datasets.image_endpoints import ImageId
from sartor.datasets.pictures import FULL, MAX_BYTES, SMALLEST
from sartor.datasets.rows import LEAST_IMAGES, LIMITS, Captioned
from sartor.datasets.schemas import CaptionBody, CloneBody, DatasetChanges, UploadBody
from sartor.datasets.sources import file_name
from sartor.datasets.stored import read_stored
from sartor.datasets.tables import Dataset, DatasetImage
from sartor.datasets.wording import refine
from sartor.errors import Conflict, PreconditionFailed, SartorError, Unprocessable, request_id
from sartor.kit.threads import slowly
from sartor.models.schemas import ModelBody, TrainingBody
from sartor.vgl import parse, plain

_LOOKED_AT = 10
_PICTURES_OF_A_PAGE = 60
_ALIKE_SHOWN = 5
# Bytes of the pictures that one form brings.
LARGEST_FORM = 256 * 1024 * 1024


class DatasetPages:
    """What the pages show, in plain values for the templates, and what their forms do."""

    def __init__(self, rooms: Rooms) -> None:
        self._rooms = rooms

    def one(self, request: Request, caller: Caller, dataset_id: int, after: int | None) -> dict[str, Any]:
        """A dataset, what is still missing for a training, and a page of its pictures: those that came after the one of
        that id. Raises NotFound."""
        dataset, _ = self._rooms.datasets.get(caller, dataset_id)
        captioned = self._rooms.datasets.captioned(caller, dataset_id)
        images, following = self._rooms.gallery.page(dataset_id, limit=_PICTURES_OF_A_PAGE, after=after)
        models = self._rooms.models.of_project(caller, dataset.project_id)
        return {
            "dataset": dataset,
            "project": self._rooms.projects.get(caller, dataset.project_id),
            "count": captioned.images,
            "done": captioned.done,
            "by_hand": captioned.by_hand,
            "images": [self._shown(request, image) for image in images],
            "after": after,
            "following": following,
            "schema": _pretty(dataset.visual_schema),
            "missing": _missing(dataset, captioned),
            "models": [model for model in models if model.dataset_id == dataset_id],
            "writing": dataset.captions_update_status == "in_progress",
            "least": LEAST_IMAGES,
            "most": LIMITS["basic"],
            "smallest": SMALLEST,
            "full": FULL,
            "most_bytes": MAX_BYTES,
            "most_bytes_together": LARGEST_FORM,
            "alike": self._rooms.gallery.alike(images) if captioned.images <= LIMITS["basic"] else frozenset(),
        }

    def image(
        self, request: Request, caller: Caller, dataset_id: int, image_id: int, after: int | None
    ) -> dict[str, Any]:
        """One picture with its caption, those beside it and some that look the same, and which page of pictures leads
        back. Raises NotFound."""
        dataset, _ = self._rooms.datasets.get(caller, dataset_id)
        image = self._rooms.images.get(caller, dataset_id, image_id)
        alike = self._rooms.images.duplicates(image)
        previous, following = self._rooms.gallery.neighbours(image)
        return {
            "dataset": dataset,
            "image": self._shown(request, image),
            "alike": self._rooms.gallery.names(alike[:_ALIKE_SHOWN]),
            "more_alike": len(alike[_ALIKE_SHOWN:]),
            "previous": previous,
            "following": following,
            "after": after,
        }

    def following(self, caller: Caller, dataset_id: int, image_id: int) -> int | None:
        """The id of the picture that came after this one. Raises NotFound."""
        return self._rooms.gallery.neighbours(self._rooms.images.get(caller, dataset_id, image_id))[1]

    def add(self, caller: Caller, dataset_id: int, name: str, data: bytes) -> None:
        """Adds a picture; the same file again within a day is the same picture. Raises NotFound, and what is wrong
        with it."""
        key = f"console picture {dataset_id} {hashlib.sha256(data + name.encode()).hexdigest()}"
        self._rooms.uploads.check(caller, dataset_id, idempotency_key=key)
        self._rooms.uploads.add(
            caller,
            dataset_id,
            data,
            UploadBody(file="(a file)"),
            name=name,
            source_url=None,
            idempotency_key=key,
        )

    def describe(self, caller: Caller, dataset_id: int, job: str) -> None:
        """Writes the visual schema of what the first pictures share, and starts to write all captions by it.

        Raises NotFound, Conflict, PreconditionFailed, and what `Captions.visual_schema` does.
        """
        dataset, count = self._rooms.datasets.get(caller, dataset_id)
        if count < LEAST_IMAGES:
            raise PreconditionFailed(f"{LEAST_IMAGES} pictures are needed to see what they share; there are {count}.")
        images = self._rooms.images.of_dataset(caller, dataset_id, limit=_LOOKED_AT)
        try:
            pictures = [read_stored(self._rooms.storage, image.image_key) for image in images]
        except KeyError:
            raise Conflict("A picture was deleted meanwhile; try again.") from None
        subject = subject_of(self._rooms.projects.get(caller, dataset.project_id))
        schema = self._rooms.captions.visual_schema(pictures, subject=subject)
        self._rooms.datasets.update(caller, dataset_id, body_of(DatasetChanges, {"visual_schema": schema}))
        self.write_anew(caller, dataset_id, job)

    def write_anew(self, caller: Caller, dataset_id: int, job: str) -> None:
        """Starts to write all captions anew. Raises NotFound, Conflict."""
        self._rooms.recaptioning.regenerate(caller, dataset_id, job)

    def change_schema(self, caller: Caller, dataset_id: int, given: dict[str, str], job: str) -> None:
        """Takes the schema as it is written, changed by the words where there are some, and writes the captions anew.

        Raises NotFound, BadRequest, Conflict, Unprocessable, Moderated, Unavailable.
        """
        changes = body_of(DatasetChanges, {"visual_schema": given.get("visual_schema", "")})
        if changes.visual_schema is None:
            raise Unprocessable("visual_schema: is missing")
        if words := given.get("instruction", "").strip():
            changes.visual_schema = refine(self._rooms.bridge(), changes.visual_schema, words)
        self._rooms.datasets.update(caller, dataset_id, changes)
        self.write_anew(caller, dataset_id, job)

    def rename(self, caller: Caller, dataset_id: int, given: dict[str, str]) -> None:
        """Raises NotFound, Unprocessable."""
        changes = body_of(DatasetChanges, {"name": given.get("dataset_name", "")}, blank=True)
        self._rooms.datasets.update(caller, dataset_id, changes)

    def train(self, caller: Caller, dataset_id: int, given: dict[str, str]) -> int:
        """Completes the dataset and starts the training of a new model on it, whose id is answered.

        Raises NotFound, Conflict, PreconditionFailed, Unprocessable, Unavailable.
        """
        key = idempotency_key(given)
        body = body_of(ModelBody, {"name": given.get("name", ""), "dataset_id": dataset_id})
        dataset, _ = self._rooms.datasets.get(caller, dataset_id)
        if missing := _missing(dataset, self._rooms.datasets.captioned(caller, dataset_id)):
            raise PreconditionFailed(missing)
        self._rooms.lifecycle.check_base()  # before the dataset is completed, for that is for ever
        self._rooms.datasets.update(caller, dataset_id, DatasetChanges(status="completed"))
        model = self._rooms.lifecycle.create(caller, body, key=key)
        try:
            self._rooms.lifecycle.start(caller, model.id, TrainingBody(), key=key and f"{key} start")
        except SartorError:
            with suppress(SartorError):  # one that cannot be started is of no use
                self._rooms.lifecycle.delete(caller, model.id)
            raise
        return model.id

    def _shown(self, request: Request, image: DatasetImage) -> dict[str, Any]:
        address, storage = self._rooms.address_of(request), self._rooms.storage
        caption = plain(parse(image.caption)) if image.caption else {}
        return {
            "id": image.id,
            "name": image.name,
            "size": f"{image.width} x {image.height}",
            "url": storage.link(image.image_key, address),
            "thumbnail": storage.link(image.thumbnail_key, address),
            "words": caption.get("short_description", ""),
            "caption": _pretty(image.caption),
            "source": image.caption_source,
        }


def _pretty(text: str | None) -> str:
    return json.dumps(json.loads(text), ensure_ascii=False, indent=2) if text else ""


def _missing(dataset: Dataset, captioned: Captioned) -> str:
    """What has to be done before a training, in a sentence; empty where nothing is."""
    if captioned.images < LEAST_IMAGES:
        return f"A training needs {LEAST_IMAGES} pictures at least; there are {captioned.images}."
    if not dataset.visual_schema:
        return "What the pictures share has not been described yet."
    if dataset.captions_update_status == "in_progress":
        return "Captions are being written."
    without = captioned.images - captioned.captioned
    return f"{without} of the pictures have no caption yet." if without else ""


def mount(routes: APIRouter, pages: Pages, rooms: Rooms) -> None:
    """Adds the pages."""
    console = DatasetPages(rooms)

    def page(
        request: Request,
        caller: Caller,
        dataset_id: int,
        told: Sequence[str] = (),
        error: SartorError | None = None,
        given: Mapping[str, str] = MappingProxyType({}),
        after: int | None = None,
    ) -> Response:
        """The dataset, with what was wrong with a form and what was written into it."""
        shown = console.one(request, caller, dataset_id, after)
        kept = {"visual_schema": shown["schema"], "instruction": "", "name": shown["project"].name}
        kept |= {"dataset_name": shown["dataset"].name, **given}
        return pages.answer(
            "dataset.html",
            error.code if error else Unprocessable.code if told else 200,
            error.headers() if error else None,
            **shown,
            given=kept,
            form=secrets.token_hex(8),
            told=[in_words(error.details)] if error else told,
        )

    async def done(
        request: Request, caller: Caller, dataset_id: int, do: Callable[[dict[str, str]], int | None]
    ) -> Response:
        """Does what a form of the dataset's page asks for; the page again where it cannot be done. ``do`` answers the
        id of a model that is to be looked at next."""
        given = texts(await request.form())
        try:
            model_id = await slowly(do, given)
        except SartorError as error:  # nothing that was written is lost
            return await run_in_threadpool(page, request, caller, dataset_id, (), error, given)
        next_page = f"models/{model_id}" if model_id is not None else f"datasets/{dataset_id}"
        return RedirectResponse(f"{PATH}/{next_page}", SEE_OTHER)

    @routes.get("/datasets/{dataset_id}")
    def dataset(request: Request, caller: CallerDependency, dataset_id: DatasetId, after: After = None) -> Response:
        return page(request, caller, dataset_id, after=after)

    @routes.post("/datasets/{dataset_id}/pictures")
    async def add(request: Request, caller: CallerDependency, dataset_id: DatasetId) -> Response:
        async with request.form(max_files=LIMITS["basic"]) as form:
            sent = [file for file in form.getlist("pictures") if isinstance(file, UploadFile) and file.filename]
            told: list[str] = []
            for file in sent:  # one at a time in memory
                name, data = file_name(file.filename or "") or "image", await file.read()
                try:
                    await slowly(console.add, caller, dataset_id, name, data, patient=True)
                except SartorError as error:  # the others are taken all the same
                    told.append(f"{name}: {error.details}")
        if not sent:
            told = ["No picture was chosen."]
        elif told and len(sent) > 1:
            told = [f"{len(sent) - len(told)} of {len(sent)} pictures are in; the others are not:", *told]
        if told:
            return await run_in_threadpool(page, request, caller, dataset_id, told)
        return RedirectResponse(f"{PATH}/datasets/{dataset_id}", SEE_OTHER)

    @routes.post("/datasets/{dataset_id}/describe")
    async def describe(request: Request, caller: CallerDependency, dataset_id: DatasetId) -> Response:
        job = request_id(request)
        return await done(request, caller, dataset_id, lambda _: console.describe(caller, dataset_id, job))

    @routes.post("/datasets/{dataset_id}/schema")
    async def change_schema(request: Request, caller: CallerDependency, dataset_id: DatasetId) -> Response:
        job = request_id(request)
        return await done(
            request, caller, dataset_id, lambda given: console.change_schema(caller, dataset_id, given, job)
        )

    @routes.post("/datasets/{dataset_id}/captions")
    async def captions(request: Request, caller: CallerDependency, dataset_id: DatasetId) -> Response:
        job = request_id(request)
        return await done(request, caller, dataset_id, lambda _: console.write_anew(caller, dataset_id, job))

    @routes.post("/datasets/{dataset_id}/train")
    async def train(request: Request, caller: CallerDependency, dataset_id: DatasetId) -> Response:
        return await done(request, caller, dataset_id, lambda given: console.train(caller, dataset_id, given))

    @routes.post("/datasets/{dataset_id}/words")
    async def rename(request: Request, caller: CallerDependency, dataset_id: DatasetId) -> Response:
        return await done(request, caller, dataset_id, lambda given: console.rename(caller, dataset_id, given))

    @routes.post("/datasets/{dataset_id}/clone")
    async def clone(request: Request, caller: CallerDependency, dataset_id: DatasetId) -> Response:
        key = idempotency_key(texts(await request.form()))
        copy, _ = await slowly(rooms.datasets.clone, caller, dataset_id, CloneBody(), idempotency_key=key)
        return RedirectResponse(f"{PATH}/datasets/{copy.id}", SEE_OTHER)

    @routes.post("/datasets/{dataset_id}/delete")
    async def delete(caller: CallerDependency, dataset_id: DatasetId) -> Response:
        found, _ = await run_in_threadpool(rooms.datasets.get, caller, dataset_id)
        await slowly(rooms.datasets.delete, caller, dataset_id)
        return RedirectResponse(f"{PATH}/projects/{found.project_id}", SEE_OTHER)

    _mount_images(routes, pages, rooms, console)


def _mount_images(routes: APIRouter, pages: Pages, rooms: Rooms, console: DatasetPages) -> None:
    """The page of one picture."""

    @routes.get("/datasets/{dataset_id}/images/{image_id}")
    def picture(
        request: Request, caller: CallerDependency, dataset_id: DatasetId, image_id: ImageId, after: After = None
    ) -> Response:
        shown = console.image(request, caller, dataset_id, image_id, after)
        return pages.answer("picture.html", **shown, written=shown["image"]["caption"], told="")

    @routes.post("/datasets/{dataset_id}/images/{image_id}")
    async def caption(
        request: Request, caller: CallerDependency, dataset_id: DatasetId, image_id: ImageId, after: After = None
    ) -> Response:
        given = texts(await request.form())

        def keep() -> int | None:
            """The picture that comes next."""
            if "again" in given:
                rooms.uploads.recaption(caller, dataset_id, image_id)
                return None
            if not given.get("caption", "").strip():
                raise Unprocessable("caption: is missing")
            caption = body_of(CaptionBody, {"caption": given["caption"]}).caption or ""
            rooms.images.set_caption(caller, dataset_id, image_id, caption, source="manual")
            return console.following(caller, dataset_id, image_id)

        try:
            following = await slowly(keep)
        except SartorError as error:  # nothing that was written is lost
            shown = await run_in_threadpool(console.image, request, caller, dataset_id, image_id, after)
            written = given.get("caption", shown["image"]["caption"])
            return pages.answer("picture.html", error.code, **shown, written=written, told=error.details)
        if "again" in given:  # to be read
            return _back(dataset_id, after, image_id)
        return _back(dataset_id, after, following if "next" in given else None)

    @routes.post("/datasets/{dataset_id}/images/{image_id}/delete")
    async def delete(
        caller: CallerDependency, dataset_id: DatasetId, image_id: ImageId, after: After = None
    ) -> Response:
        await slowly(rooms.images.delete, caller, dataset_id, image_id)
        return _back(dataset_id, after)


def _back(dataset_id: int, after: int | None, image_id: int | None = None) -> Response:
    """To one of the dataset's pictures, or to the page of pictures that one came from."""
    picture = "" if image_id is None else f"/images/{image_id}"
    return RedirectResponse(
        f"{PATH}/datasets/{dataset_id}{picture}{f'?after={after}' if after is not None else ''}", SEE_OTHER
    )
