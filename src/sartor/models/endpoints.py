"""``/v1/tailored-gen/models`` and what hangs on it, also under ``/v2``."""

import base64
import binascii
import io
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Annotated, Any, BinaryIO

from fastapi import APIRouter, Path, Query, Request
from pydantic import ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.convertors import Convertor, register_url_convertor
from starlette.datastructures import UploadFile

from sartor.accounts.endpoints import CallerDependency, Door, guarded_router
from sartor.errors import BadRequest, BodyTooLarge, UnsupportedMediaType, describe, unreadable
from sartor.kit.idempotency import check_key
from sartor.kit.limits import Bounded
from sartor.kit.storage import Address
from sartor.kit.threads import slowly
from sartor.models.importing import Imports
from sartor.models.lifecycle import Lifecycle
from sartor.models.schemas import (
    LARGEST_ID,
    CheckpointAnswer,
    CheckpointsAnswer,
    ImportFields,
    ModelAnswer,
    ModelBody,
    ModelChanges,
    ModelDownloadAnswer,
    TrainingBody,
    UploadModelBody,
)
from sartor.models.service import Models
from sartor.projects.endpoints import Key

ModelId = Annotated[int, Path(ge=1, le=LARGEST_ID)]
Step = Annotated[int, Path(ge=0, le=LARGEST_ID, description="Of the training, as in `checkpoint_steps`.")]
# In bytes. A form is written to disk as it arrives, and no larger than the served base's adapters may be;
# base64 in JSON is held in memory.
LARGEST_IMPORT = 8 << 30
_LARGEST_JSON = 128 << 20
_LARGEST_FIELD, _MOST_FIELDS = 1 << 20, 16
# Beside the file: the other fields, and what lies between them.
_ROOM = (_MOST_FIELDS + 1) * _LARGEST_FIELD
_FORM = "multipart/form-data"
# Digits alone, so that it is not taken for `import` or `upload_model`.
_ONE = "/tailored-gen/models/{model_id:id}"
Details = Annotated[bool, Query(description="Also show how each one was trained.")]


class _Digits(Convertor[int]):
    """As many digits as an id may have. The framework's own `int` takes any number of them, and fails at thousands."""

    regex = "[0-9]{1,10}"

    def convert(self, value: str) -> int:
        return int(value)

    def to_string(self, value: int) -> str:
        return str(value)


def router(
    models: Models,
    lifecycle: Lifecycle,
    imports: Imports,
    door: Door,
    *,
    address_of: Callable[[Request], Address],
) -> APIRouter:
    """The models' routes; the app mounts them under each prefix."""
    register_url_convertor("id", _Digits())
    routes = guarded_router(door, tag="Models")
    _mount_models(routes, models, lifecycle, address_of)
    _mount_trainings(routes, lifecycle, address_of)
    _mount_import(routes, imports)
    _mount_upload(routes, imports)
    return routes


