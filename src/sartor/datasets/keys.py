"""Where the storage keeps the images of datasets and the ZIPs that are packed of them, and until when."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable, Iterator, Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session

from sartor.datasets.bulk_rows import RUNNING
from sartor.datasets.tables import BulkUpload, Dataset, DatasetImage
from sartor.kit.orphans import Keyspace


def new_stem(dataset: Dataset | None = None, entry: int | None = None) -> str:
    """Where an image's bytes go: nobody can guess it, and an entry of a ZIP goes to the same place each time."""
    if dataset is None or entry is None:
        return str(uuid.uuid4())
    return str(uuid.uuid5(uuid.NAMESPACE_OID, f"dataset {dataset.id} of {dataset.created_at.isoformat()}: {entry}"))


def image_key(stem: str) -> str:
    return f"datasets/{stem}.png"


def thumbnail_key(stem: str) -> str:
    return f"datasets/{stem}.thumbnail.jpg"


def image_keys(images: Iterable[DatasetImage]) -> list[str]:
    """What the storage holds of the images."""
    return [key for image in images for key in (image.image_key, image.thumbnail_key)]


def archive_key(digest: str) -> str:
    """The ZIP of a dataset whose content has this SHA-256."""
    return f"datasets/{digest}.zip"


def captions_key(archive: str) -> str:
    """The captions alone, beside the ZIP under the key ``archive``."""
    return archive.removesuffix(".zip") + ".captions.json"


def archive_keys(dataset: Dataset) -> list[str]:
    """What the storage holds of the dataset's last download."""
    return [] if dataset.archive_key is None else [dataset.archive_key, captions_key(dataset.archive_key)]


def needed(session: Session, keys: Sequence[str]) -> set[str]:
    """Those that an image or a dataset leads to, or may lead to once an upload that goes on has added it."""
    named: set[str] = set()
    for column in (DatasetImage.image_key, DatasetImage.thumbnail_key):
        named.update(session.scalars(sa.select(column).where(column.in_(keys))))
    archives = {f"{key.partition('.')[0]}.zip" for key in keys}
    for dataset in session.scalars(sa.select(Dataset).where(Dataset.archive_key.in_(archives))):
        named.update(archive_keys(dataset))
    if not named.issuperset(keys):
        named.update(_of_uploads(session))
    return named.intersection(keys)


def _of_uploads(session: Session) -> Iterator[str]:
    """Keys of all entries of uploads that go on: a step that is repeated writes the same ones again."""
    going_on = sa.select(Dataset, BulkUpload.total).join(BulkUpload, BulkUpload.dataset_id == Dataset.id)
    for dataset, total in session.execute(going_on.where(BulkUpload.status.in_(RUNNING))):
        for entry in range(total):
            stem = new_stem(dataset, entry)
            yield from (image_key(stem), thumbnail_key(stem))


KEYSPACES = (
    Keyspace(
        "datasets",
        re.compile(r"datasets/(?:[0-9a-f-]{36}\.(?:png|thumbnail\.jpg)|[0-9a-f]{64}\.(?:zip|captions\.json))"),
        needed,
    ),
)
