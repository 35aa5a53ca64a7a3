"""Every phrase that the bridge knows, as one table: words in, what they mean out.

An entry's code is one letter; the grammar's rules are regular expressions over such letters (``grammar.py``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sartor.bridge.english import words
from sartor.bridge.english.colors import color_names
from sartor.nano.captions import PAIRS
from sartor.nano.concepts import CONCEPT_BY_NAME, CONCEPTS, Concept
from sartor.nano.vocabulary import STYLES

# Words, numbers, a possessive's or a contraction's tail, and any other mark on its own. Hyphens part words.
_TOKEN = re.compile(r"\d+(?=[x×]?\b)|\w+?(?=n't\b)|n't\b|'(?:s|re|d|ll|m|ve)\b|\w+|[^\w\s]", re.UNICODE)

VERTICAL = {"top": "top", "upper": "top", "bottom": "bottom", "lower": "bottom"}
HORIZONTAL = {"left": "left", "right": "right", "left hand": "left", "right hand": "right", "leftmost": "left",
              "rightmost": "right", "far left": "left", "far right": "right"}  # fmt: skip
MIDDLE = ("center", "centre", "middle", "central")


@dataclass(frozen=True)
class PartialPlace:
    """A row (top, center, bottom), a column (left, center, right), or both; None is open."""

    row: str | None = None
    column: str | None = None


@dataclass(frozen=True)
class Named:
    """A thing by name: the model's concept, and the noun that the person used."""

    concept: Concept
    word: str


@dataclass(frozen=True)
class Entry:
    code: str
    value: Any = None


def tokenize(text: str) -> list[tuple[str, int, int]]:
    """Tokens with their place in the text (start, end). A hyphen between letters is a blank, a new line a full stop."""
    plain = re.sub(r"(?<=\w)[-‐‑–](?=\w)", " ", text).replace("\ufe0f", " ").replace("’", "'").replace("\n", ".")
    return [(match.group(), match.start(), match.end()) for match in _TOKEN.finditer(plain)]


def plural(noun: str) -> str:
    """The English plural of a noun phrase, by the spelling of its last word, or of the one before "of"."""
    of = re.search(r" (?:\w+ )?of ", noun)
    if of is not None:
        return plural(noun[: of.start()]) + noun[of.start() :]
    if noun.endswith(PAIRS):
        return f"pairs of {noun}"
    head, _, last = noun.rpartition(" ")
    if last in words.IRREGULAR_PLURALS:
        last = words.IRREGULAR_PLURALS[last]
    elif re.search(r"(s|x|z|ch|sh)$", last):
        last += "es"
    elif re.search(r"[^aeiou]y$", last):
        last = last[:-1] + "ies"
    else:
        last += "s"
    return f"{head} {last}".strip()


class Lexicon:
    """Longest phrase first. A token matches a phrase's word by its lower-case form or its lemma."""

    def __init__(self) -> None:
        self._phrases: dict[tuple[str, ...], Entry] = {}
        for phrase, entry in _entries():
            key = tuple(token for token, _, _ in tokenize(phrase.lower()))
            self._phrases.setdefault(key, entry)
        self._heads: dict[str, int] = {}
        for key in self._phrases:
            self._heads[key[0]] = max(self._heads.get(key[0], 0), len(key))

    def words(self) -> set[str]:
        """Every word of every phrase."""
        return {word for key in self._phrases for word in key}

    def longest(self, forms: list[tuple[str, str]], start: int) -> tuple[int, Entry] | None:
        """The number of tokens and the entry of the longest phrase at ``start``; ``forms`` holds (lower, lemma)."""
        lower, lemma = forms[start]
        longest = max(self._heads.get(lower, 0), self._heads.get(lemma, 0))
        for length in range(min(longest, len(forms) - start), 0, -1):
            for key in _keys(forms[start : start + length]):
                entry = self._phrases.get(key)
                if entry is not None:
                    return length, entry
        return None


def _keys(forms: list[tuple[str, str]]) -> Iterator[tuple[str, ...]]:
    """The phrase as written, with its last word's lemma, with its first word's, and all lemmas."""
    written = tuple(lower for lower, _ in forms)
    yield written
    yield (*written[:-1], forms[-1][1])
    yield (forms[0][1], *written[1:])
    yield tuple(lemma for _, lemma in forms)


def _split(text: str) -> list[str]:
    return [phrase.strip() for phrase in text.split(",")]


