"""An instruction to changes of a stage: who is meant, and what is to become of it.

A clause has one verb at most ("add", "remove", "replace", "move", "make"); things named in it are its targets, and
attributes apply to the targets named last. A clause without a verb is its attributes alone ("bigger", "at night").
"""

from __future__ import annotations

from typing import Any

from sartor.bridge import words
from sartor.bridge.arrangement import CELLS, NAMES, arrange, full_place
from sartor.bridge.attachment import TEXT_NOUNS, gerund
from sartor.bridge.draft import DETAILS, Piece
from sartor.bridge.grammar import Group
from sartor.bridge.lexicon import PartialPlace
from sartor.bridge.reading import Actor, Stage
from sartor.bridge.scene import default_size
from sartor.bridge.scope import Scope
from sartor.bridge.tagging import Item, words_of
from sartor.nano.vocabulary import SIZES

_VERBS: dict[str, str] = {
    verb: mode
    for mode, verbs in {
        "add": "add insert include draw introduce need want append plant attach place put show have hang drop_in",
        "remove": "remove delete erase eliminate drop hide clear cut lose discard omit take rid kill exclude",
        "replace": "replace swap substitute exchange switch",
        "move": "move shift slide bring push drag position relocate nudge center centre",
        "make": "make turn change set paint color colour dye recolor recolour tint give render let keep become "
        "transform convert rotate flip tilt face look point resize",
        "multiply": "duplicate double copy clone",
    }.items()
    for verb in verbs.split()
}  # fmt: skip
_STEPS = list(SIZES)


def clauses(items: list[Item]) -> list[list[Item]]:
    """The instruction's clauses: parted at sentence ends, and at commas and "and" where a new verb follows."""
    parts: list[list[Item]] = [[]]
    for index, item in enumerate(items):
        ahead = next((other for other in items[index + 1 :] if other.code not in "XUav"), None)
        verb_next = ahead is not None and ahead.code == "V" and ahead.lemma in _VERBS
        if item.code == "E" or (item.code in "XU" and verb_next):
            parts.append([])
        else:
            parts[-1].append(item)
    return [part for part in parts if part]


class Director:
    """Follows instructions on a stage. ``asked`` collects fields set outright, ``notes`` what was not understood."""

    def __init__(self, stage: Stage, values: dict[str, Any]) -> None:
        self.stage = stage
        self.values = values
        self.scope = Scope(stage)
        self.notes: list[str] = self.scope.notes

    @property
    def asked(self) -> dict[tuple[str, ...], str | None]:
        return self.scope.asked

    def follow(self, items: list[Item]) -> None:
        """Applies every clause in turn, then finds places for what has none."""
        for clause in clauses(items):
            _Clause(self, clause).apply()
        self._settle()
        loose = self.scope.loose
        if loose:
            context = ", ".join(filter(None, [self.values.get("context", ""), *dict.fromkeys(loose)]))
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


