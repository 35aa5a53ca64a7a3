"""An instruction, clause by clause, to changes of a stage."""

from __future__ import annotations

from typing import Any

from sartor.bridge.english.arrangement import arrange
from sartor.bridge.english.scene import default_size
from sartor.bridge.english.tagging import Item
from sartor.bridge.refining.actors import Stage
from sartor.bridge.refining.clause import Clause
from sartor.bridge.refining.clauses import clauses
from sartor.bridge.refining.scope import Scope


class Director:
    """Follows instructions on a stage. ``asked`` collects fields set outright, ``notes`` what was not understood."""

    def __init__(self, stage: Stage, values: dict[str, Any], instruction: str) -> None:
        self.stage = stage
        self.values = values
        self.scope = Scope(stage, instruction)
        self.notes: list[str] = self.scope.notes

    @property
    def asked(self) -> dict[tuple[str, ...], str | None]:
        return self.scope.asked

    def follow(self, items: list[Item]) -> None:
        """Applies every clause in turn, then finds places for what has none."""
        for clause in clauses(items):
            Clause(self.scope, clause).apply()
        self._settle()
        told = dict.fromkeys(self.scope.loose)
        loose = [text for text in told if not any(text in other and text != other for other in told)]
        if loose:
            context = ", ".join(filter(None, [self.values.get("context", ""), *loose]))
            self.asked[("context",)] = context
            self.notes.append(f'not understood, kept in "context": {", ".join(loose)}')

    def _settle(self) -> None:
        """Places and sizes of new things; the others stay where they are."""
        actors = self.stage.actors
        for actor, place in zip(actors, arrange([actor.piece for actor in actors]), strict=True):
            actor.pin(place)
        crowded = any(actor.size == "large" or actor.piece.count > 1 for actor in actors if actor.entry is not None)
        for actor in actors:
            if actor.entry is None:
                usual = default_size(actor.piece.count, len(actors), centered=actor.place == "center")
                actor.size = actor.piece.size or ("small" if crowded else usual)
