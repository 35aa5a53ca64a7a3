"""Words, checked offline against lists of phrases, in all their inflections, except in their innocent senses.

    finding = PhraseModerator().check("a shooting star over a naked tree")    # None

Text is cut into words; each word stands for every base form that it may have (``shooting``: shooting, shoot). The
longest innocent phrases are found first and their words set aside; what matches a refused phrase among the rest is
the finding. The lists are ``phrases.toml``. Whole words only: Middlesex holds no sex.

It reads English. It does not understand: it takes "two men fighting" for a fight and misses what is only implied.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Iterable, Sequence
from functools import lru_cache
from importlib.resources import files

from sartor.moderation.base import CATEGORIES, Finding

_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)?")
# Letters spelled apart (n u d e, s.e.x) and digits for letters (n4ked) are the plainest ways around a list.
_APART = re.compile(r"(?<!\w)(?:\w[\s.\-*_]){2,}\w(?!\w)")
_DIGITS = str.maketrans("013457@$", "oieastas")
_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u2060-\u2064\ufeff]")
_VOWELS = "aeiou"

Phrase = tuple[str, ...]


class PhraseModerator:
    """Made once; safe to use from several threads."""

    def __init__(self) -> None:
        lists = tomllib.loads(files("sartor.moderation").joinpath("phrases.toml").read_text("utf-8"))
        unknown = set(lists["refused"]) - set(CATEGORIES)
        if unknown:
            raise ValueError(f"phrases.toml has categories that there are not: {sorted(unknown)}")
        self._innocent = _Index((phrase, "") for phrase in lists["innocent"]["phrases"])
        self._refused = _Index((phrase, name) for name in CATEGORIES for phrase in lists["refused"].get(name, []))

    def check(self, text: str) -> Finding | None:
        words = [base_forms(word) for word in _words(text)]
        innocent: set[int] = set()
        for start in range(len(words)):
            length, _ = self._innocent.longest(words, start)
            innocent.update(range(start, start + length))
        for start in range(len(words)):
            length, category = self._refused.longest(words, start)
            covered = range(start, start + length)
            if length and not innocent.issuperset(covered):
                return Finding(category, " ".join(min(words[at], key=len) for at in covered))
        return None


class _Index:
    """Phrases by their first word."""

    def __init__(self, phrases: Iterable[tuple[str, str]]) -> None:
        self._by_first: dict[str, list[tuple[Phrase, str]]] = {}
        for text, category in phrases:
            phrase = tuple(text.split())
            self._by_first.setdefault(phrase[0], []).append((phrase, category))

    def longest(self, words: Sequence[frozenset[str]], start: int) -> tuple[int, str]:
        """(words, category) of the longest phrase that begins at ``start``; (0, "") where none does."""
        found = (0, "")
        for first in words[start]:
            for phrase, category in self._by_first.get(first, ()):
                there = words[start : start + len(phrase)]
                fits = len(there) == len(phrase) and all(
                    word in forms for word, forms in zip(phrase, there, strict=True)
                )
                if fits and len(phrase) > found[0]:
                    found = (len(phrase), category)
        return found


def _words(text: str) -> list[str]:
    text = _INVISIBLE.sub("", unicodedata.normalize("NFKC", text)).casefold()
    text = "".join(letter for letter in unicodedata.normalize("NFD", text) if not unicodedata.combining(letter))
    text = _APART.sub(lambda match: re.sub(r"\W|_", "", match[0]), text)
    return [_unmask(word) for word in _WORD.findall(text)]


def _unmask(word: str) -> str:
    mixed = any(letter.isdigit() for letter in word) and sum(letter.isalpha() for letter in word) >= 2
    return word.translate(_DIGITS) if mixed else word


@lru_cache(maxsize=8192)
def base_forms(word: str) -> frozenset[str]:
    """Every base form that an English word may be an inflection of, itself included.

    ``stabbing`` -> stabbing, stabb, stabbe, stab; ``knives`` -> knives, knive, kniv, knife. Too many is harmless: what
    is not a word is on no list.
    """
    word = word.replace("’", "'").removesuffix("'s")
    forms = {word}
    if len(word) > 3 and word.endswith("s") and not word.endswith("ss"):
        forms.add(word[:-1])
        if word.endswith("es"):
            forms.add(word[:-2])
        if word.endswith("ies"):
            forms.add(word[:-3] + "y")
        if word.endswith("ves"):
            forms |= {word[:-3] + "f", word[:-3] + "fe"}
    for ending in ("ing", "ed", "er", "ers"):
        stem = word.removesuffix(ending)
        if stem != word and len(stem) >= 2:
            forms |= {stem, stem + "e"}
            if len(stem) > 2 and stem[-1] == stem[-2] and stem[-1] not in _VOWELS:
                forms.add(stem[:-1])
            if ending == "ed" and stem.endswith("i"):
                forms.add(stem[:-1] + "y")
    return frozenset(forms)
