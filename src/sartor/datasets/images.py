"""The images of datasets: added with their bytes, found, captioned by hand, deleted."""

from __future__ import annotations

from collections.abc import Callable

import sqlalchemy as sa
from sqlalchemy.orm import Session

from sartor.accounts.service import Caller
from sartor.datasets.keys import new_stem
from sartor.datasets.pictures import Picture, near_ones
from sartor.datasets.rows import check_draft, check_room, find_dataset, find_image, hold, images_of, settle_captions
from sartor.datasets.stored import StoredPicture, erase_unnamed, store
from sartor.datasets.tables import DatasetImage
from sartor.kit.database import Database
from sartor.kit.idempotency import forget
from sartor.kit.storage import Storage


class Images:
    def __init__(self, database: Database, storage: Storage) -> None:
        self._database = database
        self._storage = storage

    def add(
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
        erase_unnamed(self._database, self._storage, [stored.image_key, stored.thumbnail_key])

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

    def of_dataset(self, caller: Caller, dataset_id: int, *, limit: int | None = None) -> list[DatasetImage]:
        """The dataset's images, in the order in which they came; ``limit`` of them at most. Raises NotFound."""
        with self._database.transaction() as session:
            find_dataset(session, caller, dataset_id)
            return images_of(session, dataset_id, limit=limit)

    def get(self, caller: Caller, dataset_id: int, image_id: int) -> DatasetImage:
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

    def delete(self, caller: Caller, dataset_id: int, image_id: int) -> None:
        """Raises NotFound, and Conflict for a completed dataset."""
        with self._database.transaction() as session:
            find_dataset(session, caller, dataset_id)
            dataset = hold(session, dataset_id)
            check_draft(dataset)
            image = find_image(session, dataset_id, image_id)
            session.delete(image)
            settle_captions(session, dataset)
            forget(session, [image_result(image_id)])
        erase_unnamed(self._database, self._storage, [image.image_key, image.thumbnail_key])


def image_result(image_id: int | str) -> str:
    """How an idempotency key names an image."""
    return f"image:{image_id}"
