"""The composer: draws a scene of sprites on a background, so that its structured prompt is true by construction.

    python -m sartor.nano.scene --work DIR          writes a sheet of scenes with their prompts, to look at

Everything follows from the `Scene` and one random generator; the same seed gives the same picture. Pictures are
`side` x `side` RGB, uint8.
"""

from __future__ import annotations

import argparse
import random
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from sartor.nano.captions import Background, Scene, Thing, compact, vary
from sartor.nano.colors import name_colors, recolor, to_lab
from sartor.nano.concepts import CONCEPT_BY_NAME, MORE_CONCEPTS
from sartor.nano.sources import SpriteBank
from sartor.nano.vocabulary import (
    BACKGROUND_COLORS,
    COLORS,
    FIRST_STYLES,
    LANDSCAPES,
    MIRRORED,
    ORIENTATIONS,
    PLACES,
    SIZES,
    STYLES,
    UNMIRRORED,
)

Array = np.ndarray[Any, np.dtype[Any]]
Color = tuple[int, int, int]
HORIZON = 0.62  # of the height, from the top
INK_STYLES = {style.name for style in STYLES if style.ink}
INKS = ("black", "white")
DARKEST = 55.0  # CIELAB L of the background, on average: on darker ones drawings of one colour are white
APART = 35.0  # CIELAB distance of such a drawing's colour from every colour of its background

# (concept, style) pairs that training never shows and the evaluation asks for: a style lacks one concept in so many,
# and begins STAGGER further on than the style before it.
HELD_OUT_EVERY, HELD_OUT_EVERY_LATER, STAGGER = 18, 24, 6


