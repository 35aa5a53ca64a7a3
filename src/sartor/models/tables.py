"""One row a tailored model. A row without an organisation is bundled: everybody may use it, nobody may change it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from sartor.kit.database import IDS_ARE_NEW, Base, Moment, now

# What a model is until the last request that names it is forgotten.
DELETED = "Deleted"
# It is in training, and the device may be busy with it.
IN_TRAINING = ("InProgress", "Stopping")


class Model(Base):
    __tablename__ = "models"
    __table_args__ = IDS_ARE_NEW

    id: Mapped[int] = mapped_column(primary_key=True)
    organisation_id: Mapped[int | None] = mapped_column(
        sa.ForeignKey("organisations.id", ondelete="CASCADE"), index=True
    )
    # Names a bundled model for ever: its id may differ from one installation to the next.
    slug: Mapped[str | None] = mapped_column(sa.String(100), unique=True)
    name: Mapped[str] = mapped_column(sa.String(200))
    description: Mapped[str] = mapped_column(sa.Text, default="")
    # Created, InProgress, Completed, Failed, Stopping, Stopped, Deleted
    status: Mapped[str] = mapped_column(sa.String(20), default="Created")
    training_version: Mapped[str] = mapped_column(sa.String(20), default="fibo")
    # fully_automated, expert
    training_mode: Mapped[str] = mapped_column(sa.String(20), default="fully_automated")
    training_parameters: Mapped[dict[str, Any]] = mapped_column(sa.JSON, default=dict)
    checkpoint_steps: Mapped[list[str]] = mapped_column(sa.JSON, default=list)
    active_model_version: Mapped[str] = mapped_column(sa.String(100), default="default")
    visual_schema: Mapped[dict[str, Any]] = mapped_column(sa.JSON, default=dict)
    # "brand:<slug>" is the folder of a bundled brand, anything else a key of the storage.
    adapter: Mapped[str | None] = mapped_column(sa.String(300))
    adapter_sha256: Mapped[str | None] = mapped_column(sa.String(64))
    project_id: Mapped[int | None]
    dataset_id: Mapped[int | None]
    # Of a training: {"step", "steps", "loss", "rate" (steps a second), "seconds_left"}; and why it failed.
    progress: Mapped[dict[str, Any] | None] = mapped_column(sa.JSON)
    error: Mapped[dict[str, Any] | None] = mapped_column(sa.JSON)
    # The digest of the checkpoint that the adapter belongs to.
    base_sha256: Mapped[str | None] = mapped_column(sa.String(64))
    started_at: Mapped[datetime | None] = mapped_column(Moment)
    finished_at: Mapped[datetime | None] = mapped_column(Moment)
    created_at: Mapped[datetime] = mapped_column(Moment, default=now)
    updated_at: Mapped[datetime] = mapped_column(Moment, default=now, onupdate=now)


class ModelCheckpoint(Base):
    """What a training had come to after `step` steps: an adapter of its own, and pictures drawn with it."""

    __tablename__ = "model_checkpoints"
    __table_args__ = (sa.UniqueConstraint("model_id", "step", name="uq_model_checkpoints_model_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    model_id: Mapped[int] = mapped_column(sa.ForeignKey("models.id", ondelete="CASCADE"), index=True)
    step: Mapped[int]
    adapter_key: Mapped[str] = mapped_column(sa.String(200))
    adapter_sha256: Mapped[str] = mapped_column(sa.String(64))
    samples_key: Mapped[str | None] = mapped_column(sa.String(200))
    # How the best one is chosen; lower is better.
    score: Mapped[float | None] = mapped_column(sa.Float)
    created_at: Mapped[datetime] = mapped_column(Moment, default=now)


def checkpoints_of(model_id: int) -> sa.Select[ModelCheckpoint]:
    """In order of their steps."""
    return sa.select(ModelCheckpoint).where(ModelCheckpoint.model_id == model_id).order_by(ModelCheckpoint.step)
