"""One image on its way into a dataset: checked, made ready, moderated, captioned, stored; and captioned again."""

from __future__ import annotations

import hashlib

import structlog
from PIL import Image
from sqlalchemy.orm import Session

from sartor.accounts.service import Caller
from sartor.captioning.base import Subject
from sartor.datasets.captions import Captions, subject_of
from sartor.datasets.images import Images, image_result
from sartor.datasets.pictures import MAX_BYTES, room_for_one, shown, take_in
from sartor.datasets.rows import check_draft, check_room, check_single_uploads, find_dataset, find_image
from sartor.datasets.schemas import UploadBody
from sartor.datasets.stored import StoredPicture, read_stored
from sartor.datasets.tables import Dataset, DatasetImage
from sartor.errors import Conflict, Moderated, Unavailable, Unprocessable
from sartor.kit.database import Database
from sartor.kit.idempotency import at_once, claim, digest_of, is_used, led_to
from sartor.kit.storage import Storage
from sartor.moderation.base import ImageModerator
from sartor.projects.tables import Project

log = structlog.get_logger(__name__)


class Uploads:
    def __init__(
        self, database: Database, storage: Storage, images: Images, captions: Captions, moderator: ImageModerator
    ) -> None:
        self._database = database
        self._storage = storage
        self._images = images
        self._captions = captions
        self._moderator = moderator

    def check(self, caller: Caller, dataset_id: int, *, idempotency_key: str | None = None) -> None:
        """Whether an image may come at all, before its bytes do; one whose key was used may have come already, which
        ``add`` knows. Raises NotFound, BadRequest, Conflict."""
        with self._database.transaction() as session:
            dataset = find_dataset(session, caller, dataset_id)
            check_single_uploads(dataset)
            if idempotency_key is None or not is_used(session, str(caller.organisation_id), idempotency_key):
                check_room(session, dataset)

    def add(
        self,
        caller: Caller,
        dataset_id: int,
        data: bytes,
        body: UploadBody,
        *,
        name: str,
        source_url: str | None,
        max_bytes: int | None = MAX_BYTES,
        idempotency_key: str | None = None,
    ) -> DatasetImage:
        """Adds the picture in ``data``, of ``max_bytes`` at most, with a caption where the dataset has a visual schema.

        Where no caption can be written now, the image is kept without one, as ``pending``. Raises NotFound, Conflict,
        what ``take_in`` does, Moderated, and Unprocessable for a key of another body.
        """
        sent = {"dataset_id": dataset_id, "sha256": hashlib.sha256(data).hexdigest(), "name": name, "url": source_url}
        digest = digest_of("image", sent | body.model_dump(include={"increase_resolution", "content_moderation"}))
        if idempotency_key is not None and (earlier := self._earlier(caller, idempotency_key, digest)) is not None:
            return self._images.get(caller, dataset_id, earlier)
        stored, small = self._store(dataset_id, data, body, max_bytes)

        def once(session: Session, image: DatasetImage) -> None:
            if idempotency_key is not None:
                own = image_result(image.id)
                claimed = claim(session, str(caller.organisation_id), idempotency_key, digest, own)
                if claimed != own:
                    raise _Repeated(int(claimed.removeprefix(image_result(""))))

        def add() -> DatasetImage:
            return self._images.add_stored(
                dataset_id,
                stored,
                name=name,
                source_url=source_url,
                caption=caption,
                caption_source=source,
                within=once,
            )

        try:
            caption, source = self._first_caption(caller, dataset_id, small)
            return at_once(idempotency_key, add)
        except _Repeated as repeated:
            self._images.discard(stored)
            return self._images.get(caller, dataset_id, repeated.image_id)
        except Conflict:  # completed or full, perhaps by the same request, sent twice at once
            self._images.discard(stored)
            if idempotency_key is None or (earlier := self._earlier(caller, idempotency_key, digest)) is None:
                raise
            return self._images.get(caller, dataset_id, earlier)
        except BaseException:  # whatever it was: bytes without a row are of no use
            self._images.discard(stored)
            raise

    def recaption(self, caller: Caller, dataset_id: int, image_id: int) -> DatasetImage:
        """Writes an image's caption anew. Raises NotFound, Conflict, Unavailable, Moderated, Unprocessable."""
        with self._database.transaction() as session:
            dataset, subject = _dataset_and_subject(session, caller, dataset_id)
            check_draft(dataset)
            image = find_image(session, dataset_id, image_id)
        try:
            picture = read_stored(self._storage, image.image_key)
        except KeyError:
            raise Conflict("The image was deleted meanwhile.") from None
        caption = self._captions.caption(picture, visual_schema=dataset.visual_schema, subject=subject)
        return self._images.set_caption(caller, dataset_id, image_id, caption, source="automatic")

    def _store(
        self, dataset_id: int, data: bytes, body: UploadBody, max_bytes: int | None
    ) -> tuple[StoredPicture, Image.Image]:
        """The picture in the storage, and small, to be captioned: that may take long, and the whole one is gone."""
        with room_for_one():
            picture = take_in(data, increase_resolution=body.increase_resolution, max_bytes=max_bytes)
            if body.content_moderation and (finding := self._moderator.check(picture.png)):
                raise Moderated("image", finding.category)
            small = shown(picture.image)
            return self._images.store(dataset_id, picture), small

    def _first_caption(self, caller: Caller, dataset_id: int, small: Image.Image) -> tuple[str | None, str | None]:
        """The caption and its source."""
        with self._database.transaction() as session:
            dataset, subject = _dataset_and_subject(session, caller, dataset_id)
        if dataset.visual_schema is None:
            return None, None
        try:
            words = self._captions.caption(small, visual_schema=dataset.visual_schema, subject=subject)
        except (Unavailable, Moderated, Unprocessable) as error:
            log.warning("an image was kept without a caption", dataset_id=dataset_id, reason=error.details)
            return None, "pending"
        return words, "automatic"

    def _earlier(self, caller: Caller, key: str, digest: str) -> int | None:
        """The id of the image that the key led to already."""
        with self._database.transaction() as session:
            found = led_to(session, str(caller.organisation_id), key, digest)
        return None if found is None else int(found.removeprefix(image_result("")))


class _Repeated(Exception):
    """The key led to this image already."""

    def __init__(self, image_id: int) -> None:
        self.image_id = image_id


def _dataset_and_subject(session: Session, caller: Caller, dataset_id: int) -> tuple[Dataset, Subject]:
    dataset = find_dataset(session, caller, dataset_id)
    return dataset, subject_of(session.get_one(Project, dataset.project_id))
