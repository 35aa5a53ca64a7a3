"""Models on the wire."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from sartor.models.tables import Model

Status = Literal["Created", "InProgress", "Completed", "Failed", "Stopping", "Stopped"]


class ModelAnswer(BaseModel):
    """A tailored model. ``project_id`` and ``dataset_id`` are absent for the bundled ones, which have neither."""

    model_config = ConfigDict(protected_namespaces=())

    id: int
    name: str
    description: str
    status: Status
    training_version: str = Field(description="`fibo`: only such models can be drawn with.")
    training_mode: Literal["fully_automated", "expert"]
    generation_prefix: str = Field(description="Words to put before every prompt; empty, the schema does that here.")
    active_model_version: str
    training_parameters: dict[str, Any]
    checkpoint_steps: list[str]
    project_id: int | None = None
    dataset_id: int | None = None
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, model: Model, *, details: bool) -> ModelAnswer:
        """``details`` also shows how it was trained."""
        return cls(
            id=model.id,
            name=model.name,
            description=model.description,
            status=model.status,  # type: ignore[arg-type]
            training_version=model.training_version,
            training_mode=model.training_mode,  # type: ignore[arg-type]
            generation_prefix="",
            active_model_version=model.active_model_version,
            training_parameters=model.training_parameters if details else {},
            checkpoint_steps=model.checkpoint_steps if details else [],
            project_id=model.project_id,
            dataset_id=model.dataset_id,
            created_at=model.created_at,
            updated_at=model.updated_at,
        )
