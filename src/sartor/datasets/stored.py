"""The bytes of a dataset's images in the storage: a PNG and a thumbnail."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass

import sqlalchemy as sa
from PIL import Image

from sartor.datasets.keys import image_key, thumbnail_key
from sartor.datasets.pictures import Picture, read_picture, room_for_one
from sartor.datasets.tables import DatasetImage
from sartor.kit.database import AWAY, Database
from sartor.kit.storage import Storage

# Object stores take 30 ms for a copy or a deletion, and many at once.
_HANDS = 16


@dataclass(frozen=True)
class StoredPicture:
    """A picture whose bytes are in the storage; sizes in pixels, the hash as ``Picture`` has it."""

    image_key: str
    thumbnail_key: str
    width: int
    height: int
    perceptual_hash: str


def store(storage: Storage, picture: Picture, stem: str) -> StoredPicture:
    """Puts both files of a picture where ``stem`` says."""
    keys = image_key(stem), thumbnail_key(stem)
    storage.put(keys[0], picture.png, media_type="image/png")
    storage.put(keys[1], picture.thumbnail, media_type="image/jpeg")
    return StoredPicture(*keys, picture.width, picture.height, picture.perceptual_hash)


def read_stored(storage: Storage, key: str) -> Image.Image:
    """A stored picture as it is to be looked at. Raises KeyError where there is none, and what ``read_picture`` does
    for one that is damaged."""
    with room_for_one():
        return read_picture(storage.get(key), max_bytes=None)


def copy_all(storage: Storage, pairs: Iterable[tuple[str, str]]) -> None:
    """Copies what is under the first key of each pair to the second. Raises KeyError where there is nothing."""
    with ThreadPoolExecutor(_HANDS) as hands:
        list(hands.map(lambda pair: storage.copy(*pair), pairs))


def erase(storage: Storage, keys: Iterable[str]) -> None:
    """Deletes what is under the keys; nothing there is fine."""
    with ThreadPoolExecutor(_HANDS) as hands:
        list(hands.map(storage.delete, keys))


def erase_unnamed(database: Database, storage: Storage, keys: Sequence[str]) -> None:
    """Discards a picture's bytes, or several pictures' of one commit, where no row names the first of them. While
    the database cannot say, they stay."""
    with suppress(*AWAY):
        with database.transaction() as session:
            named = session.scalar(sa.select(sa.exists().where(DatasetImage.image_key.in_(keys[:1]))))
        if not named:
            with ThreadPoolExecutor(_HANDS) as hands:
                list(hands.map(storage.discard, keys))
