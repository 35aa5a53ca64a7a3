"""How far things stand from each other: "move them closer together", "further apart"."""

from __future__ import annotations

import re

from sartor.bridge.english.arrangement import CELLS, NAMES
from sartor.bridge.english.tagging import Item
from sartor.bridge.refining.actors import Actor
from sartor.bridge.refining.scope import Scope

_EACH = r"(?:together|to (?:each other|one another))"
_VERB = r"^(?:please )?(?:move|bring|put|place|push|pull|set|shift|make|have|let|position)\b.*\b"
_NEARER = re.compile(rf"{_VERB}(?:closer|nearer|close|near) {_EACH}$", re.IGNORECASE)
_TOGETHER = re.compile(r"^(?:bring|push|pull|move|put) .*\btogether$", re.IGNORECASE)
_APART = re.compile(rf"{_VERB}(?:apart|(?:away|further|farther) from (?:each other|one another))$", re.IGNORECASE)


def follow_nearing(scope: Scope, items: list[Item]) -> bool:
    """Moves each of several one place towards the others, or away from them; False for anything else."""
    text = scope.clause(items)
    apart = _APART.search(text) is not None
    if not apart and _NEARER.search(text) is None and _TOGETHER.search(text) is None:
        return False
    named = [actor for item in items if item.code == "@" for actor in scope.find(item.value)]
    actors = list(dict.fromkeys(named)) or scope.stage.actors[:]
    if len(actors) < 2:
        return False
    if not _move(actors, scope.stage.actors, -1 if apart else 1):
        scope.note(f"they stand as {'far apart' if apart else 'near'} as the places go")
    if len(actors) == 2:
        for actor, other in (actors, actors[::-1]):
            if actor.freely:
                actor.relation_told = f"{'far from' if apart else 'close to'} the {other.called}"
    return True


def _move(actors: list[Actor], every: list[Actor], way: int) -> bool:
    """One place towards their middle (1) or away from it (-1), where that place is free. Whether any moved."""
    cells = [CELLS[actor.place] for actor in actors]
    middle = [sum(axis) / len(cells) for axis in zip(*cells, strict=True)]
    moved = False
    for actor in actors:
        row, column = (
            min(max(at + way * ((mean > at) - (mean < at)), 0), 2)
            for at, mean in zip(CELLS[actor.place], middle, strict=True)
        )
        place = NAMES[row, column]
        if all(other.place != place for other in every):
            actor.pin(place)
            moved = True
    return moved
