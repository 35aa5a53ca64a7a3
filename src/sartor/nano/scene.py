"""The composer: draws a scene of sprites on a background, so that its structured prompt is true by construction.

    python -m sartor.nano.scene --work DIR          writes a sheet of scenes with their prompts, to look at

Everything follows from the `Scene` and one random generator; the same seed gives the same picture. Pictures are
`side` x `side` RGB, uint8.
"""

from __future__ import annotations

import argparse
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from sartor.nano.captions import Background, Scene, Thing, compact, vary
from sartor.nano.colors import name_colors, painted, recolor
from sartor.nano.concepts import CONCEPT_BY_NAME, MORE_CONCEPTS
from sartor.nano.one_color import OWN, own_color, stands_apart
from sartor.nano.pixel_art import squared
from sartor.nano.scenery import Color, apply_light, draw_background
from sartor.nano.sources import SpriteBank
from sartor.nano.vocabulary import (
    BACKGROUND_COLORS,
    COLORS,
    FIRST_STYLES,
    LANDSCAPES,
    LATER_STYLES,
    MIRRORED,
    ONE_COLOR_STYLES,
    ORIENTATIONS,
    PIXEL_ART,
    PLACES,
    SIZES,
    UNMIRRORED,
)

Array = np.ndarray[Any, np.dtype[Any]]

# (concept, style) pairs that training never shows and the evaluation asks for: a style lacks one concept in so many,
# and begins STAGGER further on than the style before it.
HELD_OUT_EVERY, HELD_OUT_EVERY_LATER, STAGGER = 18, 24, 6


