"""What an instruction says about the manner of the whole: "make it look vintage", "Christmas themed"."""

from __future__ import annotations

import re

from sartor.bridge.english import words
from sartor.bridge.english.brands import NO_BRAND
from sartor.bridge.english.grammar import Group
from sartor.bridge.english.scales import base, gives_way
from sartor.bridge.english.tagging import Item
from sartor.bridge.english.words import word_set
from sartor.bridge.refining.scope import Scope

_STYLE = ("artistic_style",)
_LOOKS = word_set(
    "vintage retro modern classic old-fashioned professional expensive luxurious premium realistic elegant "
    "cinematic futuristic minimal minimalist minimalistic simple clean bold stylish polished artistic abstract surreal "
    "cartoonish painterly detailed natural handmade rustic grungy sleek trendy timeless refined geometric organic edgy "
    "corporate sophisticated childlike"
)
_VERBS = word_set("make have let give look get want need be")
_DRAWN = re.compile(
    r"\bas (?:an? )?((?:[\w'-]+ ){1,4}(?:illustration|painting|drawing|poster|cover|sketch|engraving|print|comic|"
    r"collage|mosaic|postcard|render|photo|photograph|cartoon))$",
    re.IGNORECASE,
)
_MADE = re.compile(
    r"^(?:make|turn|render|convert|change) (?:it|this|that)(?: look)?(?: like|(?: in)?to| as)? an? "
    r"(sticker|logo|badge|emblem|postcard|poster)\b"
)
_BRAND = re.compile(
    r"\b(?:match|fit|suit|follow|reflect|meet)(?:es|s|ing)? (?:with )?(?:our|my|your|the|their) "
    r"(?:brand\w*|corporate \w+|company \w+|(?:brand |house )?style ?guide|guidelines?)\b.*",
    re.IGNORECASE,
)
_THEMED = re.compile(r"\b([\w'-]{1,40})[- ](?:themed|inspired|style)\b", re.IGNORECASE)


def follow_look(scope: Scope, items: list[Item]) -> bool:
    """Adds to the artistic style; False where a thing is spoken of, or nothing of this kind is said."""
    if _made(scope, items):
        return True
    if (brand := _BRAND.search(scope.clause(items))) and not any(item.code in "CBLn" for item in items):
        scope.note(f'{NO_BRAND}: "{brand.group().lower()}"')
        return True
    if any(item.code in "nqGBLRTW" for item in items):
        return False
    drawn = _DRAWN.search(scope.clause(items))
    if drawn is not None and any(item.code == "@" for item in items):
        if any(item.code == "@" and scope.find(item.value) for item in items):
            return False
        scope.stage.style = None
        scope.asked[("style_medium",)] = drawn.group(1).lower()
        scope.note(f'style in words, unknown to the embedded model: "{drawn.group(1).lower()}"')
        return True
    themed = _THEMED.search(scope.clause(items))
    if themed is not None and not any(item.code == "@" and scope.find(item.value) for item in items):
        return add_look(scope, f"{themed.group(1).lower()} themed") if "theme" in themed.group().lower() else False
    if any(item.code not in "VviAMpU" for item in items) or any(
        item.code == "V" and item.lemma not in _VERBS for item in items
    ):
        return False
    told = [item for item in items if item.code in "AM"]
    looks = any(item.lemma == "look" for item in items) or any(item.code == "p" for item in items)
    whole = all(item.code != "i" or item.text.lower() in {"it", "everything"} for item in items)
    if not told or not looks or not whole or scope.last is not None:
        return False
    if any(base(item.text.lower()) not in _LOOKS for item in told):
        return False
    return add_look(scope, scope.spoken(told).lower().replace("more ", ""))


def _made(scope: Scope, items: list[Item]) -> bool:
    """ "make it a sticker with a white outline": a kind of picture, and how the thing is drawn around."""
    made = _MADE.search(scope.clause(items).lower())
    if made is None:
        return False
    groups: list[Group] = [item.value for item in items if item.code == "@" and item.value.noun != made.group(1)]
    if any(group.noun not in words.OUTLINES for group in groups) or scope.last is not None:
        return False
    for group in groups if scope.stage.actors else []:
        scope.stage.actors[0].piece.add_detail("appearance_details", f"with {group.words}")
        scope.note(f'in your words in appearance_details: "with {group.words}"')
    return add_look(scope, made.group(1))


def add_look(scope: Scope, told: str) -> bool:
    """Beside the manner that is there, without what it contradicts."""
    known = scope.asked.get(_STYLE) or str(scope.stage.values.get("artistic_style", ""))
    kept = [part for part in known.split(", ") if part and not gives_way(part, told)]
    scope.asked[_STYLE] = ", ".join([*kept, told])
    scope.note(f'in your words in artistic_style: "{told}"')
    return True
