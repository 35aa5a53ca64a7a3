"""One row a request: what was asked, how far it is, what came of it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from sartor.kit.database import Base, Moment, now

IN_PROGRESS, COMPLETED, ERROR = "IN_PROGRESS", "COMPLETED", "ERROR"
IMAGE, STRUCTURED_PROMPT = "image", "structured_prompt"


class GenerationRequest(Base):
    """Everything that a job needs is here: it is given nothing but the id."""

    __tablename__ = "generation_requests"
    __table_args__ = (
        sa.Index("ix_generation_requests_outstanding", "organisation_id", "status"),
        sa.Index("ix_generation_requests_newest", "organisation_id", "created_at"),
    )

    id: Mapped[str] = mapped_column(sa.String(36), primary_key=True)
    organisation_id: Mapped[int] = mapped_column(sa.ForeignKey("organisations.id", ondelete="CASCADE"))
    model_id: Mapped[int] = mapped_column(sa.ForeignKey("models.id", ondelete="CASCADE"), index=True)
    # image, structured_prompt
    kind: Mapped[str] = mapped_column(sa.String(20))
    # The checked body, defaults filled in; no seed was given: the one that was drawn.
    prompt: Mapped[str | None] = mapped_column(sa.Text)
    given_structured_prompt: Mapped[str | None] = mapped_column(sa.Text)
    seed: Mapped[int] = mapped_column(sa.BigInteger)
    options: Mapped[dict[str, Any]] = mapped_column(sa.JSON)
    # IN_PROGRESS, COMPLETED, ERROR
    status: Mapped[str] = mapped_column(sa.String(20), default=IN_PROGRESS)
    # queued, moderating_text, writing_prompt, drawing, moderating_image, storing
    stage: Mapped[str] = mapped_column(sa.String(30), default="queued")
    step: Mapped[int] = mapped_column(default=0)
    steps: Mapped[int] = mapped_column(default=0)
    # Results; canonical JSON, and where the storage has the image.
    structured_prompt: Mapped[str | None] = mapped_column(sa.Text)
    notes: Mapped[list[str]] = mapped_column(sa.JSON, default=list)
    image_key: Mapped[str | None] = mapped_column(sa.String(200))
    fingerprint: Mapped[dict[str, Any] | None] = mapped_column(sa.JSON)
    error: Mapped[dict[str, Any] | None] = mapped_column(sa.JSON)
    created_at: Mapped[datetime] = mapped_column(Moment, default=now)
    started_at: Mapped[datetime | None] = mapped_column(Moment)
    finished_at: Mapped[datetime | None] = mapped_column(Moment, index=True)
