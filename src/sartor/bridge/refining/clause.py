"""One clause of an instruction: who is meant, and what is to become of it.

A clause has one verb at most ("add", "remove", "replace", "move", "make"); things named in it are its targets, and
attributes apply to the targets named last. A clause without a verb is its attributes alone ("bigger", "at night").
"""

from __future__ import annotations

import re
from dataclasses import replace

from sartor.bridge.english import words
from sartor.bridge.english.attachment import SURROUNDINGS, TEXT_NOUNS
from sartor.bridge.english.grammar import Ground, Group
from sartor.bridge.english.lexicon import PartialPlace
from sartor.bridge.english.references import LESS
from sartor.bridge.english.tagging import Item
from sartor.bridge.english.words import word_set
from sartor.bridge.refining.actors import Actor
from sartor.bridge.refining.bearing import follow_bearing
from sartor.bridge.refining.changes import BECOMING
from sartor.bridge.refining.clauses import said
from sartor.bridge.refining.doing import Doing
from sartor.bridge.refining.exchanging import follow_colors, follow_places
from sartor.bridge.refining.framing import follow_frame
from sartor.bridge.refining.gifts import give, grow, wear, wearer
from sartor.bridge.refining.hours import find_hour
from sartor.bridge.refining.lettering import follow_text
from sartor.bridge.refining.looks import follow_look
from sartor.bridge.refining.nearing import follow_nearing
from sartor.bridge.refining.outdoors import follow_background, follow_hour, follow_weather
from sartor.bridge.refining.placing import DEPTH
from sartor.bridge.refining.scenery import follow_scenery
from sartor.bridge.refining.sparing import follow_only
from sartor.bridge.refining.topics import follow_topic

# Nouns that stand for the whole and are no things in it.
_WHOLE = word_set(
    "light lighting lights picture image scene color colour style mood size position look rest weather season sky air"
)
_LESSENING = word_set("reduce decrease lower halve shrink")
_HAVING = re.compile("[@i]v+")  # "he should have a beard"
_BEING = re.compile("@v+P?")  # "the sailor should be a robot", "the boat is on fire"
_INSTEAD = frozenset({"instead of", "rather than"})
_MORE = word_set("second third fourth fifth additional extra other further")
# What a clause may be about as a whole; the first that takes it has it.
_ROOMS = (follow_background, follow_scenery, follow_hour, follow_frame, follow_bearing, follow_look, follow_topic)


