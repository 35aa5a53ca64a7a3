"""What the warm-up's picture hashed to before, by environment."""

import json
import logging
import os
from pathlib import Path

logger = logging.getLogger(__name__)

GOLDEN_FILE = "golden.json"


class GoldenHashes:
    """Hashes that the checkpoint was shipped with, and a file of this machine's own (None keeps nothing)."""

    def __init__(self, checkpoint: Path | None, kept: Path | None) -> None:
        self._shipped = checkpoint / GOLDEN_FILE if checkpoint else None
        self._kept = kept

    def get(self, environment: str) -> str | None:
        """The hash for an environment; the checkpoint's own word counts more."""
        known = self._remembered()
        if self._shipped is not None and self._shipped.exists():
            known |= json.loads(self._shipped.read_text())
        return known.get(environment)

    def remember(self, environment: str, found: str) -> None:
        """Adds one to this machine's file. Raises OSError."""
        path = self._kept
        if path is None:
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        kept = self._remembered() | {environment: found}
        draft = path.with_suffix(f".{os.getpid()}.tmp")
        draft.write_text(json.dumps(kept, indent=2, sort_keys=True) + "\n")
        draft.replace(path)

    def _remembered(self) -> dict[str, str]:
        """This machine's file; a damaged one, as a loss of power leaves it, says nothing."""
        if self._kept is None or not self._kept.exists():
            return {}
        try:
            found = json.loads(self._kept.read_text())
        except ValueError:
            found = None
        if isinstance(found, dict):
            return found
        logger.warning("%s is damaged and is written anew", self._kept)
        return {}