def held_out(concepts: list[str], styles: list[str]) -> set[tuple[str, str]]:
    """A diagonal: no concept lacks two styles. Of concepts and of styles that came later diagonals of their own, so
    that what was never shown stays so."""
    later = {concept.name for concept in MORE_CONCEPTS}
    parts = [[c for c in sorted(concepts) if (c in later) == late] for late in (False, True)]
    rows = [(style, STAGGER * n, HELD_OUT_EVERY) for n, style in enumerate(FIRST_STYLES)]
    rows += [(style, STAGGER * n + STAGGER // 2, HELD_OUT_EVERY_LATER) for n, style in enumerate(LATER_STYLES)]
    return {(c, style) for style, start, every in rows if style in styles for part in parts for c in part[start::every]}


class Composer:
    """Draws scenes from a bank. `hold_out` leaves the evaluation's (concept, style) pairs out.

    `jitter` 0..1 is how far a thing's place, size and angle stray from what its words say, as a share of SIZES' ranges,
    2% of the side and 3 degrees. Without it a thing in a style, place and size is one picture: much less to learn.
    """

    def __init__(self, bank: SpriteBank, side: int = 128, *, hold_out: bool = True, jitter: float = 1.0):
        self.side = side
        self.jitter = jitter
        self.pixels = bank.pixels
        styles = sorted({style for _, style in bank.pixels})
        concepts = sorted({concept for concept, _ in bank.pixels})
        self.unseen = held_out(concepts, styles) & bank.pixels.keys() if hold_out else set()
        self.by_style = {
            style: [c for c in concepts if (c, style) in bank.pixels and (c, style) not in self.unseen]
            for style in styles
        }
        self.styles = styles
        self._colors: dict[tuple[str, str], tuple[str, ...]] = {}

    def colors_of(self, concept: str, style: str) -> tuple[str, ...]:
        """The sprite's own named colours, measured once; OWN of what is drawn in one colour."""
        if style in ONE_COLOR_STYLES:
            return OWN
        key = concept, style
        if key not in self._colors:
            self._colors[key] = name_colors(self.pixels[key])
        return self._colors[key]

    def random_scene(self, rng: random.Random, *, style: str | None = None) -> Scene:
        """A scene as training sees them: mostly one large thing, sometimes several."""
        style = style or rng.choice(self.styles)
        kind = rng.random()
        things: list[Thing] = []
        if kind < 0.68:
            size = rng.choices(["large", "medium", "small"], [0.66, 0.27, 0.07])[0]
            place = "center" if rng.random() < (0.75 if size == "large" else 0.25) else rng.choice(list(PLACES))
            things.append(self._thing(rng, style, place, size))
        elif kind < 0.76:
            thing = self._thing(rng, style, "center", "small")
            thing.count = rng.randint(2, 5)
            thing.size = "medium" if thing.count == 2 else "small"
            things.append(thing)
        else:
            count = 2 if kind < 0.94 else 3
            places: tuple[str, ...]
            if count == 2:
                places = rng.choice(
                    [("center left", "center right")] * 3
                    + [("top left", "bottom right"), ("top right", "bottom left"), ("top center", "bottom center")]
                    + [("bottom left", "center right"), ("top left", "center right"), ("center left", "top right")]
                )
            else:
                places = rng.choice(
                    [
                        ("top left", "top right", "bottom center"),
                        ("bottom left", "bottom right", "top center"),
                        ("top left", "center right", "bottom left"),
                    ]
                )
            size = "medium" if count == 2 else "small"
            things.extend(self._thing(rng, style, place, size) for place in places)
        if style in ONE_COLOR_STYLES:
            return self._in_one_color(things, style, rng)
        return Scene(things, style, self._background(rng), *self._light(rng))

    def _in_one_color(self, things: list[Thing], style: str, rng: random.Random) -> Scene:
        """Half of the things in a colour that is asked for; on a background from which each stands apart."""
        background = self._background(rng)
        while not stands_apart(own_color(background), background):
            background = self._background(rng)
        others = [name for name in COLORS if stands_apart(name, background)]
        for thing in things:
            thing.recolored = rng.random() < 0.5
            thing.colors = (rng.choice(others) if thing.recolored else own_color(background),)
        return Scene(things, style, background, *self._light(rng))

    def on_another_background(self, scene: Scene, rng: random.Random) -> Scene:
        """The same things in the same colours before something else; what is drawn in one colour stays plain to see."""
        while True:
            background = self._background(rng)
            if background == scene.background:
                continue
            if scene.style in ONE_COLOR_STYLES:
                own = own_color(background) == own_color(scene.background)
                if not (own and all(stands_apart(thing.colors[0], background) for thing in scene.things)):
                    continue
            return replace(scene, background=background)

    def _thing(self, rng: random.Random, style: str, place: str, size: str) -> Thing:
        concept = rng.choice(self.by_style[style])
        thing = Thing(concept, place, size)
        roll = rng.random()
        if roll < 0.22:
            thing.orientation = rng.choice([name for name in ORIENTATIONS if name != "upright"])
        if CONCEPT_BY_NAME[concept].faces:
            thing.facing = MIRRORED if rng.random() < 0.4 else UNMIRRORED
        if rng.random() < 0.25:
            thing.recolored = True
            thing.colors = (rng.choice(list(COLORS)),)
        else:
            thing.colors = self.colors_of(concept, style)
        return thing

    def _background(self, rng: random.Random) -> Background:
        kind = rng.random()
        names = list(BACKGROUND_COLORS)
        if kind < 0.6:
            return Background("plain", ("white" if rng.random() < 0.12 else rng.choice(names),))
        if kind < 0.72:
            return Background("gradient", tuple(rng.sample(names, 2)))
        return Background(rng.choice(list(LANDSCAPES)), (), blurred=rng.random() < 0.3)

    def _light(self, rng: random.Random) -> tuple[str, str]:
        light = rng.choices(["even", "warm", "cool", "dim"], [0.76, 0.09, 0.08, 0.07])[0]
        shadow = rng.choices(["none", "soft", "left", "right"], [0.6, 0.22, 0.09, 0.09])[0]
        return light, shadow

    def draw(self, scene: Scene, rng: random.Random) -> Array:
        """The scene as uint8 [side, side, 3]; what the words do not fix (shade, exact place) comes from `rng`."""
        canvas = draw_background(scene.background, self.side, rng)
        style = scene.style or ""
        for thing in scene.things:
            sprite = self.pixels[thing.concept, style]
            if style in ONE_COLOR_STYLES:
                name = thing.colors[0] if thing.recolored else own_color(scene.background)
                sprite = painted(sprite, COLORS[name])
            elif thing.recolored:
                sprite = recolor(sprite, thing.colors[0])
            picture = Image.fromarray(sprite).convert("RGBa")
            if thing.facing == MIRRORED:
                picture = picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
            low, high = SIZES[thing.size]
            for x, y in spots(thing, rng, self.jitter):
                length = ((low + high) / 2 + self.jitter * rng.uniform(-1, 1) * (high - low) / 2) * self.side
                angle = ORIENTATIONS[thing.orientation] + self.jitter * rng.uniform(-3, 3)
                paste(canvas, picture, x * self.side, y * self.side, length, angle, scene.shadow)
        pixels = apply_light(np.asarray(canvas.convert("RGB")), scene.light)
        return squared(pixels) if style == PIXEL_ART else pixels


def spots(thing: Thing, rng: random.Random, jitter: float = 1.0) -> list[tuple[float, float]]:
    """Centres (x, y as fractions) of each copy of the thing; `jitter` as the composer's."""

    def near(x: float, y: float) -> tuple[float, float]:
        return x + jitter * rng.uniform(-0.02, 0.02), y + jitter * rng.uniform(-0.02, 0.02)

    if thing.count > 1:
        layouts = {
            2: [(0.28, 0.5), (0.72, 0.5)],
            3: [(0.5, 0.27), (0.26, 0.7), (0.74, 0.7)],
            4: [(0.28, 0.28), (0.72, 0.28), (0.28, 0.72), (0.72, 0.72)],
            5: [(0.2, 0.22), (0.8, 0.22), (0.5, 0.5), (0.2, 0.78), (0.8, 0.78)],
        }
        return [near(x, y) for x, y in layouts[thing.count]]
    place = PLACES[thing.place]
    reach = SIZES[thing.size][1] / 2  # large things keep inside the canvas: half their length from every edge
    x = min(max(place.x, min(0.5, reach + 0.01)), max(0.5, 0.99 - reach))
    y = min(max(place.y, min(0.5, reach + 0.01)), max(0.5, 0.99 - reach))
    return [near(x, y)]


def paste(
    canvas: Image.Image, sprite: Image.Image, x: float, y: float, length: float, angle: float, shadow: str
) -> None:
    """Pastes the premultiplied sprite centred on (x, y) pixels, its longer side `length` pixels, with its shadow."""
    scale = length / max(sprite.size)
    small = sprite.resize(
        (max(2, round(sprite.width * scale)), max(2, round(sprite.height * scale))), Image.Resampling.LANCZOS
    )
    if abs(angle) > 0.5:
        small = small.rotate(angle, Image.Resampling.BICUBIC, expand=True)
    rgba = small.convert("RGBA")
    left, top = round(x - rgba.width / 2), round(y - rgba.height / 2)
    if shadow != "none":
        canvas.paste(*cast_shadow(rgba, left, top, shadow, canvas.size))
    canvas.paste(rgba, (left, top), rgba)


def cast_shadow(
    rgba: Image.Image, left: int, top: int, kind: str, size: tuple[int, int]
) -> tuple[Color, None, Image.Image]:
    """What `canvas.paste` needs to lay the shadow of a pasted sprite: black through a mask."""
    mask = Image.new("L", size, 0)
    if kind == "soft":
        width, height = round(rgba.width * 0.86), max(3, round(rgba.height * 0.16))
        x, y = left + (rgba.width - width) // 2, top + rgba.height - round(height * 0.62)
        ImageDraw.Draw(mask).ellipse((x, y, x + width, y + height), fill=120)
        mask = mask.filter(ImageFilter.GaussianBlur(size[0] / 42))
    else:
        alpha = rgba.getchannel("A").point(lambda a: a * 90 // 255)
        shift = round(rgba.width * 0.16) * (-1 if kind == "left" else 1)
        mask.paste(alpha, (left + shift, top + round(rgba.height * 0.1)))
    return (0, 0, 0), None, mask


def main() -> None:
    parser = argparse.ArgumentParser(description="Draws a sheet of composed scenes")
    parser.add_argument("--work", type=Path, default=Path("var/nano"))
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    composer = Composer(SpriteBank.load(arguments.work / "sprites.npz"))
    sheet = Image.new("RGB", (8 * composer.side, 6 * composer.side))
    for index in range(48):
        rng = random.Random(arguments.seed * 1000 + index)
        scene = composer.random_scene(rng)
        sheet.paste(Image.fromarray(composer.draw(scene, rng)), (index % 8 * composer.side, index // 8 * composer.side))
        if index < 8:
            print(compact(vary(scene, rng)))
    sheet.save(arguments.work / "scenes.png")


if __name__ == "__main__":
    main()