class _Clause:
    def __init__(self, director: Director, items: list[Item]) -> None:
        self.director, self.scope, self.stage, self.items = director, director.scope, director.stage, items
        verb = next((item for item in items if item.code == "V" and item.lemma in _VERBS), None)
        self.verb = verb.lemma if verb else ""
        self.mode = _VERBS.get(self.verb, "")
        self.targets: list[Actor] = []
        self.named = False  # a group was understood as a target
        self.done = False  # something came of the clause
        self.link = ""
        self.relation: str | None = None
        self.wearing = self.negated = self.lost = False
        self.action: str | None = None

    def apply(self) -> None:
        for index, item in enumerate(self.items):
            self._item(index, item)
        if self.mode == "multiply" and not self.done:
            for actor in self._who():
                self._count(actor, actor.piece.count * 2)
        if self.verb in {"rotate", "tilt", "flip"} and not self.done:
            for actor in self._who():
                self._turn(actor, "upside down" if self.verb == "flip" else "tilted to the left")
        if self.verb in {"center", "centre"} and not self.done:
            self._place(PartialPlace("center", "center"))
        if not self.done:
            self.scope.loose.append(words_of(self.items).lower())

    def _item(self, index: int, item: Item) -> None:
        code, value = item.code, item.value
        if code == "@":
            self._group(value, self.items[index + 1 :])
        elif code == "i":
            self._pronoun(str(item.text).lower())
        elif code in "PWT":
            self.link = "with" if code == "W" else "to" if code == "T" else item.text.lower()
        elif code == "n":
            self.negated = True
        elif code == "R":
            self.relation = value
        elif code == "V":
            self._verb(item)
        elif code in "CZzOFLlAMQ":
            self._attribute(item)
        elif code in "BGIHbYcq":
            self.done = self.scope.whole(item, remove=self.mode == "remove" or self.negated) or self.done
        elif code == "w":
            self.scope.loose.append(item.text.lower())

    def _who(self) -> list[Actor]:
        """The targets; where none is named, the first thing."""
        if self.targets or self.lost or not self.stage.actors:
            return self.targets
        return self.stage.actors[:1]

    def _pronoun(self, word: str) -> None:
        if self.relation is not None and self.targets:
            anchor = next((actor for actor in reversed(self.stage.actors) if actor not in self.targets), None)
            if anchor is not None:
                self._relate(anchor)
            return
        if word in {"them", "they", "all", "everything", "all of them", "they all"} and self.scope.last is None:
            self.targets = self.stage.actors[:] if self.items[0].code != "Q" else self.stage.actors[:1]
        elif not self.targets:
            last = self.scope.last
            self.targets = [last] if last in self.stage.actors and last is not None else self.stage.actors[:1]
        if self.mode == "remove" or self.negated:
            self._remove(self.targets)

    def _group(self, group: Group, rest: list[Item]) -> None:
        found = self.scope.find(group)
        link, self.link = self.link, ""
        if link == "than":
            return
        if self.relation is not None:
            if found and self._who():
                self.targets = self._who()
                self._relate(found[0])
            else:
                self._lose(group)
            return
        if rest[:1] and rest[0].code == "q" and group.noun.rsplit(" ", 1)[-1] in TEXT_NOUNS:
            return
        if self._dressed(group, link):
            return
        if self.mode == "remove" or self.negated:
            self._remove_group(group, found)
        elif self.mode == "replace" or (self.mode == "make" and self.named and not group.definite):
            self._replacement(group, found)
        elif self.mode == "add":
            self._add_group(group, found, link, rest)
        elif found:
            self._aim(found)
            self._attributes_of(group, found)
        elif self.mode == "make" and self.targets and not group.definite:
            self._replacement(group, found)
        elif self.mode in {"", "multiply"} and not group.definite:
            if group.concept is not None or not group.bare:
                self._create(group)
        else:
            self._lose(group)

    def _lose(self, group: Group) -> None:
        """What is said about something that is not there applies to nothing else."""
        self.scope.missing(group)
        self.targets, self.named, self.lost, self.done = [], True, True, True

    def _aim(self, actors: list[Actor]) -> None:
        self.targets, self.named = actors, True
        self.scope.last = actors[-1]

    def _dressed(self, group: Group, link: str) -> bool:
        """ "give the cat a red hat", "make it wear a crown", "make the cat hold a sword"."""
        if not self._who() or self.negated:
            return False
        clothing = group.noun.rsplit(" ", 1)[-1] in words.CLOTHING
        if self.wearing or (
            clothing and self.named and (self.verb == "give" or link in {"in", "with"}) and self.mode != "replace"
        ):
            for actor in self._who():
                actor.piece.add_detail("clothing", group.words)
            self.done = True
            return True
        if self.action and group.concept is None:
            for actor in self._who():
                actor.piece.details["action"] = [f"{self.action} {group.words}"]
            self.action = None
            return True
        return False

    def _remove_group(self, group: Group, found: list[Actor]) -> None:
        if not found:
            self._lose(group)
            return
        fewer = group.count if group.count and all(actor.piece.count > group.count for actor in found) else None
        if fewer and not group.definite:
            self._count(found[0], found[0].piece.count - fewer)
        else:
            self._remove(found)

    def _remove(self, actors: list[Actor]) -> None:
        self.stage.actors[:] = [actor for actor in self.stage.actors if actor not in actors]
        self.targets, self.done = [], True

    def _replacement(self, group: Group, found: list[Actor]) -> None:
        if not self.targets:
            if found:
                self._aim(found)
            else:
                self._lose(group)
            return
        if found and found[0] not in self.targets and (group.definite or self.verb == "swap"):
            first, second = self.targets[0], found[0]
            place = first.place
            first.pin(second.place)
            second.pin(place)
        elif found and found[0] in self.targets:
            self._attributes_of(group, found)
        else:
            for actor in self.targets:
                self._become(actor, group)
        self.done = True

    def _become(self, actor: Actor, group: Group) -> None:
        new, old = Piece.of(group), actor.piece
        many = group.count is not None or group.plural
        old.noun, old.concept, old.adjectives, old.colors = new.noun, new.concept, new.adjectives, new.colors
        actor.shown, actor.replaced = (), True
        if many:
            self._count(actor, new.count)
        if new.size:
            actor.size = new.size
        if new.orientation:
            old.orientation = new.orientation
        old.details.clear()
        for name in (*DETAILS, "gender", "skin_tone_and_texture"):
            if actor.entry is not None:
                actor.entry.pop(name, None)
        self.scope.note_new(old)

    def _add_group(self, group: Group, found: list[Actor], link: str, rest: list[Item]) -> None:
        placed = any(item.code in "LR" for item in rest)
        if link in {"to", "for"} and found and self.targets:
            self.targets[-1].piece.relation = ("next to", found[0].piece)
        elif found and group.definite:
            self._aim(found)
        elif found and group.further and not placed and not group.colors:
            self._count(found[0], found[0].piece.count + (group.count or 1))
        else:
            self._create(group)

    def _create(self, group: Group) -> None:
        actor = Actor(Piece.of(group))
        self.stage.actors.append(actor)
        self.scope.note_new(actor.piece)
        self._aim([actor])
        self.done = True

    def _attributes_of(self, group: Group, found: list[Actor]) -> None:
        """What an indefinite group says beyond its noun: "a green apple", "three apples"."""
        if group.definite:
            return
        for actor in found:
            if group.colors:
                self._paint(actor, list(group.colors))
            if group.size:
                actor.size, self.done = group.size, True
            if group.orientation:
                self._turn(actor, group.orientation)
            if group.count is not None or (group.plural and actor.piece.count == 1):
                self._count(actor, Piece.of(group).count)
            for adjective in group.adjectives:
                self._adjective(actor, adjective)

    def _attribute(self, item: Item) -> None:
        code, value = item.code, item.value
        if code == "M" and (item.lemma == "mood" or not self.named):
            self.scope.asked[("aesthetics", "mood_atmosphere")] = value
            self.done = True
            return
        if code == "L":
            if (
                self.verb in {"turn", "look", "point", "face", "rotate"}
                and value.row is None
                and value.column != "center"
            ):
                item = Item("F", f"facing {value.column}", item.text)
                code, value = item.code, item.value
            else:
                self._place(value)
                return
        actors = self._who()
        if code in "AM" and not self.targets:
            return
        for actor in actors:
            if code == "C":
                self._paint(actor, [value])
            elif code == "Z":
                actor.size = value
            elif code == "z":
                self._resize(actor, value)
            elif code == "O":
                self._turn(actor, value)
            elif code == "F":
                self._face(actor, value)
            elif code == "l":
                self._step(actor, value)
            elif code == "Q":
                self._count(actor, value + (actor.piece.count if self.mode == "add" else 0))
            else:
                self._adjective(actor, item.text.lower())
        self.done = self.done or bool(actors)

    def _paint(self, actor: Actor, colors: list[str]) -> None:
        actor.piece.colors = colors
        self.scope.note_color(actor.piece)
        self.done = True

    def _turn(self, actor: Actor, orientation: str) -> None:
        actor.piece.orientation = None if orientation == "upright" else orientation
        self.done = True

    def _face(self, actor: Actor, way: str) -> None:
        if way == "other":
            natural = actor.piece.concept.faces if actor.piece.concept else ""
            now = actor.piece.facing or (f"facing {natural}" if natural else "")
            way = "facing left" if now == "facing right" else "facing right"
        actor.piece.facing = way

    def _resize(self, actor: Actor, step: int) -> None:
        index = _STEPS.index(actor.size) + step
        if not 0 <= index < len(_STEPS):
            self.scope.note(f"the {actor.piece.noun} is already {actor.size}")
        actor.size = _STEPS[min(max(index, 0), len(_STEPS) - 1)]

    def _step(self, actor: Actor, step: tuple[int, int]) -> None:
        row, column = CELLS[actor.place]
        actor.pin(NAMES[min(max(row + step[0], 0), 2), min(max(column + step[1], 0), 2)])

    def _count(self, actor: Actor, count: int) -> None:
        usual = default_size(actor.piece.count, len(self.stage.actors), centered=actor.place == "center")
        actor.piece.count = max(1, count)
        if actor.size == usual or actor.size == "large":
            actor.size = default_size(actor.piece.count, len(self.stage.actors), centered=actor.place == "center")
        self.done = True

    def _adjective(self, actor: Actor, word: str) -> None:
        if word not in actor.piece.adjectives:
            actor.piece.adjectives.append(word)
            self.scope.note(f'beyond the vocabulary, in the description: "{word}"')
        self.done = True

    def _place(self, place: PartialPlace) -> None:
        for actor in self._who():
            if actor.entry is None:
                piece = actor.piece
                piece.place = PartialPlace(place.row or piece.place.row, place.column or piece.place.column)
            else:
                actor.pin(full_place(place, present=actor.place))
            self.done = True

    def _relate(self, anchor: Actor) -> None:
        for actor in self._who():
            if actor is not anchor:
                actor.piece.place = PartialPlace()
                actor.piece.relation = (self.relation or "next to", anchor.piece)
                self.done = True
        self.relation = None

    def _verb(self, item: Item) -> None:
        if item.lemma in _VERBS or item.lemma in words.SILENT_VERBS:
            return
        if item.lemma in {"wear", "dress"}:
            self.wearing = True
        elif self.targets:
            for actor in self.targets:
                if item.lemma in words.POSES:
                    actor.piece.details["pose"] = [words.POSES[item.lemma]]
                else:
                    self.action = gerund(item.lemma)
                    actor.piece.details["action"] = [self.action]
            self.scope.note(f'beyond the vocabulary, in pose or action: "{item.text.lower()}"')
            self.done = True
