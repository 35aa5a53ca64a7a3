"""The bytes of a dataset's images in the storage: a PNG and a thumbnail."""

from __future__ import annotations

from dataclasses import dataclass

from PIL import Image

from sartor.datasets.keys import image_key, thumbnail_key
from sartor.datasets.pictures import Picture, read_picture, room_for_one
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
