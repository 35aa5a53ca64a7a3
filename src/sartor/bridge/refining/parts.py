"""What a thing wears and looks like in words: a noun in one of an entry's texts, and edits of what is said of it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from sartor.bridge.english.grammar import Group
from sartor.bridge.english.patterns import any_of
from sartor.bridge.refining.actors import Actor
from sartor.bridge.refining.adjectives import describe
from sartor.bridge.refining.recoloring import recolor, with_article

_FIELDS = ("clothing", "appearance_details", "texture", "expression", "pose", "action", "skin_tone_and_texture",
           "description")  # fmt: skip
_CHUNK = re.compile(r"[^,;.]+")


@dataclass(frozen=True)
class Part:
    """``noun`` as it is written in the actor's text ``field``."""

    actor: Actor
    field: str
    noun: str

    def paint(self, color: str) -> None:
        """In place of the colour that it has, else right before the noun, in every text that names it."""
        entry = self.actor.entry
        assert entry is not None
        for field in _FIELDS:
            if field == self.field or re.search(rf"\b{re.escape(self.noun)}\b", entry.get(field, ""), re.IGNORECASE):
                entry[field] = recolor(entry[field], self.noun, color)
        self.actor.painted_parts[self.noun] = color

    def describe(self, adjective: str) -> None:
        """In place of what it contradicts or compares with ("long", "short" for "longer"), else before the others."""
        before, after = self._around()
        start = len(before) - len(before.lstrip())
        described = describe(before[start:], adjective).rstrip()
        self._write(with_article(f"{before[:start]}{described} {after}", adjective))

    def become(self, text: str) -> None:
        before, after = self._around()
        start, rest = len(before) - len(before.lstrip()), after[len(self.noun) :]
        self._write(before[:start] + text + rest)

    def extend(self, words: str) -> None:
        """Right after the noun: "a black label with white text"."""
        _, after = self._around()
        before = self._around()[0]
        self._write(f"{before}{after[: len(self.noun)]} {words}{after[len(self.noun) :]}")

    def remove(self) -> None:
        """Nothing is left of a text that said nothing else."""
        entry = self.actor.entry
        assert entry is not None
        chunks = [chunk.group().strip() for chunk in _CHUNK.finditer(entry[self.field])]
        kept = [kept for chunk in chunks if (kept := self._without(chunk))]
        if kept:
            entry[self.field] = ", ".join(kept)
        else:
            del entry[self.field]

    def _without(self, chunk: str) -> str:
        """What is left of it; the next part takes the removed one's place: "with a cap and a label"."""
        parts = re.split(r"(\s+(?:and|with)\s+)", chunk)
        named = [re.search(rf"\b{re.escape(self.noun)}\b", part) is not None for part in parts[::2]]
        if not any(named):
            return chunk
        kept, link = "", ""
        for index, part in enumerate(parts[::2]):
            own = parts[2 * index - 1] if index else ""
            link = link or own
            if not named[index]:
                kept, link = f"{kept}{link if kept else ''}{part}", ""
        return kept

    def _around(self) -> tuple[str, str]:
        """The words before the noun back to the last comma or "and", and the noun with what follows."""
        assert self.actor.entry is not None
        text = self.actor.entry[self.field]
        found = re.search(rf"\b{re.escape(self.noun)}\b", text)
        assert found is not None
        breaks = list(re.finditer(r"[,;.]|\b(?:and|with|in|under)\b", text[: found.start()]))
        start = breaks[-1].end() if breaks else 0
        return text[start : found.start()], text[found.start() :]

    def _write(self, text: str) -> None:
        assert self.actor.entry is not None
        before, after = self._around()
        whole = self.actor.entry[self.field]
        self.actor.entry[self.field] = whole[: len(whole) - len(before) - len(after)] + text


def find_part(actors: list[Actor], group: Group) -> Part | None:
    """The first text that names the group's noun as something about a thing."""
    nouns = {group.noun, group.noun.rsplit(" ", 1)[-1], group.text.rsplit(" ", 1)[-1]} - {""}
    pattern = re.compile(rf"\b{any_of(nouns)}(?:e?s)?\b", re.IGNORECASE)
    for actor in actors:
        for field in _FIELDS:
            found = pattern.search((actor.entry or {}).get(field, ""))
            if found is not None:
                return Part(actor, field, found.group())
    return None
