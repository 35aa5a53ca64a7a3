"""One colour for another, in whatever has it: "change red to green"."""

from __future__ import annotations

import re

from sartor.bridge.english.tagging import Item
from sartor.bridge.refining.scope import Scope

_VERBS = frozenset({"change", "replace", "swap", "turn", "make", "switch"})


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