class Clause(Doing):
    """One clause at work on a scope; ``apply`` reads its items from left to right."""

    def apply(self) -> None:
        if any(
            follow(self.scope, self.items) for follow in (follow_only, follow_colors, follow_places, follow_nearing)
        ):
            return
        if self.wish == "stay":
            self._stay()
            return
        if follow_text(self.scope, self.items, remove=self.mode == "remove"):
            return
        told = next((item for item in self.items if item.code not in "Vv"), None)
        if told is not None and _is_note(told):
            self.scope.note(told.value)  # "use our brand colors for the scarf"
            return
        if self.mode != "remove" and any(follow(self.scope, self.items) for follow in _ROOMS):
            return
        if self._instead():
            return
        for index, item in enumerate(self.items):
            if index >= self.read:
                self._item(index, item)
        depth = DEPTH.search(self.scope.clause(self.items)) if self.mode == "add" else None
        for actor in self.targets:
            if depth and actor.entry is None and actor.relation_told is None and not self.stage.composed:
                self._stand([actor], depth.group().lower())
        if self.mode == "multiply" and not self.done:
            for actor in self._who():
                self._recount(actor, actor.piece.count * 2)
        if self.verb in {"rotate", "tilt", "lean", "flip"} and not self.done:
            for actor in self._who():
                actor.turn("upside down" if self.verb == "flip" else "tilted to the left")
                self.done = True
        if self.verb in {"center", "centre"} and not self.done:
            for actor in self._who():
                self._change(actor, "L", PartialPlace("center", "center"))
        if not self.done and self.negated:
            self.scope.note(f"not understood: {said(self.items)}")
        elif not self.done:
            self.scope.loose.append(self.scope.spoken(self.items))

    def _instead(self) -> bool:
        """ "a dog instead of the boat": in its place."""
        at = next((i for i, item in enumerate(self.items) if item.code == "n" and item.value in _INSTEAD), 0)
        after = self.items[at + 1 : at + 2]
        new = next((item.value for item in reversed(self.items[:at]) if item.code == "@"), None)
        old = self.scope.find(after[0].value) if after and after[0].code == "@" else []
        if new is None or not old or self.scope.find(new):
            return False
        self._aim(old)
        self._replacement(new, [])
        return True

    def _stay(self) -> None:
        """Nothing changes; "it" in the next clause may be what is named here."""
        for item in self.items:
            found = self.scope.find(item.value) if item.code == "@" else []
            self.scope.last = found[-1] if found else self.scope.last
        self.scope.note(f'stays as it is: "{said(self.items)}"')

    def _item(self, index: int, item: Item) -> None:
        code, value = item.code, item.value
        if code in "AMVN" and not self.named and follow_weather(self.scope, item):
            self.done = True
        elif code == "@":
            lead = "".join(other.code for other in self.items[max(0, index - 2) : index])
            codes = "".join(other.code for other in self.items[:index])
            self.has = bool(_HAVING.fullmatch(codes)) and self.items[index - 1].lemma == "have"
            self.equals = bool(_BEING.fullmatch(codes)) and self.items[codes.index("v")].lemma != "have"
            self.coupled = lead[-1:] == "U"
            self.joined = lead in {"@U", "@X"} and not self.done
            self._group(self._at_place(index, value), self.items[max(index + 1, self.read) :])
        elif code == "i":
            self._pronoun(str(item.text).lower())
        elif code in "PWT":
            self.given = self.given or code in "WT" or item.text.lower() in {"by", "for"}
            self.link = "with" if code == "W" else "to" if code == "T" else item.text.lower()
        elif code == "n":
            self.negated = self.negated or (self.wish != "remove" and value != "any")
        elif code == "U" and item.text.lower() == "but":
            self.negated = False
        elif code == "R" and self.mode == "replace" and item.text.lower() == "by":
            self.given, self.link = True, "with"
        elif code == "R":
            self.relation, self.relation_words = value, item.text.lower()
        elif code == "V":
            self._verb(index, item)
        elif code in "BL" and self._stands_there(item):
            self.done = True
        elif code == "B" and self.lost and find_hour(item.text) is None:
            pass  # where what is not there would have been
        elif code == "z" and value == 1 and item.text.lower() == "closer" and self._nearer(index):
            self.relation, self.relation_words = "next to", "close to"
        elif code == "Q" and any(unit.text.lower() in words.UNITS for unit in self.items[index + 1 : index + 2]):
            pass
        elif code in "CZzOFLlAMQ" and not self.negated:
            before = [other.code for other in self.items[max(0, index - 2) : index]]
            if code == "C":
                self.colors = [*(self.colors if before[-2:] in (["C", "U"], ["C", "X"]) else []), value]
            self._attribute(item)
        elif code == "I" and self.named and (self.part or self.targets) and " " not in item.text:
            self._attribute(replace(item, code="A"))  # "make the boat darker" is not about the light
        elif code in "BGIHbYc":
            self.done = self.scope.whole(item, remove=self.mode == "remove" or self.negated) or self.done
        elif _is_note(item):
            self.scope.note(value)
            self.done = True
        elif code == "w":
            self.scope.loose.append(item.text.lower())

    def _pronoun(self, word: str) -> None:
        if self.relation is not None and self.targets:
            anchor = self._anchor(word)
            if anchor is not None:
                self._relate(anchor)
            return
        if word in {"them", "they", "all", "everything", "all of them", "they all"} and self.scope.last is None:
            self.targets = self.stage.actors[:] if self.items[0].code != "Q" else self.stage.actors[:1]
        elif not self.targets:
            self.targets = self.scope.pronoun(word)
        if self.mode == "remove" or self.negated:
            self._remove(self.targets)
        elif self.gift is not None and self.targets:
            self._give(self.gift)
        elif self.mode == "add" and self.link in {"to", "for", "on", "onto"}:
            made, others = self.targets[-1:], [actor for actor in self.stage.actors if actor.entry is not None]
            if made and others and made[0].entry is None and wear(self.scope, made[0], others[0]):
                self._aim(others[:1])

    def _at_place(self, index: int, group: Group) -> Group:
        """ "the apple on the left", of several: which one, where that is not the place that it gets."""
        told = [item for item in self.items[index + 1 :] if item.code == "L"]
        if not told or told[0] is not self.items[index + 1] or not group.definite or group.plural or group.place:
            return group
        gets = self.mode in {"move", "add"} and len(told) == 1
        if gets or told[0].text.lower().startswith("to ") or len(self.scope.find(replace(group, plural=True))) < 2:
            return group
        self.read = index + 2
        return replace(group, place=told[0].value)

    def _group(self, group: Group, rest: list[Item]) -> None:
        found = self._apart(group, self.scope.find(group))
        if found is None:
            return
        link, self.link = self.link, ""
        if link == "than" or (not found and self._measured(group)):
            return
        if self.mode == "remove" and self.done and link in {"from", "off", "of"}:
            return  # "remove the hat from the cat"
        if self.relation is not None:
            self._related(group, found)
            return
        if rest[:1] and rest[0].code == "q" and group.noun.rsplit(" ", 1)[-1] in TEXT_NOUNS:
            return
        if (not found or (self.part is not None and not group.definite)) and self._part_of(group, link):
            return
        if self._outlined(group, found) or self._dressed(group, link) or self._surroundings(group, found, link):
            return
        if self.mode == "remove" or self.negated:
            self._remove_group(group, found)
        elif self.equals and link and self.targets and not group.definite:
            self._change_looks(f"{link} {group.words}")
        elif (
            self.mode == "replace"
            or (self.verb in BECOMING and self.named and not group.definite and not self.acted and link != "with")
            or (self.targets and self.named and not group.definite and self.equals)
            or (link == "as" and self.targets and not group.definite)
        ):
            self._replacement(group, found)
        elif self.verb == "give" and not group.definite:
            self._give(group)
        elif self.verb == "give" and self.done and link and not found and self._given_there(f"{link} {group.words}"):
            pass
        elif found and group.plural and "fewer" in group.adjectives:
            self._recount(found[0], found[0].piece.count - max(1, found[0].piece.count // 3))
        elif self.mode == "add" or (self.mode == "" and group.further and found):
            self._add_group(group, found, link, rest)
        elif found and group.noun.startswith("size of "):
            for actor in found:
                self._change(actor, "z", -1 if self.items[0].lemma in _LESSENING else 1)
        elif found:
            self._aim([*self.targets, *found] if self.joined and found[0] not in self.targets else found)
            self.word = group.noun
            self._attributes_of(group, found)
            if self.gift is not None:
                self._give(self.gift)
        elif self.verb in BECOMING and self.targets and not group.definite:
            self._replacement(group, found)
        elif self.has and not group.definite and self.targets and group.concept is None:
            self._give(group)
        elif self.mode in {"", "multiply"} and not group.definite:
            if group.concept is not None or not group.bare:
                self._create(group)
        else:
            self._lose(group)

    def _surroundings(self, group: Group, found: list[Actor], link: str) -> bool:
        """ "in a forest", "add snow": the background. "the light", "the picture": nothing on its own."""
        placed = self.mode == "add" and group.definite and self.targets and self.targets[-1].entry is None
        if found or placed or self.lost or self.negated:
            return False
        if group.concept is not None or self.mode in {"remove", "replace"}:
            return False
        kind = words.SETTINGS.get(group.noun, ("", True))[0]
        whole = self.mode in {"", "add"} or (self.verb in BECOMING and not self.named)
        item = next((item for item in self.items if item.value is group), Item("@", group, group.text))
        if whole and follow_weather(self.scope, item, add=self.mode == "add"):
            self.done = True
            return True
        if self.mode == "add" and kind not in {"", "table", "sky"}:
            self.scope.set_ground(Ground(kind))
        elif link in SURROUNDINGS:
            self.scope.set_ground(Ground("free", text=group.text))
        else:
            if group.noun in _WHOLE and self.targets:
                self._attributes_of(group, self.targets)
            return group.noun in _WHOLE
        self.done = True
        return True

    def _remove_group(self, group: Group, found: list[Actor]) -> None:
        if not found:
            if not self.done and group.noun not in {"reference", "mention"}:  # "remove references to ..."
                self._lose(group)
            return
        fewer = group.count if group.count and all(actor.piece.count > group.count for actor in found) else None
        if fewer and not group.definite:
            self._recount(found[0], found[0].piece.count - fewer)
        else:
            self._remove(found)

    def _renames(self, group: Group) -> bool:
        """ "replace the fox with a wolf", of a fox head: one word for another."""
        word, actor = self.word, self.targets[0] if self.targets else None
        if actor is None or word is None or len(self.targets) > 1 or group.plural or not actor.freely:
            return False
        if self.became or word not in actor.piece.noun.split()[:-1]:
            return False
        actor.renamed = (word, group.noun)
        self.done = True
        return True

    def _replacement(self, group: Group, found: list[Actor]) -> None:
        if self._renames(group) or (not found and self.mode != "replace" and self._regender(group)):
            return
        if not self.targets:
            if found:
                self._aim(found)
                self.word = group.noun
            else:
                self._lose(group)
            return
        if self.became:
            self._create(group)  # "replace the boat with a lighthouse and a seagull"
        elif found and found[0] not in self.targets and self.verb == "replace" and not self.given:
            self.targets = [*self.targets, *found]
        elif found and found[0] not in self.targets and (group.definite or self.verb == "swap"):
            first, second = self.targets[0], found[0]
            place = first.place
            first.pin(second.place)
            second.pin(place)
        elif found and found[0] in self.targets and (group.definite or group.noun == found[0].piece.noun):
            self._attributes_of(group, found)
        else:
            self.part = None
            first, *others = self.targets
            if group.count is not None or not group.plural:
                self.stage.actors[:] = [actor for actor in self.stage.actors if actor not in others]
                self.targets = [first]
            if others and self.targets[1:]:
                group = replace(group, plural=False)  # "replace both with rabbits": each with one
            for actor in self.targets:
                actor.become(group, len(self.stage.actors))
                self.scope.note_new(actor.piece)
            self.became = True
        self.done = True

    def _add_group(self, group: Group, found: list[Actor], link: str, rest: list[Item]) -> None:
        placed = any(item.code in "LR" for item in rest)
        more = not _MORE.isdisjoint(group.adjectives)
        made = self.targets[-1] if self.targets and self.targets[-1].entry is None else None
        if made is not None and found and link in {"to", "for", "on", "onto"}:
            if wear(self.scope, made, found[0]) or grow(self.scope, made, found[0]):
                self._aim(found)
            else:
                made.piece.relation = ("above" if link.startswith("on") else "next to", found[0].piece)
                if found[0].freely and link.startswith("on"):
                    made.relation_told = f"on the {found[0].called}"
        elif made is not None and not found and group.definite and link:
            owner = self.scope.pronoun(group.words.split(" ", 1)[0]) if group.words.startswith(("his ", "her ")) else []
            if owner and wear(self.scope, made, owner[0]):
                self._aim(owner[:1])
            else:
                self._stand([made], f"{link} {group.words}")
        elif found and group.definite and self.targets and made is None and link:
            if found[0].freely:
                self._stand(self.targets, f"{link} the {found[0].called}")
            else:
                self.relation = "above" if link.startswith("on") else "inside" if link.startswith("in") else "next to"
                self._relate(found[0])
        elif found and group.definite:
            self._aim(found)
        elif found and (group.further or more) and not placed and not group.colors:
            several = group.plural and group.count is None and found[0].piece.count > 1
            more_by = max(2, found[0].piece.count // 2) if several else 1
            self._recount(found[0], found[0].piece.count + (group.count or more_by))
        elif not found and (owner_alone := wearer(self.scope, group, rest)) is not None:
            give(self.scope, [owner_alone], group)
            self._aim([owner_alone])
            self.done = True
        else:
            self._create(replace(group, adjectives=tuple(word for word in group.adjectives if word not in _MORE)))

    def _attribute(self, item: Item) -> None:
        code, value = item.code, item.value
        if (
            code in "AM"
            and self.part is None
            and (value == LESS or self.scope.spoken([item]).lower().startswith("less "))
        ):
            self._lessen(item.text.lower())
            return
        if code == "M" and (item.lemma == "mood" or not self.named):
            self.scope.asked[("aesthetics", "mood_atmosphere")] = value
            self.done = True
            return
        if self.part is not None:
            for part in [*self.parts, self.part]:
                self._change_part(part, item)
            return
        sideways = code == "L" and value.row is None and value.column != "center"
        if sideways and self.verb in {"tilt", "lean", "rotate"}:
            code, value = "O", f"tilted to the {value.column}"
        elif sideways and self.verb in {"turn", "look", "point", "face"}:
            code, value = "F", f"facing {value.column}"
        if code in "AM":
            value = item.text.lower()
            if not self.targets:
                return
        if code == "C":
            value = list(self.colors)
        for actor in self._who():
            self._change(actor, code, value)


def _is_note(item: Item) -> bool:
    """Whether it only says something to the person: the lexicon's own words are their values."""
    return item.code == "w" and item.value is not None and item.value != item.text.lower()
