"""A process that is killed after its bytes were put, before the row that names them: ``python -m
tests.e2e.interrupted DATABASE STORAGE DATASET WORK``. The dataset is an advanced one, with one image."""

import hashlib
import itertools
import os
import signal
import sys
from pathlib import Path

from sartor.accounts.service import Caller
from sartor.datasets.images import Images
from sartor.datasets.packing import Packing
from sartor.datasets.pictures import take_in
from sartor.datasets.schemas import CloneBody
from sartor.datasets.service import Datasets
from sartor.datasets.tables import Dataset
from sartor.kit.database import Database
from sartor.kit.storage import Storage
from tests.datasets.conftest import picture

# Which of the storage's methods is the last one before the row, and in which of its calls.
LAST = {"upload": ("put", 2), "clone": ("copy", 2), "download": ("put_stream", 1), "import": ("put_stream", 1)}


def main(url: str, place: str, dataset_id: str, work: str) -> None:
    database, storage = Database(url), Storage(place, key=b"key")
    with database.transaction() as session:
        dataset = session.get_one(Dataset, int(dataset_id))
    caller = Caller(dataset.organisation_id, 1)
    _die_after(storage, *LAST[work])
    if work == "upload":
        Images(database, storage).add(dataset.id, take_in(picture(1), increase_resolution=False), name="fox", entry=1)
    elif work == "clone":
        datasets = Datasets(database, storage, in_training=lambda session, dataset_id: False)
        datasets.clone(caller, dataset.id, CloneBody())
    elif work == "download":
        Packing(database, storage).pack(caller, dataset.id)
    else:
        _import(database, storage, caller)


def _die_after(storage: Storage, name: str, times: int) -> None:
    method, calls = getattr(storage, name), itertools.count(1)

    def last(*arguments: object, **named: object) -> None:
        method(*arguments, **named)
        if next(calls) == times:
            os.kill(os.getpid(), signal.SIGKILL)

    setattr(storage, name, last)


def _import(database: Database, storage: Storage, caller: Caller) -> None:
    from sartor.models.importing import Arrived, Facts, Imports
    from sartor.models.schemas import ImportFields

    file = Path(__file__)
    arrived = Arrived(file, hashlib.sha256(file.read_bytes()).hexdigest())
    imports = Imports(database, storage, None, None, None, folder=file.parent)  # type: ignore[arg-type]
    imports._add(caller, arrived, Facts(4, None, arrived.sha256), ImportFields(name="Elsewhere"), None)


if __name__ == "__main__":
    main(*sys.argv[1:])
