"""Datasets: made, filled, completed, copied, and deleted with the bytes of their images."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import sqlalchemy as sa
from sqlalchemy.orm import Session

from sartor.accounts.service import Caller
from sartor.datasets.keys import archive_keys, image_key, image_keys, new_stem, thumbnail_key
from sartor.datasets.pictures import Picture, near_ones
from sartor.datasets.rows import (
    Captioned,
    check_draft,
    check_room,
    check_whole,
    copied,
    count_captions,
    count_images,
    find_dataset,
    find_image,
    hold,
    images_of,
    mark_deleted,
    settle_captions,
)
from sartor.datasets.schemas import CloneBody, DatasetBody, DatasetChanges
from sartor.datasets.stored import StoredPicture, store
from sartor.datasets.tables import Dataset, DatasetImage
from sartor.errors import Conflict, NotFound
from sartor.kit.database import AWAY, Database
from sartor.kit.idempotency import at_once, claim, digest_of, forget, led_to
from sartor.kit.storage import Storage
from sartor.projects.service import InTraining, find_project, hold_project

# Object stores take 30 ms for a copy or a deletion, and many at once.
_HANDS = 16


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
            with ThreadPoolExecutor(_HANDS) as hands:
                list(hands.map(lambda pair: self._storage.copy(*pair), pairs))
            copy = self._once(caller, make, idempotency_key, digest)
            with self._database.transaction() as session:
                found = images_of(session, copy.id)
        except KeyError:
            self._erase(target for _, target in pairs)
            raise Conflict("The dataset was changed while it was copied; try again.") from None
        except BaseException:
            self._erase_unnamed([target for _, target in pairs])
            raise
        own = {target for _, target in pairs}
        if not any(image.image_key in own for image in found):  # it is what the key led to already
            self._erase(own)
        return copy, found

    def add_image(
        self,
        dataset_id: int,
        picture: Picture,
        *,
        name: str,
        caption: str | None = None,
        caption_source: str | None = None,
        entry: int | None = None,
    ) -> DatasetImage:
        """Stores a picture and adds it to the dataset; see ``add_stored``."""
        stored = self.store(dataset_id, picture, entry=entry)
        try:
            return self.add_stored(
                dataset_id, stored, name=name, caption=caption, caption_source=caption_source, entry=entry
            )
        except BaseException:  # whatever it was: bytes without a row are of no use
            self.discard(stored)
            raise

    def store(self, dataset_id: int, picture: Picture, *, entry: int | None = None) -> StoredPicture:
        """Puts a picture's bytes into the storage: for ``add_stored``, and where that fails for ``discard``.

        ``entry`` is its number in a ZIP. Raises NotFound where the dataset is gone.
        """
        with self._database.transaction() as session:
            stem = new_stem(hold(session, dataset_id), entry)
        return store(self._storage, picture, stem)

    def discard(self, stored: StoredPicture) -> None:
        """Deletes the bytes of a picture, unless it was added after all: a commit whose answer was lost may have been
        done."""
        self._erase_unnamed([stored.image_key, stored.thumbnail_key])

    def add_stored(
        self,
        dataset_id: int,
        stored: StoredPicture,
        *,
        name: str,
        source_url: str | None = None,
        caption: str | None = None,
        caption_source: str | None = None,
        entry: int | None = None,
        within: Callable[[Session, DatasetImage], None] | None = None,
    ) -> DatasetImage:
        """Adds a picture that is stored to the dataset.

        What was added under ``entry`` already is returned, and nothing added. ``within`` is called in the transaction
        that adds the row; where it raises, there is none. Raises NotFound where the dataset is gone, Conflict where it
        is completed or full.
        """
        with self._database.transaction() as session:
            dataset = hold(session, dataset_id)
            if entry is not None:
                here = sa.select(DatasetImage).where(DatasetImage.dataset_id == dataset_id, DatasetImage.entry == entry)
                if (found := session.scalar(here)) is not None:
                    return found
            check_room(session, dataset)
            image = DatasetImage(
                dataset_id=dataset_id,
                name=name or "image",
                caption=caption,
                caption_source=caption_source,
                source_url=source_url,
                image_key=stored.image_key,
                thumbnail_key=stored.thumbnail_key,
                width=stored.width,
                height=stored.height,
                perceptual_hash=stored.perceptual_hash,
                entry=entry,
            )
            session.add(image)
            settle_captions(session, dataset)
            if within is not None:
                within(session, image)
        return image

    def duplicates(self, image: DatasetImage) -> list[int]:
        """Ids of the dataset's other images that look the same."""
        others = sa.select(DatasetImage.id, DatasetImage.perceptual_hash).where(
            DatasetImage.dataset_id == image.dataset_id, DatasetImage.id != image.id
        )
        with self._database.transaction() as session:
            pairs = [(row[0], row[1]) for row in session.execute(others.order_by(DatasetImage.id))]
        return near_ones(image.perceptual_hash, pairs)

    def images(self, caller: Caller, dataset_id: int, *, limit: int | None = None) -> list[DatasetImage]:
        """The dataset's images, in the order in which they came, as `images_of` has it. Raises NotFound."""
        with self._database.transaction() as session:
            find_dataset(session, caller, dataset_id)
            return images_of(session, dataset_id, limit=limit)

    def captioned(self, caller: Caller, dataset_id: int) -> Captioned:
        """Raises NotFound."""
        with self._database.transaction() as session:
            find_dataset(session, caller, dataset_id)
            return count_captions(session, dataset_id)

    def image(self, caller: Caller, dataset_id: int, image_id: int) -> DatasetImage:
        """Raises NotFound."""
        with self._database.transaction() as session:
            find_dataset(session, caller, dataset_id)
            return find_image(session, dataset_id, image_id)

    def set_caption(self, caller: Caller, dataset_id: int, image_id: int, caption: str, *, source: str) -> DatasetImage:
        """``caption`` is canonical JSON, ``source`` automatic or manual. Raises NotFound, and Conflict for a completed
        dataset."""
        with self._database.transaction() as session:
            find_dataset(session, caller, dataset_id)
            dataset = hold(session, dataset_id)
            check_draft(dataset)
            image = find_image(session, dataset_id, image_id)
            image.caption, image.caption_source = caption, source
            image.captions_job_id = dataset.captions_job_id  # one that writes all anew meanwhile leaves it as it is
            settle_captions(session, dataset)
        return image

    def delete_image(self, caller: Caller, dataset_id: int, image_id: int) -> None:
        """Raises NotFound, and Conflict for a completed dataset."""
        with self._database.transaction() as session:
            find_dataset(session, caller, dataset_id)
            dataset = hold(session, dataset_id)
            check_draft(dataset)
            image = find_image(session, dataset_id, image_id)
            session.delete(image)
            settle_captions(session, dataset)
            forget(session, [image_result(image_id)])
        self._erase_unnamed([image.image_key, image.thumbnail_key])

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
            self._erase(archive_keys(dataset) + image_keys(images))
            with self._database.transaction() as session:
                session.execute(sa.delete(Dataset).where(Dataset.id == dataset_id))
                forget(session, [_result(dataset_id), *(image_result(image.id) for image in images)])
            removed += 1
        return removed

    def _erase(self, keys: Iterable[str]) -> None:
        with ThreadPoolExecutor(_HANDS) as hands:
            list(hands.map(self._storage.delete, keys))

    def _erase_unnamed(self, keys: Sequence[str]) -> None:
        """Discards a picture's bytes, or several pictures' of one commit, where no row names the first of them. While
        the database cannot say, they stay."""
        with suppress(*AWAY):
            with self._database.transaction() as session:
                named = session.scalar(sa.select(sa.exists().where(DatasetImage.image_key.in_(keys[:1]))))
            if not named:
                with ThreadPoolExecutor(_HANDS) as hands:
                    list(hands.map(self._storage.discard, keys))

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


def image_result(image_id: int | str) -> str:
    """How an idempotency key names an image."""
    return f"image:{image_id}"


def _result(dataset_id: int | str) -> str:
    """How an idempotency key names a dataset."""
    return f"dataset:{dataset_id}"
