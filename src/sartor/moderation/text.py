"""Words, checked offline against lists of phrases, in all their inflections, except in their innocent senses.

    finding = PhraseModerator().check("a shooting star over a naked tree")    # None

Each word stands for every base form that it may have (``shooting``: shooting, shoot; ``sartor.moderation.words``). The
longest innocent phrases are found first and their words set aside; what matches a refused phrase among the rest is
the finding, unless the text says that it is absent ("no blood", "without any weapons or blood"). Whole words only:
Middlesex holds no sex. The lists are ``phrases.toml`` and, for other languages, ``other_languages.toml``.

It does not understand: it misses what is only implied, and what is told in innocent words.
"""

from __future__ import annotations

import itertools
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from importlib.resources import files
from typing import Any

from sartor.moderation.base import CATEGORIES, Finding
from sartor.moderation.foreign import ForeignWords
from sartor.moderation.words import BREAK, Forms, base_forms, words

# "no blood": what is said to be absent. What may stand in between, and how the absence goes on to a second thing.
_ABSENT = frozenset({"no", "without", "not", "non", "never", "zero", "avoid", "minus"})
_BETWEEN = frozenset({"any", "visible", "explicit", "graphic", "be", "a", "an", "the", "of", "real", "sort", "kind"})
_OR = frozenset({"or", "nor"})
_CHAIN = 6  # of "or"s that are followed back to the negation

Phrase = tuple[frozenset[str], ...]
_ANY: frozenset[str] = frozenset()


class PhraseModerator:
    """Made once; safe to use from several threads."""

    def __init__(self) -> None:
        lists = read("phrases.toml")
        classes = {name: frozenset(entries) for name, entries in lists["classes"].items()}
        unknown = set(lists["refused"]) - set(CATEGORIES)
        if unknown:
            raise ValueError(f"phrases.toml has categories that there are not: {sorted(unknown)}")
        self._innocent = Phrases(((phrase, "") for phrase in lists["innocent"]["phrases"]), classes)
        refused = ((phrase, name) for name in CATEGORIES for phrase in lists["refused"][name])
        self._refused = Phrases(refused, classes)
        self._accented = frozenset(lists["innocent"]["accented"])
        self._foreign = ForeignWords(
            [lists["foreign"], read("other_languages.toml")], lists["innocent"]["foreign"], elsewhere=self._is_english
        )

    def check(self, text: str) -> Finding | None:
        there = words(text, accented=self._accented)
        innocent: set[int] = set()
        for start in range(len(there)):
            length, _ = self._innocent.longest(there, start)
            innocent.update(range(start, start + length))
        for start in range(len(there)):
            length, category = self._refused.longest(there, start)
            covered = range(start, start + length)
            if length and innocent.isdisjoint(covered) and not _absent(there, start):
                return Finding(category, " ".join(max(sorted(there[at]), key=len) for at in covered))
        return self._foreign.check(text)

    def _is_english(self, entry: str) -> bool:
        """Whether a word of another language is one that the English lists refuse by itself."""
        return self._refused.longest([base_forms(entry)], 0)[0] > 0


class Phrases:
    """Phrases with their categories, by the forms of their first word."""

    def __init__(self, phrases: Iterable[tuple[str, str]], classes: Mapping[str, frozenset[str]]) -> None:
        """``phrases`` are (as written in phrases.toml, category); ``classes`` what ``{name}`` in them stands for."""
        self._by_first: dict[str, list[tuple[Phrase, str]]] = {}
        # Words of one phrase by themselves, by first letter and length, for those that hide letters behind stars.
        self._alone: dict[tuple[str, int], list[str]] = {}
        self._category: dict[str, str] = {}
        for text, category in phrases:
            for phrase in _read(text, classes):
                for first in phrase[0]:
                    self._by_first.setdefault(first, []).append((phrase, category))
                    if len(phrase) == 1:
                        self._alone.setdefault((first[0], len(first)), []).append(first)
                        self._category[first] = category

    def longest(self, there: Sequence[Forms], start: int) -> tuple[int, str]:
        """(words, category) of the longest phrase that begins at ``start``; (0, "") where none does."""
        found = (0, "")
        for first in there[start]:
            for phrase, category in self._by_first.get(first, ()):
                if len(phrase) > found[0] and _fits(phrase, there[start : start + len(phrase)]):
                    found = (len(phrase), category)
            if not found[0] and "*" in first and (category := self._starred(first)):
                found = (1, category)
        return found

    def _starred(self, word: str) -> str:
        pattern = re.compile(re.escape(word).replace(r"\*", "."))
        alike = (entry for entry in self._alone.get((word[0], len(word)), ()) if pattern.fullmatch(entry))
        return next((self._category[entry] for entry in alike), "")


def _fits(phrase: Phrase, there: Sequence[Forms]) -> bool:
    return len(there) == len(phrase) and all(
        forms is not BREAK and (wanted is _ANY or not wanted.isdisjoint(forms))
        for wanted, forms in zip(phrase, there, strict=True)
    )


def _read(text: str, classes: Mapping[str, frozenset[str]]) -> Iterable[Phrase]:
    """The phrases that an entry stands for: ``{name}`` is any word of a class, ``*`` any word; ``?`` makes optional."""
    choices: list[list[Phrase]] = []
    for part in text.split():
        name = part.removesuffix("?")
        wanted = _ANY if name == "*" else classes[name[1:-1]] if name.startswith("{") else frozenset({name})
        choices.append([(wanted,), ()] if part.endswith("?") else [(wanted,)])
    return [tuple(itertools.chain(*chosen)) for chosen in itertools.product(*choices)]


def _absent(there: Sequence[Forms], start: int, chain: int = _CHAIN) -> bool:
    """Whether the words before ``start`` say that what begins there is not to be seen."""
    at = start - 1
    while at >= 0 and there[at] and not _BETWEEN.isdisjoint(there[at]):
        at -= 1
    if at < 0 or not there[at]:
        return False
    if not _ABSENT.isdisjoint(there[at]):
        return True
    if _OR.isdisjoint(there[at]) or chain == 0:
        return False
    return any(BREAK not in there[at - n : at] and _absent(there, at - n, chain - 1) for n in (1, 2) if at > n)


def read(name: str) -> dict[str, Any]:
    """One of this folder's lists."""
    return tomllib.loads(files("sartor.moderation").joinpath(name).read_text("utf-8"))
