"""``/v1/tailored-gen/models/import`` and ``/upload_model``: adapters from elsewhere; also under ``/v2``."""

import base64
import binascii
import io
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, BinaryIO

from fastapi import APIRouter, Request
from pydantic import ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile

from sartor.accounts.endpoints import CallerDependency, Door, guarded_router
from sartor.errors import BadRequest, BodyTooLarge, UnsupportedMediaType, describe, unreadable
from sartor.kit.idempotency import check_key
from sartor.kit.limits import Bounded
from sartor.kit.threads import slowly
from sartor.models.importing import Imports
from sartor.models.schemas import ImportFields, ModelAnswer, UploadModelBody
from sartor.projects.endpoints import Key

# In bytes. A form is written to disk as it arrives, and no larger than the served base's adapters may be;
# base64 in JSON is held in memory.
LARGEST_IMPORT = 8 << 30
_LARGEST_JSON = 128 << 20
_LARGEST_FIELD, _MOST_FIELDS = 1 << 20, 16
# Beside the file: the other fields, and what lies between them.
_ROOM = (_MOST_FIELDS + 1) * _LARGEST_FIELD
_FORM = "multipart/form-data"


def router(imports: Imports, door: Door) -> APIRouter:
    """The routes that bring models from elsewhere; the app mounts them under each prefix."""
    routes = guarded_router(door, tag="Models")
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

    return routes


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
