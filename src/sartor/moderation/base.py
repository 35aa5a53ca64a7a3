"""The two protocols, each one method, and what they answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

# As the public service lists them.
CATEGORIES = (
    "explicit",
    "non_explicit_nudity",
    "underwear",
    "violence",
    "disturbing",
    "substances",
    "gestures",
    "gambling",
    "hate",
)


@dataclass(frozen=True)
class Finding:
    """Why something is refused. ``evidence`` (words, a score) is for the log of a test, never for a client."""

    category: str
    evidence: str


class TextModerator(Protocol):
    def check(self, text: str) -> Finding | None:
        """The first reason to refuse ``text``, or None."""


class ImageModerator(Protocol):
    def check(self, png: bytes) -> Finding | None:
        """The first reason to refuse the image, or None. Any format that Pillow reads will do."""
