"""``/v1/tailored-gen/datasets/{dataset_id}/images``: the ZIP of an advanced dataset, and all captions anew."""

from typing import Annotated, Literal

from fastapi import APIRouter, Header, Request
from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from starlette.concurrency import run_in_threadpool

from sartor.accounts.endpoints import CallerDependency, Door, guarded_router
from sartor.datasets.bulk import BulkUploads
from sartor.datasets.endpoints import DatasetId
from sartor.datasets.jobs import Recaptioning
from sartor.datasets.schemas import DatasetAnswer, dataset_answer
from sartor.errors import ErrorObject, describe, request_id
from sartor.kit.fetch import MAX_ADDRESS_CHARACTERS
from sartor.kit.idempotency import HEADER, check_key
from sartor.kit.texts import Writable

Key = Annotated[
    str | None,
    Header(
        alias=HEADER,
        description="1 to 255 printable ASCII characters of yours: sent again with the same body within a day, it "
        "gives the same answer instead of a 400; with another body, 422.",
    ),
]


class BulkUploadBody(BaseModel):
    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)

    zip_url: Annotated[
        str,
        StringConstraints(strict=True, strip_whitespace=True, min_length=1, max_length=MAX_ADDRESS_CHARACTERS),
        Writable,
        Field(description="A public address of a ZIP.", examples=["https://example.com/pictures.zip"]),
    ]
    content_moderation: bool = Field(default=False, description="Refuses images that a check of pixels finds (422).")


class FailedImage(BaseModel):
    filename: str = Field(description="The entry's name in the ZIP.")
    error_code: int = Field(
        description="412: smaller than 1024 x 1024. 413: too large. 415: no picture that is read here, encrypted, or a "
        "link. 422: damaged in the ZIP, named so that it leads out of it, or refused by content moderation."
    )
    error_message: str


class BulkUploadAnswer(BaseModel):
    status: Literal["pending", "processing", "completed", "failed"]
    progress_percentage: int = Field(ge=0, le=100)
    total_processed: int = Field(description="Files of the ZIP that are through, well or not.")
    done: int = Field(description="Those that became images.")
    failed: int = Field(description="Those that did not.")
    failed_images: list[FailedImage]
    error: ErrorObject | None = Field(default=None, description="Why all of it failed; absent unless it did.")


def router(uploads: BulkUploads, recaptioning: Recaptioning, door: Door) -> APIRouter:
    """The routes of the datasets' long jobs; the app mounts them under each prefix."""
    routes = guarded_router(door, tag="Datasets")

    @routes.post(
        "/tailored-gen/datasets/{dataset_id}/images/bulk-upload",
        operation_id="bulk_upload_images",
        summary="Upload a ZIP of images",
        status_code=202,
        response_model=BulkUploadAnswer,
        response_model_exclude_none=True,
        responses=describe(400, 401, 404, 413, 422, 429, 500, 503),
    )
    async def bulk_upload_images(
        request: Request,
        caller: CallerDependency,
        dataset_id: DatasetId,
        body: BulkUploadBody,
        idempotency_key: Key = None,
    ) -> object:
        """Fills an empty dataset of the upload type `advanced` with up to 5,000 JPEG, PNG and WebP pictures of
        1024 x 1024 pixels and more, once. Captions are written where the dataset has a visual schema; otherwise ask
        for all captions when it has one."""
        return await uploads.start(
            caller,
            dataset_id,
            request_id(request),
            zip_url=body.zip_url,
            content_moderation=body.content_moderation,
            idempotency_key=check_key(idempotency_key),
        )

    @routes.get(
        "/tailored-gen/datasets/{dataset_id}/images/bulk-upload/status",
        operation_id="get_bulk_upload_status",
        summary="Get the status of the ZIP's upload",
        response_model=BulkUploadAnswer,
        response_model_exclude_none=True,
        responses=describe(400, 401, 404, 429, 500, 503),
    )
    def get_bulk_upload_status(caller: CallerDependency, dataset_id: DatasetId) -> object:
        """How far it is, and which files could not be taken in and why."""
        return uploads.status(caller, dataset_id)

    @routes.put(
        "/tailored-gen/datasets/{dataset_id}/images",
        operation_id="regenerate_all_captions",
        summary="Write all captions anew",
        status_code=202,
        responses=describe(401, 404, 409, 429, 500, 503),
    )
    async def regenerate_all_captions(
        request: Request, caller: CallerDependency, dataset_id: DatasetId
    ) -> DatasetAnswer:
        """Describes every image again, by the visual schema as it is now, those with a manual caption too. Ask for the
        dataset until `captions_update_status` is `completed`; it becomes `empty` where the work had to be given up or
        no image has a caption, and asking again starts it anew. A second request while one is worked on takes its
        place. 409 for a completed dataset."""
        dataset, count = await run_in_threadpool(recaptioning.regenerate, caller, dataset_id, request_id(request))
        return dataset_answer(dataset, count)

    return routes
