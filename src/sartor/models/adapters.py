"""Adapters of trained models as files: the storage keeps them, a folder holds copies for the engine to read."""

from __future__ import annotations

import hashlib
import os
import secrets
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import sqlalchemy as sa

from sartor.kit.database import Database
from sartor.kit.storage import Storage, finding_room, settle
from sartor.models.leftovers import Leftovers
from sartor.models.tables import DELETED, Model


class AdapterFiles:
    """A copy's name is the hash of its bytes, so that it is never stale and models may share one."""

    def __init__(self, database: Database, storage: Storage, folder: Path, *, leftovers: Leftovers) -> None:
        self._database = database
        self._storage = storage
        self._folder = folder
        self._leftovers = leftovers
        self._whole: set[str] = set()

    def get(self, key: str, sha256: str) -> Path:
        """The file with the bytes under ``key``, downloaded on the first call. A copy that an earlier process left is
        read through once: a loss of power may have cut it off.

        Raises KeyError where the storage has none, ValueError where they are not those with this hash, and StorageAway
        where the folder's disk has no room for them.
        """
        self._leftovers.tidy()
        path = self._path(sha256)
        if path.is_file() and self._is_whole(path, sha256):
            _touch(path)
        else:
            data = self._storage.get(key)
            if hashlib.sha256(data).hexdigest() != sha256:
                raise ValueError(f"{key} does not hold the bytes that were put there")
            self._write(path, data)
            self._whole.add(sha256)
        return path

    def forget_unused(self, hashes: Iterable[str | None]) -> None:
        """Deletes those of this machine's copies that no model draws with; None, and no copy there, is fine."""
        asked = {sha256 for sha256 in hashes if sha256}
        query = sa.select(Model.adapter_sha256).where(Model.adapter_sha256.in_(asked), Model.status != DELETED)
        with self._database.transaction() as session:
            used = set(session.scalars(query))
        for sha256 in asked - used:
            self._path(sha256).unlink(missing_ok=True)

    def _is_whole(self, path: Path, sha256: str) -> bool:
        if sha256 not in self._whole:
            with path.open("rb") as file:
                if hashlib.file_digest(file, "sha256").hexdigest() != sha256:
                    return False
            self._whole.add(sha256)
        return True

    def _path(self, sha256: str) -> Path:
        return self._folder / f"{sha256}.safetensors"

    def _write(self, path: Path, data: bytes) -> None:
        partial = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
        with finding_room():
            self._folder.mkdir(parents=True, exist_ok=True)
            try:
                partial.write_bytes(data)
                settle(partial)
                partial.replace(path)
            finally:
                partial.unlink(missing_ok=True)


def _touch(path: Path) -> None:
    """Read now, says the file. When it was changed stays: by that the engine's cache knows it again."""
    with suppress(OSError):
        os.utime(path, ns=(time.time_ns(), path.stat().st_mtime_ns))
