"""What one clause does to the things that it is about."""

from __future__ import annotations

import re
from typing import Any

from sartor.bridge.base import check_things
from sartor.bridge.english import words
from sartor.bridge.english.draft import Piece
from sartor.bridge.english.grammar import Group
from sartor.bridge.english.lexicon import PartialPlace
from sartor.bridge.english.tagging import Item
from sartor.bridge.english.words import word_set
from sartor.bridge.refining.actors import Actor
from sartor.bridge.refining.clauses import VERBS, Wish, wish
from sartor.bridge.refining.gifts import give, is_measure, turn_by
from sartor.bridge.refining.parts import Part, find_part
from sartor.bridge.refining.scope import UNSET, Scope
from sartor.bridge.refining.surrounding import Surrounding, find_surrounding

# Verbs that make one thing of another.
BECOMING = word_set("make turn become change transform convert let render")
# What is high and what is low in a picture.
_ROWS = {"top": word_set("sky air ceiling clouds"), "bottom": word_set("ground floor water grass")}
_TURNING = word_set("turn rotate tilt lean flip")


class Changes:
    """A clause's targets, and every change that can be made to them."""

    def __init__(self, scope: Scope, items: list[Item]) -> None:
        self.scope, self.stage, self.items = scope, scope.stage, items
        verb = next((item for item in items if item.code == "V" and item.lemma in VERBS), None)
        self.wish: Wish = wish(items)
        self.verb = verb.lemma if verb else ""
        self.mode = "remove" if self.wish == "remove" else VERBS.get(self.verb, "")
        self.targets: list[Actor] = []
        self.named = False  # a group was understood as a target
        self.done = False  # something came of the clause
        self.link = ""
        self.relation: str | None = None
        self.relation_words = ""
        self.read = 0  # items before this one are dealt with
        self.has = False  # "he should have a beard"
        self.equals = False  # "the sailor is a robot"
        self.coupled = False  # the group follows "and"
        self.joined = False  # the group goes together with the one before
        self.acted = ""  # the field of what a verb has the targets do
        self.parts: list[Part | Surrounding] = []  # named before the one at hand, for the same attributes
        self.word: str | None = None  # by which the target was named
        self.given = False  # after "with" or "to": what the targets are replaced with
        self.became = False  # the targets are other things now
        self.wearing = self.negated = self.lost = False
        self.action: str | None = None
        self.part: Part | Surrounding | None = None  # of a thing, which the attributes are about
        self.gift: Group | None = None  # "give a hat to ..." waits for whom
        self.colors: list[str] = []

    def _who(self) -> list[Actor]:
        """The targets; where none is named, the first thing."""
        if self.targets or self.lost or not self.stage.actors:
            return self.targets
        return self.stage.actors[:1]

    def _lose(self, group: Group) -> None:
        """What is said about something that is not there applies to nothing else."""
        self.scope.missing(group)
        if group.concept is None and self.mode != "remove" and not self.negated:
            self.scope.loose.append(self.scope.spoken(self.items))
        self.targets, self.named, self.lost, self.done = [], True, True, True

    def _aim(self, actors: list[Actor]) -> None:
        self.targets, self.named = actors, True
        self.scope.last = actors[-1]

    def _remove(self, actors: list[Actor]) -> None:
        self.stage.actors[:] = [actor for actor in self.stage.actors if actor not in actors]
        self.targets, self.done = [], True

    def _create(self, group: Group) -> None:
        actor = Actor(Piece.of(group))
        self.stage.actors.append(actor)
        check_things(len(self.stage.actors))
        self.scope.note_new(actor.piece)
        self._aim([actor])
        self.done = True

    def _give(self, group: Group) -> None:
        if not self.targets and self.gift is None and any(item.code in "@i" for item in self.items[2:]):
            self.gift = group
            return
        self.gift = None
        if not self._who():
            self._create(group)
        elif not give(self.scope, self._who(), group):
            anchor = self._who()[0]
            self._create(group)
            self.targets[-1].piece.relation = ("next to", anchor.piece)
        self.done = True

    def _attributes_of(self, group: Group, found: list[Actor]) -> None:
        """What an indefinite group says beyond its noun: "a green apple", "three apples"."""
        if group.definite:
            return
        for actor in found:
            if group.colors:
                self._change(actor, "C", list(group.colors))
            if group.size:
                self._change(actor, "Z", group.size)
            if group.orientation:
                self._change(actor, "O", group.orientation)
            if group.count is not None or (group.plural and actor.piece.count == 1):
                self._recount(actor, Piece.of(group).count)
            for adjective in group.adjectives:
                self._change(actor, "A", adjective)

    def _change_part(self, part: Part | Surrounding, item: Item) -> None:
        if item.code == "C":
            part.paint(" and ".join(self.colors))
        elif item.code in "AMZzO":
            spoken = self.scope.spoken([item]).lower()
            part.describe(spoken if spoken.startswith("less ") else item.text.lower())
        else:
            return
        self.scope.note(f"in your words in {part.field}")
        self.done = True

    def _change(self, actor: Actor, code: str, value: Any) -> None:
        """One attribute of one actor, by the letter of the grammar."""
        if code == "C":
            actor.paint(value)
            self.scope.note_color(actor.piece)
        elif code == "Z":
            actor.set_size(value)
        elif code == "z":
            if not actor.resize(value):
                self.scope.note(f"the {actor.piece.noun} is already {actor.size}")
        elif code == "O":
            actor.turn(value)
        elif code == "F":
            actor.face(value)
        elif code == "L":
            actor.put(value)
        elif code == "l":
            actor.step(*value)
        elif code == "Q":
            self._recount(actor, value + (actor.piece.count if self.mode == "add" else 0))
        elif actor.nameless:
            actor.piece.add_detail("appearance_details", value)
            self.scope.note(f'beyond the vocabulary, in appearance_details: "{value}"')
        elif actor.describe(value):
            self.scope.note(f'beyond the vocabulary, in the description: "{value}"')
        self.done = True

    def _lessen(self, adjective: str) -> None:
        """ "less cute": no longer said of the things that it is said of, nor of the mood."""
        mood = ("aesthetics", "mood_atmosphere")
        told = str(self.stage.values.get(mood[0], {}).get(mood[1], ""))
        if not self.named and adjective in re.findall(r"[\w-]+", told.lower()):
            self.scope.asked[mood] = UNSET
        elif not [actor for actor in self._who() if actor.undescribe(adjective)]:
            self.scope.note(f"nothing is told to be {adjective} in the scene")
        self.done = True

    def _outlined(self, group: Group, found: list[Actor]) -> bool:
        """ "add a white outline": how the thing is drawn, and no thing of its own."""
        if found or group.definite or self.mode == "remove" or self.negated or group.noun not in words.OUTLINES:
            return False
        for actor in self._who():
            actor.piece.add_detail("appearance_details", f"with {group.words}")
        self.scope.note(f'in your words in appearance_details: "with {group.words}"')
        self.done = bool(self._who())
        return self.done

    def _recount(self, actor: Actor, count: int) -> None:
        actor.recount(count, len(self.stage.actors))
        self.done = True

    def _relate(self, anchor: Actor) -> None:
        for actor in self._who():
            if actor is not anchor:
                actor.piece.place = PartialPlace()
                actor.piece.relation = (self.relation or "next to", anchor.piece)
                if anchor.freely:
                    actor.relation_told = f"{self.relation_words or 'next to'} the {anchor.called}"
                self.done = True
        self.relation = None

    def _stand(self, actors: list[Actor], words: str) -> None:
        """ "on the pier": where something stands, by what is no thing of its own."""
        for actor in actors:
            actor.relation_told = words
            row = next((row for row, nouns in _ROWS.items() if words.rsplit(" ", 1)[-1] in nouns), None)
            if row is not None and actor.entry is None:
                actor.piece.place = PartialPlace(row, actor.piece.place.column)
        self.scope.note(f'in your words in relationship: "{words}"')
        self.relation, self.done = None, True

    def _change_looks(self, told: str) -> None:
        for actor in self.targets:
            actor.piece.add_detail("appearance_details", told)
        self.scope.note(f'in your words in appearance_details: "{told}"')
        self.done = True

    def _given_there(self, words: str) -> bool:
        """ "a tattoo on his arm"."""
        for actor in self.targets:
            texts = actor.piece.details.get("appearance_details", [])
            texts[-1:] = [f"{text} {words}" for text in texts[-1:]]
        return any(actor.piece.details.get("appearance_details") for actor in self.targets)

    def _measured(self, group: Group) -> bool:
        """ "90 degrees" turns; any other measure only says how much."""
        if not is_measure(group):
            return False
        self.relation = None
        if self.verb in _TURNING and "degree" in group.text:
            self.verb = "rotate"
            for actor in self._who():
                orientation = turn_by(actor, group)
                self.scope.note(f"turned as far as the orientations go: {orientation}")
                self.done = True
        return True

    def _part_of(self, group: Group, link: str) -> bool:
        """ "his coat", "remove the hat", "the sailor's beard": something about a thing that is no thing of its own."""
        if self.part is not None and link == "with" and self.verb not in {"replace", "swap"} and not group.definite:
            self.part.extend(f"with {group.words}")
            self.done = True
            return True
        both: Part | Surrounding | None = None
        if self.part is not None and self.coupled and not link and not self.done:
            both = find_part(self.stage.actors, group) or find_surrounding(self.scope, group)
        if both is not None and self.part is not None:
            self.parts.append(self.part)
            self.part = both
            return True
        if self.part is not None and self.verb in {*BECOMING, "replace", "swap"} and not group.definite:
            self.part.become(group.words)
            self.part, self.targets, self.lost = None, [], True
            self.done = True
            return True
        removes = self.mode == "remove" or self.negated
        owned = self.named and not link and not group.definite and group.words == group.text and not group.count
        if not (group.definite or removes or owned or (self.mode == "replace" and not self.targets)):
            return False
        part = find_part(self.targets or self.stage.actors, group)
        made = self.mode == "add" and any(actor.entry is None for actor in self.targets)
        surrounding = find_surrounding(self.scope, group) if part is None and not link and not made else None
        if surrounding is not None:
            if removes:
                surrounding.remove()
                self.done = True
            else:
                self.part, self.targets, self.named, self.lost = surrounding, [], True, True
            return True
        if part is None:
            if owned and self.mode == "make" and self.verb != "give":
                self._lose(group)
                return True
            return False
        if removes:
            part.remove()
            self.done = True
        else:
            self.part, self.parts = part, []
            self._aim([part.actor])
        return True
