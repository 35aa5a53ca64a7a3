"""Adjectives within texts: which give way to a new one, and where it goes.

"An old sailor" who is made younger is "a younger sailor"; a longer "navy wool coat" is a "longer navy wool coat".
"""

from __future__ import annotations

import re

from sartor.bridge.recoloring import find_noun, opening, with_article
from sartor.bridge.words import word_set

# Of the words of one scale only one is true of a thing.
_SCALES = tuple(
    word_set(scale)
    for scale in (
        "long short",
        "tall short",
        "big large huge giant enormous massive small little tiny",
        "dark light pale bright dim",
        "thick thin",
        "fat plump chubby thin slim skinny slender",
        "wide broad narrow",
        "old elderly aged ancient young youthful",
        "old ancient new modern",
        "clean dirty spotless",
        "full empty half-full",
        "open closed",
        "smooth rough bumpy",
        "hot cold warm cool",
        "wet dry",
        "strong weak",
        "hard soft",
        "loud quiet",
        "calm stormy rough wild choppy",
        "curly straight wavy",
        "shiny glossy matte dull",
        "happy cheerful sad angry grumpy",
        "smooth wrinkled",
        "heavy light",
        "simple ornate",
        "round square",
        "transparent opaque",
    )
)
_WORDS = frozenset().union(*_SCALES)
_COMPARED = frozenset({"more", "less", "very", "slightly", "most", "rather", "quite"})
_LEAD = re.compile(r"\s*(?:(?:an?|the|his|her|its|their|one|two|three|four|five|holding|wearing)\s+)*", re.IGNORECASE)
_MOST = 4  # words of a phrase before its noun; more may be another phrase


def gives_way(word: str, adjective: str) -> bool:
    """Whether the word cannot stand beside the adjective: it is the same one, compared, or on the same scale."""
    one, other = base(word.lower()), base(adjective.lower())
    return one == other or any(one in scale and other in scale for scale in _SCALES)


def base(adjective: str) -> str:
    """ "longer" -> "long", "bigger" -> "big", "larger" -> "large", "happier" -> "happy", "less dark" -> "dark"."""
    adjective = adjective.rsplit(" ", 1)[-1]
    stem = re.sub(r"(?:er|est)$", "", adjective)
    if stem == adjective:
        return adjective
    single = stem[:-1] if len(stem) > 2 and stem[-1:] == stem[-2:-1] else stem
    for known in (stem, f"{stem}e", single, f"{stem[:-1]}y" if stem.endswith("i") else stem):
        if known in _WORDS:
            return known
    return f"{stem[:-1]}y" if stem.endswith("i") else single


def describe(phrase: str, adjective: str) -> str:
    """A noun phrase up to its noun, with the adjective: in place of what gives way, else before all others."""
    words = list(re.finditer(r"[\w-]+", phrase))
    taken = next((word for word in words if gives_way(word.group(), adjective)), None)
    if taken is not None:
        at = words.index(taken)
        start = words[at - 1].start() if at and words[at - 1].group().lower() in _COMPARED else taken.start()
        return _said(phrase[:start], adjective, phrase[taken.end() :])
    lead = _LEAD.match(phrase)
    start = lead.end() if lead else 0
    return _said(phrase[:start], adjective, f" {phrase[start:]}" if phrase[start:] else " ")


def describe_noun(text: str, noun: str, adjective: str) -> str:
    """The text with the adjective before the first place of the noun; at its end where the noun is nowhere."""
    found = find_noun(text, noun)
    if found is None:
        return f"{text} ({adjective})"
    start = opening(text, found.start())
    if len(text[start : found.start()].split()) > _MOST:
        start = found.start()
    return with_article(f"{text[:start]}{_spaced(text[start : found.start()], adjective)}{text[found.start() :]}",
                        adjective)  # fmt: skip


def _spaced(phrase: str, adjective: str) -> str:
    described = describe(phrase, adjective)
    return described if described.endswith((" ", "-")) else f"{described} "


def _said(before: str, adjective: str, after: str) -> str:
    """The first word of a text keeps its capital."""
    if not before and after.strip()[:1].isupper() and after.strip()[1:2].islower():
        lead = len(after) - len(after.lstrip())
        return f"{adjective[:1].upper()}{adjective[1:]}{after[:lead]}{after[lead].lower()}{after[lead + 1 :]}"
    return f"{before}{adjective}{after}"
