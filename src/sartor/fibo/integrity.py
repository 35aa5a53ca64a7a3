"""SHA-256 of a checkpoint's files, and what may be believed without reading them again.

Reading FIBO's 23 GB takes the better part of a minute. The hash of a large file is therefore remembered, with the size
and the time of change that the file had; whoever can write to the checkpoint can write to that memory too. Files that
the hub's client fetched are called by their own SHA-256, so that a damaged download is found out.
"""

import hashlib
import json
import os
import re
from pathlib import Path
from typing import Any

from sartor.fibo.errors import CheckpointError

LARGE = 64 * 2**20
"""Bytes from which a file's hash is remembered: smaller ones take less than a tenth of a second."""
BY_HASH = re.compile(r"[0-9a-f]{64}")


class FileHashes:
    """SHA-256 by path, with a memory in one JSON file (None: only this object's own)."""

    def __init__(self, memory: Path | None, *, large: int = LARGE) -> None:
        self._memory, self._large = memory, large
        self._known = _read(memory)

    def get(self, path: Path) -> str:
        """In hexadecimal. Raises OSError, and CheckpointError for a fetched file that is not what its name says."""
        place = path.resolve()
        found = place.stat()
        entry = {"size": found.st_size, "changed": found.st_mtime_ns}
        known = self._known.get(str(place), {})
        if found.st_size >= self._large and known.items() >= entry.items() and isinstance(known.get("sha256"), str):
            return str(known["sha256"])
        with place.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        if BY_HASH.fullmatch(place.name) and place.name != sha256:
            raise CheckpointError(f"{path} is damaged: delete {place} and fetch it again")
        if found.st_size >= self._large:
            self._known[str(place)] = {**entry, "sha256": sha256}
            if self._memory is not None:
                self._write(self._memory)
        return sha256

    def _write(self, memory: Path) -> None:
        memory.parent.mkdir(parents=True, exist_ok=True)
        draft = memory.with_suffix(f".{os.getpid()}.tmp")
        draft.write_text(json.dumps(self._known, indent=2, sort_keys=True) + "\n")
        draft.replace(memory)


def _read(memory: Path | None) -> dict[str, dict[str, Any]]:
    """What is remembered; nothing where the file is not there, or damaged: then the hashes are taken again."""
    try:
        content = json.loads(memory.read_text()) if memory is not None else {}
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) and all(isinstance(value, dict) for value in content.values()) else {}
