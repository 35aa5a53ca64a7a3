"""The bytes of a dataset's images in the storage: a PNG and a thumbnail, at keys that nobody can guess."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from PIL import Image

from sartor.datasets.pictures import Picture, read_picture, room_for_one
from sartor.datasets.tables import Dataset
from sartor.kit.storage import Storage


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


def image_key(stem: str) -> str:
    return f"datasets/{stem}.png"


def thumbnail_key(stem: str) -> str:
    return f"datasets/{stem}.thumbnail.jpg"


def new_stem(dataset: Dataset | None = None, entry: int | None = None) -> str:
    """Where an image's bytes go: nobody can guess it, and an entry of a ZIP goes to the same place each time."""
    if dataset is None or entry is None:
        return str(uuid.uuid4())
    return str(uuid.uuid5(uuid.NAMESPACE_OID, f"dataset {dataset.id} of {dataset.created_at.isoformat()}: {entry}"))
