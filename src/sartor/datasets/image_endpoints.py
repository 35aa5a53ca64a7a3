"""``/v1/tailored-gen/datasets/{id}/images``: one at a time; also under ``/v2``."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile

from sartor.accounts.endpoints import CallerDependency, Door, guarded_router
from sartor.datasets.bodies import read_json, validated
from sartor.datasets.endpoints import DatasetId
from sartor.datasets.images import Images
from sartor.datasets.pictures import MAX_BYTES
from sartor.datasets.schemas import CaptionBody, DatasetImageAnswer, UploadAnswer, UploadBody, image_answer
from sartor.datasets.sources import Sources, file_name, is_address, name_of
from sartor.datasets.uploads import Uploads
from sartor.errors import Unprocessable, describe
from sartor.kit.idempotency import check_key
from sartor.kit.storage import Address, Storage
from sartor.kit.threads import slowly
from sartor.projects.endpoints import Key
from sartor.projects.service import LARGEST_ID

ImageId = Annotated[int, Path(ge=1, le=LARGEST_ID)]

# What base64 makes of the largest picture, and room for the other fields.
LARGEST_UPLOAD = MAX_BYTES * 4 // 3 + 100_000
_FORMS = ("multipart/form-data", "application/x-www-form-urlencoded")


def router(
    images: Images,
    uploads: Uploads,
    storage: Storage,
    sources: Sources,
    door: Door,
    *,
    address_of: Callable[[Request], Address],
) -> APIRouter:
    """The routes of single images; the app mounts them under each prefix."""
    routes = guarded_router(door, tag="Images")

    @routes.post(
        "/tailored-gen/datasets/{dataset_id}/images",
        operation_id="upload_image",
        summary="Upload an image",
        status_code=201,
        responses=describe(400, 401, 404, 409, 412, 413, 415, 422, 429, 500, 503),
        openapi_extra={"requestBody": _request_body()},
    )
    async def upload_image(
        request: Request, caller: CallerDependency, dataset_id: DatasetId, idempotency_key: Key = None
    ) -> UploadAnswer:
        """Adds a JPEG, PNG or WebP of 12 MB at most to a basic draft: sent as a form or as base64, or fetched from an
        address. It is kept as it is trained on: upright, transparency on black, enlarged where it is small, without
        metadata. Where the dataset has a visual schema, a caption is written."""
        key = check_key(idempotency_key)
        await run_in_threadpool(uploads.check, caller, dataset_id, idempotency_key=key)
        sent = await _read(request)
        data, source = sent.data, sent.body.image_url or sent.body.file or ""
        max_bytes: int | None = MAX_BYTES
        with sources.reading() as reading:
            if data is None:
                max_bytes = None  # it is measured as it is read
                data = await reading.read(source, unreachable=Unprocessable)
            image = await slowly(
                uploads.add,
                caller,
                dataset_id,
                data,
                sent.body,
                name=sent.body.image_name or sent.name or name_of(source) or "image",
                source_url=source if is_address(source) else None,
                max_bytes=max_bytes,
                idempotency_key=key,
            )
        duplicates = await run_in_threadpool(images.duplicates, image)
        answer = image_answer(image, storage, address_of(request))
        return UploadAnswer(**answer.model_dump(), duplicate_of=duplicates)

    @routes.get(
        "/tailored-gen/datasets/{dataset_id}/images",
        operation_id="list_images",
        summary="List the images of a dataset",
        responses=describe(401, 404, 429, 500, 503),
    )
    def list_images(request: Request, caller: CallerDependency, dataset_id: DatasetId) -> list[DatasetImageAnswer]:
        """All of them, in the order in which they came."""
        address = address_of(request)
        return [image_answer(image, storage, address) for image in images.of_dataset(caller, dataset_id)]

    @routes.get(
        "/tailored-gen/datasets/{dataset_id}/images/{image_id}",
        operation_id="get_image",
        summary="Get an image",
        responses=describe(401, 404, 429, 500, 503),
    )
    def get_image(
        request: Request, caller: CallerDependency, dataset_id: DatasetId, image_id: ImageId
    ) -> DatasetImageAnswer:
        """Everything about one image."""
        return image_answer(images.get(caller, dataset_id, image_id), storage, address_of(request))

    @routes.put(
        "/tailored-gen/datasets/{dataset_id}/images/{image_id}",
        operation_id="update_image",
        summary="Change an image's caption",
        responses=describe(400, 401, 404, 409, 413, 422, 429, 500, 503),
    )
    async def update_image(
        request: Request, caller: CallerDependency, dataset_id: DatasetId, image_id: ImageId, body: CaptionBody
    ) -> DatasetImageAnswer:
        """Gives it the caption that is sent, or has one written anew. While the dataset is a draft."""
        if body.caption is not None:
            image = await run_in_threadpool(
                images.set_caption, caller, dataset_id, image_id, body.caption, source="manual"
            )
        else:
            image = await slowly(uploads.recaption, caller, dataset_id, image_id)
        return image_answer(image, storage, address_of(request))

    @routes.delete(
        "/tailored-gen/datasets/{dataset_id}/images/{image_id}",
        operation_id="delete_image",
        summary="Delete an image",
        status_code=204,
        responses=describe(401, 404, 409, 429, 500, 503),
    )
    async def delete_image(caller: CallerDependency, dataset_id: DatasetId, image_id: ImageId) -> None:
        """Deletes it for ever. While the dataset is a draft."""
        await slowly(images.delete, caller, dataset_id, image_id)

    return routes


@dataclass(frozen=True)
class _Sent:
    """``data`` and ``name`` are a form's file's; None and empty where the body names or holds the picture."""

    body: UploadBody
    data: bytes | None
    name: str


async def _read(request: Request) -> _Sent:
    """The body as a form or as JSON. Raises RequestValidationError, BadRequest."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in _FORMS:
        return _Sent(await read_json(request, UploadBody), None, "")
    async with request.form(max_files=1, max_fields=20, max_part_size=LARGEST_UPLOAD) as form:
        values: dict[str, Any] = {name: value for name, value in form.items() if isinstance(value, str)}
        file = form.get("file")
        if not isinstance(file, UploadFile):
            return _Sent(validated(values, UploadBody), None, "")
        data = await file.read()
        return _Sent(validated(values | {"file": "(a file)"}, UploadBody), data, file_name(file.filename or ""))


def _request_body() -> dict[str, Any]:
    """The body's description for OpenAPI, as JSON and as a form."""
    schema = UploadBody.model_json_schema()
    form = {**schema, "properties": {**schema["properties"], "file": {"type": "string", "format": "binary"}}}
    content = {"application/json": {"schema": schema}, "multipart/form-data": {"schema": form}}
    return {"required": True, "content": content}
