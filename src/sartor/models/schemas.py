"""Models on the wire. Unknown fields of a body are ignored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    field_validator,
    model_validator,
)

from sartor.errors import ErrorObject
from sartor.kit.fetch import MAX_ADDRESS_CHARACTERS
from sartor.kit.numbers import Whole
from sartor.kit.texts import Writable
from sartor.models.recipes import Expert
from sartor.models.tables import Model, ModelCheckpoint
from sartor.projects.schemas import Description, IpType, Name, ProjectBody
from sartor.vgl import parse_visual_schema, plain

Status = Literal["Created", "InProgress", "Completed", "Failed", "Stopping", "Stopped"]
Mode = Literal["fully_automated", "expert"]
Scheduler = Literal["linear", "cosine", "cosine_with_restarts", "polynomial", "constant", "constant_with_warmup"]
# The largest id that the column holds; a larger number is no id, and must not reach the database.
LARGEST_ID = 2**31 - 1
DEFAULT_VERSION = "default"


def _version(value: object) -> object:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


Version: TypeAlias = Annotated[str, BeforeValidator(_version), Field(pattern=r"^(default|[0-9]{1,9})$")]


class ModelBody(BaseModel):
    """A new model."""

    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)

    name: Name = Field(examples=["Lora Character Model"])
    dataset_id: Annotated[int, Field(strict=True, ge=1, le=LARGEST_ID), Whole] = Field(
        description="What it learns from. The dataset may still be a draft; training starts once it is completed."
    )
    training_mode: Mode = Field(
        default="fully_automated",
        description="`fully_automated` chooses the parameters by the dataset's size and the project's kind, and the "
        "best checkpoint by its score. `expert` takes yours when training starts, and keeps all checkpoints.",
    )
    description: Description | None = None


class ModelChanges(BaseModel):
    """What is left out stays."""

    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True, protected_namespaces=())

    name: Name | None = None
    description: Description | None = None
    active_model_version: Version | None = Field(
        default=None,
        description="Which checkpoint of a model trained in `expert` mode is drawn with: its step, or `default` for "
        "the last one. An addition of Sartor's.",
    )


class TrainingBody(BaseModel):
    """The parameters of `expert` mode; in the other one none may be given."""

    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)

    lr_scheduler: Scheduler | None = Field(default=None, description="Default `constant_with_warmup`.")
    learning_rate: Annotated[float, Field(strict=True, ge=1e-6, le=1e-3)] | None = Field(
        default=None, description="Default 0.0001. The embedded model learns best at 0.001."
    )
    total_training_steps: Annotated[int, Field(strict=True, ge=1, le=5000), Whole] | None = Field(
        default=None, description="Default 750."
    )
    rank: Annotated[int, Field(strict=True, ge=4, le=256), Whole] | None = Field(
        default=None, description="Default 128."
    )
    checkpoint_interval: Annotated[int, Field(strict=True, ge=100, le=LARGEST_ID), Whole] | None = Field(
        default=None, description="Steps between checkpoints; the last step is always one. Default 500."
    )
    lr_warmup_steps: Annotated[int, Field(strict=True, ge=0, le=1000), Whole] | None = Field(
        default=None, description="Counts for `constant_with_warmup` only. Default 100."
    )

    @property
    def given(self) -> dict[str, Any]:
        """The parameters that the body names, null ones left out."""
        return self.model_dump(exclude_none=True)

    def expert(self) -> Expert:
        """What was given, with the documented defaults for the rest."""
        return Expert(**(asdict(Expert()) | self.given))


class ImportFields(BaseModel):
    """What comes with an adapter that was trained elsewhere."""

    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)

    name: Name = "Imported model"
    description: Description | None = None
    visual_schema: dict[str, Any] | None = Field(
        default=None, description="What its prompts are merged with: a JSON object, or its text."
    )
    project_id: Annotated[int, Field(ge=1, le=LARGEST_ID), Whole] | None = None

    @field_validator("visual_schema", mode="before")
    @classmethod
    def _schema(cls, value: object) -> object:
        if value is None or value == "":
            return None
        if not isinstance(value, str | Mapping):
            raise ValueError("must be a JSON object, or its text")
        return plain(parse_visual_schema(value))


class NewProject(ProjectBody):
    """The project that an uploaded model is put into."""

    ip_type: IpType = "other"


class UploadModelBody(BaseModel):
    """A model whose adapter is at an address."""

    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True, protected_namespaces=())

    model_url: Annotated[
        str,
        StringConstraints(strict=True, strip_whitespace=True, min_length=1, max_length=MAX_ADDRESS_CHARACTERS),
        Writable,
    ] = Field(description="A public address of a diffusers LoRA, safetensors.", examples=["https://example.com/lora"])
    model_name: Name = "Uploaded model"
    project_id: Annotated[int, Field(strict=True, ge=1, le=LARGEST_ID), Whole] | None = None
    project_parameters: NewProject | None = Field(
        default=None, description="The project to be made for it; needed where there is no `project_id`, else ignored."
    )

    @model_validator(mode="after")
    def _one(self) -> UploadModelBody:
        if self.project_id is None and self.project_parameters is None:
            raise ValueError("give one of project_id and project_parameters")
        return self


class ProgressAnswer(BaseModel):
    """How far a training is."""

    step: int
    steps: int
    loss: float | None = Field(default=None, description="Of the last optimiser step; absent before the first.")
    rate: float | None = Field(
        default=None, description="Optimiser steps a second, waiting for images included; absent before the first."
    )
    seconds_left: float | None = Field(default=None, description="Absent while the rate is.")

    @classmethod
    def before(cls, steps: int) -> ProgressAnswer:
        """Before the first of so many steps."""
        return cls(step=0, steps=steps)


class Links(BaseModel):
    """Addresses that expire; asking again gives fresh ones."""

    samples_url: str | None = None
    loss_curve_url: str | None = None
    losses_url: str | None = None


class ModelAnswer(BaseModel):
    """A tailored model. ``project_id`` and ``dataset_id`` are absent for the bundled ones, which have neither."""

    model_config = ConfigDict(protected_namespaces=())

    id: int
    name: str
    description: str
    status: Status
    training_version: str = Field(description="`fibo`: only such models can be drawn with.")
    training_mode: Mode
    generation_prefix: str = Field(description="Words to put before every prompt; empty, the schema does that here.")
    custom_metadata: str = Field(default="", description="Always empty: no call takes any.")
    active_model_version: str = Field(
        description="The step of the checkpoint that is drawn with; `default` where there is one version, or none yet."
    )
    training_parameters: dict[str, Any]
    checkpoint_steps: list[str]
    project_id: int | None = None
    dataset_id: int | None = None
    progress: ProgressAnswer | None = Field(default=None, description="While it trains, and where it ended.")
    error: ErrorObject | None = Field(default=None, description="Why the training failed.")
    samples_url: str | None = Field(default=None, description="Pictures drawn with the active checkpoint, a PNG.")
    loss_curve_url: str | None = Field(default=None, description="The loss by step, a PNG.")
    losses_url: str | None = Field(default=None, description="The same as JSON, with each checkpoint's score.")
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, model: Model, *, details: bool, links: Links | None = None) -> ModelAnswer:
        """``details`` also shows how it was trained."""
        return cls(
            id=model.id,
            name=model.name,
            description=model.description,
            status=model.status,  # type: ignore[arg-type]
            training_version=model.training_version,
            training_mode=model.training_mode,  # type: ignore[arg-type]
            generation_prefix="",
            active_model_version=active_version(model),
            training_parameters=model.training_parameters if details else {},
            checkpoint_steps=model.checkpoint_steps if details else [],
            project_id=model.project_id,
            dataset_id=model.dataset_id,
            progress=ProgressAnswer(**model.progress) if model.progress else None,
            error=ErrorObject(**model.error) if model.error else None,
            created_at=model.created_at,
            updated_at=model.updated_at,
            **(links or Links()).model_dump(),
        )


def active_version(model: Model) -> str:
    """The step of the checkpoint that is drawn with: of a trained expert's default version the last one's."""
    several = model.training_mode == "expert" and model.status == "Completed" and model.checkpoint_steps
    if several and model.active_model_version == DEFAULT_VERSION:
        return model.checkpoint_steps[-1]
    return model.active_model_version


class CheckpointAnswer(BaseModel):
    """What a training had come to."""

    checkpoint_step: int
    training_job_id: int = Field(description="The model's id: a model is trained once.")
    created_at: datetime
    score: float | None = Field(
        default=None,
        description="How far samples of things that no caption names are from the brand's pictures in look; lower is "
        "better. Absent where there is none. An addition of Sartor's.",
    )
    samples_url: str | None = None

    @classmethod
    def of(cls, checkpoint: ModelCheckpoint, samples_url: str | None) -> CheckpointAnswer:
        return cls(
            checkpoint_step=checkpoint.step,
            training_job_id=checkpoint.model_id,
            created_at=checkpoint.created_at,
            score=checkpoint.score,
            samples_url=samples_url,
        )


class CheckpointsAnswer(BaseModel):
    """The checkpoints of a model trained in `expert` mode, in order of their steps."""

    model_config = ConfigDict(protected_namespaces=())

    checkpoints: list[CheckpointAnswer]
    active_model_version: str


class ModelDownloadAnswer(BaseModel):
    """Where a trained model can be fetched from."""

    download_url: str = Field(description="A diffusers LoRA, safetensors, as `load_lora_weights` reads it.")
    base_model_name: str = Field(description="The checkpoint that it belongs to.")
    base_model_card: str = Field(description="What that checkpoint is.")
    model_card_url: str = Field(description="The model's own card, Markdown, with its visual schema.")
