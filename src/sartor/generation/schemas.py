"""Generation on the wire: bodies in, answers out. Unknown fields of a body are ignored."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    StringConstraints,
    field_validator,
    model_validator,
)

from sartor.bridge.base import MAX_PROMPT_CHARACTERS
from sartor.kit.fetch import MAX_ADDRESS_CHARACTERS, BadAddress, parse_address
from sartor.kit.numbers import Whole
from sartor.kit.texts import Writable
from sartor.vgl import InvalidStructuredPrompt, canonical, parse

LARGEST_SEED = 2**31 - 1

AspectRatio = Literal["1:1", "2:3", "3:2", "3:4", "4:3", "4:5", "5:4", "9:16", "16:9"]
Caching = Literal["exact", "cached-1.5", "cached-2", "cached-3"]


_JsonObject = Annotated[dict[str, Any], Field(min_length=1)]


def _identifier(value: object) -> object:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


Text: TypeAlias = Annotated[
    str,
    StringConstraints(strict=True, strip_whitespace=True, max_length=MAX_PROMPT_CHARACTERS),
    Writable,
]
Seed: TypeAlias = Annotated[
    int,
    Field(
        strict=True,
        ge=0,
        le=LARGEST_SEED,
        description="The same seed, model, structured prompt and settings give the same bytes. Drawn where absent.",
    ),
    Whole,
]

_EXAMPLE = (
    '{"short_description":"a red apple on a yellow background","objects":[{"description":"red apple",'
    '"location":"center","shape_and_color":"round, red"}],"background_setting":"plain yellow"}'
)


class StructuredPromptBody(BaseModel):
    """What both endpoints take."""

    model_config = ConfigDict(
        extra="ignore",
        hide_input_in_errors=True,
        json_schema_extra={
            "examples": [
                {"tailored_model_id": "1", "prompt": "a red apple on a yellow background", "sync": True},
                {"tailored_model_id": "1", "structured_prompt": _EXAMPLE, "prompt": "make the apple green"},
            ]
        },
    )

    tailored_model_id: Annotated[
        str,
        StringConstraints(strict=True, min_length=1, max_length=100),
        Writable,
        BeforeValidator(_identifier, json_schema_input_type=str | int),
        Field(description="The model to draw with: its id, as a string or an integer, or a bundled model's slug."),
    ]
    prompt: Text | None = Field(
        default=None,
        description="What to draw, or, beside `structured_prompt`, what to change in it.",
        examples=["a red apple on a yellow background"],
    )
    structured_prompt: str | None = Field(
        default=None,
        description="A structured prompt from an earlier answer, as JSON text; a JSON object is taken too.",
        examples=[_EXAMPLE],
    )
    seed: Seed | None = Field(default=None, examples=[7])
    sync: StrictBool | None = Field(
        default=None,
        description="True waits for the result and answers 200; false, the default, answers 202 at once.",
    )
    webhook_url: (
        Annotated[
            str,
            StringConstraints(strict=True, strip_whitespace=True, max_length=MAX_ADDRESS_CHARACTERS),
            Writable,
        ]
        | None
    ) = Field(
        default=None,
        json_schema_extra={"format": "uri"},
        description="Where the status is posted once the request has ended, signed with this token: an `https` or "
        "`http` address on the public internet.",
        examples=["https://shop.example.com/hooks/images"],
    )
    prompt_content_moderation: StrictBool | None = Field(
        default=None, description="Whether words are checked before anything is made of them; by default they are."
    )

    @field_validator("structured_prompt", mode="before", json_schema_input_type=str | _JsonObject | None)
    @classmethod
    def _canonical(cls, value: object) -> object:
        """Text or an object, to canonical JSON; what cannot be a structured prompt is refused by field."""
        if value is None or value == "":
            return None
        if not isinstance(value, str | Mapping):
            raise ValueError("must be a JSON object, or its text")
        try:
            text = canonical(parse(value))
        except InvalidStructuredPrompt as error:
            raise ValueError(str(error)) from None
        if text == "{}":
            raise ValueError("describes nothing")
        return text

    @field_validator("webhook_url")
    @classmethod
    def _address(cls, value: str | None) -> str | None:
        """Only whether it is one; where it leads is known when it is asked."""
        if not value:
            return None
        try:
            parse_address(value)
        except BadAddress as error:
            raise ValueError(str(error)) from None
        return value

    @field_validator("prompt")
    @classmethod
    def _blank_is_none(cls, value: str | None) -> str | None:
        return value or None

    @model_validator(mode="after")
    def _combination(self) -> StructuredPromptBody:
        if self.prompt is None:
            raise ValueError("give prompt, or structured_prompt together with prompt")
        return self


class ImageBody(StructuredPromptBody):
    """What an image takes: one of ``prompt``, ``structured_prompt`` + ``seed``, ``structured_prompt`` + ``prompt``."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"tailored_model_id": "1", "prompt": "a red apple on a yellow background", "sync": True},
                {"tailored_model_id": "1", "structured_prompt": _EXAMPLE, "seed": 7},
                {"tailored_model_id": "1", "structured_prompt": _EXAMPLE, "prompt": "make the apple green"},
            ]
        }
    )

    tailored_model_influence: Annotated[float, Field(strict=True, ge=0.0, le=1.5, allow_inf_nan=False)] | None = Field(
        default=None,
        description="How strongly the tailored model acts, 0.0 to 1.5; 0 is the base model, 1 the default.",
        examples=[1.0],
    )
    negative_prompt: Text | None = Field(default=None, description="What to keep out of the image.", examples=["text"])
    guidance_scale: Annotated[int, Field(strict=True, ge=3, le=5), Whole] | None = Field(
        default=None,
        description="How closely to follow the prompt, 3 to 5; the service's default, 5, where absent.",
        examples=[5],
    )
    aspect_ratio: AspectRatio | None = Field(default=None, description="Width to height; 1:1 is the default.")
    steps_num: Annotated[int, Field(strict=True, ge=20, le=50), Whole] | None = Field(
        default=None,
        description="Denoising steps, 20 to 50; the service's default, 50, where absent.",
        examples=[30],
    )
    caching: Caching | None = Field(
        default=None,
        description="Sartor's own: `exact` computes every step in full; the others reuse earlier steps, for 1.5, 2 or "
        "3 times fewer, and give other pictures. The service's default where absent.",
    )
    guidance_until: Annotated[float, Field(strict=True, ge=0.0, le=1.0, allow_inf_nan=False)] | None = Field(
        default=None,
        description="Sartor's own: the noise level, 0.0 to 1.0, below which steps are not guided: the negative prompt, "
        "or the empty one, is no longer asked, for less work and other pictures. 0 guides to the end. The service's "
        "default, or the checkpoint's, where absent.",
        examples=[0.6],
    )
    visual_output_content_moderation: StrictBool | None = Field(
        default=None, description="Whether the finished image is checked; by default it is."
    )

    @model_validator(mode="after")
    def _combination(self) -> ImageBody:
        if self.prompt is None and (self.structured_prompt is None or self.seed is None):
            raise ValueError(
                "give one of these: prompt; structured_prompt with seed (the same image again); "
                "structured_prompt with prompt (the image changed)"
            )
        return self


