"""Which of a language model's changes the instruction accounts for. The others are not made.

The model claims every field that it changes together with the instruction's words that ask for it. A claim whose words
are not in the instruction counts for nothing, and neither does a change that no claim covers: models rewrite what they
only had to copy.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sartor.bridge.language_model.replying import UnusableReply
from sartor.vgl import Change, StructuredPrompt, apply, diff

_LISTS = ("objects", "text_render")
_GAP = re.compile(r"\s*(?:\.{3}|…)\s*")
_ENTRY = re.compile(r"(objects|text_render)\[([0-9]+)\]")
_WITHIN_ENTRY = re.compile(r"(objects|text_render)\[([0-9]+)\](\..+)?")
_INDEX = re.compile(r"\[[0-9]+\]")
_SUMMARY = "short_description"  # speaks of everything, so it may change with anything
_MOST_NOTES = 40


@dataclass(frozen=True)
class Claim:
    """``field`` as in ``Change.path``, changed because of ``words``."""

    field: str
    words: str

    def covers(self, path: str) -> bool:
        """Whether it speaks of the field or of what holds it."""
        return path == self.field or path.startswith((f"{self.field}.", f"{self.field}["))


def read_claims(values: Any, instruction: str, *, strict: bool) -> list[Claim]:
    """The claims that quote the instruction. Raises UnusableReply where there are none to read, and if ``strict`` for a
    claim that quotes something else."""
    if not isinstance(values, list):
        raise UnusableReply("the list of changed fields is missing")
    said = _folded(instruction)
    claims = []
    for index, value in enumerate(values):
        claim = Claim(value.get("field", "").strip(), value.get("words", ""))
        quoted = [part for part in map(_folded, _GAP.split(claim.words)) if part]
        if claim.field and quoted and all(part in said for part in quoted):
            claims.append(claim)
        elif strict:
            raise UnusableReply(f"changed_fields[{index}].words is not copied from INSTRUCTION")
    return claims


def keep_touched(
    before: StructuredPrompt, after: StructuredPrompt, claims: Sequence[Claim], schema: dict[str, Any]
) -> tuple[StructuredPrompt, list[str]]:
    """``before`` with the claimed part of what differs, and notes that explain every difference.

    A field that ``schema`` (Gemini's spelling) does not ask for is never changed.
    """
    made: list[Change] = []
    notes: list[str] = []
    reverted: list[str] = []
    summary: Change | None = None
    for change in _single(diff(before, after)):
        if not _asked_for(change.path, schema):
            continue
        claim = _claim_for(change, claims, before)
        if claim is not None:
            made.append(change)
            notes.append(f'{change.path} follows "{claim.words}"')
        elif change.path == _SUMMARY and change.after is not None:
            summary = change
        else:
            reverted.append(f"{change.path} stays as it was: the instruction does not speak of it")
    if summary is not None and made:
        made.append(summary)
        notes.append(f"{_SUMMARY} says what has changed")
    return apply(before, made), [*notes, *reverted][:_MOST_NOTES]


def _claim_for(change: Change, claims: Sequence[Claim], before: StructuredPrompt) -> Claim | None:
    entry = _ENTRY.fullmatch(change.path)
    if entry is None:
        # "objects" alone says which list, not which entry: enough for entries that come and go, and for no more.
        return next((one for one in claims if one.field not in _LISTS and one.covers(change.path)), None)
    if change.before is not None:
        return next((one for one in claims if one.field in (entry[1], change.path)), None)
    present = len(getattr(before, entry[1]) or [])
    return next((one for one in claims if _adds(one, entry[1], present)), None)


def _adds(claim: Claim, name: str, present: int) -> bool:
    """Whether the claim can mean a new entry of the list ``name``: the list, a whole entry, or one past the end."""
    within = _WITHIN_ENTRY.fullmatch(claim.field)
    if within is None:
        return claim.field == name
    return within[1] == name and (within[3] is None or int(within[2]) >= present)


def _single(changes: Sequence[Change]) -> Iterator[Change]:
    """A section that appears or goes as a whole, field by field."""
    for change in changes:
        section = change.after if change.before is None else change.before
        if isinstance(section, dict) and _ENTRY.fullmatch(change.path) is None:
            for name, value in section.items():
                path = f"{change.path}.{name}"
                yield Change(path, None, value) if change.before is None else Change(path, value, None)
        else:
            yield change


def _asked_for(path: str, schema: dict[str, Any]) -> bool:
    part: dict[str, Any] | None = schema
    for name in _INDEX.sub("", path).split("."):
        part = part.get("items", part).get("properties", {}).get(name) if part else None
        if part is None:
            return False
    return True


def _folded(text: str) -> str:
    """Lower case, single spaces, nothing but words at the ends."""
    return " ".join(text.casefold().split()).strip(" .,;:!?\"'“”‘’")
