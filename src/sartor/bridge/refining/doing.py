"""What one clause has things do and wear."""

from __future__ import annotations

from sartor.bridge.english import words
from sartor.bridge.english.attachment import gerund
from sartor.bridge.english.grammar import Group
from sartor.bridge.english.people import ANYBODY
from sartor.bridge.english.tagging import Item
from sartor.bridge.refining.clauses import VERBS
from sartor.bridge.refining.gifts import is_garment
from sartor.bridge.refining.hours import find_hour
from sartor.bridge.refining.parts import find_part
from sartor.bridge.refining.placing import Placing


class Doing(Placing):
    """A clause's actions, poses and clothes."""

    def _dressed(self, group: Group, link: str) -> bool:
        """ "give the cat a red hat", "make it wear a crown", "make the cat hold a sword"."""
        if not self._who() or self.negated:
            return False
        alone = self.mode == "" and len(self.stage.actors) == 1
        dressed = self.named or alone or (self.targets and link == "in")
        worn = is_garment(group) and link in {"in", "with"} and (self.mode != "replace" or self.became)
        if self.wearing or (dressed and worn):
            for actor in self._who():
                actor.piece.add_detail("clothing", group.words)
            self.done = True
            return True
        if link and self.acted and self._goes_on(f"{link} {group.words}"):
            return True
        if self.action and not link:
            who = self._who()
            for actor in who:
                actor.piece.details["action"] = [f"{self.action} {group.words}"]
            self.action = None
            if group.concept is not None and self.stage.composed and not self.scope.find(group):
                self._create(group)
                self.targets[-1].piece.relation = ("next to", who[0].piece)
            return True
        return False

    def _verb(self, index: int, item: Item) -> None:
        if (
            item.lemma in VERBS and not (item.lemma in words.POSES and item.tag == "VBG")
        ) or item.lemma in words.SILENT_VERBS:
            return
        if item.lemma in {"wear", "dress"}:
            self.wearing = True
        elif self.targets:
            where, self.acted = self._whither(index), "pose" if item.lemma in words.POSES else "action"
            for actor in self.targets:
                if item.lemma in words.POSES:
                    actor.piece.details["pose"] = [f"{words.POSES[item.lemma]}{where}"]
                else:
                    self.action = gerund(item.lemma)
                    actor.piece.details["action"] = [f"{self.action}{where}"]
            self.scope.note(f'beyond the vocabulary, in pose or action: "{item.text.lower()}"')
            self.done = True

    def _regender(self, group: Group) -> bool:
        """ "make the sailor a woman": the same person, of another gender and without a beard."""
        gender = ANYBODY.get(group.noun)
        called = self.targets[0].be_called(group.noun) if gender and len(self.targets) == 1 else None
        if called is None:
            return False
        actor = self.targets[0]
        young = ["young"] if called != group.noun and group.noun in {"boy", "girl"} else []
        for adjective in [*group.adjectives, *young]:
            self._change(actor, "A", adjective)
        for hair in sorted(words.BEARDS) if gender == "female" else []:
            while part := find_part([actor], Group(hair)):
                part.remove()
        self.done = True
        return True

    def _whither(self, index: int) -> str:
        """ "sit on the boat", "jump into the water": what belongs to the verb of something that is there already."""
        told = self.items[index + 1 :]
        if any(actor.entry is None for actor in self.targets) or not told:
            return ""
        length = 2 if [item.code for item in told[:2]] in (["P", "@"], ["T", "@"], ["R", "@"]) else 1
        if length == 1 and (told[0].code != "B" or find_hour(told[0].text) is not None or self.stage.composed):
            return ""
        if length == 2 and self.stage.composed and not told[1].value.definite:
            return ""  # "sit in a forest": the background
        if length == 2 and self.stage.composed and self.scope.find(told[1].value):
            return ""
        self.read = index + 1 + length
        return f" {self.scope.spoken(told[:length]).lower()}"

    def _goes_on(self, words: str) -> bool:
        """ "holding a rope in both hands", "holding hands with a child": more of what was said."""
        if self.stage.composed or not self.targets:
            return False
        for actor in self.targets:
            told = actor.piece.details.get(self.acted, [""])[-1]
            actor.piece.details[self.acted] = [f"{told} {words}".strip()]
        return True
