"""What an instruction says of things that are there: "the left one", "one of them", "both". Rules as in ``grammar``."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from sartor.bridge.english.tagging import Item

ONE_OF = "one of the"
LESS = "less"  # an adjective's value: there is to be less of it
DEFINITE = frozenset([ONE_OF, "the", "this", "that", "these", "those", "its", "his", "her", "their"])


def _one(items: list[Item]) -> list[Item] | None:
    """ "the left one", "the red ones", "the one", "the other two": a noun."""
    last = items[-1]
    if items[0].text.lower() in DEFINITE and last.code == "Q" and items[-2].text.lower() == "other":
        tag = "NN" if last.value == 1 else "NNS"
        return [*items[:-1], replace(last, code="N", value=None, lemma="one", tag=tag)]
    if items[0].text.lower() not in DEFINITE or last.text.lower() not in {"one", "ones"}:
        return None
    tag = "NNS" if last.text.lower() == "ones" else "NN"
    return [*items[:-1], replace(last, code="N", value=None, lemma="one", tag=tag)]


def _one_there(items: list[Item]) -> list[Item] | None:
    """ "on the middle one": no place, but whose."""
    named = _one(items)
    return [replace(item, code="A") if item.code == "L" else item for item in named] if named else None


# What is asked for where something is too much.
_OPPOSITES = {
    word: opposite
    for opposite, words in {
        Item("I", "even", "brighter"): "dark dim gloomy underexposed",
        Item("I", "dim", "darker"): "bright overexposed",
        Item("z", 1, "bigger"): "small little tiny",
        Item("z", -1, "smaller"): "big large huge giant enormous massive",
        Item("A", None, "shorter"): "long tall",
        Item("A", None, "longer"): "short",
        Item("A", None, "thinner"): "thick fat",
        Item("A", None, "thicker"): "thin",
    }.items()
    for word in words.split()
}


def _too(items: list[Item]) -> list[Item] | None:
    """ "not so dark", "too dark": brighter; "not so cute": less cute."""
    degree, last = items[-2].text.lower(), items[-1]
    if degree not in ({"so", "too", "very", "quite", "that"} if items[0].code == "n" else {"too"}):
        return None
    instead = _OPPOSITES.get(last.text.lower()) or replace(last, code="A", value=LESS)
    return [*(item for item in items[:-2] if item.code == "v"), instead]


def _too_many(items: list[Item]) -> list[Item] | None:
    """ "too many balloons": fewer."""
    return [Item("A", None, "fewer", "few", "JJR")] if items[0].text.lower() == "too" else None


def _sky_blue(items: list[Item]) -> list[Item] | None:
    """ "make the sky blue": blue, and not sky blue."""
    if items[1].text.lower() != "sky blue" or items[0].text.lower() != "the":
        return None
    start = items[1].start
    return [items[0], Item("S", "sky", "sky", "sky", "NN", start, start + 3),
            Item("C", "blue", "blue", "blue", "JJ", start + 4, items[1].end)]  # fmt: skip


def _one_of(items: list[Item]) -> list[Item] | None:
    """ "one of them", "one of the apples": one that is there."""
    if items[0].text.lower() != "one":
        return None
    them = [Item("N", None, "one", "one", "NN")] if items[-1].code == "i" else []
    return [Item("D", None, ONE_OF), *them]


def _both(items: list[Item]) -> list[Item] | None:
    return [Item("i", "both", "both")] if items[0].text.lower() == "both" else None


REFERENCES: tuple[tuple[re.Pattern[str], Callable[[list[Item]], list[Item] | None]], ...] = (
    (re.compile(r"(?<![PR])D[aLACZ]+[Qi]|DQ(?![aZCALKN])"), _one),
    (re.compile(r"(?<=[PR])D[aLACZ]+Q(?![aoZCAMLKNSst])"), _one_there),
    (re.compile(r"Qo[iD]"), _one_of),
    (re.compile(r"(?:nv*)?a[AMZI](?![KNSst])"), _too),
    (re.compile(r"aQ(?=[ZCAM]*[KNSt])"), _too_many),
    (re.compile(r"DC(?![KNSstCGp])"), _sky_blue),
    (re.compile(r"Q(?:oi)?(?![oaDKNSst]|[ZCAM]+[KN])"), _both),
)