def _mount_models(
    routes: APIRouter,
    models: Models,
    lifecycle: Lifecycle,
    address_of: Callable[[Request], Address],
) -> None:
    @routes.post(
        "/tailored-gen/models",
        operation_id="create_model",
        summary="Create a model",
        status_code=201,
        response_model_exclude_none=True,
        responses=describe(400, 401, 404, 413, 422, 429, 500, 503),
    )
    def create_model(caller: CallerDependency, body: ModelBody, idempotency_key: Key = None) -> ModelAnswer:
        """A model that is to learn from a dataset. Training is started separately."""
        return ModelAnswer.of(lifecycle.create(caller, body, key=check_key(idempotency_key)), details=True)

    @routes.get(
        "/tailored-gen/models",
        operation_id="list_models",
        summary="List the models",
        response_model_exclude_none=True,
        responses=describe(400, 401, 429, 500, 503),
    )
    def list_models(caller: CallerDependency, include_training_parameters: Details = False) -> list[ModelAnswer]:
        """The organisation's models, newest first, and the bundled ones that everybody may use."""
        found = models.visible(caller.organisation_id)
        return [ModelAnswer.of(model, details=include_training_parameters) for model in found]

    @routes.get(
        "/tailored-gen/projects/{project_id}/models",
        operation_id="list_models_of_project",
        summary="List a project's models",
        response_model_exclude_none=True,
        responses=describe(400, 401, 404, 429, 500, 503),
    )
    def list_models_of_project(
        caller: CallerDependency,
        project_id: Annotated[int, Path(ge=1, le=LARGEST_ID)],
        include_training_parameters: Details = False,
    ) -> list[ModelAnswer]:
        """The project's models, newest first."""
        found = models.of_project(caller, project_id)
        return [ModelAnswer.of(model, details=include_training_parameters) for model in found]

    @routes.get(
        _ONE,
        operation_id="get_model",
        summary="Get a model",
        response_model_exclude_none=True,
        responses=describe(401, 404, 429, 500, 503),
    )
    def get_model(request: Request, caller: CallerDependency, model_id: ModelId) -> ModelAnswer:
        """Everything about one model: how far its training is, and what it looks like."""
        model = models.get(caller.organisation_id, model_id)
        return ModelAnswer.of(model, details=True, links=lifecycle.links(model, address_of(request)))

    @routes.put(
        _ONE,
        operation_id="update_model",
        summary="Update a model",
        response_model_exclude_none=True,
        responses=describe(400, 401, 403, 404, 413, 429, 500, 503),
    )
    def update_model(caller: CallerDependency, model_id: ModelId, body: ModelChanges) -> ModelAnswer:
        """Changes its name, its description, or which of its checkpoints is drawn with."""
        return ModelAnswer.of(lifecycle.update(caller, model_id, body), details=True)

    @routes.delete(
        _ONE,
        operation_id="delete_model",
        summary="Delete a model",
        status_code=204,
        responses=describe(401, 403, 404, 409, 429, 500, 503),
    )
    async def delete_model(caller: CallerDependency, model_id: ModelId) -> None:
        """Deletes it with its checkpoints and samples. Images that it has drawn stay; one in training has to be
        stopped first."""
        await slowly(lifecycle.delete, caller, model_id)

    @routes.get(
        "/tailored-gen/models/{model_id}/download",
        operation_id="download_model",
        summary="Download a model",
        responses=describe(400, 401, 403, 404, 429, 500, 503),
    )
    async def download_model(request: Request, caller: CallerDependency, model_id: ModelId) -> ModelDownloadAnswer:
        """Addresses of its adapter, a diffusers LoRA of the active version, and of its card."""
        return await slowly(lifecycle.download, caller, model_id, address_of(request))


def _mount_trainings(routes: APIRouter, lifecycle: Lifecycle, address_of: Callable[[Request], Address]) -> None:
    @routes.post(
        "/tailored-gen/models/{model_id}/start_training",
        operation_id="start_training",
        summary="Start a training",
        response_model_exclude_none=True,
        responses=describe(400, 401, 403, 404, 409, 412, 413, 422, 429, 500, 503),
    )
    def start_training(
        caller: CallerDependency, model_id: ModelId, body: TrainingBody | None = None, idempotency_key: Key = None
    ) -> ModelAnswer:
        """Starts its one training. The dataset has to be completed; parameters are for `expert` mode alone."""
        started = lifecycle.start(caller, model_id, body or TrainingBody(), key=check_key(idempotency_key))
        return ModelAnswer.of(started, details=True)

    @routes.post(
        "/tailored-gen/models/{model_id}/stop_training",
        operation_id="stop_training",
        summary="Stop a training",
        response_model_exclude_none=True,
        responses=describe(401, 403, 404, 409, 422, 429, 500, 503),
    )
    def stop_training(caller: CallerDependency, model_id: ModelId, idempotency_key: Key = None) -> ModelAnswer:
        """Stops it for good after the current optimiser step; a stopped training cannot be resumed."""
        return ModelAnswer.of(lifecycle.stop(caller, model_id, key=check_key(idempotency_key)), details=True)

    @routes.get(
        "/tailored-gen/models/{model_id}/checkpoints",
        operation_id="list_checkpoints",
        summary="List a model's checkpoints",
        response_model_exclude_none=True,
        responses=describe(400, 401, 404, 429, 500, 503),
    )
    def list_checkpoints(request: Request, caller: CallerDependency, model_id: ModelId) -> CheckpointsAnswer:
        """What the training had come to at each interval. Of models trained in `expert` mode alone."""
        found, active = lifecycle.checkpoints(caller, model_id, address_of(request))
        return CheckpointsAnswer(checkpoints=found, active_model_version=active)

    @routes.get(
        "/tailored-gen/models/{model_id}/checkpoints/{checkpoint_step}",
        operation_id="get_checkpoint",
        summary="Get a checkpoint",
        response_model_exclude_none=True,
        responses=describe(400, 401, 404, 429, 500, 503),
    )
    def get_checkpoint(
        request: Request, caller: CallerDependency, model_id: ModelId, checkpoint_step: Step
    ) -> CheckpointAnswer:
        """One checkpoint."""
        return lifecycle.checkpoint(caller, model_id, checkpoint_step, address_of(request))

    @routes.delete(
        "/tailored-gen/models/{model_id}/checkpoints/{checkpoint_step}",
        operation_id="delete_checkpoint",
        summary="Delete a checkpoint",
        status_code=204,
        responses=describe(400, 401, 403, 404, 429, 500, 503),
    )
    async def delete_checkpoint(caller: CallerDependency, model_id: ModelId, checkpoint_step: Step) -> None:
        """Deletes it for good. The one that is drawn with stays."""
        await slowly(lifecycle.delete_checkpoint, caller, model_id, checkpoint_step)


