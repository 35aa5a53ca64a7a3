"""Adjectives within texts: which give way to a new one, and where it goes.

"An old sailor" who is made younger is "a younger sailor"; a longer "navy wool coat" is a "longer navy wool coat".
"""

from __future__ import annotations

import re

from sartor.bridge.english.scales import gives_way
from sartor.bridge.refining.recoloring import find_noun, opening, with_article
from sartor.nano.captions import article

_COMPARED = frozenset({"more", "less", "very", "slightly", "most", "rather", "quite"})
_LEAD = re.compile(r"\s*(?:(?:an?|the|his|her|its|their|one|two|three|four|five|holding|wearing)\s+)*", re.IGNORECASE)
_MOST = 4  # words of a phrase before its noun; more may be another phrase


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


def drop(text: str, adjective: str) -> str:
    """The text without the first place of the adjective, and the article that then is due."""
    found = re.search(
        rf"\b(?:(an?) )?(?:(?:very|so|really) )?{re.escape(adjective)}\b(?:,? and)?,? (?=\w+)", text, re.I
    )
    if found is None:
        return text
    lead, rest = found.group(1), text[found.end() :]
    if lead:
        told = article(re.split(r"\W", rest, maxsplit=1)[0]).split()[0]
        lead = f"{told.capitalize() if lead[0].isupper() else told} "
    capital = not lead and found.group()[0].isupper()
    return f"{text[: found.start()]}{lead or ''}{rest[:1].upper() if capital else rest[:1]}{rest[1:]}"
