"""Bytes that no row names: the old ones among a room's own go; what is young, needed, foreign or in the way stays."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from sartor.kit import storage as storage_module
from sartor.kit.database import Database, now
from sartor.kit.orphans import AGE, Keyspace, Orphans
from sartor.kit.storage import Storage

HOUR = timedelta(hours=1)
# Writes half of a value, and is killed.
KILLED = """
import os, signal, sys
from sartor.kit.storage import Storage

def chunks():
    yield bytes(8_000_000)
    os.kill(os.getpid(), signal.SIGKILL)

Storage(sys.argv[1], key=b"key").put_stream("things/half.bin", chunks())
"""

Sweep = Callable[..., Orphans]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "storage"


@pytest.fixture
def storage(folder: Path) -> Storage:
    return Storage(folder.as_uri(), key=b"key")


@pytest.fixture
def put(storage: Storage, folder: Path) -> Callable[[str, timedelta], str]:
    def put(key: str, age: timedelta) -> str:
        storage.put(key, b"bytes")
        return aged(folder, key, age)

    return put


@pytest.fixture
def sweep(database: Database, storage: Storage) -> Sweep:
    """Of a room whose keys are ``things/*.bin``, and of which rows name these."""

    def make(named: Sequence[str] = (), *, began: datetime | None = now() - 100 * AGE) -> Orphans:
        things = Keyspace("things", re.compile(r"things/[a-z]+\.bin"), lambda session, keys: {*named})
        return Orphans(database, storage, [things], began=lambda: began)

    return make


def aged(folder: Path, key: str, age: timedelta) -> str:
    written_at = time.time() - age.total_seconds()
    os.utime(folder / key, (written_at, written_at))
    return key


def files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_of_its_own_the_old_and_unnamed_go(folder: Path, put: Callable[[str, timedelta], str], sweep: Sweep) -> None:
    put("things/orphan.bin", AGE + HOUR)
    stay = {
        put("things/young.bin", AGE - HOUR),
        put("things/named.bin", 2 * AGE),
        put("things/notes.txt", 2 * AGE),
        put("things/of-another.bin", 2 * AGE),
        put("things/below/deep.bin", 2 * AGE),
        put("thingsandmore/orphan.bin", 2 * AGE),
        put("others/things/orphan.bin", 2 * AGE),
        put("orphan.bin", 2 * AGE),
    }
    orphans = sweep(["things/named.bin"])
    assert orphans.remove() == 1
    assert files(folder) == stay
    assert orphans.remove() == 0


def test_what_cannot_be_deleted_stops_nothing(
    storage: Storage,
    folder: Path,
    put: Callable[[str, timedelta], str],
    sweep: Sweep,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in "abc":
        put(f"things/{name}.bin", 2 * AGE)
    delete = storage.delete

    def failing(key: str) -> None:
        if key == "things/b.bin":
            raise PermissionError(key)
        delete(key)

    with monkeypatch.context() as context:
        context.setattr(storage, "delete", failing)
        assert sweep().remove() == 2
    assert files(folder) == {"things/b.bin"}
    assert sweep().remove() == 1


def test_a_large_storage_is_looked_at_piece_by_piece(
    database: Database, storage: Storage, put: Callable[[str, timedelta], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storage_module, "_LISTED_AT_ONCE", 2)
    keys = {put(f"things/{name}.bin", 2 * AGE) for name in "abcde"}
    asked: list[list[str]] = []

    def needed(session: Session, some: Sequence[str]) -> set[str]:
        asked.append([*some])
        return set()

    things = Keyspace("things", re.compile(r"things/[a-z]+\.bin"), needed)
    assert Orphans(database, storage, [things], began=lambda: now() - 100 * AGE).remove() == 5
    assert sorted(map(len, asked)) == [1, 2, 2]
    assert {key for some in asked for key in some} == keys


def test_what_is_older_than_the_database_is_not_its_own(
    folder: Path, put: Callable[[str, timedelta], str], sweep: Sweep
) -> None:
    """The service was started with another database, an empty one perhaps: the storage is not to pay for it."""
    before, since = put("things/before.bin", 4 * AGE), put("things/since.bin", 2 * AGE)
    assert sweep(began=None).remove() == 0
    assert files(folder) == {before, since}
    assert sweep(began=now() - 3 * AGE).remove() == 1
    assert files(folder) == {before}


def test_half_of_a_value_goes_as_well(storage: Storage, folder: Path, sweep: Sweep) -> None:
    """A process is killed while it writes: what it has written is a file that the store itself does not list."""
    subprocess.run([sys.executable, "-c", KILLED, folder.as_uri()], check=False)
    (half,) = files(folder)
    assert half.startswith("things/half.bin#")
    (folder / "things" / "notes.txt#1").write_bytes(b"another's")
    aged(folder, "things/notes.txt#1", 2 * AGE)
    assert sweep().remove() == 0, "it may still be written to"
    aged(folder, half, 2 * AGE)
    assert sweep(["things/half.bin"]).remove() == 1
    assert files(folder) == {"things/notes.txt#1"}


def test_a_copy_of_something_old_is_young(
    storage: Storage, folder: Path, put: Callable[[str, timedelta], str], sweep: Sweep
) -> None:
    storage.copy(put("things/old.bin", 2 * AGE), "things/copy.bin")
    assert sweep(["things/old.bin"]).remove() == 0
    assert files(folder) == {"things/old.bin", "things/copy.bin"}
