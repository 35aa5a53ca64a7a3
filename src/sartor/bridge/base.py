"""What every bridge is: text to structured prompt, and a structured prompt with an instruction to a new one.

BridgeError
├── UnusablePrompt       the text itself: empty, too long, or more than a structured prompt holds
├── ContentRefused       whoever does the translation will not describe such content
└── BridgeUnavailable    whatever does the translation cannot be reached or loaded; trying again may help
    └── NoUsableReply    it was reached, and gave nothing for this question; for another one it may
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from sartor.vgl import StructuredPrompt, VisualSchema
from sartor.vgl.schema import MAX_ENTRIES

MAX_PROMPT_CHARACTERS = 8_000


class BridgeError(Exception):
    """Base of what this room raises."""


class UnusablePrompt(BridgeError):
    """The text cannot be translated by anyone; the message says why, in words for its author."""


class ContentRefused(BridgeError):
    """The translator's own rules forbid the content; trying again does not help."""


class BridgeUnavailable(BridgeError):
    """The translator is missing or does not answer. A client may read the message: no key, path or prompt is in it."""


class NoUsableReply(BridgeUnavailable):
    """The translator answers, but gives nothing that can be used for this question; the next one may fare better."""


@dataclass(frozen=True)
class Translation:
    """A structured prompt, and in ``notes`` what was not understood, where those words went, and what was overruled."""

    structured_prompt: StructuredPrompt
    notes: tuple[str, ...] = ()


class Bridge(Protocol):
    """All methods raise BridgeError; none changes its arguments."""

    name: str

    def load(self) -> None:
        """Does now what the first translation would otherwise wait for. Nothing is sent anywhere."""
        ...

    def translate(self, prompt: str, *, visual_schema: VisualSchema | None = None) -> Translation:
        """A new scene. The schema decides the look, the words the content."""
        ...

    def refine(
        self, structured_prompt: StructuredPrompt, instruction: str, *, visual_schema: VisualSchema | None = None
    ) -> Translation:
        """The scene with what the instruction asks for changed, and nothing else."""
        ...


def check_prompt(text: str) -> str:
    """The text without surrounding white space. Raises UnusablePrompt if it is empty, too long, or no text at all."""
    text = text.replace("\ufeff", "").strip()  # the mark that some editors begin a text with
    if not text:
        raise UnusablePrompt("the prompt is empty")
    if any(character == "\x00" or "\ud800" <= character <= "\udfff" for character in text):
        raise UnusablePrompt("the prompt holds a character that no text can hold (NUL or half a surrogate)")
    if len(text) > MAX_PROMPT_CHARACTERS:
        raise UnusablePrompt(f"the prompt is longer than {MAX_PROMPT_CHARACTERS} characters")
    return text


def check_things(count: int) -> None:
    """Raises UnusablePrompt for more things than a structured prompt holds: placing thousands would take hours."""
    if count > MAX_ENTRIES:
        raise UnusablePrompt(f"the prompt names more than {MAX_ENTRIES} things")
