"""A structured prompt back to things and a background, as far as its fields can be read.

What is in the captions' wording is read exactly. Of a longer text the first noun group counts, and the words of place,
size and orientation that it holds.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sartor.bridge.english.arrangement import CELLS, full_place
from sartor.bridge.english.draft import Piece
from sartor.bridge.english.grammar import Group, analyse
from sartor.bridge.english.lexicon import PartialPlace
from sartor.bridge.english.scene import orientation_of
from sartor.bridge.english.tagging import Tagger
from sartor.bridge.english.wording import read_background, read_light, read_shadow, read_style
from sartor.bridge.refining.actors import Actor, Stage
from sartor.nano.captions import Scene, describe_thing
from sartor.nano.vocabulary import COLORS, MIRRORED, ORIENTATIONS, SIZES, UNMIRRORED

_READ = 200  # characters of a field that are looked at: the noun comes first


def read(values: dict[str, Any], tagger: Tagger, setting: str | None = None) -> Stage:
    """``values`` are a structured prompt's JSON values; the stage's actors share its object entries.

    setting: the background of a prompt that names none.
    """
    actors = [_read_object(entry, tagger) for entry in values.get("objects", [])]
    background, own = read_background(values.get("background_setting") or setting)
    background.blurred = "blur" in values.get("photographic_characteristics", {}).get("depth_of_field", "")
    lighting = values.get("lighting", {})
    light, shadow = read_light(lighting.get("conditions")), read_shadow(lighting.get("shadows"))
    stage = Stage(actors, background, own, light, shadow, read_style(values.get("style_medium")), values=values)
    for actor in actors:
        actor.before, actor.word_before = actor.thing(), actor.piece.phrase
        rule = describe_thing(actor.before, [actor.before], actor.word_before)["description"]
        actor.freely = (actor.entry or {}).get("description", rule) != rule
        actor.before = actor.thing()
        actor.described_before = " ".join(str(value) for value in (actor.entry or {}).values())
        actor.orientation_before = orientation_of(actor.piece, actor.before)
    things = [actor.before for actor in actors if actor.before is not None]
    stage.former = actors[:]
    stage.before = Scene(things, stage.style, replace(background), stage.light, stage.shadow)
    return stage


def _read_object(entry: dict[str, Any], tagger: Tagger) -> Actor:
    description = entry.get("description", "")
    items = analyse(tagger.tag(description[:_READ]))
    group: Group | None = next((item.value for item in items if item.code == "@"), None)
    piece = Piece.of(group) if group else Piece(description[:_READ] or "thing")
    piece.count = max(1, entry.get("number_of_objects", 1))
    piece.size, piece.place = None, PartialPlace()
    orientation = entry.get("orientation", "").lower()
    named = next((name for name in ORIENTATIONS if name != "upright" and name in orientation), None)
    piece.orientation = named
    piece.facing = next((way for way in (MIRRORED, UNMIRRORED) if way in orientation), None)
    colors = tuple(entry.get("shape_and_color", "").split(" and "))
    actor = Actor(
        piece, _read_place(entry.get("location", ""), tagger), _read_size(entry.get("relative_size", "")), entry=entry
    )
    if all(color in COLORS for color in colors):
        actor.shown = colors
        if piece.colors and len(colors) > len(piece.colors):
            piece.colors = list(colors)
    actor.pin(actor.place)
    return actor


def _read_place(text: str, tagger: Tagger) -> str:
    if text in CELLS:
        return text
    items = analyse(tagger.tag(text[:_READ])) if text else []
    place = next((item.value for item in items if item.code == "L"), PartialPlace())
    return full_place(place)


def _read_size(text: str) -> str:
    return text if text in SIZES else next((size for size in SIZES if size in text.lower()), "medium")
