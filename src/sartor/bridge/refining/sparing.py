""" "Only the sailor", "remove everything but the boat": what is spared, and everything else goes."""

from __future__ import annotations

import re

from sartor.bridge.english.tagging import Item
from sartor.bridge.english.words import word_set
from sartor.bridge.refining.actors import Actor
from sartor.bridge.refining.scope import Scope

_KEEPING = word_set("keep leave show have want need draw")
_REMOVING = word_set("remove delete erase hide drop lose clear eliminate take get")
_ONLY = re.compile(r"^(?:only|just|nothing but|solely) |\b(?:only|just|nothing but)\s*$", re.IGNORECASE)
_EXCEPT = re.compile(
    r"\b(?:(?:everything|everyone|anything|everybody)(?: else)?|(?:all|every)(?: (?:the|other|of the))*(?: \w+)?) "
    r"(?:but|except|except for|apart from|other than|besides)\b",
    re.IGNORECASE,
)
_ELSE = re.compile(r"\b(?:everything|everyone|anything|everybody|all) else\b|\bthe (?:rest|others)\b", re.IGNORECASE)


def follow_only(scope: Scope, items: list[Item]) -> bool:
    """Removes all but what is named; False where a clause asks for something else."""
    verb = next((item.lemma for item in items if item.code == "V"), "")
    text = scope.clause(items)
    excepted = _EXCEPT.search(text)
    after = items[0].start + excepted.end() if excepted else 0
    named = [item for item in items if item.code == "@" and (not excepted or item.start >= after)]
    found = [actor for item in named for actor in scope.find(item.value)]
    if any(item.code not in "VvUX@nPi" for item in items):
        return False
    if verb in _REMOVING and _ELSE.search(text) and not excepted and scope.last is not None:
        return _spare(scope, [scope.last])
    missing = any(not scope.find(item.value) for item in named)
    if not found or missing:
        return False
    if verb in _REMOVING and excepted:
        return _spare(scope, found)
    lead = scope.instruction[: named[0].start] if named[0].start >= 0 else ""
    only = _ONLY.search(named[0].text) or _ONLY.search(lead)
    if not only or (verb and verb not in _KEEPING) or any(item.code in "Pi" for item in items):
        return False
    return all(item.value.count is None for item in named) and _spare(scope, found)


def spares_one(scope: Scope, items: list[Item]) -> bool:
    """Whether a clause is about "everything else"."""
    return _ELSE.search(scope.clause(items)) is not None


def _spare(scope: Scope, actors: list[Actor]) -> bool:
    scope.stage.actors[:] = [actor for actor in scope.stage.actors if actor in actors]
    scope.last = actors[-1]
    return True
