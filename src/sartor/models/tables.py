"""One row a tailored model. A row without an organisation is bundled: everybody may use it, nobody may change it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from sartor.kit.database import Base, Moment, now


class Model(Base):
    __tablename__ = "models"

    id: Mapped[int] = mapped_column(primary_key=True)
    organisation_id: Mapped[int | None] = mapped_column(
        sa.ForeignKey("organisations.id", ondelete="CASCADE"), index=True
    )
    # Names a bundled model for ever: its id may differ from one installation to the next.
    slug: Mapped[str | None] = mapped_column(sa.String(100), unique=True)
    name: Mapped[str] = mapped_column(sa.String(200))
    description: Mapped[str] = mapped_column(sa.Text, default="")
    # Created, InProgress, Completed, Failed, Stopping, Stopped
    status: Mapped[str] = mapped_column(sa.String(20), default="Created")
    training_version: Mapped[str] = mapped_column(sa.String(20), default="fibo")
    # fully_automated, expert
    training_mode: Mapped[str] = mapped_column(sa.String(20), default="fully_automated")
    training_parameters: Mapped[dict[str, Any]] = mapped_column(sa.JSON, default=dict)
    checkpoint_steps: Mapped[list[str]] = mapped_column(sa.JSON, default=list)
    active_model_version: Mapped[str] = mapped_column(sa.String(100), default="default")
    visual_schema: Mapped[dict[str, Any]] = mapped_column(sa.JSON, default=dict)
    # The folder of a bundled brand, by its slug: "brand:<slug>".
    adapter: Mapped[str | None] = mapped_column(sa.String(300))
    project_id: Mapped[int | None]
    dataset_id: Mapped[int | None]
    created_at: Mapped[datetime] = mapped_column(Moment, default=now)
    updated_at: Mapped[datetime] = mapped_column(Moment, default=now, onupdate=now)
