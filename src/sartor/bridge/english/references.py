"""What an instruction says of things that are there: "the left one", "one of them", "both". Rules as in ``grammar``."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from sartor.bridge.english.tagging import Item

ONE_OF = "one of the"
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
    (re.compile(r"Q(?:oi)?(?![oaDKNSst]|[ZCAM]+[KN])"), _both),
)
