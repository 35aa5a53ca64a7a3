"""Datasets, their images, and the one bulk upload that an advanced dataset may have. Pixels live in the storage."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from sartor.kit.database import IDS_ARE_NEW, Base, Moment, now


class Dataset(Base):
    __tablename__ = "datasets"
    __table_args__ = IDS_ARE_NEW

    id: Mapped[int] = mapped_column(primary_key=True)
    organisation_id: Mapped[int] = mapped_column(sa.ForeignKey("organisations.id", ondelete="CASCADE"), index=True)
    project_id: Mapped[int] = mapped_column(sa.ForeignKey("projects.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(sa.String(200))
    description: Mapped[str] = mapped_column(sa.Text, default="")
    # Canonical JSON of a partial structured prompt.
    visual_schema: Mapped[str | None] = mapped_column(sa.Text)
    # draft, completed
    status: Mapped[str] = mapped_column(sa.String(20), default="draft")
    # basic, advanced
    upload_type: Mapped[str] = mapped_column(sa.String(20), default="basic")
    # empty, in_progress, completed
    captions_update_status: Mapped[str] = mapped_column(sa.String(20), default="empty")
    # The job that writes all captions anew: the last one asked for; an earlier one ends by itself.
    captions_job_id: Mapped[str | None] = mapped_column(sa.String(36))
    # What that job could not do, as the wire's ``error`` object; null where it did everything, or has not ended.
    captions_error: Mapped[dict[str, Any] | None] = mapped_column(sa.JSON(none_as_null=True))
    # The ZIP that was last packed for a download, of what the dataset held then.
    archive_key: Mapped[str | None] = mapped_column(sa.String(200), index=True)
    # Since when it is being deleted: nobody finds it any more, and the row goes last.
    deleted_at: Mapped[datetime | None] = mapped_column(Moment)
    created_at: Mapped[datetime] = mapped_column(Moment, default=now)
    updated_at: Mapped[datetime] = mapped_column(Moment, default=now, onupdate=now)


class DatasetImage(Base):
    __tablename__ = "dataset_images"
    __table_args__ = (sa.UniqueConstraint("dataset_id", "entry", name="uq_dataset_images_dataset_id"), IDS_ARE_NEW)

    id: Mapped[int] = mapped_column(primary_key=True)
    dataset_id: Mapped[int] = mapped_column(sa.ForeignKey("datasets.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(sa.String(200))
    # Canonical JSON of a structured prompt; null until one is written.
    caption: Mapped[str | None] = mapped_column(sa.Text)
    # automatic, manual, pending; null where there was no schema to write one by
    caption_source: Mapped[str | None] = mapped_column(sa.String(20))
    # The job that wrote the caption last, where one did: what is done already when it is taken up again.
    captions_job_id: Mapped[str | None] = mapped_column(sa.String(36))
    source_url: Mapped[str | None] = mapped_column(sa.Text)
    image_key: Mapped[str] = mapped_column(sa.String(200), index=True)
    thumbnail_key: Mapped[str] = mapped_column(sa.String(200), index=True)
    # In pixels, of what is stored.
    width: Mapped[int]
    height: Mapped[int]
    # 64 bits as 16 hexadecimal digits; near ones differ in few bits.
    perceptual_hash: Mapped[str] = mapped_column(sa.String(16))
    # Number of the entry in the ZIP that it came from: an upload that is taken up again adds none twice.
    entry: Mapped[int | None]
    created_at: Mapped[datetime] = mapped_column(Moment, default=now)
    updated_at: Mapped[datetime] = mapped_column(Moment, default=now, onupdate=now)


class BulkUpload(Base):
    __tablename__ = "bulk_uploads"

    id: Mapped[str] = mapped_column(sa.String(36), primary_key=True)
    dataset_id: Mapped[int] = mapped_column(sa.ForeignKey("datasets.id", ondelete="CASCADE"), unique=True)
    zip_url: Mapped[str] = mapped_column(sa.Text)
    content_moderation: Mapped[bool] = mapped_column(default=False)
    # pending, processing, completed, failed
    status: Mapped[str] = mapped_column(sa.String(20), default="pending")
    # Entries of the archive that are pictures, once it has been read; and those that are done with, either way.
    total: Mapped[int] = mapped_column(default=0)
    done: Mapped[int] = mapped_column(default=0)
    # [{"entry", "filename", "error_code", "error_message"}]
    failures: Mapped[list[dict[str, Any]]] = mapped_column(sa.JSON, default=list)
    error: Mapped[dict[str, Any] | None] = mapped_column(sa.JSON)
    created_at: Mapped[datetime] = mapped_column(Moment, default=now)
    updated_at: Mapped[datetime] = mapped_column(Moment, default=now, onupdate=now)
