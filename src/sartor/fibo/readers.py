"""How a checkpoint reads its prompts, where it does not read every text as it is.

A small model has learned few words. Its checkpoint may name a reader in its extras, which says a long text in words
that the model knows, before it is cut into tokens; prompts and captions alike. FIBO's own checkpoint names none.
Readers are entry points of the group "sartor.readers"; each is a `Reader`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import entry_points
from typing import Any

from sartor.fibo.errors import CheckpointError

GROUP = "sartor.readers"


@dataclass(frozen=True)
class Reader:
    """read: a text -> the text that is encoded instead; a pure function. version names its rules in the fingerprint."""

    version: str
    read: Callable[[str], str]


def reader_of(extras: Mapping[str, Any]) -> Reader | None:
    """What a checkpoint's extras ask for, None for nothing. Raises CheckpointError for a reader there is not."""
    name = extras.get("reader")
    if name is None:
        return None
    for entry in entry_points(group=GROUP, name=str(name)):
        found = entry.load()
        if isinstance(found, Reader):
            return found
    raise CheckpointError(f"the checkpoint asks for the reader {name!r}, which is not installed")