def _entries() -> Iterator[tuple[str, Entry]]:
    """All phrases; where two are the same, the first counts."""
    yield from _concepts()
    for name in sorted(color_names()):
        yield name, Entry("C", name)
        yield f"{name} colored", Entry("C", name)
        yield f"{name} coloured", Entry("C", name)
    for noun, (kind, needs_preposition) in words.SETTINGS.items():
        yield noun, Entry("S" if needs_preposition else "s", kind)
    for phrase in ("background", "backdrop", "bg", "backgrounds"):
        yield phrase, Entry("G")
    yield "gradient", Entry("g")
    for code, table in (("Z", words.SIZES), ("z", words.SIZE_STEPS), ("O", words.ORIENTATIONS), ("R", words.RELATIONS),
                        ("I", words.LIGHT), ("H", words.SHADOWS), ("b", words.BLUR), ("M", words.MOODS)):  # fmt: skip
        for value, phrases in table.items():
            for phrase in _split(phrases):
                yield phrase, Entry(code, value)
    for phrase, number in words.COUNTS.items():
        yield phrase, Entry("Q", number)
    for mood in _split(words.FREE_MOODS):
        yield mood, Entry("M", mood)
    yield from _styles()
    yield from _places()
    for path, values in words.CAMERA.items():
        for value, phrases in values.items():
            for phrase in _split(phrases):
                yield phrase, Entry("c", (path, value))
    for code, text in words.FUNCTION_WORDS:
        for phrase in _split(text):
            yield phrase, Entry(code, phrase)
    yield ",", Entry("X")
    for mark in ".!?;:":
        yield mark, Entry("E")


def _concepts() -> Iterator[tuple[str, Entry]]:
    """Names before synonyms. "little house" is a size and a house, so such synonyms are left to the grammar."""
    for concept in CONCEPTS:
        named = Entry("K", Named(concept, concept.name))
        for phrase in (concept.name, concept.plural_name, concept.emoji):
            yield phrase, named
    for name, kinds in words.KINDS.items():
        for kind in _split(kinds) if name in CONCEPT_BY_NAME else ():
            entry = Entry("K", Named(CONCEPT_BY_NAME[name], kind))
            yield kind, entry
            yield plural(kind), entry
    for concept in CONCEPTS:
        for synonym in concept.synonyms:
            if not synonym.startswith(("little ", "pair of ")):
                entry = Entry("K", Named(concept, synonym))
                yield synonym, entry
                yield plural(synonym), entry


def _styles() -> Iterator[tuple[str, Entry]]:
    for style in STYLES:
        for phrase in (style.style_medium, style.name, *style.synonyms):
            yield phrase.lower(), Entry("y" if phrase in words.WEAK_STYLES else "Y", style.name)
    for name, phrases in words.HOUSE_STYLES.items():
        for phrase in _split(phrases):
            yield phrase, Entry("y" if phrase in words.WEAK_STYLES else "Y", name)
    for medium, phrases in words.MEDIA.items():
        for phrase in _split(phrases):
            yield phrase, Entry("y" if phrase in words.WEAK_STYLES else "Y", ("medium", medium))


def _places() -> Iterator[tuple[str, Entry]]:
    for across, column in HORIZONTAL.items():
        yield across, Entry("L", PartialPlace(None, column))
        yield f"{across} most", Entry("L", PartialPlace(None, column))
        for middle in MIDDLE:
            yield f"{middle} {across}", Entry("L", PartialPlace("center", column))
            yield f"{across} {middle}", Entry("L", PartialPlace("center", column))
        for down, row in VERTICAL.items():
            yield f"{down} {across}", Entry("L", PartialPlace(row, column))
            yield f"{across} {down}", Entry("L", PartialPlace(row, column))
    for down, row in VERTICAL.items():
        yield down, Entry("L", PartialPlace(row, None))
        yield f"very {down}", Entry("L", PartialPlace(row, None))
        for middle in MIDDLE:
            yield f"{down} {middle}", Entry("L", PartialPlace(row, "center"))
            yield f"{middle} {down}", Entry("L", PartialPlace(row, "center"))
    for middle in MIDDLE:
        yield middle, Entry("L", PartialPlace("center", "center"))
    for verb in sorted(words.FACING_VERBS):
        for way in ("left", "right"):
            for link in ("", "to the ", "towards the ", "toward the ", "the ", "to "):
                yield f"{verb} {link}{way}", Entry("F", f"facing {way}")
    for phrase in _split(words.MIRRORED):
        yield phrase, Entry("F", "other")
    yield "vertically", Entry("O", "upside down")
    for step, phrases in words.STEPS.items():
        for phrase in _split(phrases):
            yield phrase, Entry("l", step)
