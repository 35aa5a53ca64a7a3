"""One for the other: colours in whatever has them ("change red to green"), and the places of two things."""

from __future__ import annotations

import re

from sartor.bridge.english.tagging import Item
from sartor.bridge.refining.scope import Scope

_VERBS = frozenset({"change", "replace", "swap", "turn", "make", "switch"})
_PLACES = re.compile(
    r"\b(?:swap|switch|exchange|trade)\b.*\b(?:places?|positions?|locations?|spots?|sides)\b|"
    r"^(?:swap|switch|exchange) (?:them|both)(?: around)?$",
    re.IGNORECASE,
)


def follow_colors(scope: Scope, items: list[Item]) -> bool:
    """False where a thing is named."""
    told = [item for item in items if item.code != "P"]
    if [item.code for item in told][:2] != ["V", "C"] or told[0].lemma not in _VERBS or len(told) != 4:
        return False
    if told[2].code not in "TW" or told[3].code != "C":
        return False
    old, new = told[1].value, told[3].value
    having = [actor for actor in scope.stage.actors if old in actor.piece.colors or old in actor.shown
              or re.search(rf"\b{re.escape(old)}\b", (actor.entry or {}).get("shape_and_color", ""))]  # fmt: skip
    for actor in having:
        actor.paint([new])
        scope.last = actor
    if not having:
        scope.note(f"nothing is {old} in the scene")
    return True


def follow_places(scope: Scope, items: list[Item]) -> bool:
    """ "swap their places", "switch the positions of the cat and the dog"; False where it is not of two things."""
    if _PLACES.search(scope.clause(items)) is None or any(item.code == "n" for item in items):
        return False
    named = [actor for item in items if item.code == "@" for actor in scope.find(item.value)[:1]]
    actors = named or scope.stage.actors
    if len(actors) != 2:
        return False
    one, other = actors
    place = one.place
    one.pin(other.place)
    other.pin(place)
    return True
