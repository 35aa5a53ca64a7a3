"""What the background shows, the captions' own landscapes as well: "the sky should be orange", "change the grass to
sand"."""

from __future__ import annotations

import re

from sartor.bridge.english import words
from sartor.bridge.english.grammar import Ground, Group
from sartor.bridge.english.tagging import Item
from sartor.bridge.english.words import word_set
from sartor.bridge.refining.adjectives import describe_noun
from sartor.bridge.refining.outdoors import is_weather
from sartor.bridge.refining.parts import find_part
from sartor.bridge.refining.recoloring import recolor
from sartor.bridge.refining.scope import Scope
from sartor.bridge.refining.surrounding import Surrounding, find_surrounding
from sartor.nano.vocabulary import LANDSCAPES

# What a landscape's phrase calls that which other words mean, too: "the grass" is its meadow.
_HEADS = {"meadow": "meadow", "beach": "beach", "snow": "field", "sea": "sea", "night": "sky", "sunset": "sky",
          "desert": "dunes", "table": "table"}  # fmt: skip
_VERBS = word_set("make change turn replace swap convert transform paint color colour set let have")


def follow_scenery(scope: Scope, items: list[Item]) -> bool:
    """False where things are spoken of, or nothing that the background shows."""
    at = next((index for index, item in enumerate(items) if item.code == "@"), None)
    if at is None or any(item.code not in "Vv" or item.lemma not in _VERBS for item in items[:at]):
        return False
    group: Group = items[at].value
    rest = [item for item in items[at + 1 :] if item.code not in "Vv"]
    named = (group.definite or group.noun == "sky") and group.concept is None and not scope.find(group)
    if not named or not rest or find_part(scope.stage.actors, group) is not None:
        return False
    if rest[0].code in "TW" and len(rest) == 2:
        return _exchange(scope, group, rest[1])
    if rest[0].code == "B" and rest[0].text.lower().startswith(("to ", "into ", "with ")) and len(rest) == 1:
        return _exchange(scope, group, rest[0])
    if any(item.code not in "CAMIU" or is_weather(item) for item in rest):
        return False
    colors = " and ".join(item.value for item in rest if item.code == "C")
    adjectives = [item.text.lower() for item in rest if item.code in "AMI"]
    return _describe(scope, group, colors, adjectives)


def _exchange(scope: Scope, group: Group, new: Item) -> bool:
    noun = _noun(scope, group)
    if noun is None or new.code not in "B@C" or (new.code == "C" and new.value not in words.SETTINGS):
        return False
    if scope.stage.setting is not None:
        phrase = (
            new.value.text if new.code == "@" else re.sub(r"^(?:to|into|with) (?:an? |the )?", "", new.text.lower())
        )
        Surrounding(scope, noun).become(phrase)
    elif new.code == "@":
        scope.set_ground(Ground("free", text=new.value.text))
    else:
        scope.set_ground(new.value if new.code == "B" else Ground(words.SETTINGS[new.value][0]))
    return True


def _describe(scope: Scope, group: Group, colors: str, adjectives: list[str]) -> bool:
    stage, noun = scope.stage, _noun(scope, group)
    if noun is None and group.noun != "sky":
        return False
    if stage.setting is None and stage.background.kind not in LANDSCAPES:
        told = " ".join([*adjectives, *([colors] if colors else [])])
        scope.set_ground(Ground("plain", (colors,)) if told == colors else Ground("free", text=f"{told} sky"))
        return True
    text = stage.setting or LANDSCAPES[stage.background.kind]
    if noun is None:
        noun, text = "sky", f"{text.rstrip('. ')}, under a sky"
    text = _told(text, noun, colors, adjectives)
    if stage.setting is None:
        if text != LANDSCAPES[stage.background.kind]:
            scope.set_ground(Ground("free", text=text))
        return True
    stage.edits.append((noun, lambda told: _told(told, noun, colors, adjectives)))
    stage.setting = scope.asked[("background_setting",)] = text
    return True


def _told(text: str, noun: str, colors: str, adjectives: list[str]) -> str:
    for adjective in adjectives:
        text = describe_noun(text, noun, adjective)
    return recolor(text, noun, colors) if colors else text


def _noun(scope: Scope, group: Group) -> str | None:
    """The background's own word for what the group means."""
    stage = scope.stage
    if stage.setting is not None:
        surrounding = find_surrounding(scope, group)
        return surrounding.noun if surrounding else None
    landscape = LANDSCAPES.get(stage.background.kind, "")
    if re.search(rf"\b{re.escape(group.noun)}\b", landscape):
        return group.noun
    meant = words.SETTINGS.get(group.noun, ("", False))[0]
    return _HEADS[meant] if landscape and meant == stage.background.kind else None
