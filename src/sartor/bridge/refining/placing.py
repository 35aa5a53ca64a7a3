"""Where one clause puts things: beside whom, between what, or at what is no thing of its own."""

from __future__ import annotations

import re
from copy import deepcopy
from dataclasses import replace

from sartor.bridge.english.arrangement import CELLS, NAMES
from sartor.bridge.english.grammar import Group
from sartor.bridge.english.lexicon import PartialPlace
from sartor.bridge.english.tagging import Item
from sartor.bridge.refining.actors import Actor
from sartor.bridge.refining.changes import Changes
from sartor.bridge.refining.hours import find_hour
from sartor.bridge.refining.scope import order_of

_IN_HAND = re.compile(r"\b(?:his|her|its|their) (?:left|right) hand\b", re.IGNORECASE)
_ON = re.compile(r"(?:on|onto|at|under) ", re.IGNORECASE)
_PUTTING = frozenset({"put", "place", "set", "position", "stand", "lay", "move", "have"})
DEPTH = re.compile(r"\bin the (?:background|foreground|distance)\b", re.IGNORECASE)


class Placing(Changes):
    """A clause's changes of place."""

    def _anchor(self, word: str) -> Actor | None:
        """Beside whom something is put: "him" is a person, "it" what was named last."""
        others = [actor for actor in self.stage.actors if actor not in self.targets]
        if word in {"it", "them", "itself"}:
            return others[-1] if others else None
        meant = [actor for actor in self.scope.pronoun(word) if actor in others]
        return meant[0] if meant else next((actor for actor in others if actor.animate), others[0] if others else None)

    def _apart(self, group: Group, found: list[Actor]) -> list[Actor] | None:
        """ "the middle one", "one of the apples", of several that stand as one: it becomes a thing of its own.

        None where there is nothing more to do."""
        chosen = group.single or (group.definite and bool(group.place or order_of(group) is not None))
        if not chosen or group.plural or len(found) != 1 or found[0].piece.count < 2:
            return found
        several = found[0]
        if self.mode == "remove" or self.negated:
            self._recount(several, several.piece.count - 1)
            return None
        if several.freely:
            self.scope.note(f"the {several.piece.cluster} stand together: none can be changed alone")
            self.targets, self.named, self.lost, self.done = [], True, True, True
            return None
        one = replace(several.piece, count=1, size=None, place=PartialPlace(), details=deepcopy(several.piece.details))
        one.adjectives, one.colors = [*one.adjectives], [*one.colors]
        single = Actor(one, shown=several.shown)
        self._recount(several, several.piece.count - 1)
        self.stage.actors.insert(self.stage.actors.index(several) + 1, single)
        return [single]

    def _stands_there(self, item: Item) -> bool:
        """ "put a lemon on the table" in somebody's own surroundings: where it stands, and no other background."""
        made = self.targets[-1] if self.targets and self.targets[-1].entry is None else None
        if made is None and item.code == "B" and item.value.kind == "table" and self._who() and _ON.match(item.text):
            if self.stage.setting is None or self.verb not in _PUTTING:
                return False
            self._stand(self._who(), item.text.lower())
            return True
        if self.mode not in {"add", ""} or made is None or find_hour(item.text) is not None:
            return False
        if self.stage.setting is None if item.code == "B" else not _IN_HAND.search(item.text):
            return False
        self._stand([made], item.text.lower())
        return True

    def _related(self, group: Group, found: list[Actor]) -> None:
        """ "next to the tree" moves the targets; "behind a castle" brings a castle and leaves them."""
        targets = self._who()
        if self.relation == "between" and found and targets and self._between(targets):
            return
        if found and targets:
            self.targets = targets
            self._relate(found[0])
        elif group.definite and targets and (targets[0].entry is None or self.scope.tells(group)):
            self._stand(targets, f"{self.relation_words} {group.words}")
        elif group.definite or not targets:
            self._lose(group)
        else:
            self._create(group)
            for actor in targets:
                actor.piece.relation = (self.relation or "next to", self.targets[0].piece)
            self.relation = None

    def _between(self, targets: list[Actor]) -> bool:
        """ "between the cat and the dog": in the middle of both."""
        told = [(item, actor) for item in self.items if item.code == "@" for actor in self.scope.find(item.value)[:1]
                if actor not in targets]  # fmt: skip
        if len(told) != 2:
            return False
        (first, one), (last, other) = told
        at = self.items.index(first)
        cells = [CELLS[actor.place] for actor in (one, other)]
        middle = NAMES[(cells[0][0] + cells[1][0]) // 2, (cells[0][1] + cells[1][1]) // 2]
        self._stand(targets, f"between {first.value.words} and {last.value.words}")
        for actor in targets:
            if middle not in {one.place, other.place}:
                actor.pin(middle)
        self.read = self.items.index(last) + 1
        return at > 0

    def _nearer(self, index: int) -> bool:
        """ "move the cat closer to the dog": no size."""
        told = self.items[index + 1 : index + 3]
        return bool(self.targets) and [item.code for item in told] in (["T", "@"], ["T", "i"])
