"""Organisations own everything; tokens open their door."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from sartor.kit.database import IDS_ARE_NEW, Base, Moment, now


class Organisation(Base):
    __tablename__ = "organisations"
    __table_args__ = IDS_ARE_NEW

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(sa.String(200), unique=True)
    # Since when it is being deleted: its tokens open nothing any more, and the row goes last.
    deleted_at: Mapped[datetime | None] = mapped_column(Moment)
    created_at: Mapped[datetime] = mapped_column(Moment, default=now)


class ApiToken(Base):
    """Only the SHA-256 of a token is kept. Tokens have 256 random bits, so a fast hash hides them well.

    ``signing_key`` is the key of its webhooks, encrypted; tokens from before there were any have none until they are
    used again.
    """

    __tablename__ = "api_tokens"
    __table_args__ = IDS_ARE_NEW

    id: Mapped[int] = mapped_column(primary_key=True)
    organisation_id: Mapped[int] = mapped_column(sa.ForeignKey("organisations.id", ondelete="CASCADE"), index=True)
    digest: Mapped[str] = mapped_column(sa.String(64), unique=True)
    signing_key: Mapped[bytes | None] = mapped_column(sa.LargeBinary)
    created_at: Mapped[datetime] = mapped_column(Moment, default=now)
    revoked_at: Mapped[datetime | None] = mapped_column(Moment)