def _mount_import(routes: APIRouter, imports: Imports) -> None:
    fields = ImportFields.model_json_schema()
    described = {
        kind: {"schema": fields | {"properties": fields["properties"] | {"file": file}, "required": ["file"]}}
        for kind, file in {
            _FORM: {"type": "string", "format": "binary", "description": "A LoRA, safetensors."},
            "application/json": {"type": "string", "format": "byte", "description": "The same in base64."},
        }.items()
    }

    @routes.post(
        "/tailored-gen/models/import",
        operation_id="import_model",
        summary="Import a model",
        status_code=201,
        response_model=ModelAnswer,
        response_model_exclude_none=True,
        responses=describe(400, 401, 404, 413, 415, 422, 429, 500, 503),
        openapi_extra={"requestBody": {"required": True, "content": described}},
    )
    async def import_model(request: Request, caller: CallerDependency, idempotency_key: Key = None) -> ModelAnswer:
        """A model of a LoRA that was trained elsewhere, ready to be drawn with. The file is safetensors with
        diffusers', peft's, ComfyUI's or kohya's names, and fits the model that is served here: 415 for any other kind
        of file, 422 for one that does not fit."""
        key = check_key(idempotency_key)
        async with _received(request, imports) as (file, given):
            taken = await slowly(imports.take, caller, file, _fields(given), key=key)
        return ModelAnswer.of(taken, details=True)


def _mount_upload(routes: APIRouter, imports: Imports) -> None:
    @routes.post(
        "/tailored-gen/models/upload_model",
        operation_id="upload_model",
        summary="Upload a model",
        response_model_exclude_none=True,
        responses=describe(400, 401, 404, 413, 415, 422, 429, 500, 503),
    )
    async def upload_model(caller: CallerDependency, body: UploadModelBody, idempotency_key: Key = None) -> ModelAnswer:
        """Like `import`, of a file that is fetched from an address. The answer comes when the model is there, ready to
        be drawn with."""
        return ModelAnswer.of(await imports.fetch(caller, body, key=check_key(idempotency_key)), details=True)


@asynccontextmanager
async def _received(request: Request, imports: Imports) -> AsyncIterator[tuple[BinaryIO, dict[str, Any]]]:
    """The file and the fields of a form, or of JSON. Raises BadRequest, BodyTooLarge, UnsupportedMediaType,
    Unavailable."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == _FORM:
        limit, refusal = await run_in_threadpool(lambda: (imports.largest_file + _ROOM, imports.too_large()))
        bounded = Request(request.scope, Bounded(request.scope, request.receive, limit, refusal=refusal))
        async with bounded.form(max_files=1, max_fields=_MOST_FIELDS, max_part_size=_LARGEST_FIELD) as form:
            file = form.get("file")
            if not isinstance(file, UploadFile):
                raise BadRequest("file: is missing, or is not a file")
            yield file.file, {name: value for name, value in form.items() if name != "file"}
    elif kind == "application/json":
        yield await _in_json(request)
    else:
        raise UnsupportedMediaType(f"The body must be {_FORM} or application/json.")


async def _in_json(request: Request) -> tuple[BinaryIO, dict[str, Any]]:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > _LARGEST_JSON:
            raise BodyTooLarge(f"JSON may have {_LARGEST_JSON:,} bytes at most; send a larger file as {_FORM}.")
    return await slowly(_file_and_fields, body)


def _file_and_fields(body: bytearray) -> tuple[BinaryIO, dict[str, Any]]:
    try:
        given = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise BadRequest(unreadable(error)) from None
    if not isinstance(given, dict) or not isinstance(given.get("file"), str):
        raise BadRequest("file: is missing, or is not base64 text")
    try:
        data = base64.b64decode(given.pop("file"), validate=True)
    except (binascii.Error, ValueError):
        raise BadRequest("file: is not base64") from None
    return io.BytesIO(data), given


def _fields(given: dict[str, Any]) -> ImportFields:
    """Raises BadRequest, which names the field."""
    try:
        return ImportFields.model_validate(given)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "body"
        raise BadRequest(f"{where}: {str(first['msg']).removeprefix('Value error, ')}") from None
