"""What the warm-up's picture hashed to before, by environment."""

import json
import os
from pathlib import Path

GOLDEN_FILE = "golden.json"


class GoldenHashes:
    """Hashes that the checkpoint was shipped with, and a file of this machine's own (None keeps nothing)."""

    def __init__(self, checkpoint: Path | None, kept: Path | None) -> None:
        self._shipped = checkpoint / GOLDEN_FILE if checkpoint else None
        self._kept = kept

    def get(self, environment: str) -> str | None:
        """The hash for an environment; the checkpoint's own word counts more."""
        known: dict[str, str] = {}
        for path in (self._kept, self._shipped):
            if path is not None and path.exists():
                known.update(json.loads(path.read_text()))
        return known.get(environment)

    def remember(self, environment: str, found: str) -> None:
        """Adds one to this machine's file. Raises OSError."""
        path = self._kept
        if path is None:
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        kept = json.loads(path.read_text()) if path.exists() else {}
        kept[environment] = found
        draft = path.with_suffix(f".{os.getpid()}.tmp")
        draft.write_text(json.dumps(kept, indent=2, sort_keys=True) + "\n")
        draft.replace(path)
