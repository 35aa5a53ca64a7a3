"""What was measured of a picture, in the embedded model's words: the fields and phrases of `sartor.nano.captions`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sartor.captioning.base import Subject
from sartor.captioning.look import joined, medium_of
from sartor.captioning.recognition import Named
from sartor.captioning.sight import Sight
from sartor.captioning.subject import Part
from sartor.nano.captions import (
    Background,
    Scene,
    Thing,
    article,
    describe,
    phrase_background,
    summary,
)
from sartor.nano.vocabulary import PLACES, SIZES

ALIKE = 0.25  # by which the lengths of repeated things may differ, as a share of the larger


def tell(sight: Sight, named: Sequence[Named], *, style: str | None, subject: Subject) -> dict[str, Any]:
    """The picture as a structured prompt's values. `style` is a key of the vocabulary's, None for any other."""
    background = background_of(sight)
    known = Scene(group(sight, named), style, background or Background(), light_of(sight), sight.shadow or "none")
    setting = setting_of(sight)
    if not known.things:
        prompt: dict[str, Any] = {"short_description": setting[:1].upper() + setting[1:]}
    else:
        prompt = describe(known)
        prompt["short_description"] = short(known, setting)
        for entry in prompt["objects"]:
            del entry["orientation"]  # cannot be told from pixels
    prompt["background_setting"] = setting
    if style is None:
        if (medium := medium_of(subject.medium, sight.looks)) is not None:
            prompt["style_medium"] = medium[0]
        if manner := joined(sight.looks):
            prompt["artistic_style"] = manner
    lighting = prompt.get("lighting", {})
    if sight.shadow is None:
        lighting.pop("direction", None)
        lighting.pop("shadows", None)
    if background is None:
        lighting.pop("conditions", None)
        for section in ("photographic_characteristics", "aesthetics"):
            prompt.pop(section, None)
    return {name: value for name, value in prompt.items() if value}


def short(scene: Scene, setting: str) -> str:
    """One sentence: the things, and what is behind them in the words of `background_setting`."""
    if not scene.things:
        return setting[:1].upper() + setting[1:]
    own = phrase_background(scene.background)
    if own == setting:
        return summary(scene)
    things = summary(replace(scene, background=Background()))
    things = things.removesuffix(f" on {article(phrase_background(Background()))}")
    return f"{things} {'on' if setting.endswith(('background', 'gradient')) else 'in front of'} {article(setting)}"


def background_of(sight: Sight) -> Background | None:
    """The background as the embedded model knows it; None for a scene that it does not."""
    ground = sight.ground
    if ground.kind != "scene":
        return Background(ground.kind, ground.colors)
    return Background(ground.scenery.name, ()) if ground.scenery is not None else None


def setting_of(sight: Sight) -> str:
    """The background as `background_setting` reads."""
    background = background_of(sight)
    if background is not None:
        return phrase_background(background)
    colors = sight.ground.colors
    if len(colors) > 1:
        return f"scene with {colors[0]} above and {colors[1]} below"
    return f"scene in {colors[0]}"


def light_of(sight: Sight) -> str:
    """A key of the vocabulary's LIGHTING."""
    if sight.ground.scenery is not None:
        return sight.ground.scenery.light
    return "dim" if sight.dim else "even"


def group(sight: Sight, named: Sequence[Named]) -> list[Thing]:
    """The things, those that are alike as one with a number; from the largest on."""
    left = list(named)
    things = []
    while left:
        first = left.pop(0)
        colors = sight.colors_of(first.part)
        same = [first, *(other for other in left if _alike(sight, first, other))]
        left = [other for other in left if not any(other is one for one in same)]
        word = first.concept or _unnamed(first.part, colors, plural=len(same) > 1)
        thing = Thing(word, first.part.place, first.part.size, colors=colors, count=len(same))
        if len(same) > 1:
            thing.place = _place_of_all([one.part for one in same])
            length = sum(one.part.length for one in same) / len(same)
            thing.size = min(SIZES, key=lambda name: abs(sum(SIZES[name]) / 2 - length))
        things.append(thing)
    return things


def _alike(sight: Sight, one: Named, other: Named) -> bool:
    if one.concept != other.concept:
        return False
    lengths = sorted((one.part.length, other.part.length))
    if lengths[0] < (1 - ALIKE) * lengths[1]:
        return False
    return one.concept is not None or sight.colors_of(one.part)[:1] == sight.colors_of(other.part)[:1]


def _unnamed(part: Part, colors: tuple[str, ...], *, plural: bool) -> str:
    """A thing without a name, by its shape and colour: "round red object"."""
    shape = "" if part.shape == "irregular" else f"{part.shape} "
    color = f"{colors[0]} " if colors else ""
    return f"{shape}{color}object{'s' if plural else ''}"


def _place_of_all(parts: Sequence[Part]) -> str:
    """The place nearest to the middle of the box around all."""
    x = (min(part.left for part in parts) + max(part.right for part in parts)) / 2
    y = (min(part.top for part in parts) + max(part.bottom for part in parts)) / 2
    return min(PLACES, key=lambda name: (PLACES[name].x - x) ** 2 + (PLACES[name].y - y) ** 2)