def held_out(concepts: list[str], styles: list[str]) -> set[tuple[str, str]]:
    """A diagonal: no concept lacks two styles. Of concepts and of styles that came later diagonals of their own, so
    that what was never shown stays so."""
    later = {concept.name for concept in MORE_CONCEPTS}
    parts = [[c for c in sorted(concepts) if (c in later) == late] for late in (False, True)]
    first = sorted(style for style in styles if style in FIRST_STYLES)
    rows = [(style, STAGGER * n, HELD_OUT_EVERY) for n, style in enumerate(first)]
    others = sorted(set(styles) - set(first))
    rows += [(style, STAGGER * n + STAGGER // 2, HELD_OUT_EVERY_LATER) for n, style in enumerate(others)]
    return {(concept, style) for style, start, every in rows for part in parts for concept in part[start::every]}


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
        """The sprite's own named colours, measured once; INKS of what is drawn in one colour."""
        if style in INK_STYLES:
            return INKS
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
        scene = Scene(things, style, self._background(rng), *self._light(rng))
        if style in INK_STYLES:
            for thing in things:
                self._choose_ink(thing, scene.background, rng)
        return scene

    def _choose_ink(self, thing: Thing, background: Background, rng: random.Random) -> None:
        """One drawing in two has a colour of its own, which the background does not swallow; the others are in INKS."""
        others = [name for name in COLORS if stands_apart(name, background)]
        thing.recolored = bool(others) and rng.random() < 0.5
        thing.colors = (rng.choice(others) if thing.recolored else default_ink(background),)

    def _thing(self, rng: random.Random, style: str, place: str, size: str) -> Thing:
        concept = rng.choice(self.by_style[style])
        thing = Thing(concept, place, size)
        roll = rng.random()
        if roll < 0.12:
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
            if style in INK_STYLES:
                ink = thing.colors[0] if thing.recolored else default_ink(scene.background)
                sprite = np.dstack([np.broadcast_to(COLORS[ink], sprite[..., :3].shape), sprite[..., 3:]]).astype(
                    np.uint8
                )
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
        return apply_light(np.asarray(canvas.convert("RGB")), scene.light)


def ground_colors(background: Background) -> Array:
    """What things stand on, sRGB [N, 3]: the background's named colours, or its sky's and its ground's."""
    named = [BACKGROUND_COLORS[name] for name in background.colors]
    return np.array(named or [*SKIES[background.kind], *GROUNDS.get(background.kind, ())], np.float64)


def default_ink(background: Background) -> str:
    """Black on what is light, white on what is dark."""
    dark, light = INKS
    return dark if to_lab(ground_colors(background))[..., 0].mean() > DARKEST else light


def stands_apart(name: str, background: Background) -> bool:
    """Whether a drawing in this colour alone can be seen on the background."""
    return bool(
        np.linalg.norm(to_lab(np.array(COLORS[name])) - to_lab(ground_colors(background)), axis=-1).min() > APART
    )


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


def jitter(color: Color, rng: random.Random, amount: int = 6) -> Color:
    r, g, b = (min(255, max(0, c + rng.randint(-amount, amount))) for c in color)
    return r, g, b


def vertical_gradient(top: Color, bottom: Color, side: int, start: float = 0.0, stop: float = 1.0) -> Array:
    """float [side, side, 3], from `top` at `start` to `bottom` at `stop` of the height."""
    t = np.clip((np.linspace(0, 1, side) - start) / max(stop - start, 1e-6), 0, 1)[:, None, None]
    return np.broadcast_to(np.array(top) * (1 - t) + np.array(bottom) * t, (side, side, 3)).copy()


def draw_background(background: Background, side: int, rng: random.Random) -> Image.Image:
    if background.kind in {"plain", "gradient"}:
        top = jitter(BACKGROUND_COLORS[background.colors[0]], rng, 4)
        bottom = top if background.kind == "plain" else jitter(BACKGROUND_COLORS[background.colors[-1]], rng, 4)
        return Image.fromarray(vertical_gradient(top, bottom, side).astype(np.uint8))
    canvas = draw_landscape(background.kind, side, rng)
    return canvas.filter(ImageFilter.GaussianBlur(side / 24)) if background.blurred else canvas


SKIES: dict[str, tuple[Color, Color]] = {
    "meadow": ((110, 190, 245), (205, 234, 252)),
    "beach": ((120, 200, 245), (214, 240, 252)),
    "snow": ((190, 212, 232), (228, 238, 246)),
    "sea": ((118, 192, 244), (208, 234, 250)),
    "night": ((14, 18, 48), (40, 48, 96)),
    "sunset": ((236, 110, 72), (254, 206, 120)),
    "desert": ((250, 206, 150), (254, 232, 196)),
    "table": ((226, 218, 206), (238, 232, 222)),
}
GROUNDS: dict[str, tuple[Color, Color]] = {
    "meadow": ((126, 196, 92), (78, 158, 66)),
    "beach": ((242, 222, 168), (226, 196, 134)),
    "snow": ((248, 250, 253), (222, 232, 242)),
    "sea": ((46, 128, 206), (20, 84, 160)),
    "sunset": ((92, 56, 66), (54, 34, 50)),
    "desert": ((238, 196, 112), (220, 166, 82)),
    "table": ((186, 132, 84), (150, 98, 58)),
}


def draw_landscape(kind: str, side: int, rng: random.Random) -> Image.Image:
    """Sky, ground and one or two signs of the place: stars, waves, hills, a strip of sea, planks."""
    top, bottom = SKIES[kind]
    sky = vertical_gradient(jitter(top, rng), jitter(bottom, rng), side, 0, 1 if kind == "night" else HORIZON)
    canvas = Image.fromarray(sky.astype(np.uint8))
    draw = ImageDraw.Draw(canvas)
    horizon = round((HORIZON + rng.uniform(-0.03, 0.03)) * side)
    if kind == "night":
        for _ in range(26):
            x, y, r = rng.uniform(0, side), rng.uniform(0, side), rng.choice([0.5, 0.7, 1.1]) * side / 128
            draw.ellipse((x - r, y - r, x + r, y + r), fill=(248, 244, 214))
        return canvas
    if kind in {"sunset", "desert", "meadow", "snow"}:
        shade: dict[str, Color] = {
            "sunset": (122, 66, 74),
            "desert": (246, 214, 150),
            "meadow": (150, 208, 120),
            "snow": (214, 226, 238),
        }
        for _ in range(2):
            x, w, h = rng.uniform(0, side), rng.uniform(0.6, 1.1) * side, rng.uniform(0.12, 0.26) * side
            draw.ellipse((x - w / 2, horizon - h / 2, x + w / 2, horizon + h), fill=shade[kind])
    if kind == "beach":
        draw.rectangle((0, horizon - round(0.12 * side), side, horizon), fill=(64, 150, 214))
    near, far = GROUNDS[kind]
    ground = vertical_gradient(jitter(near, rng), jitter(far, rng), side, HORIZON, 1)
    canvas.paste(Image.fromarray(ground.astype(np.uint8)).crop((0, horizon, side, side)), (0, horizon))
    draw = ImageDraw.Draw(canvas)
    if kind == "sea":
        for row in range(4):
            y = horizon + round((0.06 + 0.09 * row) * side)
            for x0 in range(int(rng.uniform(-20, 0)), side, round(0.3 * side)):
                draw.line((x0, y, x0 + round(0.14 * side), y), fill=(98, 168, 228), width=max(1, side // 90))
    if kind == "table":
        for row in range(1, 4):
            y = horizon + round(row * (side - horizon) / 3.4)
            draw.line((0, y, side, y), fill=(132, 86, 52), width=max(1, side // 100))
    return canvas


LIGHT_GAINS = {
    "even": (1.0, 1.0, 1.0),
    "warm": (1.06, 0.95, 0.76),
    "cool": (0.82, 0.94, 1.07),
    "dim": (0.58, 0.58, 0.62),
}


def apply_light(pixels: Array, light: str) -> Array:
    """Tints the whole picture: uint8 in, uint8 out."""
    if light == "even":
        return pixels
    tinted: Array = np.clip(pixels * np.array(LIGHT_GAINS[light]), 0, 255).astype(np.uint8)
    return tinted


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
