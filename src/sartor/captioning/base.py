"""What every captioner does: pictures in, structured prompts and visual schemas out, each statement with its reason."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from PIL import Image

from sartor.vgl import StructuredPrompt, VisualSchema

T = TypeVar("T")


class CaptioningError(Exception):
    """The tree's root; the message is for the person who brought the pictures. ``number`` is which of several it is
    about, from 1."""

    number: int | None = None


class CaptioningUnavailable(CaptioningError):
    """The model that looks at pictures cannot be reached; later it may."""


class NotDescribed(CaptioningError):
    """The model looked at this picture and gave no description of it; with another one it may do better."""


class PictureRefused(CaptioningError):
    """The model's provider will not look at this picture."""


@dataclass(frozen=True)
class Subject:
    """What the project says of its pictures; `ip_type` and `medium` as on the wire."""

    ip_type: str = "other"
    medium: str = ""
    name: str | None = None
    description: str | None = None


@dataclass(frozen=True)
class Finding(Generic[T]):
    """`value`, and for the log a note a statement: what was seen, and by which measure."""

    value: T
    notes: tuple[str, ...] = ()


class Captioner(Protocol):
    """Deterministic where it can be; safe to use from several threads."""

    def load(self) -> None:
        """Makes ready what is slow to make; called once, in the background."""

    def visual_schema(self, pictures: Sequence[Image.Image], *, subject: Subject = Subject()) -> Finding[VisualSchema]:
        """What all of 5 to 10 RGB pictures share. Raises CaptioningError."""

    def caption(
        self, picture: Image.Image, *, visual_schema: VisualSchema | None, subject: Subject = Subject()
    ) -> Finding[StructuredPrompt]:
        """What an RGB picture shows; the schema's fields are in it as they stand. Raises CaptioningError."""
