"""What a training reads of a dataset."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from sartor.datasets.tables import Dataset, DatasetImage
from sartor.projects.tables import Project


@dataclass(frozen=True)
class TrainingPicture:
    """Where the storage has a picture, and its caption: canonical JSON, None where it was never captioned."""

    key: str
    caption: str | None


@dataclass(frozen=True)
class TrainingSet:
    """Pictures in the order of upload; ``visual_schema`` is canonical JSON. The kind of brand is the project's."""

    dataset_id: int
    project_id: int
    status: str
    visual_schema: str | None
    ip_type: str
    medium: str
    pictures: tuple[TrainingPicture, ...]


def training_set(session: Session, organisation_id: int, dataset_id: int) -> TrainingSet | None:
    """The dataset with this id; None for an unknown one and for another organisation's."""
    found = session.execute(
        sa.select(Dataset, Project)
        .join(Project, Project.id == Dataset.project_id)
        .where(Dataset.id == dataset_id, Dataset.organisation_id == organisation_id, Dataset.deleted_at.is_(None))
    ).one_or_none()
    if found is None:
        return None
    dataset, project = found
    images = session.scalars(
        sa.select(DatasetImage).where(DatasetImage.dataset_id == dataset_id).order_by(DatasetImage.id)
    )
    return TrainingSet(
        dataset_id=dataset.id,
        project_id=dataset.project_id,
        status=dataset.status,
        visual_schema=dataset.visual_schema,
        ip_type=project.ip_type,
        medium=project.ip_medium,
        pictures=tuple(TrainingPicture(image.image_key, image.caption) for image in images),
    )
