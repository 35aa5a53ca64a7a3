"""Datasets and their images on the wire. Unknown fields of a body are ignored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, model_validator

from sartor.bridge.base import MAX_PROMPT_CHARACTERS
from sartor.datasets.tables import Dataset, DatasetImage
from sartor.kit.numbers import Whole
from sartor.kit.storage import Address, Storage
from sartor.kit.texts import Writable
from sartor.projects.schemas import Description, Name
from sartor.projects.service import LARGEST_ID
from sartor.vgl import InvalidStructuredPrompt, canonical, parse, parse_visual_schema

UploadType = Literal["basic", "advanced"]
Status = Literal["draft", "completed"]
CaptionsStatus = Literal["empty", "in_progress", "completed"]
CaptionSource = Literal["automatic", "manual", "pending"]


def _canonical_schema(value: object) -> object:
    return _canonical(value, parse_visual_schema)


def _canonical_caption(value: object) -> object:
    return _canonical(value, parse)


def _canonical(value: object, read: Any) -> object:
    """Text or an object, to canonical JSON; what cannot be a structured prompt is refused by field."""
    if value is None:
        return None
    if not isinstance(value, str | Mapping):
        raise ValueError("must be a JSON object, or its text")
    try:
        text = canonical(read(value))
    except InvalidStructuredPrompt as error:
        raise ValueError(str(error)) from None
    if text == "{}":
        raise ValueError("describes nothing")
    return text


SchemaText: TypeAlias = Annotated[str, BeforeValidator(_canonical_schema, json_schema_input_type=str)]
CaptionText: TypeAlias = Annotated[str, BeforeValidator(_canonical_caption, json_schema_input_type=str)]
# A picture as a field: bounded by the body's size, and read elsewhere.
Source: TypeAlias = Annotated[str, StringConstraints(strict=True, strip_whitespace=True, min_length=1), Writable]


class _Body(BaseModel):
    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)


class DatasetBody(_Body):
    """What a new dataset takes."""

    project_id: Annotated[int, Field(strict=True, ge=1, le=LARGEST_ID), Whole]
    name: Name = Field(examples=["dataset v1"])
    upload_type: UploadType = Field(
        default="basic",
        description="`basic`: up to 200 images, one by one. `advanced`: up to 5,000 in one ZIP.",
    )


class DatasetChanges(_Body):
    """What is absent stays as it is."""

    name: Name | None = None
    visual_schema: SchemaText | None = Field(
        default=None,
        description="JSON text, as `/generate_visual_schema` answers it; a JSON object is taken too. While `draft`.",
        examples=['{"style_medium":"paper collage"}'],
    )
    status: Status | None = Field(
        default=None,
        description="`completed` needs 5 images, a caption for each and a visual schema, and is for ever: clone it to "
        "go on.",
    )


class CloneBody(_Body):
    name: Name | None = Field(default=None, description='"Copy of" the name by default.')
    description: Description | None = None


class UploadBody(_Body):
    """An image: one of ``file`` and ``image_url``."""

    file: Source | None = Field(
        default=None, description="In a form the file itself; in JSON its bytes as base64, bare or as a data URI."
    )
    image_url: Source | None = Field(
        default=None, description="A public address, or base64 like `file`.", examples=["https://example.com/fox.jpg"]
    )
    image_name: Name | None = Field(default=None, description="The file's own name by default.")
    increase_resolution: bool = Field(
        default=True,
        description="Enlarges images of 256 pixels and more to 1024 on their shorter side; where false, smaller ones "
        "are refused (412).",
    )
    content_moderation: bool = Field(default=False, description="Refuses images that a check of pixels finds (422).")

    @model_validator(mode="after")
    def _one(self) -> UploadBody:
        if (self.file is None) == (self.image_url is None):
            raise ValueError("give one of file and image_url")
        return self


class CaptionBody(_Body):
    """One of ``caption`` and ``regenerate_caption``."""

    caption: CaptionText | None = Field(
        default=None,
        description="A structured prompt as JSON text; a JSON object is taken too.",
        examples=['{"short_description":"a fox with a purple scarf"}'],
    )
    regenerate_caption: bool = Field(default=False, description="Writes the caption anew, from the image.")

    @model_validator(mode="after")
    def _one(self) -> CaptionBody:
        if (self.caption is None) != self.regenerate_caption:
            raise ValueError("give one of caption and regenerate_caption")
        return self


class SchemaBody(_Body):
    images: list[Source] = Field(
        min_length=5,
        max_length=10,
        description="5 to 10 pictures that are typical: public addresses, or base64.",
        examples=[[f"https://example.com/{number}.png" for number in range(1, 6)]],
    )
    content_moderation: bool = Field(default=False, description="Refuses pictures that a check of pixels finds (422).")


class SchemaAnswer(BaseModel):
    visual_schema: str = Field(description="Canonical JSON text: what the pictures share.")


class RefinementBody(_Body):
    dataset_id: Annotated[int, Field(strict=True, ge=1, le=LARGEST_ID), Whole]
    structured_prompt: CaptionText = Field(
        description="A visual schema or a caption, as JSON text; a JSON object is taken too.",
        examples=['{"style_medium":"paper collage"}'],
    )
    instruction: Annotated[
        str,
        StringConstraints(strict=True, strip_whitespace=True, min_length=1, max_length=MAX_PROMPT_CHARACTERS),
        Writable,
        Field(description="What to change, in words.", examples=["make the background dark blue"]),
    ]
    context_images: list[Source] | None = Field(
        default=None,
        max_length=10,
        description="Taken for compatibility; the words alone decide what changes, and the pictures are not looked at.",
    )


class RefinementAnswer(BaseModel):
    structured_prompt: str = Field(description="Canonical JSON text with what the instruction asked for changed.")


class DatasetImageAnswer(BaseModel):
    id: int
    dataset_id: int
    caption: str | None = Field(description="A structured prompt as canonical JSON text; null until one is written.")
    caption_source: CaptionSource | None = Field(
        description="`pending` where one is to be written, but could not be yet; null where there was no visual schema."
    )
    upload_source_url: str | None = Field(description="Where it was fetched from; null for one that was sent.")
    image_name: str
    image_url: str = Field(description="The PNG as it is trained on; the address expires, asking again gives another.")
    thumbnail_url: str = Field(description="A small JPEG.")
    width: int = Field(description="Pixels, as it is trained on.")
    height: int
    created_at: datetime
    updated_at: datetime


class UploadAnswer(DatasetImageAnswer):
    duplicate_of: list[int] = Field(
        description="Ids of images in this dataset that look the same; they add little to a training."
    )


class DatasetAnswer(BaseModel):
    id: int
    project_id: int
    name: str
    description: str
    visual_schema: str | None = Field(description="Canonical JSON text: what all images share.")
    status: Status
    captions_update_status: CaptionsStatus
    captions_error: str | None = Field(description="Why captions could not be written, the last time that all were.")
    upload_type: UploadType
    images_count: int
    created_at: datetime
    updated_at: datetime


class FullDatasetAnswer(DatasetAnswer):
    images: list[DatasetImageAnswer]


class DatasetOfProjectAnswer(DatasetAnswer):
    models: list[dict[str, Any]] | None = Field(default=None, description="Only with `include_models`.")
    model_ids: list[str] | None = Field(default=None, description="Only with `include_models_ids`.")


class DatasetDownloadAnswer(BaseModel):
    download_url: str = Field(description="A ZIP of the images with their captions.")
    captions_url: str | None = Field(
        default=None, description="The captions alone, as JSON; absent unless all were written automatically."
    )


def image_answer(image: DatasetImage, storage: Storage, address: Address) -> DatasetImageAnswer:
    return DatasetImageAnswer(
        id=image.id,
        dataset_id=image.dataset_id,
        caption=image.caption,
        caption_source=image.caption_source,  # type: ignore[arg-type]
        upload_source_url=image.source_url,
        image_name=image.name,
        image_url=storage.link(image.image_key, address),
        thumbnail_url=storage.link(image.thumbnail_key, address),
        width=image.width,
        height=image.height,
        created_at=image.created_at,
        updated_at=image.updated_at,
    )


def dataset_answer(dataset: Dataset, count: int) -> DatasetAnswer:
    return DatasetAnswer(
        id=dataset.id,
        project_id=dataset.project_id,
        name=dataset.name,
        description=dataset.description,
        visual_schema=dataset.visual_schema,
        status=dataset.status,  # type: ignore[arg-type]
        captions_update_status=dataset.captions_update_status,  # type: ignore[arg-type]
        captions_error=None if dataset.captions_error is None else str(dataset.captions_error["details"]),
        upload_type=dataset.upload_type,  # type: ignore[arg-type]
        images_count=count,
        created_at=dataset.created_at,
        updated_at=dataset.updated_at,
    )


def full_answer(
    dataset: Dataset, count: int, images: Sequence[DatasetImage], storage: Storage, address: Address
) -> FullDatasetAnswer:
    shown = [image_answer(image, storage, address) for image in images]
    return FullDatasetAnswer(**dataset_answer(dataset, count).model_dump(), images=shown)
