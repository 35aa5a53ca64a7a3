"""Words as parts of regular expressions."""

from __future__ import annotations

import re
from collections.abc import Iterable


def any_of(words: Iterable[str]) -> str:
    """What matches any of the words, and of two that begin alike the longer one; nothing where there is none."""
    return f"(?:{'|'.join(map(re.escape, sorted(words, key=len, reverse=True))) or '(?!)'})"


def literally(text: str) -> str:
    """The text as a template of ``re.sub``, where a backslash would begin a group or an escape."""
    return text.replace("\\", r"\\")
