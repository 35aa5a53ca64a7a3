"""Rows of datasets and images: found for whoever may see them, held while they change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from sartor.accounts.service import Caller
from sartor.datasets.keys import image_key, thumbnail_key
from sartor.datasets.tables import BulkUpload, Dataset, DatasetImage
from sartor.errors import BadRequest, Conflict, NotFound
from sartor.kit.database import lock_rows, now

# Images that a dataset may have, by its upload type.
LIMITS = {"basic": 200, "advanced": 5000}
LEAST_IMAGES = 5


def find_dataset(session: Session, caller: Caller, dataset_id: int) -> Dataset:
    """Raises NotFound for an unknown one and for another organisation's alike."""
    own = (Dataset.id == dataset_id, Dataset.organisation_id == caller.organisation_id)
    found = session.scalar(sa.select(Dataset).where(*own, Dataset.deleted_at.is_(None)))
    if found is None:
        raise NotFound("There is no such dataset.")
    return found


def find_image(session: Session, dataset_id: int, image_id: int) -> DatasetImage:
    """Raises NotFound for an unknown one and for another dataset's alike."""
    query = sa.select(DatasetImage).where(DatasetImage.id == image_id, DatasetImage.dataset_id == dataset_id)
    found = session.scalar(query)
    if found is None:
        raise NotFound("There is no such image in this dataset.")
    return found


def hold(session: Session, dataset_id: int, *, changed: bool = True) -> Dataset:
    """The dataset, marked as ``changed``: until the transaction ends nobody else changes or deletes it, and what is
    counted stays.

    Raises NotFound where it is gone.
    """
    lock_rows(session, Dataset.updated_at, Dataset.id == dataset_id, value=now() if changed else None)
    found = session.get(Dataset, dataset_id, populate_existing=True)
    if found is None or found.deleted_at is not None:
        raise NotFound("There is no such dataset.")
    return found


def mark_deleted(session: Session, *which: sa.ColumnElement[bool]) -> bool:
    """Marks datasets as deleted, once nobody else holds them; whether there are any, marked before or now."""
    marked = sa.update(Dataset).where(*which).values(deleted_at=sa.func.coalesce(Dataset.deleted_at, now()))
    changed = session.execute(marked, execution_options={"synchronize_session": False})
    return bool(changed.rowcount)  # type: ignore[attr-defined]


def images_of(session: Session, dataset_id: int, *, limit: int | None = None) -> list[DatasetImage]:
    """In the order in which they came; `limit` of them at most."""
    query = sa.select(DatasetImage).where(DatasetImage.dataset_id == dataset_id)
    return list(session.scalars(query.order_by(DatasetImage.id).limit(limit)))


def copied(image: DatasetImage, dataset_id: int, stem: str) -> DatasetImage:
    """The row of a copy, whose bytes are under ``stem``."""
    return DatasetImage(
        dataset_id=dataset_id,
        name=image.name,
        caption=image.caption,
        caption_source=image.caption_source,
        source_url=image.source_url,
        image_key=image_key(stem),
        thumbnail_key=thumbnail_key(stem),
        width=image.width,
        height=image.height,
        perceptual_hash=image.perceptual_hash,
    )


@dataclass(frozen=True)
class Captioned:
    """How many images a dataset has, how many of them have a caption, and how many one that was written by hand; and
    how many the last job that was to write captions is done with."""

    images: int
    captioned: int
    by_hand: int
    done: int


def count_captions(session: Session, dataset_id: int) -> Captioned:
    by_hand = sa.func.count().filter(DatasetImage.caption_source == "manual")
    job = sa.select(Dataset.captions_job_id).where(Dataset.id == dataset_id).scalar_subquery()
    done = sa.func.count().filter(DatasetImage.captions_job_id == job)
    query = sa.select(sa.func.count(), sa.func.count(DatasetImage.caption), by_hand, done)
    return Captioned(*session.execute(query.where(DatasetImage.dataset_id == dataset_id)).one())


def settle_captions(session: Session, dataset: Dataset) -> None:
    """What an image that came, changed or went makes of the captions' status: ``empty`` where none has a caption,
    ``completed`` where all have one and nothing failed when all were to be written. A job that is at it decides itself.
    """
    session.flush()
    if dataset.captions_update_status == "in_progress":
        return
    found = count_captions(session, dataset.id)
    if not found.captioned:
        dataset.captions_update_status = "empty"
    elif found.captioned == found.images and dataset.captions_error is None:
        dataset.captions_update_status = "completed"


def count_images(session: Session, dataset_ids: Sequence[int]) -> dict[int, int]:
    """How many images each has; 0 for one without any."""
    query = (
        sa.select(DatasetImage.dataset_id, sa.func.count())
        .where(DatasetImage.dataset_id.in_(dataset_ids))
        .group_by(DatasetImage.dataset_id)
    )
    return dict.fromkeys(dataset_ids, 0) | {row[0]: row[1] for row in session.execute(query)}


def check_draft(dataset: Dataset) -> None:
    """Raises Conflict for a completed dataset."""
    if dataset.status == "completed":
        raise Conflict("The dataset is completed and cannot change; clone it to go on.")


def check_room(session: Session, dataset: Dataset) -> None:
    """Raises Conflict where the dataset is completed, or full."""
    check_draft(dataset)
    limit = LIMITS[dataset.upload_type]
    if count_images(session, [dataset.id])[dataset.id] >= limit:
        raise Conflict(f"The dataset has {limit} images already, which is the most that it may have.")


def check_single_uploads(dataset: Dataset) -> None:
    """Raises BadRequest for a dataset that is filled by one ZIP."""
    if dataset.upload_type != "basic":
        raise BadRequest("Images one by one are for datasets of the upload type basic; this one takes one ZIP.")


def check_whole(session: Session, dataset: Dataset) -> int:
    """How many images it has. Raises Conflict for a dataset that cannot be completed yet."""
    found = count_captions(session, dataset.id)
    uploading = sa.exists().where(BulkUpload.dataset_id == dataset.id, BulkUpload.status.in_(("pending", "processing")))
    if dataset.visual_schema is None:
        raise Conflict("A dataset is completed with a visual schema; this one has none.")
    if session.scalar(sa.select(uploading)):
        raise Conflict("Images are still being uploaded.")
    if found.images < LEAST_IMAGES:
        raise Conflict(f"A dataset is completed with {LEAST_IMAGES} images or more; this one has {found.images}.")
    if dataset.captions_update_status == "in_progress":
        raise Conflict("Captions are still being written.")
    if without := found.images - found.captioned:
        raise Conflict(
            f"{without} of the {found.images} images have no caption; regenerate the captions first, or write them."
        )
    return found.images
