"""Adapters of trained models as files: the storage keeps them, a folder holds copies for the engine to read."""

from __future__ import annotations

import hashlib
import os
import secrets
from pathlib import Path

from sartor.kit.storage import Storage


class AdapterFiles:
    """A copy's name is the hash of its bytes, so that it is never stale and models may share one."""

    def __init__(self, storage: Storage, folder: Path) -> None:
        self._storage = storage
        self._folder = folder

    def get(self, key: str, sha256: str) -> Path:
        """The file with the bytes under ``key``, downloaded on the first call.

        Raises KeyError where the storage has none, and ValueError where they are not those with this hash.
        """
        path = self._path(sha256)
        if not path.is_file():
            data = self._storage.get(key)
            if hashlib.sha256(data).hexdigest() != sha256:
                raise ValueError(f"{key} does not hold the bytes that were put there")
            self._write(path, data)
        return path

    def forget(self, sha256: str) -> None:
        """Deletes the copy; nothing there is fine."""
        self._path(sha256).unlink(missing_ok=True)

    def _path(self, sha256: str) -> Path:
        return self._folder / f"{sha256}.safetensors"

    def _write(self, path: Path, data: bytes) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
        try:
            partial.write_bytes(data)
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)
