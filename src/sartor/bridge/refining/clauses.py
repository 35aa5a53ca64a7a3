"""An instruction's clauses, and what each wants: a change, a removal, or that something stays as it is."""

from __future__ import annotations

from typing import Literal

from sartor.bridge.english.tagging import Item
from sartor.bridge.english.words import word_set

Wish = Literal["change", "remove", "stay"]

# What a verb does to what it names, by lemma.
VERBS: dict[str, str] = {
    verb: mode
    for mode, verbs in {
        "add": "add insert include draw introduce need want append plant attach place put show have hang",
        "remove": "remove delete erase eliminate drop hide clear cut lose discard omit take rid kill exclude avoid",
        "replace": "replace swap substitute exchange switch",
        "move": "move shift slide bring push drag position relocate nudge center centre",
        "make": "make turn change set paint color colour dye recolor recolour tint give render let become "
        "transform convert rotate flip tilt lean face look point resize",
        "multiply": "duplicate double copy clone",
        "keep": "keep leave retain preserve maintain stay remain",
    }.items()
    for verb in verbs.split()
}  # fmt: skip
_NOT = word_set("not n't never dont doesnt shouldnt mustnt cant wont")
# "don't show the hat" removes it; "don't add a hat" leaves what is there.
_PRESENCE = word_set("show include draw have need want like use display contain feature depict see be keep retain")
_ATTRIBUTES = frozenset("CZzOFLlAMQ")
_OBJECTS = frozenset("@iGBHIYqXUnPWv")
_SAME = word_set("unchanged untouched alone intact same original current existing unaltered still")


def clauses(items: list[Item]) -> list[list[Item]]:
    """Parted at sentence ends, at commas and "and" where a new verb or a "not" follows, and before a verb's "not"."""
    parts: list[list[Item]] = [[]]
    begins = _beginnings(items)
    for index, item in enumerate(items):
        if item.code == "E" or (item.code in "XU" and begins[index + 1]):
            parts.append([])
            continue
        if _negates(items, index) and item.value in {*_NOT, "without"}:
            tail = len(parts[-1])
            while tail and _is_auxiliary(parts[-1][tail - 1]):
                tail -= 1
            if _is_whole(parts[-1][:tail]):
                parts.append(parts[-1][tail:])
                del parts[-2][tail:]
        parts[-1].append(item)
    return [part for part in parts if part]


def wish(items: list[Item]) -> Wish:
    """What one clause wants. Only a verbless "no" or "without", and a negated verb of presence, remove."""
    index = next((i for i in range(len(items)) if _negates(items, i)), None)
    verb = next((item for item in items if item.code == "V" and not _is_auxiliary(item)), None)
    if index is None:
        if verb is not None and VERBS.get(verb.lemma) == "keep":
            return _kept(items, verb)
        follows = items[items.index(verb) + 1 :] if verb is not None else []
        avoided = verb is not None and verb.lemma == "avoid" and any(item.code == "V" for item in follows)
        return "stay" if avoided else "change"
    if items[index].value not in _NOT:
        return "stay"
    after = items[index + 1 :]
    verbs = [place for place, item in enumerate(after) if item.code in "Vv"]
    named = any(item.code in "@iGB" for item in items[:index])
    if not verbs or after[verbs[-1]].lemma not in _PRESENCE or (after[verbs[-1]].lemma == "be" and named):
        return "stay"
    told = after[verbs[-1] + 1 :]
    return "remove" if (told or named) and all(item.code in _OBJECTS for item in told) else "stay"


def said(items: list[Item]) -> str:
    """The clause's words, for a note."""
    return " ".join(item.text for item in items).lower().replace(" n't", "n't")


def _beginnings(items: list[Item]) -> list[bool]:
    """Whether a clause begins at each item, and after the last: with a verb that asks for something, or with "not"."""
    begins = [False] * (len(items) + 1)
    for index in range(len(items) - 1, -1, -1):
        item = items[index]
        if item.code in "XUav" or item.text.lower() == "do":
            begins[index] = begins[index + 1]
        else:
            begins[index] = (item.code == "V" and item.lemma in VERBS) or _negates(items, index)
    return begins


def _negates(items: list[Item], index: int) -> bool:
    """Whether the item negates a verb: "not", "without moving", "make no"; "no hat" and "without a hat" do not."""
    item = items[index]
    if item.code != "n":
        return False
    if item.value == "without":
        return any(other.code == "V" for other in items[index + 1 : index + 2])
    if item.value == "no":
        return any(
            other.code == "V" and other.lemma in VERBS and other.lemma not in _PRESENCE
            for other in items[max(0, index - 1) : index]
        )
    return item.value == "nothing" or item.value in _NOT


def _is_whole(items: list[Item]) -> bool:
    """Whether a verb and what it asks for are among the items: not in "make the cat", before "not red"."""
    verb = next((item for item in items if item.code == "V"), None)
    if verb is None:
        return False
    codes = [item.code for item in items]
    bare = all(code in "V@iGPWTa" for code in codes) and sum(code in "@iG" for code in codes) == 1
    return not (bare and VERBS.get(verb.lemma) in {"make", "move"})


def _is_auxiliary(item: Item) -> bool:
    return item.code == "v" or (item.code == "V" and item.lemma == "do")


def _kept(items: list[Item], verb: Item) -> Wish:
    """ "keep the hat" changes nothing, "keep it small" may; "leave out the hat" removes it."""
    if verb.lemma == "leave" and any(item.text.lower() in {"out", "off", "away"} for item in items):
        return "remove"
    attributes = (item for item in items if item.code in _ATTRIBUTES and item.text.lower() not in _SAME)
    return "change" if any(attributes) else "stay"
