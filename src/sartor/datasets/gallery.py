"""What pages show of many images at once, or of one among the others: a query each, however many there are."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from sartor.accounts.service import Caller
from sartor.datasets.pictures import near_ones
from sartor.datasets.tables import Dataset, DatasetImage
from sartor.kit.database import Database
from sartor.kit.paging import page_of


class Gallery:
    """Answers for images and datasets that the caller was given already; ``first`` and ``newest`` see to that."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def first(self, caller: Caller, dataset_ids: Sequence[int], limit: int) -> dict[int, list[DatasetImage]]:
        """The first ``limit`` images of each of the organisation's datasets, in the order in which they came."""
        place = sa.func.row_number().over(partition_by=DatasetImage.dataset_id, order_by=DatasetImage.id)
        numbered = (
            sa.select(DatasetImage.id, place.label("place"))
            .join(Dataset, Dataset.id == DatasetImage.dataset_id)
            .where(Dataset.id.in_(dataset_ids), Dataset.organisation_id == caller.organisation_id)
            .subquery()
        )
        query = sa.select(DatasetImage).join(numbered, numbered.c.id == DatasetImage.id)
        found: dict[int, list[DatasetImage]] = {dataset_id: [] for dataset_id in dataset_ids}
        with self._database.transaction() as session:
            for image in session.scalars(query.where(numbered.c.place <= limit).order_by(DatasetImage.id)):
                found[image.dataset_id].append(image)
        return found

    def newest(self, caller: Caller, project_ids: Sequence[int]) -> dict[int, int]:
        """The newest dataset that has images, by project, of those that have any: ids."""
        there = (Dataset.organisation_id == caller.organisation_id, Dataset.deleted_at.is_(None))
        filled = sa.exists().where(DatasetImage.dataset_id == Dataset.id)
        query = sa.select(Dataset.project_id, sa.func.max(Dataset.id)).group_by(Dataset.project_id)
        with self._database.transaction() as session:
            rows = session.execute(query.where(Dataset.project_id.in_(project_ids), filled, *there))
            return {row[0]: row[1] for row in rows}

    def page(self, dataset_id: int, *, limit: int, after: int | None) -> tuple[list[DatasetImage], int | None]:
        """A page of the dataset's images, in the order in which they came, as `page_of` has it; an image's place is its
        id."""
        query = sa.select(DatasetImage).where(DatasetImage.dataset_id == dataset_id)
        with self._database.transaction() as session:
            return page_of(session, query, DatasetImage.id, limit=limit, after=after)

    def neighbours(self, image: DatasetImage) -> tuple[int | None, int | None]:
        """Ids of the dataset's images that came just before and just after; None where it is the first or the last."""
        before = sa.func.max(DatasetImage.id).filter(DatasetImage.id < image.id)
        after = sa.func.min(DatasetImage.id).filter(DatasetImage.id > image.id)
        with self._database.transaction() as session:
            row = session.execute(sa.select(before, after).where(DatasetImage.dataset_id == image.dataset_id)).one()
        return row[0], row[1]

    def alike(self, images: Sequence[DatasetImage]) -> set[int]:
        """Ids of those among a dataset's ``images`` to which another one of the dataset looks the same. Each is
        compared with each: meant for hundreds."""
        others = sa.select(DatasetImage.id, DatasetImage.perceptual_hash).where(
            DatasetImage.dataset_id.in_({image.dataset_id for image in images})
        )
        with self._database.transaction() as session:
            pairs = [(row[0], row[1]) for row in session.execute(others)]
        return {image.id for image in images if near_ones(image.perceptual_hash, pairs) != [image.id]}

    def names(self, image_ids: Sequence[int]) -> dict[int, str]:
        """What images are called, by their ids."""
        query = sa.select(DatasetImage.id, DatasetImage.name).where(DatasetImage.id.in_(image_ids))
        with self._database.transaction() as session:
            return {row[0]: row[1] for row in session.execute(query.order_by(DatasetImage.id))}
