"""Colours within texts that somebody else wrote: which of them a noun has, and another one in their place.

A noun's colours stand in its own phrase: "a crimson vintage car with white-walled tires" is a crimson car.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from sartor.bridge.english.colors import color_names
from sartor.bridge.english.patterns import any_of
from sartor.bridge.english.words import word_set
from sartor.nano.captions import article
from sartor.nano.concepts import CONCEPT_BY_NAME
from sartor.nano.vocabulary import COLORS


def _run_of(names: str) -> str:
    """One such name or several together, and no part of a longer word: "red-and-white", but not "red-eyed"."""
    return rf"(?<![\w-]){names}(?:(?:, and |, | and |-and-| ){names})*(?![\w-])"


# "lemon" and "cherry" are things more often than colours.
_NAMES = any_of(color_names() - (CONCEPT_BY_NAME.keys() - COLORS.keys()))
_NAME = rf"(?<!\w){_NAMES}(?!\w)"
_COLOR = re.compile(_NAME, re.IGNORECASE)
_ENDS_IN_COLOR = re.compile(rf"{_NAME}\s*$", re.IGNORECASE)
_LONGEST = 40  # characters of a colour's name, and some before it
_PHRASE = 200  # characters before a noun that are looked at
_RUN = re.compile(_run_of(_NAMES), re.IGNORECASE)
_PAINTED = re.compile(
    rf",? (?:painted|colou?red|dyed|glazed|lacquered|finished)(?: in| with)?(?: an?| the)?"
    rf"(?: (?!{_NAME})\w+){{0,2}} (?={_NAME})",
    re.IGNORECASE,
)
# Where a noun phrase can begin.
_OPENING = word_set(
    "a an the his her its their my your our this that these those some one two three four five with in on at under "
    "over near beside behind by of from for to into onto holding wearing riding"
)
_BREAK = re.compile(rf"[;.:,]|(?<![\w-])(?:and|{'|'.join(sorted(_OPENING))})(?![\w-])", re.IGNORECASE)


def colors_before(text: str, noun: str) -> list[str]:
    """The colour words that the noun, where it stands first in the text, has before it, in lower case."""
    found = find_noun(text, noun)
    if found is None:
        return []
    runs = _RUN.finditer(text, opening(text, found.start()), found.start())
    return [color.lower() for run in runs for color in _COLOR.findall(run.group())]


def recolor(text: str, noun: str, color: str) -> str:
    """The text with the noun in another colour: in place of those before it, else right before it, or, where the text
    has no such noun, at its end."""
    found = find_noun(text, noun)
    if found is None:
        return insert(text, noun, color)
    start = opening(text, found.start())
    runs = list(_RUN.finditer(text, start, found.start())) or list(_painted(text, found.end()))
    if not runs:
        return insert(text, noun, color)
    return with_article(f"{text[: runs[-1].start()]}{color}{text[runs[-1].end() :]}", color)


def swap(text: str, old: list[str], color: str) -> str:
    """The text with each of the old colour words by the new one, once where they stand together."""
    if not old:
        return text
    return with_article(re.sub(_run_of(any_of(old)), color, text, flags=re.IGNORECASE), color)


def insert(text: str, noun: str, word: str) -> str:
    """The word before the first place of the noun; at the end where it is nowhere."""
    found = find_noun(text, noun)
    if found is None:
        return f"{text} ({word})"
    return with_article(f"{text[: found.start()]}{word} {text[found.start() :]}", word)


def find_noun(text: str, noun: str) -> re.Match[str] | None:
    """Where the noun stands first, in the singular or plural."""
    return re.search(rf"\b{re.escape(noun)}(?:e?s)?\b", text, re.IGNORECASE)


def opening(text: str, end: int) -> int:
    """Where the noun phrase begins whose noun is at ``end``. Commas and "and" between colours do not part it."""
    start = max(0, end - _PHRASE)
    for found in _BREAK.finditer(text, start, end):
        joins = found.group().lower() in {",", "and"} and _ENDS_IN_COLOR.search(
            text[: found.start()].rstrip(",")[-_LONGEST:]
        )
        start = start if joins else found.end()
    return start


def _painted(text: str, start: int) -> Iterator[re.Match[str]]:
    """The colours of "car, painted a deep crimson", where the noun ends at ``start``."""
    told = _PAINTED.match(text, start)
    if told is not None and (run := _RUN.match(text, told.end())):
        yield run


def with_article(text: str, word: str) -> str:
    """The text with "a" or "an" before the word as it asks."""
    n = article(word).split()[0][1:]
    return re.sub(rf"\b(a)n?(?= {re.escape(word)}\b)", rf"\g<1>{n}", text, flags=re.IGNORECASE)
