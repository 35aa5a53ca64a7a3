"""Slips of the pen in words that the bridge knows: "gren", "pengiun", "chnage"."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from sartor.bridge.english.colors import color_names

_SHORTEST, _LONGEST = 5, 20  # letters of a word that is looked at
_SHORTEST_COLOR = 4
_QUOTED = r"[\"“”„«][^\"“”„«»]*[\"“”»]"
# Words that stand alone, in small letters, and are no name or text: "called pingu", "the word sael".
_WORD = re.compile(rf"{_QUOTED}|(?:\b(?:called|named|says?|saying|reads?|reading|word|text|title|slogan)\s+\S+)"
                   r"|(?<![\w'’.@#/&-])([a-z]+|[A-Z][a-z]+)(?![\w@#/&-]|['’]\w|\.\w)")  # fmt: skip


class Spelling:
    """``words``: what a word may have been meant to be, ``colors`` and ``verbs`` among them; ``dictionary``: what is
    no slip, in its base forms; ``endings``: of inflected forms, and the base form's instead."""

    def __init__(
        self,
        words: Iterable[str],
        colors: Collection[str],
        verbs: Collection[str],
        dictionary: Collection[str],
        endings: Iterable[tuple[str, str]],
    ) -> None:
        self._words = {word for word in words if _is_candidate(word, _SHORTEST)}
        self._words |= {word for word in colors if _is_candidate(word, _SHORTEST_COLOR)}
        self._words |= {word for word in verbs if _is_candidate(word, _SHORTEST)}
        self._verbs, self._colors = frozenset(verbs), frozenset(colors)
        self._dictionary, self._endings = dictionary, tuple(endings)
        shorter: dict[str, list[str]] = defaultdict(list)
        for word in sorted(self._words):
            for form in _without_a_letter(word):
                shorter[form].append(word)
        self._shorter: Mapping[str, list[str]] = dict(shorter)

    def corrected(self, text: str, told: str = "") -> tuple[str, list[str]]:
        """The text with each slip that one word alone explains made good, and a note of each; as it is where most of
        it is no English. told: other text whose words are no slips. Linear in the text's length."""
        own = set(re.findall(r"[a-z]+", told.lower()))
        found = [match for match in _WORD.finditer(text) if match.group(1)]
        strange = [match for match in found if self._is_strange(match.group(1).lower(), own)]
        instead = {match.start(1): self._meant(match, text) for match in strange}
        if None in instead.values() and len(strange) * 2 > len(found):
            return text, []
        notes: list[str] = []
        for match in reversed(strange):
            word = instead[match.start(1)]
            if word is not None:
                text = text[: match.start(1)] + word + text[match.end(1) :]
                notes.insert(0, f'read "{match.group(1)}" as "{word}"')
        return text, notes

    def _is_strange(self, word: str, own: Collection[str]) -> bool:
        if not _SHORTEST_COLOR <= len(word) <= _LONGEST or word in own or word in self._words:
            return False
        return word not in self._dictionary and not any(
            word.endswith(old) and word[: len(word) - len(old)] + new in self._dictionary for old, new in self._endings
        )

    def _meant(self, match: re.Match[str], text: str) -> str | None:
        """The one word that is an edit away: what sounds the same first, then a doubled letter or two in the wrong
        order, then any other."""
        word: str = match.group(1).lower()
        near: set[str] = {
            *self._shorter.get(word, ()),
            *(form for form in _without_a_letter(word) if form in self._words),
        }
        near.update(known for form in _without_a_letter(word) for known in self._shorter.get(form, ()))
        near.update({word.replace("f", "ph")} & self._words)
        if match.group(1) != word:  # a capital: a name, or the first word of an instruction
            near &= self._verbs if not text[: match.start(1)].strip() else set()
        if len(word) < _SHORTEST:
            near &= self._colors
        likely = [word.replace("f", "ph")] if word.replace("f", "ph") in near else []  # "elefant", "dolfin"
        likely = likely or [known for known in near if _is_likely(word, known)]
        close = likely or [known for known in near if _is_an_edit(word, known)]
        if len(close) != 1:
            return None
        return close[0].capitalize() if match.group(1) != word else close[0]


def spelling_of(pipeline: Any, words: Iterable[str], verbs: Collection[str]) -> Spelling:
    """With what spaCy's pipeline has met or can inflect as the dictionary. verbs: what an instruction asks for."""
    tables = pipeline.get_pipe("lemmatizer").lookups
    index, irregular, rules = (tables.get_table(f"lemma_{name}") for name in ("index", "exc", "rules"))
    kinds = ("noun", "verb", "adj", "adv")
    met = {word.lower() for word in pipeline.vocab.strings if word.isalpha()}
    dictionary = met.union(*(index[kind] for kind in kinds), *(irregular[kind] for kind in kinds))
    dictionary = {word for word in dictionary if _is_candidate(word, _SHORTEST_COLOR - 1)}
    endings = [("ly", ""), *(tuple(rule) for kind in kinds for rule in rules[kind])]
    return Spelling(words, color_names(), verbs, dictionary, endings)


def _is_candidate(word: str, shortest: int) -> bool:
    return shortest <= len(word) <= _LONGEST and word.isascii() and word.isalpha()


def _without_a_letter(word: str) -> set[str]:
    return {word[:at] + word[at + 1 :] for at in range(len(word))}


def _is_likely(word: str, known: str) -> bool:
    """Two letters in the wrong order, or one of a pair left out or added."""
    if len(word) == len(known):
        apart = [at for at in range(len(word)) if word[at] != known[at]]
        return len(apart) == 2 and apart[1] == apart[0] + 1 and _swapped(word, apart[0]) == known
    longer, shorter = (word, known) if len(word) > len(known) else (known, word)
    return any(
        longer[at] == longer[at - 1] and longer[:at] + longer[at + 1 :] == shorter for at in range(1, len(longer))
    )


def _is_an_edit(word: str, known: str) -> bool:
    """One letter left out, added, or another one; the first is hardly ever wrong."""
    if word[0] != known[0]:
        return False
    if len(word) == len(known):
        return sum(one != other for one, other in zip(word, known, strict=True)) == 1
    longer, shorter = (word, known) if len(word) > len(known) else (known, word)
    return len(longer) == len(shorter) + 1 and shorter in _without_a_letter(longer)


def _swapped(word: str, at: int) -> str:
    return word[:at] + word[at + 1] + word[at] + word[at + 2 :]
