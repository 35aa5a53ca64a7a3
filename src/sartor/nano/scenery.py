"""What things stand on, by the background's name (plain colours, gradients, landscapes), and the light there."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from sartor.nano.captions import Background
from sartor.nano.vocabulary import BACKGROUND_COLORS

Array = np.ndarray[Any, np.dtype[Any]]
Color = tuple[int, int, int]
HORIZON = 0.62  # of the height, from the top


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


HILLS: dict[str, Color] = {
    "sunset": (122, 66, 74),
    "desert": (246, 214, 150),
    "meadow": (150, 208, 120),
    "snow": (214, 226, 238),
}
STRIPS: dict[str, Color] = {"beach": (64, 150, 214)}  # of sea, below the sky


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
    if kind in HILLS:
        for _ in range(2):
            x, w, h = rng.uniform(0, side), rng.uniform(0.6, 1.1) * side, rng.uniform(0.12, 0.26) * side
            draw.ellipse((x - w / 2, horizon - h / 2, x + w / 2, horizon + h), fill=HILLS[kind])
    if kind in STRIPS:
        draw.rectangle((0, horizon - round(0.12 * side), side, horizon), fill=STRIPS[kind])
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
