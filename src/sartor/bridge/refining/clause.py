"""One clause of an instruction: who is meant, and what is to become of it.

A clause has one verb at most ("add", "remove", "replace", "move", "make"); things named in it are its targets, and
attributes apply to the targets named last. A clause without a verb is its attributes alone ("bigger", "at night").
"""

from __future__ import annotations

import re
from dataclasses import replace

from sartor.bridge.english import words
from sartor.bridge.english.grammar import Group
from sartor.bridge.english.lexicon import PartialPlace
from sartor.bridge.english.tagging import Item
from sartor.bridge.english.words import word_set
from sartor.bridge.refining.bearing import follow_bearing
from sartor.bridge.refining.clauses import said
from sartor.bridge.refining.exchanging import follow_colors, follow_places
from sartor.bridge.refining.framing import follow_frame
from sartor.bridge.refining.gifts import wear
from sartor.bridge.refining.hours import find_hour
from sartor.bridge.refining.lettering import follow_text
from sartor.bridge.refining.looks import follow_look
from sartor.bridge.refining.manner import follow_manner, follow_manner_word
from sartor.bridge.refining.naming import Naming
from sartor.bridge.refining.nearing import follow_nearing
from sartor.bridge.refining.outdoors import follow_background, follow_hour, follow_weather
from sartor.bridge.refining.parts import find_part
from sartor.bridge.refining.placing import DEPTH
from sartor.bridge.refining.scenery import follow_scenery
from sartor.bridge.refining.sparing import follow_only, spares_one
from sartor.bridge.refining.topics import follow_topic
from sartor.nano.captions import article

_HAVING = re.compile("[@i]v+")  # "he should have a beard"
_BEING = re.compile("@v+P?")  # "the sailor should be a robot", "the boat is on fire"
# Kinds of pictures that things have, too.
_SHOWN = word_set("logo sticker poster banner card screen frame painting icon")
_INSTEAD = frozenset({"instead of", "rather than"})
# What a clause may be about as a whole; the first that takes it has it.
_ROOMS = (
    follow_background,
    follow_scenery,
    follow_hour,
    follow_frame,
    follow_bearing,
    follow_manner,
    follow_look,
    follow_topic,
)


class Clause(Naming):
    """One clause at work on a scope; ``apply`` reads its items from left to right."""

    def apply(self) -> None:
        self.items = [self._shown(item) for item in self.items]
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

    def _shown(self, item: Item) -> Item:
        """ "the logo", where a thing is told to have one, is no picture."""
        noun = item.text.lower().rsplit(" ", 1)[-1]
        if item.code != "p" or noun not in _SHOWN or find_part(self.stage.actors, Group(noun, text=noun)) is None:
            return item
        return replace(item, code="@", value=Group(noun, definite=True, text=noun, words=f"the {noun}"))

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
        if not self.named and self._of_the_whole(item):
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
        elif code == "Z" and item.text.lower() == "little" and self._follows(index, "zAIM"):
            pass  # "a little bigger"
        elif (code == "z" and self._compared(index)) or (
            code == "Q" and any(unit.text.lower() in words.UNITS for unit in self.items[index + 1 : index + 2])
        ):
            pass
        elif code in "CZzOFLlAMQ" and not self.negated:
            before = [other.code for other in self.items[max(0, index - 2) : index]]
            if code == "C":
                self.colors = [*(self.colors if before[-2:] in (["C", "U"], ["C", "X"]) else []), value]
            self._attribute(item)
        elif code == "I" and self.named and " " not in item.text:
            if self.part or self.targets:
                self._attribute(replace(item, code="A"))  # "make the boat darker" is not about the light
        elif code in "BGIHbYc":
            self.done = self.scope.whole(item, remove=self.mode == "remove" or self.negated) or self.done
        elif _is_note(item):
            self.scope.note(value)
            self.done = True
        elif code == "w":
            self.scope.loose.append(item.text.lower())

    def _follows(self, index: int, codes: str) -> bool:
        return any(item.code in codes for item in self.items[index + 1 : index + 2])

    def _of_the_whole(self, item: Item) -> bool:
        if item.code in "AMVN" and follow_weather(self.scope, item):
            return True
        return item.code in "AMy" and follow_manner_word(self.scope, item, self.items)

    def _compared(self, index: int) -> bool:
        """ "give it a bigger smile": said of what is given."""
        after = self.items[index + 1 : index + 2]
        if self.verb != "give" or not after or after[0].code != "@" or after[0].value.definite:
            return False
        group, word = after[0].value, self.items[index].text.lower()
        text = f"{word} {group.text}"
        self.read = index + 2
        self._group(
            replace(
                group, adjectives=(word, *group.adjectives), text=text, words=text if group.plural else article(text)
            ),
            self.items[self.read :],
        )
        return True

    def _pronoun(self, word: str) -> None:
        if self.relation is not None and self.targets:
            anchor = self._anchor(word)
            if anchor is not None:
                self._relate(anchor)
            return
        if word in {"everything", "all"} and spares_one(self.scope, self.items) and self.stage.actors:
            spared = self.scope.last or self.stage.actors[0]
            self.targets = [actor for actor in self.stage.actors if actor is not spared]
            self.lost = not self.targets
        elif word in {"them", "they", "all", "everything", "all of them", "they all"} and self.scope.last is None:
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

    def _attribute(self, item: Item) -> None:
        code, value = item.code, item.value
        if code in "AM" and self.part is None and self.scope.is_less(item):
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
