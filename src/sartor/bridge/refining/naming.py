"""What becomes of a noun group that a clause names: the first rule that takes it has it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from sartor.bridge.english import words
from sartor.bridge.english.attachment import SURROUNDINGS, TEXT_NOUNS
from sartor.bridge.english.grammar import Ground, Group
from sartor.bridge.english.lexicon import PartialPlace
from sartor.bridge.english.tagging import Item
from sartor.bridge.english.words import word_set
from sartor.bridge.refining.actors import Actor
from sartor.bridge.refining.changes import BECOMING
from sartor.bridge.refining.doing import Doing
from sartor.bridge.refining.gifts import give, grow, wear, wearer
from sartor.bridge.refining.outdoors import follow_weather
from sartor.nano.vocabulary import SIZES

# Nouns that stand for the whole and are no things in it.
_WHOLE = word_set(
    "light lighting lights picture image scene color colour style mood size position look rest weather season sky air"
)
_STEPS = list(SIZES)
_LESSENING = word_set("reduce decrease lower halve shrink")
# "Put it on a horse": how it stands to what comes with it.
_UPON = {"on": "above", "onto": "above", "in": "inside", "into": "inside", "inside": "inside"}
_MORE = word_set("second third fourth fifth additional extra other further")


@dataclass(frozen=True)
class Mention:
    """A group, the things that it means, the word that links it to what stands before, and the items after it."""

    group: Group
    found: list[Actor]
    link: str
    rest: list[Item]


class Naming(Doing):
    """A clause's noun groups."""

    def _group(self, group: Group, rest: list[Item]) -> None:
        found = self._apart(group, self.scope.find(group))
        if found is None:
            return
        link, self.link = self.link, ""
        named = Mention(group, found, link, rest)
        if not any(rule(self, named) for rule in _RULES):
            self._lose(group)

    def _said_in_passing(self, named: Mention) -> bool:
        """ "than the dog", "by 90 degrees", "remove the hat from the cat", "the word" before what is quoted."""
        group, link = named.group, named.link
        if link == "than":
            self._outdo(named.found)
            return True
        if not named.found and self._measured(group):
            return True
        shown = any(item.code == "p" for item in self.items)  # "remove the logo from the cup", which tells none
        if self.mode == "remove" and (self.done or shown) and link in {"from", "off", "of"}:
            return True
        return self.relation is None and _is_caption(named)

    def _outdo(self, others: list[Actor]) -> None:
        """ "make the cat bigger than the dog": where one size up or down was not enough."""
        step = next((item.value for item in self.items if item.code == "z"), 0)
        for actor, other in ((actor, other) for actor in self.targets for other in others if step):
            while (_STEPS.index(actor.size) - _STEPS.index(other.size)) * step <= 0:
                if not actor.resize(step) and not other.resize(-step):
                    break

    def _related_to(self, named: Mention) -> bool:
        if self.relation is None:
            return False
        self._related(named.group, named.found)
        return True

    def _about_part(self, named: Mention) -> bool:
        anew = self.part is not None and not named.group.definite
        return (not named.found or anew) and self._part_of(named.group, named.link)

    def _drawn_around(self, named: Mention) -> bool:
        return self._outlined(named.group, named.found)

    def _put_on(self, named: Mention) -> bool:
        return self._dressed(named.group, named.link)

    def _taken_away(self, named: Mention) -> bool:
        if self.mode != "remove" and not self.negated:
            return False
        if named.found and self._is_owner(named.rest):
            self._aim(named.found)
        else:
            self._remove_group(named.group, named.found)
        return True

    def _is_owner(self, rest: list[Item]) -> bool:
        """ "remove the sailor's hat": not the sailor."""
        before = self.scope.instruction[: max(0, rest[0].start)] if rest and rest[0].code == "@" else ""
        return before.rstrip().endswith(("'s", "’s", "s'", "s’"))

    def _said_to_be(self, named: Mention) -> bool:
        """ "the boat is on fire"."""
        if not (self.equals and named.link and self.targets) or named.group.definite:
            return False
        self._change_looks(f"{named.link} {named.group.words}")
        return True

    def _taking_the_place(self, named: Mention) -> bool:
        """ "replace the cat with a dog", "make the cat a dog", "the cat is a dog", "the cat as a dog"."""
        made = self.verb in BECOMING and self.named and not self.acted and named.link != "with"
        told = self.targets and (named.link == "as" or (self.named and self.equals))
        if self.mode != "replace" and (named.group.definite or not (made or told)):
            return False
        self._replacement(named.group, named.found)
        return True

    def _given(self, named: Mention) -> bool:
        """ "give him a tattoo", and then "on his arm"."""
        if self.verb != "give":
            return False
        if not named.group.definite:
            self._give(named.group)
            return True
        there = self.done and named.link and not named.found
        return bool(there) and self._given_there(f"{named.link} {named.group.words}")

    def _fewer(self, named: Mention) -> bool:
        if not named.found or not named.group.plural or "fewer" not in named.group.adjectives:
            return False
        count = named.found[0].piece.count
        self._recount(named.found[0], count - max(1, count // 3))
        return True

    def _added(self, named: Mention) -> bool:
        if self.mode != "add" and not (self.mode == "" and named.group.further and named.found):
            return False
        self._add_group(named)
        return True

    def _sized(self, named: Mention) -> bool:
        """ "reduce the size of the cat"."""
        if not named.found or not named.group.noun.startswith("size of "):
            return False
        for actor in named.found:
            self._change(actor, "z", -1 if self.items[0].lemma in _LESSENING else 1)
        return True

    def _aimed_at(self, named: Mention) -> bool:
        found = named.found
        if not found:
            return False
        self._aim([*self.targets, *found] if self.joined and found[0] not in self.targets else found)
        self.word = named.group.noun
        self._attributes_of(named.group, found)
        if self.gift is not None:
            self._give(self.gift)
        return True

    def _become(self, named: Mention) -> bool:
        """ "turn it into a wolf"."""
        if self.verb not in BECOMING or not self.targets or named.group.definite:
            return False
        self._replacement(named.group, [])
        return True

    def _had(self, named: Mention) -> bool:
        """ "he should have a beard"."""
        group = named.group
        if not (self.has and self.targets) or group.definite or group.concept is not None:
            return False
        self._give(group)
        return True

    def _new(self, named: Mention) -> bool:
        """ "a cat", without a verb."""
        group = named.group
        if self.mode not in {"", "multiply"} or group.definite:
            return False
        if group.concept is not None or not group.bare:
            self._create(group)
        return True

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

    def _surroundings(self, named: Mention) -> bool:
        """ "in a forest", "add snow": the background. "the light", "the picture": nothing on its own."""
        group, found, link = named.group, named.found, named.link
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
        elif self._is_container(group, link):
            self._stand(self._who(), f"{link} {group.words}")
        elif link in SURROUNDINGS:
            self.scope.set_ground(Ground("free", text=group.text))
        else:
            if group.noun in _WHOLE and self.targets:
                self._attributes_of(group, self.targets)
            return group.noun in _WHOLE
        self.done = True
        return True

    def _is_container(self, group: Group, link: str) -> bool:
        """ "put it in a box": in somebody's own surroundings no other ones."""
        noun = group.noun.rsplit(" ", 1)[-1]
        return self.stage.setting is not None and link in {"in", "inside", "into"} and noun in words.CONTAINERS

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

    def _add_group(self, named: Mention) -> None:
        group, found, link, rest = named.group, named.found, named.link, named.rest
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
            moved = self.targets if made is None and not found and link in _UPON else []
            self._create(replace(group, adjectives=tuple(word for word in group.adjectives if word not in _MORE)))
            for actor in moved:
                if actor.freely:
                    actor.relation_told = f"{link} {group.words}"
                    self.targets[0].relation_told = f"under the {actor.called}" if link.startswith("on") else None
                else:
                    actor.piece.place = PartialPlace()
                    actor.piece.relation = (_UPON[link], self.targets[0].piece)


_RULES: tuple[Callable[[Naming, Mention], bool], ...] = (
    Naming._said_in_passing,
    Naming._related_to,
    Naming._about_part,
    Naming._drawn_around,
    Naming._put_on,
    Naming._surroundings,
    Naming._taken_away,
    Naming._said_to_be,
    Naming._taking_the_place,
    Naming._given,
    Naming._fewer,
    Naming._added,
    Naming._sized,
    Naming._aimed_at,
    Naming._become,
    Naming._had,
    Naming._new,
)


def _is_caption(named: Mention) -> bool:
    noun = named.group.noun.rsplit(" ", 1)[-1]
    return bool(named.rest) and named.rest[0].code == "q" and noun in TEXT_NOUNS
