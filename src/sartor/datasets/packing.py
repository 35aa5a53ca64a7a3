"""A dataset as one ZIP in the storage: ``images/<name>.png``, and ``captions.json``, a caption by the image's name.

It is packed when it is asked for, as a stream: however many images there are, one is in memory. The key is made of what
is in it, so that a dataset which has not changed since is not packed again.
"""

from __future__ import annotations

import hashlib
import json
import re
import threading
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import sqlalchemy as sa

from sartor.accounts.service import Caller
from sartor.datasets.keys import archive_key, archive_keys, captions_key
from sartor.datasets.rows import find_dataset, hold, images_of
from sartor.datasets.tables import Dataset, DatasetImage
from sartor.errors import Conflict, NotFound, TooManyRequests
from sartor.kit.database import Database
from sartor.kit.storage import Storage

# The earliest that a ZIP can say: the same images give the same bytes.
_DATE = (1980, 1, 1, 0, 0, 0)
_LONGEST_NAME = 80
_RETRY_AFTER = 10.0  # seconds


class Packing:
    def __init__(self, database: Database, storage: Storage) -> None:
        self._database = database
        self._storage = storage
        self._under_way: set[str] = set()
        self._lock = threading.Lock()

    def pack(self, caller: Caller, dataset_id: int) -> tuple[str, str | None]:
        """Keys of the ZIP and, where all captions were written automatically, of the captions alone.

        Raises NotFound, Conflict for a basic dataset or one that changes meanwhile, and TooManyRequests while the same
        is being packed already: whoever gave up waiting and asks again does not make it slower.
        """
        with self._database.transaction() as session:
            dataset = find_dataset(session, caller, dataset_id)
            if dataset.upload_type != "advanced":
                raise Conflict("Only datasets of the upload type advanced can be downloaded.")
            images = images_of(session, dataset_id)
        key = archive_key(_digest(images))
        if dataset.archive_key != key or not self._whole(key):
            with self._alone(key):
                if not self._whole(key):  # which somebody may have packed meanwhile
                    self._write(images, key)
                self._remember(dataset_id, key)
        automatic = bool(images) and all(image.caption and image.caption_source == "automatic" for image in images)
        return key, captions_key(key) if automatic else None

    def _whole(self, key: str) -> bool:
        """Whether both are there: of what no dataset named any more, one may have been deleted."""
        return self._storage.exists(key) and self._storage.exists(captions_key(key))

    @contextmanager
    def _alone(self, key: str) -> Iterator[None]:
        with self._lock:
            if key in self._under_way:
                raise TooManyRequests("The dataset is being packed already.", retry_after=_RETRY_AFTER)
            self._under_way.add(key)
        try:
            yield
        finally:
            with self._lock:
                self._under_way.discard(key)

    def _write(self, images: Sequence[DatasetImage], key: str) -> None:
        names = file_names([image.name for image in images])
        pairs = list(zip(names, images, strict=True))
        captions = json.dumps({name: image.caption for name, image in pairs if image.caption}, indent=1).encode()
        self._storage.put(captions_key(key), captions, media_type="application/json")
        self._storage.put_stream(key, self._stream(pairs, captions), media_type="application/zip")

    def _stream(self, pairs: Sequence[tuple[str, DatasetImage]], captions: bytes) -> Iterator[bytes]:
        sink = _Sink()
        with zipfile.ZipFile(sink, "w", zipfile.ZIP_STORED) as archive:  # type: ignore[call-overload]
            archive.writestr(zipfile.ZipInfo("captions.json", _DATE), captions)
            for name, image in pairs:
                try:
                    data = self._storage.get(image.image_key)
                except KeyError:
                    raise Conflict("The dataset was changed while it was packed; try again.") from None
                archive.writestr(zipfile.ZipInfo(f"images/{name}", _DATE), data)
                yield sink.taken()
        yield sink.taken()

    def _remember(self, dataset_id: int, key: str) -> None:
        """Keeps the new key and deletes what the former one led to. Raises NotFound where the dataset is gone."""
        new = [key, captions_key(key)]
        # Packing changes nothing of what the dataset is: the moment of its last change stays.
        keep = sa.update(Dataset).where(Dataset.id == dataset_id)
        stale = new
        try:
            with self._database.transaction() as session:
                dataset = hold(session, dataset_id, changed=False)
                session.execute(
                    keep.values(archive_key=key, updated_at=Dataset.updated_at),
                    execution_options={"synchronize_session": False},
                )
                stale = [known for known in archive_keys(dataset) if known not in new]
        except NotFound:
            for mine in new:
                self._storage.delete(mine)
            raise
        for former in stale:
            self._storage.delete(former)


def file_names(names: Sequence[str]) -> list[str]:
    """A plain file name for each, all of them different, whatever the names are and whoever unpacks them where."""
    plain: list[str] = []
    width = len(str(len(names)))
    for number, name in enumerate(names, start=1):
        stem = re.sub(r"\.(png|jpe?g|webp)$", "", name, flags=re.IGNORECASE)
        words = re.sub(r"[^0-9A-Za-z]+", "-", stem).strip("-")[:_LONGEST_NAME]
        plain.append(f"{number:0{width}d}{'-' if words else ''}{words}.png")
    return plain


def _digest(images: Sequence[DatasetImage]) -> str:
    content = [[image.id, image.image_key, image.name, image.caption] for image in images]
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()


class _Sink:
    """What a ZIP is written into, and taken out of piece by piece; it cannot be wound back."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def write(self, data: bytes) -> int:
        self._pieces.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        """Nothing is held back."""

    def taken(self) -> bytes:
        taken = b"".join(self._pieces)
        self._pieces.clear()
        return taken
