"""Adjectives that say the same kind of thing: their scales, and the adjective that is compared in "longer"."""

from __future__ import annotations

import re

from sartor.bridge.english.words import word_set

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
        "simple ornate detailed intricate elaborate busy complex cluttered",
        "round square",
        "transparent opaque",
    )
)
_WORDS = frozenset().union(*_SCALES)


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
