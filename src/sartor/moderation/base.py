"""The two protocols, each one method, what they answer, and the error that they may raise."""

from __future__ import annotations

from collections.abc import Sequence
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


class ModeratorUnavailable(Exception):
    """What does the check cannot be reached or used, so nothing was checked; trying again may help."""


@dataclass(frozen=True)
class Finding:
    """Why something is refused. ``evidence`` (words, a score) is for the log of a test, never for a client."""

    category: str
    evidence: str


class TextModerator(Protocol):
    def check(self, text: str) -> Finding | None:
        """The first reason to refuse ``text``, or None. Raises ModeratorUnavailable."""


class ImageModerator(Protocol):
    def check(self, png: bytes) -> Finding | None:
        """The first reason to refuse the image, or None. Any format that Pillow reads will do."""


class InTurn:
    """Several text moderators as one: each is asked only if those before it found nothing."""

    def __init__(self, moderators: Sequence[TextModerator]) -> None:
        self._moderators = tuple(moderators)

    def check(self, text: str) -> Finding | None:
        for moderator in self._moderators:
            if finding := moderator.check(text):
                return finding
        return None
