"""What an instruction says about words in the picture: entries of ``text_render``, and never a thing."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Any

from sartor.bridge.english.arrangement import CELLS, full_place
from sartor.bridge.english.attachment import TEXT_NOUNS
from sartor.bridge.english.grammar import Group
from sartor.bridge.english.scales import base
from sartor.bridge.english.tagging import Item
from sartor.bridge.english.words import word_set
from sartor.bridge.refining.scope import Scope

_FIELD = ("text_render",)
_NOUNS = TEXT_NOUNS | word_set(
    "headline tagline subtitle heading lettering letters words texts font typography writing"
)
_WRITING = word_set("write print spell read say add put insert include place make display show")
_FONTS = word_set(
    "bold italic serif sans-serif sans handwritten cursive script gothic typewriter monospace condensed rounded "
    "elegant playful modern vintage retro stencil calligraphic chunky thin light heavy"
)
_WEIGHTS = word_set("bold thin light italic heavy")
_STEPS = ("small", "medium", "large")
_NAMED = re.compile(r"\b(?:words?|text|title|caption|slogan|letters|headline)\s+(\S.*)", re.IGNORECASE)


def follow_text(scope: Scope, items: list[Item], *, remove: bool) -> bool:
    """ "add the text "SALE" at the top", "make the text red", "remove the text"; False where no text is spoken of."""
    quoted = [item.value for item in items if item.code == "q"]
    groups = [item for item in items if item.code == "@" and _is_text(scope, item.value, bool(quoted))]
    verb = next((item.lemma for item in items if item.code == "V"), "")
    entries: list[dict[str, Any]] = [dict(entry) for entry in scope.texts()]
    named = quoted or _unquoted(groups, verb) or _known(scope, items)
    it = any(item.code == "i" and item.text.lower() == "it" for item in items)
    again = scope.lettered and it and not any(item.code == "@" for item in items)
    scope.lettered = False
    if not named and not again and not (groups and (entries or any(item.code == "n" for item in items))):
        return False
    if not named and any(item.code == "@" and item not in groups and scope.find(item.value) for item in items):
        return False
    if remove or any(item.code == "n" for item in items):
        _remove(scope, entries, quoted)
        return True
    changed = _written(entries, named, instead=_replaces(items, verb)) if not again or named else entries[-1:]
    scope.lettered = True
    for entry in changed:
        _style(scope, entry, items, groups)
    scope.asked[_FIELD] = entries
    scope.note("rendered text is beyond the embedded model")
    return True


def _is_text(scope: Scope, group: Group, quotes: bool) -> bool:
    """ "the text", "the word SALE", "big red letters"; letters may be envelopes where no text is spoken of."""
    words = group.noun.split()
    known = group.concept is None or quotes or bool(scope.texts())
    return known and (words[-1] in _NOUNS or words[0] in _NOUNS) and not scope.find(group)


def _unquoted(groups: list[Item], verb: str) -> list[str]:
    """ "add the word SALE": what is written in capitals after it."""
    if verb not in _WRITING:
        return []
    found = (_NAMED.search(item.text) for item in groups)
    return [match.group(1) for match in found if match and match.group(1)[:1].isupper()][:1]


def _known(scope: Scope, items: list[Item]) -> list[str]:
    """ "change FOXTAIL to FOXTROT": the words of a text, and what comes for them."""
    texts = {str(entry.get("text", "")).lower() for entry in scope.texts()}
    written = [item.text for item in items if item.code == "@"]
    return written[:2] if written and written[0].lower() in texts else []


def _replaces(items: list[Item], verb: str) -> bool:
    if verb in {"change", "replace", "swap", "rename", "switch", "edit"}:
        return True
    pronoun = any(item.code == "i" for item in items)
    return verb in {"say", "read", "spell"} or (verb in {"make", "let"} and pronoun)


def _written(entries: list[dict[str, Any]], named: list[str], *, instead: bool) -> list[dict[str, Any]]:
    """The entries that the clause is about, after what it has them say; a new one is added."""
    if not named:
        return entries
    if len(named) > 1 and instead:
        old = [entry for entry in entries if entry.get("text", "").lower() == named[0].lower()] or entries[:1]
        return _said(entries, old, named[1])
    same = [entry for entry in entries if entry.get("text", "").lower() == named[0].lower()]
    if same or (instead and entries):
        return _said(entries, same or entries[:1], named[0])
    new = [{"text": text, "location": "center"} for text in named]
    entries += new
    return new


def _said(entries: list[dict[str, Any]], old: list[dict[str, Any]], text: str) -> list[dict[str, Any]]:
    if not old:
        old = [{"location": "center"}]
        entries += old
    for entry in old:
        entry["text"] = text
    return old


def _remove(scope: Scope, entries: list[dict[str, Any]], quoted: list[str]) -> None:
    told = [text.lower() for text in quoted]
    kept = [entry for entry in entries if told and entry.get("text", "").lower() not in told]
    if len(kept) == len(entries):
        scope.note("there is no such text in the scene" if quoted else "there is no text in the scene")
        return
    scope.asked[_FIELD] = kept or None


def _style(scope: Scope, entry: dict[str, Any], items: list[Item], groups: list[Item]) -> None:
    """Place, size, colour and font, as far as they are said."""
    colors = [item.value for item in items if item.code == "C"]
    sizes = [item.value for item in items if item.code == "Z"]
    words = [base(item.text.lower()) for item in items if item.code in "AM"]
    for item in items:
        if item.code == "@" and (item in groups or item.value.noun.rsplit(" ", 1)[-1] in _NOUNS):
            group: Group = item.value
            colors += group.colors
            sizes += [group.size] if group.size else []
            words += [*group.adjectives, *group.noun.split()[:-1]]
        elif item.code == "z":
            size = str(entry.get("size", "medium"))
            index = next((i for i, name in enumerate(_STEPS) if name in size), 1)
            sizes = [_STEPS[min(max(index + item.value, 0), 2)]]
    place = next((item.value for item in items if item.code == "L"), None)
    if place is not None:
        present = str(entry.get("location", "center"))
        entry["location"] = full_place(place, present if present in CELLS else "center")
    at = _on_thing(scope, items)
    if at is not None:
        entry["location"] = at
    if sizes:
        entry["size"] = sizes[-1]
    if colors:
        entry["color"] = " and ".join(dict.fromkeys(colors))
    fonts = [word for word in words if word in _FONTS]
    if fonts:
        kept = str(entry.get("font", "")).split() if all(word in _WEIGHTS for word in fonts) else []
        entry["font"] = " ".join(dict.fromkeys([*fonts, *(word for word in kept if word not in _WEIGHTS)]))


def _on_thing(scope: Scope, items: list[Item]) -> str | None:
    """ "on the sign", "above the boat"."""
    for item, after in pairwise(items):
        if after.code == "@" and item.code in "PR" and item.text.lower() not in {"in", "as"} and after.value.definite:
            if after.value.noun.rsplit(" ", 1)[-1] in _NOUNS and not any(other.code == "q" for other in items):
                continue
            return f"{item.text.lower()} {after.value.words}"
    return None
