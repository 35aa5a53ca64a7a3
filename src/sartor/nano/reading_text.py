"""A structured prompt's fields as text to look for words in: part of `reading.py`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sartor.nano import reading_words as say


def lower(value: Any) -> str:
    return " ".join(str(value or "").lower().split())


def plainly(value: Any, *, colors: bool = False) -> str:
    """The text without what it denies and what it only compares with; ``colors``: a colour in a list is not denied."""
    denied = say.NEGATION_BUT_COLORS if colors else say.NEGATION
    return say.SIMILE.sub(" ", denied.sub(" ", lower(value)))


def section(prompt: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = prompt.get(name)
    return value if isinstance(value, Mapping) else {}