def drawn_seed() -> int:
    """A seed for a request that gave none."""
    return secrets.randbelow(LARGEST_SEED + 1)


class AcceptedAnswer(BaseModel):
    """202: the job is in the database, and goes on whatever happens to this connection or this process."""

    request_id: str
    status_url: str = Field(description="Ask here until `status` is no longer `IN_PROGRESS`.")


class ImageResult(BaseModel):
    image_url: str = Field(description="The PNG; the address expires, the status gives a fresh one.")
    structured_prompt: str = Field(description="Canonical JSON text; with `seed` it gives the same image again.")
    seed: int


class StructuredPromptResult(BaseModel):
    structured_prompt: str = Field(description="Canonical JSON text.")
    seed: int


class ImageAnswer(ImageResult):
    """200 of a synchronous request: the same twice, flat and under ``result``."""

    request_id: str
    result: ImageResult


class StructuredPromptAnswer(StructuredPromptResult):
    request_id: str
    result: StructuredPromptResult


class Progress(BaseModel):
    """How far a request is."""

    stage: Literal["queued", "moderating_text", "writing_prompt", "drawing", "moderating_image", "storing"]
    step: int = Field(description="Steps done of this stage; 0 where it has none.")
    of: int = Field(description="Steps of this stage; 0 where it has none.")


class InProgressStatus(BaseModel):
    status: Literal["IN_PROGRESS"]
    request_id: str
    progress: Progress


class CompletedResult(BaseModel):
    image_url: str | None = Field(default=None, description="Absent where only a structured prompt was asked for.")
    structured_prompt: str
    seed: int
    prompt: str | None = Field(default=None, description="The prompt, where one was given.")


class CompletedStatus(BaseModel):
    status: Literal["COMPLETED"]
    request_id: str
    result: CompletedResult


class StatusError(BaseModel):
    code: int
    message: str
    details: str


class ErrorStatus(BaseModel):
    status: Literal["ERROR"]
    request_id: str
    error: StatusError


StatusAnswer = Annotated[InProgressStatus | CompletedStatus | ErrorStatus, Field(discriminator="status")]


class RequestSummary(BaseModel):
    """A request in a list: what its status says, and what it was."""

    request_id: str
    status: Literal["IN_PROGRESS", "COMPLETED", "ERROR"]
    kind: Literal["image", "structured_prompt"]
    tailored_model_id: str
    created_at: datetime
    finished_at: datetime | None = Field(description="Null while it is in progress.")
    progress: Progress | None = Field(default=None, description="Of one in progress.")
    result: CompletedResult | None = Field(default=None, description="Of a completed one.")
    error: StatusError | None = Field(default=None, description="Of one that ended as an error.")


class RequestsAnswer(BaseModel):
    requests: list[RequestSummary]
    next_cursor: str | None = Field(description="Ask with it for the next page; null on the last one.")
