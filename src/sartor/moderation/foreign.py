"""Words of other languages, met exactly as they are listed: nothing is inflected, no accent is dropped.

Where words stand apart, whole words are compared. Chinese, Japanese, Korean and Thai are searched anywhere in the text.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping

from sartor.moderation.base import CATEGORIES, Finding

_WORD = re.compile(r"[^\W_]+")
# Thai, kana, ideographs, Hangul: words are not parted by spaces, or carry their particles.
_UNPARTED = re.compile("[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")

Lists = Mapping[str, Mapping[str, Iterable[str]]]


class ForeignWords:
    """Made of lists of language -> category -> entries; other keys than categories are left aside."""

    def __init__(self, lists: Iterable[Lists], innocent: Iterable[str], *, elsewhere: Callable[[str], bool]) -> None:
        """``elsewhere`` says of an entry that another check knows it and its innocent senses: it is left to that."""
        self._by_first: dict[str, list[tuple[tuple[str, ...], str]]] = {}
        self._unparted: dict[str, str] = {}
        for one in lists:
            for categories in one.values():
                for category in CATEGORIES:
                    for entry in map(_plain, categories.get(category, ())):
                        if not elsewhere(entry):
                            self._add(entry, category)
        self._any = _alternatives(self._unparted)
        self._innocent = _alternatives([_plain(entry) for entry in innocent])

    def _add(self, entry: str, category: str) -> None:
        if _UNPARTED.search(entry):
            self._unparted.setdefault(entry, category)
        else:
            words = tuple(_WORD.findall(entry))
            self._by_first.setdefault(words[0], []).append((words, category))

    def check(self, text: str) -> Finding | None:
        """The first entry in ``text``."""
        text = self._innocent.sub(" ", _plain(text))
        words = _WORD.findall(text)
        for start, first in enumerate(words):
            for entry, category in self._by_first.get(first, ()):
                if tuple(words[start : start + len(entry)]) == entry:
                    return Finding(category, " ".join(entry))
        if _UNPARTED.search(text) and (found := self._any.search(text)):
            return Finding(self._unparted[found[0]], found[0])
        return None


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()


def _alternatives(entries: Iterable[str]) -> re.Pattern[str]:
    """Any of the entries, the longest first; whole words where words are parted."""
    longest = sorted(entries, key=len, reverse=True)
    return re.compile("|".join(re.escape(e) if _UNPARTED.search(e) else rf"\b{re.escape(e)}\b" for e in longest))
