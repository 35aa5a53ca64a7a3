"""Copies of adapters: downloaded once, whole, and named by their bytes."""

import errno
import hashlib
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from sartor.kit.database import Database
from sartor.kit.storage import Storage, StorageAway
from sartor.models.adapters import AdapterFiles
from sartor.models.leftovers import Leftovers
from sartor.models.tables import DELETED, Model

DATA = b"adapter" * 1000
SHA256 = hashlib.sha256(DATA).hexdigest()


@pytest.fixture
def storage(tmp_path: Path) -> Storage:
    storage = Storage((tmp_path / "storage").as_uri(), key=b"k")
    storage.put("models/1/6.safetensors", DATA)
    return storage


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database(f"sqlite:///{tmp_path / 'sartor.db'}")
    database.migrate()
    yield database
    database.close()


@pytest.fixture
def files(tmp_path: Path, database: Database, storage: Storage) -> AdapterFiles:
    leftovers = Leftovers(database, adapters=tmp_path / "adapters", trainings=tmp_path / "training")
    return AdapterFiles(database, storage, tmp_path / "adapters", leftovers=leftovers)


def test_the_first_call_downloads_and_the_next_does_not(storage: Storage, files: AdapterFiles) -> None:
    path = files.get("models/1/6.safetensors", SHA256)
    assert path.read_bytes() == DATA
    assert path.name == f"{SHA256}.safetensors"
    storage.delete("models/1/6.safetensors")
    assert files.get("models/1/6.safetensors", SHA256) == path


def test_a_copy_that_was_cut_off_is_downloaded_anew(
    database: Database, storage: Storage, files: AdapterFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A loss of power leaves files of no bytes; the next process looks, once."""
    path = files.get("models/1/6.safetensors", SHA256)
    path.write_bytes(b"")
    next_process = AdapterFiles(database, storage, path.parent, leftovers=files._leftovers)
    assert next_process.get("models/1/6.safetensors", SHA256).read_bytes() == DATA
    monkeypatch.setattr(hashlib, "file_digest", None)
    assert next_process.get("models/1/6.safetensors", SHA256) == path


def test_what_is_not_there_or_not_the_same_is_said(storage: Storage, files: AdapterFiles, tmp_path: Path) -> None:
    with pytest.raises(KeyError):
        files.get("models/2/6.safetensors", SHA256)
    storage.put("models/1/6.safetensors", b"other")
    with pytest.raises(ValueError, match="bytes"):
        files.get("models/1/6.safetensors", SHA256)
    assert not [path for path in tmp_path.rglob("adapters/*") if path.is_file()]


def test_a_copy_is_forgotten_when_no_model_draws_with_it(database: Database, files: AdapterFiles) -> None:
    path = files.get("models/1/6.safetensors", SHA256)
    with database.transaction() as session:
        session.add(model := Model(name="Ink", status="Completed", adapter_sha256=SHA256))
    files.forget_unused([SHA256, None])
    assert path.exists()
    with database.transaction() as session:
        session.get_one(Model, model.id).status = DELETED
    for _ in range(2):
        files.forget_unused([SHA256, None])
    assert not path.exists()


def test_many_at_once_read_whole_files(files: AdapterFiles) -> None:
    read: list[bytes] = []
    threads = [
        threading.Thread(target=lambda: read.append(files.get("models/1/6.safetensors", SHA256).read_bytes()))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert read == [DATA] * 8


def test_a_disk_without_room_is_a_storage_that_is_away(files: AdapterFiles, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever draws waits for room; any other error is one."""
    number = errno.ENOSPC

    def refuse(*_: object) -> None:
        raise OSError(number, "no")

    with monkeypatch.context() as patch:
        patch.setattr("sartor.models.adapters.settle", refuse)
        with pytest.raises(StorageAway):
            files.get("models/1/6.safetensors", SHA256)
        number = errno.EACCES
        with pytest.raises(OSError, match="no"):
            files.get("models/1/6.safetensors", SHA256)
    assert files.get("models/1/6.safetensors", SHA256).read_bytes() == DATA
    assert len(list(files._folder.iterdir())) == 1
