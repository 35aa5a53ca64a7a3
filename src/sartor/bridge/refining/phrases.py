"""Noun phrases within sentences that somebody wrote: cut out, counted, and made another thing.

Each returns None where the sentence would not read well afterwards.
"""

from __future__ import annotations

import re

from sartor.bridge.english.lexicon import plural
from sartor.bridge.english.patterns import literally
from sartor.bridge.refining.recoloring import colors_before, find_noun, opening, with_article
from sartor.nano.captions import article
from sartor.nano.vocabulary import NUMBERS

_DETERMINER = re.compile(
    rf"\b(?:an?|the|his|her|its|their|some|one|another|several|{'|'.join(NUMBERS[2:])}|\d+)\s+$", re.IGNORECASE
)
_PREPOSITION = (
    "next to|beside|near|behind|in front of|above|below|beneath|under|underneath|on top of|on|by|over|alongside|"
    "along with|together with|close to|to the (?:left|right) of|at|accompanied by|surrounded by|against|in|inside"
)
_LINK = re.compile(rf"(?:,?\s+(?:and|with|holding|carrying|wearing|{_PREPOSITION})|,)\s+$", re.IGNORECASE)
_AFTER_PREPOSITION = re.compile(rf"\b(?:with|holding|carrying|{_PREPOSITION})\s+$", re.IGNORECASE)
_DEPENDS = re.compile(
    r"\b(?:is|are|was|were|be|looks?|looking|points?|pointing|stares?|staring)(?:,?\s+\w+)?$", re.IGNORECASE
)
_GOES_TOO = re.compile(
    r"\s+(?:in the (?:background|foreground|distance|corner)|in (?:his|her|its|their) (?:hands?|arms|mouth|beak|lap)|"
    r"(?:on|at|to) (?:his|her|its|their) (?:left|right|side|head|feet|shoulder)|nearby|behind (?:him|her|it|them))\b",
    re.IGNORECASE,
)
_STAYS = re.compile(rf"\s*$|\s*[.,;!]|\s+(?:at|during|while|as|{_PREPOSITION})\s", re.IGNORECASE)
_REFERS = re.compile(r"^[^.;]*\b(?:it|its|them|their|which|that|whose)\b", re.IGNORECASE)
_OWN = re.compile(r"\s+with\s+([^.,;]+?)(?=\s+(?:at|during|under|in front of)\s|\s*[.,;]|\s*$)", re.IGNORECASE)
_MOST = 5  # words between the article and the noun


def cut(text: str, noun: str, owned: str = "") -> str | None:
    """The text without the noun's phrase and what joins it. owned: what is known of the thing, which goes with it."""
    place = _phrase(text, noun)
    if place is None:
        return None
    start, end = place
    if more := _GOES_TOO.match(text, end):
        end = more.end()
    own = _OWN.match(text, end)
    if own is not None and set(_words(own.group(1))) - {"a", "an", "the", "and"} <= set(_words(owned)):
        end = own.end()
    head, rest = text[:start], text[end:]
    link = _LINK.search(head)
    if listed := re.match(r"(?:,| and| or)\s+(?=(?:an?|the|some|one|two|three|four|five)\b)", rest):
        if link is None or link.group().strip() in {"and", ","}:
            return None if link is None else f"{head[: link.start()]}{rest}"
        return f"{head}{rest[listed.end() :]}"
    if link is None or not _STAYS.match(rest) or _REFERS.match(rest) or _DEPENDS.search(head[: link.start()]):
        return None
    head = head[: link.start()]
    if link.group().strip(" ,") in {"and", ""}:
        head = re.sub(r",\s+((?:an?|the|some|one|two|three|four|five)\s[\w\s-]{1,40})$", r" and \1", head)
    shorter = f"{head}{rest}"
    return shorter if len(shorter.split()) > 1 else None


def count(text: str, noun: str, number: int) -> str | None:
    """The text with so many of the noun: "next to two red boats". What is the subject of a verb is left."""
    place = _phrase(text, noun)
    if place is None or number < 2:
        return None
    start, end = place
    told = NUMBERS[number] if number < len(NUMBERS) - 1 else str(number)
    if not text[start:end].lower().endswith(noun.lower()):  # several already
        lead, _, rest = text[start:end].partition(" ")
        return f"{text[:start]}{told} {rest}{text[end:]}" if lead.lower() in NUMBERS or lead.isdigit() else text
    phrase = re.sub(r"^(?:an?|the|one|another) ", "", text[start:end], flags=re.IGNORECASE)
    if not _AFTER_PREPOSITION.search(text[:start]) or phrase == text[start:end]:
        return None
    return f"{text[:start]}{told} {phrase[: -len(noun)]}{plural(phrase[-len(noun) :])}{text[end:]}"


def several(text: str, noun: str) -> str:
    """A description of one as one of several: "Red boats with peeling paint"."""
    found = find_noun(text, noun)
    lead = re.match(r"(?:an?|the|one) ", text, re.IGNORECASE)
    if found is None or found.group().lower() != noun.lower():
        return text
    told = f"{text[: found.start()]}{plural(found.group())}{text[found.end() :]}"
    return f"{told[lead.end()].upper()}{told[lead.end() + 1 :]}" if lead and lead.end() < found.end() else told


def become(text: str, noun: str, phrase: str, owned: str) -> str | None:
    """The text with another thing in the noun's place, and nothing left of what was said of the former one.

    owned: what is known of it. phrase: the new thing, without an article.
    """
    place = _phrase(text, noun)
    found = find_noun(text, noun)
    if place is None or found is None:
        return None
    start, end = place
    between = text[start : found.start()]
    determiner = re.match(r"(?:an?|the|his|her|its|their|one|some) ", between, re.IGNORECASE)
    lead = determiner.group() if determiner else ""
    known = {*_words(owned), *(word for color in colors_before(text, noun) for word in _words(color))}
    if not all(word in known for word in _words(between[len(lead) :])):
        return None
    if lead.lower() in {"a ", "an "}:
        told = article(phrase)
        phrase, lead = (told[:1].upper() + told[1:] if lead[0].isupper() else told), ""
    return f"{text[:start]}{lead}{phrase}{text[_own_end(text, end, known) :]}"


def _own_end(text: str, end: int, known: set[str]) -> int:
    """Where what is said of the thing after its noun ends: "in a navy coat" goes with the sailor."""
    told = re.match(r"\s+(?:in|with|wearing|holding)((?:\s+[\w'-]+){1,8})", text[end:], re.IGNORECASE)
    if told is None:
        return end
    last = told.start(1)
    for word in re.finditer(r"[\w'-]+", told.group(1)):
        if word.group().lower() in known:
            last = told.start(1) + word.end()
        elif word.group().lower() not in {"a", "an", "the", "and", "his", "her", "its"}:
            break
    return end + last if last > told.start(1) else end


def rename(text: str, old: str, new: str) -> str:
    """The text with one word for another, and the article that it asks for."""
    return with_article(re.sub(rf"\b{re.escape(old)}\b", literally(new), text, flags=re.IGNORECASE), new)


def _phrase(text: str, noun: str) -> tuple[int, int] | None:
    """Where the phrase of the noun's first place begins, with its article or number, and ends."""
    found = find_noun(text, noun)
    if found is None:
        return None
    start = opening(text, found.start())
    start += len(text[start : found.start()]) - len(text[start : found.start()].lstrip())
    if len(text[start : found.start()].split()) > _MOST:
        return None
    determiner = _DETERMINER.search(text[:start])
    return (determiner.start() if determiner else start), found.end()


def _words(text: str) -> list[str]:
    return re.findall(r"[\w'-]+", text.lower())
