"""Forms of words whose part of speech the tagger cannot tell without their neighbours."""

from __future__ import annotations

import re
from dataclasses import replace

from sartor.bridge.english import words
from sartor.bridge.english.scales import base
from sartor.bridge.english.tagging import Item

# Moods by the word for them.
_MOODS = {word: mood for mood, told in words.MOODS.items() for word in told.split(", ")} | {
    word: word for word in words.FREE_MOODS.split(", ")
}


def participle(items: list[Item], index: int) -> Item:
    """ "a smiling sun": a participle between an article or adjective and a noun is an adjective."""
    item = items[index]
    if not 0 < index < len(items) - 1:
        return item
    before, after = items[index - 1].code, items[index + 1].code
    doing = item.code == "N" and item.lemma.endswith("ing") and item.lemma not in words.NO_DOING
    if doing and before in "NK" and after in "NKDCZQWP":
        return replace(item, code="V", value=None, tag="VBG")  # "a dragon breathing fire"
    if (
        item.code == "V"
        and item.tag in {"VBG", "VBN"}
        and before in "DQZCA"
        and after in "ZCAKN"
        and items[index - 1].text != "both"
    ):
        return replace(item, code="A", value=None)
    if item.code == "A" and before == "D" and after in "PWE":
        return replace(item, code="N", value=None, tag="NN")  # "holding an acorn in its paws"
    if item.code == "V" and item.tag == "VBG" and before == "X" and after in "ItCA":
        return replace(item, code="A", value=None)  # "..., glowing blue light"
    if item.code == "V" and item.tag != "VBG" and before in "XUW" and items[index + 1].text.lower() == "everywhere":
        return replace(item, code="N", value=None, tag="NN")  # "..., confetti everywhere"
    if item.code == "V" and item.tag == "VB" and before in "XU" and items[index + 1].tag == "VBG":
        return replace(item, code="N", value=None, tag="NN")  # "..., smoke rising from the chimney"
    if item.code == "V" and item.tag == "VBG" and before in "PW" and after == "N":
        return replace(item, code="A", value=None)  # "in shining armor"
    return item


def verbal(items: list[Item], index: int) -> Item:
    """ "make the boat look old", "have the sailor wave", "make her sad", "make the scarf blue": the tagger sees a noun,
    an article, and an adjective."""
    item = items[index]
    worn = item.code in "VA" and item.text.lower() in words.CLOTHING and items[index - 1 : index]
    if worn and worn[0].code == "D" and "N" not in _codes(items, index) and "K" not in _codes(items, index):
        return replace(item, code="N", value=None, lemma=item.text.lower(), tag="NN")  # "make the scarf blue"
    if item.code == "D" and item.text.lower() == "her" and _codes(items, index + 1) in {"M", "A", "V"}:
        return replace(item, code="i", value="her")
    before = items[index - 1].code if index else ""
    after = items[index + 1].code if index + 1 < len(items) else "E"
    looks = item.text.lower() == "look" and before in tuple("NKiv") and after in "AMVZzaPl"
    acts = item.code == "N" and item.lemma in words.ACTIONS and before in tuple("NK") and after in "EPXUTRD"
    acts = acts and any(other.lemma in {"make", "have", "let"} for other in items[:index])
    return replace(item, code="V", value=None, lemma="look" if looks else item.lemma) if looks or acts else item


def _codes(items: list[Item], start: int) -> str:
    """The letters from ``start`` to the end of the clause."""
    codes = "".join(item.code for item in items[start:])
    return re.split("[XUEPR]", codes, maxsplit=1)[0]


def comparative(item: Item, items: list[Item], index: int) -> Item:
    """ "make the beard longer": the tagger sees an adverb."""
    if item.code in "Aa" and item.text.lower().endswith("ier") and base(item.text.lower()) in _MOODS:
        return replace(item, code="M", value=_MOODS[base(item.text.lower())])
    ends = index + 1 == len(items) or items[index + 1].code in "XUEPRT"
    return replace(item, code="A") if item.code == "a" and item.text.lower().endswith("er") and ends else item
