"""Datasets: made, completed, copied, and deleted with the bytes of their images."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session

from sartor.accounts.service import Caller
from sartor.datasets.images import image_result
from sartor.datasets.keys import archive_keys, image_key, image_keys, new_stem, thumbnail_key
from sartor.datasets.rows import (
    Captioned,
    check_draft,
    check_whole,
    copied,
    count_captions,
    count_images,
    find_dataset,
    hold,
    images_of,
    mark_deleted,
)
from sartor.datasets.schemas import CloneBody, DatasetBody, DatasetChanges
from sartor.datasets.stored import copy_all, erase, erase_unnamed
from sartor.datasets.tables import Dataset, DatasetImage
from sartor.errors import Conflict, NotFound
from sartor.kit.database import Database
from sartor.kit.idempotency import at_once, claim, digest_of, forget, led_to
from sartor.kit.storage import Storage
from sartor.projects.service import InTraining, find_project, hold_project


class Datasets:
    """``in_training`` says whether a model of the dataset with an id is in training."""

    def __init__(self, database: Database, storage: Storage, *, in_training: InTraining) -> None:
        self._database = database
        self._storage = storage
        self._in_training = in_training

    def create(self, caller: Caller, body: DatasetBody, *, idempotency_key: str | None = None) -> Dataset:
        """A new draft, or the dataset that the same key led to. Raises NotFound for the project, Unprocessable for a
        key of another body."""
        digest = digest_of("dataset", body.model_dump(mode="json"))

        def make(session: Session) -> Dataset:
            project = hold_project(session, caller, body.project_id)
            return Dataset(
                organisation_id=caller.organisation_id,
                project_id=project.id,
                name=body.name,
                upload_type=body.upload_type,
            )

        return self._once(caller, make, idempotency_key, digest)

    def all(self, caller: Caller) -> list[tuple[Dataset, int]]:
        """The organisation's datasets, newest first, each with how many images it has."""
        return self._counted(Dataset.organisation_id == caller.organisation_id)

    def of_project(self, caller: Caller, project_id: int) -> list[tuple[Dataset, int]]:
        """The project's datasets, newest first, each with how many images it has. Raises NotFound."""
        with self._database.transaction() as session:
            find_project(session, caller, project_id)
        return self._counted(Dataset.project_id == project_id)

    def get(self, caller: Caller, dataset_id: int) -> tuple[Dataset, int]:
        """The dataset, and how many images it has. Raises NotFound."""
        with self._database.transaction() as session:
            dataset = find_dataset(session, caller, dataset_id)
            return dataset, count_images(session, [dataset.id])[dataset.id]

    def captioned(self, caller: Caller, dataset_id: int) -> Captioned:
        """Raises NotFound."""
        with self._database.transaction() as session:
            find_dataset(session, caller, dataset_id)
            return count_captions(session, dataset_id)

    def update(self, caller: Caller, dataset_id: int, changes: DatasetChanges) -> tuple[Dataset, int]:
        """Raises NotFound, and Conflict for another visual schema or status of a completed dataset, and for completing
        one without schema, with fewer than 5 images or one without a caption, or while images or captions are still
        being added."""
        with self._database.transaction() as session:
            find_dataset(session, caller, dataset_id)
            dataset = hold(session, dataset_id)
            if changes.name is not None:
                dataset.name = changes.name
            if changes.visual_schema is not None and changes.visual_schema != dataset.visual_schema:
                check_draft(dataset)
                dataset.visual_schema = changes.visual_schema
            if changes.status is not None and changes.status != dataset.status:
                check_draft(dataset)
                count = check_whole(session, dataset)
                dataset.status = "completed"
            else:
                count = count_images(session, [dataset.id])[dataset.id]
        return dataset, count

    def delete(self, caller: Caller, dataset_id: int) -> None:
        """Deletes the dataset with its images: at once for everybody who asks for it, then the stored bytes, the row
        last. One whose deletion broke off can be deleted again. Raises NotFound, and Conflict while a model is trained
        on it."""
        own = (Dataset.id == dataset_id, Dataset.organisation_id == caller.organisation_id)
        with self._database.transaction() as session:
            if not mark_deleted(session, *own):
                raise NotFound("There is no such dataset.")
            # Asked last: whoever starts a training holds its dataset, which was marked only when that had ended.
            if self._in_training(session, dataset_id):
                raise Conflict("A model is in training on this dataset; stop it first.")
        self._remove([dataset_id])

    def mark_project(self, session: Session, project_id: int) -> None:
        """Marks the project's datasets as deleted; whether that may be, the caller asks."""
        mark_deleted(session, Dataset.project_id == project_id)

    def remove_project(self, project_id: int) -> None:
        """Deletes the project's datasets, which were marked so."""
        with self._database.transaction() as session:
            found = session.scalars(sa.select(Dataset.id).where(Dataset.project_id == project_id)).all()
        self._remove(found)

    def purge(self, stop: threading.Event | None = None) -> int:
        """Goes on with deletions that broke off; how many there were.

        Once ``stop`` is set it leaves the rest for the next time.
        """
        with self._database.transaction() as session:
            found = session.scalars(sa.select(Dataset.id).where(Dataset.deleted_at.is_not(None))).all()
        return self._remove(found, stop)

    def clone(
        self, caller: Caller, dataset_id: int, body: CloneBody, *, idempotency_key: str | None = None
    ) -> tuple[Dataset, list[DatasetImage]]:
        """A new draft with the same schema and copies of the images. Raises NotFound, Conflict where the dataset
        changes while it is copied, and Unprocessable for a key of another body."""
        digest = digest_of("clone", body.model_dump(mode="json") | {"dataset_id": dataset_id})
        if idempotency_key is not None and (earlier := self._earlier(caller, idempotency_key, digest)) is not None:
            return earlier  # nothing needs to be copied, and the source may be gone
        with self._database.transaction() as session:
            source = find_dataset(session, caller, dataset_id)
            images = images_of(session, dataset_id)
        stems = [new_stem() for _ in images]
        pairs = [
            pair
            for image, stem in zip(images, stems, strict=True)
            for pair in ((image.image_key, image_key(stem)), (image.thumbnail_key, thumbnail_key(stem)))
        ]

        def make(session: Session) -> Dataset:
            hold_project(session, caller, source.project_id)
            copy = Dataset(
                organisation_id=caller.organisation_id,
                project_id=source.project_id,
                name=body.name or f"Copy of {source.name}"[:200],
                description=source.description if body.description is None else body.description,
                visual_schema=source.visual_schema,
                upload_type=source.upload_type,
                captions_update_status="completed" if any(image.caption for image in images) else "empty",
            )
            session.add(copy)
            session.flush()
            session.add_all(copied(image, copy.id, stem) for image, stem in zip(images, stems, strict=True))
            return copy

        try:
            copy_all(self._storage, pairs)
            copy = self._once(caller, make, idempotency_key, digest)
            with self._database.transaction() as session:
                found = images_of(session, copy.id)
        except KeyError:
            erase(self._storage, [target for _, target in pairs])
            raise Conflict("The dataset was changed while it was copied; try again.") from None
        except BaseException:
            erase_unnamed(self._database, self._storage, [target for _, target in pairs])
            raise
        own = {target for _, target in pairs}
        if not any(image.image_key in own for image in found):  # it is what the key led to already
            erase(self._storage, own)
        return copy, found

    def _counted(self, which: sa.ColumnElement[bool]) -> list[tuple[Dataset, int]]:
        with self._database.transaction() as session:
            there = sa.select(Dataset).where(which, Dataset.deleted_at.is_(None))
            found = list(session.scalars(there.order_by(Dataset.id.desc())))
            counts = count_images(session, [dataset.id for dataset in found])
        return [(dataset, counts[dataset.id]) for dataset in found]

    def _remove(self, dataset_ids: Sequence[int], stop: threading.Event | None = None) -> int:
        """Deletes what is marked as deleted, and therefore gets no more images; how many datasets that were."""
        removed = 0
        for dataset_id in dataset_ids:
            if stop is not None and stop.is_set():
                break
            with self._database.transaction() as session:
                dataset = session.get(Dataset, dataset_id)
                if dataset is None:  # somebody else deleted it at the same time
                    continue
                images = images_of(session, dataset_id)
            # Bytes first: a row that is left can be deleted again, forgotten bytes cannot.
            erase(self._storage, archive_keys(dataset) + image_keys(images))
            with self._database.transaction() as session:
                session.execute(sa.delete(Dataset).where(Dataset.id == dataset_id))
                forget(session, [_result(dataset_id), *(image_result(image.id) for image in images)])
            removed += 1
        return removed

    def _earlier(self, caller: Caller, key: str, digest: str) -> tuple[Dataset, list[DatasetImage]] | None:
        """The dataset that the key led to already."""
        with self._database.transaction() as session:
            found = led_to(session, str(caller.organisation_id), key, digest)
            if found is None:
                return None
            dataset = find_dataset(session, caller, int(found.removeprefix(_result(""))))
            return dataset, images_of(session, dataset.id)

    def _once(
        self, caller: Caller, make: Callable[[Session], Dataset], idempotency_key: str | None, digest: str
    ) -> Dataset:
        """What ``make`` makes, or what the same key led to."""
        return at_once(idempotency_key, lambda: self._attempt(caller, make, idempotency_key, digest))

    def _attempt(
        self, caller: Caller, make: Callable[[Session], Dataset], idempotency_key: str | None, digest: str
    ) -> Dataset:
        with self._database.transaction() as session:
            dataset = make(session)
            session.add(dataset)
            session.flush()
            if idempotency_key is not None:
                own = _result(dataset.id)
                claimed = claim(session, str(caller.organisation_id), idempotency_key, digest, own)
                if claimed != own:
                    session.execute(sa.delete(Dataset).where(Dataset.id == dataset.id))
                    session.expunge_all()
                    return find_dataset(session, caller, int(claimed.removeprefix(_result(""))))
        return dataset


def _result(dataset_id: int | str) -> str:
    """How an idempotency key names a dataset."""
    return f"dataset:{dataset_id}"
