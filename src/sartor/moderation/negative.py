"""What a negative prompt may not keep out of an image.

A negative prompt only pushes away from what it names, or does nothing (where guidance is 1), so that "nudity, blood,
guns" is a wish for safety and passes. Two things do not:

- clothing as a whole ("clothes", "(fully clothed:1.4)"): to keep it out is to ask for nakedness. A kind of clothing
  ("modern clothing", "torn clothes", "hats") may be kept out, and so may underwear;
- slurs: they keep out nothing that a decent word would not, and are stored and shown with the request.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from sartor.moderation.base import Finding
from sartor.moderation.text import Phrases, read
from sartor.moderation.words import BREAK, Forms, words

_ITEM = re.compile(r"[,;\n.|]+")


def check_negative_prompt(text: str) -> Finding | None:
    """The first reason to refuse ``text`` as a negative prompt, or None."""
    clothing, aside, slurs = _lists()
    for item in _ITEM.split(text):
        told = [forms for forms in words(item) if forms is not BREAK and aside.isdisjoint(forms)]
        told = [forms for forms in told if not any(form.isdigit() for form in forms)]
        if told and all(not clothing.isdisjoint(forms) for forms in told):
            return Finding("non_explicit_nudity", item.strip())
    there = words(text)
    for start in range(len(there)):
        length, category = slurs.longest(there, start)
        if length:
            return Finding(category, _shown(there[start]))
    return None


def _shown(forms: Forms) -> str:
    return max(sorted(forms), key=len)


@cache
def _lists() -> tuple[frozenset[str], frozenset[str], Phrases]:
    """Words for all clothing, words that leave it all, and slurs."""
    negative: dict[str, Any] = read("phrases.toml")["negative"]
    slurs = Phrases(((phrase, "hate") for phrase in negative["slurs"]), {})
    return frozenset(negative["clothing"]), frozenset(negative["aside"]), slurs
