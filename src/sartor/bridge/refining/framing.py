"""What an instruction says about the shot: how near, and of what. It goes to the composition, in the person's words."""

from __future__ import annotations

import re

from sartor.bridge.english.grammar import Group
from sartor.bridge.english.tagging import Item
from sartor.bridge.english.words import word_set
from sartor.bridge.refining.scope import Scope

_COMPOSITION = ("aesthetics", "composition")
_SHOTS = (
    "extreme close-up, medium close-up, close-up, headshot, head and shoulders, bust, waist-up, half-body shot, "
    "full-body shot, full-body, full body portrait, full-length shot, full-length portrait, three-quarter shot, "
    "medium shot, long shot, wide shot, establishing shot, group shot, over-the-shoulder shot, self-portrait, "
    "portrait, rule of thirds, golden ratio, symmetrical composition, asymmetrical composition, centered composition, "
    "negative space, leading lines, flat lay"
)
_NAMES = sorted((re.escape(shot).replace(r"\-", "[- ]?") for shot in _SHOTS.split(", ")), key=len, reverse=True)
_SHOT = re.compile(rf"\b({'|'.join(_NAMES)})\b", re.IGNORECASE)
_VERBS = word_set(
    "make use give turn change show take try want have be render do let set get need apply follow add frame shoot"
)
_SILENT = _VERBS | word_set("as in it him her them more into to picture image this please is should")
_REST = re.compile(r"\s*(?:(?:shot|composition|view|image|picture|photo|style)\s*)?(?:of\b.*|on\b.*)?")
_FOCUS = re.compile(r"^(?:put the |keep the )?(?:sharp )?focus (?:should be )?on (.+)$", re.IGNORECASE)
_CROP = re.compile(r"crop\b(?: (?:it|the (?:picture|image|photo|scene)))?", re.IGNORECASE)
_SPACE = re.compile(
    r"\b(more|less|some|extra) ((?:(?:empty|white|blank|free|breathing) )?(?:space|room|padding))"
    r"(?! between)\b(.*)$",
    re.IGNORECASE,
)
_ROOM = word_set("space room padding top bottom side sides edge edges")
_ZOOM = re.compile(r"\b(?:zoom(?:ed)?|move(?: the camera)?|go|get|come) (in|out|back|closer)\b", re.IGNORECASE)


def follow_frame(scope: Scope, items: list[Item]) -> bool:
    """ "make it a portrait", "zoom in on his face", "a wide shot of the pier"; False for anything else."""
    text = scope.clause(items)
    if focus := _FOCUS.search(text):
        scope.asked[("photographic_characteristics", "focus")] = f"sharp on {focus.group(1).lower()}"
        return True
    if space := _SPACE.search(text):
        return _spaced(scope, items, space)
    if crop := _CROP.match(text):
        _compose(scope, f"cropped{text[crop.end() :].lower()}")
        return True
    if any(item.code in "nqGL" or (item.code == "V" and item.lemma not in _VERBS) for item in items):
        return _zoomed(scope, items, text)
    shot = _SHOT.search(text)
    if shot is None:
        return _zoomed(scope, items, text)
    before = re.findall(r"[\w-]+", re.sub(r"^.*\b(?:a|an|the)\b", "", text[: shot.start()]).lower())
    rest = text[shot.end() :]
    things = [item for item in items if item.code == "@" and not _is_shot(item, shot)]
    if len(things) > 1 or not _stands_alone(rest):
        return False
    name = re.sub(r"\bclose[ -]?up", "close-up", shot.group(1).lower())
    if scope.stage.composed and name == "close-up":
        return False  # the captions say so by the size
    _compose(scope, " ".join(filter(None, [" ".join(_manner(before)), name, _of(scope, things, items)])))
    return True


def _spaced(scope: Scope, items: list[Item], space: re.Match[str]) -> bool:
    """ "more space around it": beside what somebody's composition tells; the captions' things have it by their size."""
    degree, noun, where = (part.lower() for part in space.groups())
    groups = [item.value for item in items if item.code == "@" and item.value.noun.rsplit(" ", 1)[-1] not in _ROOM]
    named = [actor for group in groups for actor in scope.find(group)]
    if (lost := next((group for group in groups if group.definite), None)) and not named and not scope.tells(lost):
        scope.missing(lost)
        return True
    around = not where or where.startswith(" around")
    if scope.stage.composed and around and noun in {"space", "room"}:
        for actor in named[:1] or scope.stage.actors:
            if not actor.resize(1 if degree == "less" else -1):
                scope.note(f"the {actor.piece.noun} is already {actor.size}")
        return True
    known = "" if scope.stage.composed else str(scope.stage.values.get("aesthetics", {}).get("composition", ""))
    where = re.sub(r"\b(?:it|him|her|them)$", f"the {_seen(scope)}", where)
    _compose(scope, ", ".join(filter(None, [known, f"{degree} {noun}{where}"])))
    return True


def _seen(scope: Scope) -> str:
    return scope.pronoun("it")[0].called if scope.pronoun("it") else "subject"


def _zoomed(scope: Scope, items: list[Item], text: str) -> bool:
    """ "zoom in on his face" is a close-up of it, "zoom out" a wide shot; things in the captions' words are resized."""
    found = _ZOOM.search(text)
    if found is None or any(item.code in "nL" for item in items):
        return False
    near = found.group(1).lower() in {"in", "closer"}
    things = [item for item in items if item.code == "@" and item.value.noun != "camera"]
    if len(things) > 1 or (not things and scope.stage.composed) or "zoom" not in found.group().lower():
        return False
    if scope.stage.composed and scope.find(things[0].value):
        return False
    _compose(scope, " ".join(filter(None, ["close-up" if near else "wide shot", _of(scope, things, items)])))
    return True


def _is_shot(item: Item, shot: re.Match[str]) -> bool:
    """ "a headshot", "the rule" of thirds: a group of the shot's own words."""
    own = set(re.findall(r"\w+", shot.group().lower()))
    return not own.isdisjoint(re.findall(r"\w+", item.text.lower()))


def _stands_alone(rest: str) -> bool:
    """Whether after the shot comes nothing, or what it is of."""
    return _REST.fullmatch(rest) is not None


def _manner(before: list[str]) -> list[str]:
    """ "a tight close-up": what kind of one."""
    return [word for word in before if word not in _SILENT]


def _of(scope: Scope, things: list[Item], items: list[Item]) -> str:
    if not things:
        pronoun = next((item for item in items if item.code == "i" and item.text.lower() in {"him", "her"}), None)
        meant = scope.pronoun(pronoun.text.lower()) if pronoun else []
        return f"of the {meant[0].piece.noun}" if meant else ""
    group: Group = things[0].value
    owner = group.words.split(" ", 1)[0]
    if owner in {"his", "her", "its"}:
        meant = scope.pronoun("it" if owner == "its" else owner)
        if meant:
            return f"of the {meant[0].piece.noun}'s {group.text}"
    return f"of {group.words}"


def _compose(scope: Scope, text: str) -> None:
    scope.asked[_COMPOSITION] = text
    scope.note(f'in your words in aesthetics.composition: "{text}"')
