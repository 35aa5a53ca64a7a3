"""What the surroundings name in somebody's own words ("a blurred beige wall"): changed there, and in the summary."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from sartor.bridge.english.grammar import Group
from sartor.bridge.english.patterns import literally
from sartor.bridge.refining.adjectives import describe_noun
from sartor.bridge.refining.phrases import become, cut
from sartor.bridge.refining.recoloring import recolor
from sartor.bridge.refining.scope import Scope


@dataclass(frozen=True)
class Surrounding:
    """``noun`` as the background tells it. No thing of its own."""

    scope: Scope
    noun: str
    field = "background_setting"

    def paint(self, color: str) -> None:
        self._edit(lambda text: recolor(text, self.noun, color))

    def describe(self, adjective: str) -> None:
        self._edit(lambda text: describe_noun(text, self.noun, adjective))

    def become(self, words: str) -> None:
        phrase = re.sub(r"^(?:an?|the) ", "", words)
        owned = self.scope.stage.setting or ""
        self._edit(lambda text: become(text, self.noun, phrase, f"{owned} {text}") or text)

    def extend(self, words: str) -> None:
        self._edit(lambda text: re.sub(rf"\b{re.escape(self.noun)}\b", rf"\g<0> {literally(words)}", text, count=1))

    def remove(self) -> None:
        if cut(self.scope.stage.setting or "", self.noun) is None:
            self.scope.note(f"the surroundings cannot be told without the {self.noun}")
        else:
            self._edit(lambda text: cut(text, self.noun) or text)

    def _edit(self, edit: Callable[[str], str]) -> None:
        stage = self.scope.stage
        stage.setting = edit(stage.setting or "")
        stage.edits.append((self.noun, edit))
        self.scope.asked[("background_setting",)] = stage.setting


def find_surrounding(scope: Scope, group: Group) -> Surrounding | None:
    """The group's noun, where somebody's own background names it."""
    setting = scope.stage.setting
    for noun in (group.noun, group.text, group.head):
        if setting is not None and noun and (found := re.search(rf"\b{re.escape(noun)}\b", setting, re.IGNORECASE)):
            return Surrounding(scope, found.group())
    return None
