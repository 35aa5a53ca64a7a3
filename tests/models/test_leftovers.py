"""A machine's own disk: what no model needs any more goes, in each process; what is young, named or another's stays."""

from __future__ import annotations

import hashlib
import os
import shutil
import time
from pathlib import Path
from typing import NamedTuple

import pytest
from fastapi.testclient import TestClient

from sartor.app import create_app
from sartor.kit.database import Database
from sartor.kit.storage import Storage
from sartor.models.adapters import AdapterFiles
from sartor.models.keys import job_id
from sartor.models.leftovers import Leftovers
from sartor.models.tables import DELETED, Model
from tests.conftest import make_settings, shared_bridge

HOUR = 3600


class Disk(NamedTuple):
    total: int
    used: int
    free: int


def leftovers(database: Database, home: Path) -> Leftovers:
    return Leftovers(database, adapters=home / "adapters", trainings=home / "training")


def add(database: Database, **values: str) -> Model:
    with database.transaction() as session:
        row = Model(name="Mine", **values)
        session.add(row)
    return row


def age(path: Path) -> Path:
    """As if nobody had touched it for two hours."""
    long_ago = time.time() - 2 * HOUR
    os.utime(path, (long_ago, long_ago))
    return path


def old(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x")
    return age(path)


def an_hour_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "monotonic", lambda clock=time.monotonic: clock() + HOUR)


def test_each_worker_forgets_what_was_deleted_on_another(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = Storage((tmp_path / "storage").as_uri(), key=b"k")
    hashes = []
    for data in (b"first", b"second"):
        hashes.append(hashlib.sha256(data).hexdigest())
        storage.put(data.decode(), data)
    rows = [add(database, status="Completed", adapter_sha256=one) for one in hashes]
    folder = tmp_path / "adapters"
    worker = AdapterFiles(database, storage, folder, leftovers=leftovers(database, tmp_path))
    first, second = (age(worker.get(key, one)) for key, one in zip(("first", "second"), hashes, strict=True))
    with database.transaction() as session:
        session.get_one(Model, rows[0].id).status = DELETED
    worker.get("second", hashes[1])
    assert first.exists(), "it is looked for once an hour"
    an_hour_later(monkeypatch)
    worker.get("second", hashes[1])
    assert not first.exists()
    assert second.exists()


def test_a_copy_that_was_asked_for_of_late_stays_and_looks_unchanged(database: Database, tmp_path: Path) -> None:
    storage = Storage((tmp_path / "storage").as_uri(), key=b"k")
    storage.put("a", b"a")
    sha256 = hashlib.sha256(b"a").hexdigest()
    files = AdapterFiles(database, storage, tmp_path / "adapters", leftovers=leftovers(database, tmp_path))
    path = age(files.get("a", sha256))
    changed = path.stat().st_mtime_ns
    files.get("a", sha256)
    leftovers(database, tmp_path).tidy()
    assert path.stat().st_mtime_ns == changed
    age(path)
    leftovers(database, tmp_path).tidy()
    assert not path.exists()


def test_of_files_only_those_that_were_left_over_go(database: Database, tmp_path: Path) -> None:
    folder = tmp_path / "adapters"
    gone = [old(folder / name) for name in (".import-x.safetensors", f".{'a' * 64}.safetensors.7.12ab")]
    kept = [old(folder / name) for name in ("notes.txt", "mine.safetensors")]
    kept += [folder / ".import-young.safetensors", folder / f"{'b' * 64}.safetensors"]
    for path in kept[2:]:
        path.write_bytes(b"x")
    leftovers(database, tmp_path).tidy()
    assert not [path for path in gone if path.exists()]
    assert all(path.exists() for path in kept)


def test_on_a_full_disk_copies_go_that_were_needed_longest_ago(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    digests = [hashlib.sha256(name.encode()).hexdigest() for name in "abc"]
    for digest in digests:
        add(database, status="Completed", adapter_sha256=digest)
    copies = [old(tmp_path / "adapters" / f"{digest}.safetensors") for digest in digests]
    long_ago = time.time() - 3 * HOUR
    os.utime(copies[1], (long_ago, long_ago))
    os.utime(copies[2])
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: Disk(100, 95, 5 + 3 * (not copies[1].exists())))
    leftovers(database, tmp_path).tidy()
    assert [path.exists() for path in copies] == [False, False, True], "the last one is in use"
    copies[0].write_bytes(b"x")
    age(copies[0])
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: Disk(100, 50, 50))
    leftovers(database, tmp_path).tidy()
    assert copies[0].exists()


def test_trainings_that_ended_elsewhere(database: Database, tmp_path: Path) -> None:
    going_on, ended = add(database, status="InProgress"), add(database, status="Completed")
    names = [job_id(going_on), job_id(ended), "training-999-1700000000", "training-7", "drawings"]
    for name in names:
        age(old(tmp_path / "training" / name / "state").parent)
    leftovers(database, tmp_path).tidy()
    assert {path.name for path in (tmp_path / "training").iterdir()} == {names[0], *names[3:]}


@pytest.mark.parametrize("work", [True, False])
def test_every_process_tidies_when_it_starts(tmp_path: Path, work: bool) -> None:
    path = old(tmp_path / "adapters" / f"{'a' * 64}.safetensors")
    with TestClient(create_app(make_settings(tmp_path, work=work), bridge=shared_bridge)):
        assert not path.exists()


def test_a_database_that_is_away_is_no_reason_to_draw_nothing(tmp_path: Path) -> None:
    path = old(tmp_path / "adapters" / f"{'a' * 64}.safetensors")
    away = Database(f"sqlite:///{tmp_path}")
    leftovers(away, tmp_path).tidy()
    away.close()
    assert path.exists()
