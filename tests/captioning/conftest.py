"""Ten things in the base's three styles, and sets of pictures drawn from them in one look each."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageFilter

from sartor.captioning import MeasuringCaptioner
from sartor.nano.captions import Background, Scene, Thing
from sartor.nano.scene import Composer
from sartor.nano.sources import SpriteBank
from sartor.nano.treatments import edges

THINGS = ("apple", "car", "cat", "fish", "guitar", "house", "owl", "rocket", "strawberry", "tree")
BRAND = Path(__file__).parents[2] / "src" / "sartor" / "nano" / "brands" / "inkwell" / "images"

Draw = Callable[[str, random.Random], Image.Image]


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def captioner() -> MeasuringCaptioner:
    captioner = MeasuringCaptioner()
    captioner.load()
    return captioner


@pytest.fixture(scope="session")
def composer() -> Composer:
    return Composer(SpriteBank.load(Path(__file__).parent / "sprites.npz"), 192, hold_out=False)


@pytest.fixture(scope="session")
def sets(composer: Composer) -> dict[str, list[Image.Image]]:
    """Eight pictures each, by the name of their look."""
    looks: dict[str, Draw] = {
        "soft3d on white": _composed(composer, "soft3d", Background("plain", ("white",))),
        "flat on yellow": _composed(composer, "flat", Background("plain", ("yellow",))),
        "cartoon on mint": _composed(composer, "cartoon", Background("plain", ("mint green",))),
        "flat on a gradient": _composed(composer, "flat", Background("gradient", ("lavender", "orange"))),
        "cartoon in a meadow": _composed(composer, "cartoon", Background("meadow", ())),
        "soft3d on black": _composed(composer, "soft3d", Background("plain", ("black",))),
        "squares on lavender": lambda thing, rng: drawn_in_squares(composer, thing),
        "two tones": lambda thing, rng: two_tones(composer, thing),
        "lines alone": lambda thing, rng: lines_alone(composer, thing),
        "bold outlines": lambda thing, rng: outlined(composer, thing),
    }
    drawn = {
        name: [draw(thing, random.Random(i)) for i, thing in enumerate(THINGS[:8])] for name, draw in looks.items()
    }
    drawn["the brand"] = [Image.open(path).convert("RGB") for path in sorted(BRAND.glob("*.png"))[:8]]
    return drawn


def _composed(composer: Composer, style: str, background: Background) -> Draw:
    def draw(thing: str, rng: random.Random) -> Image.Image:
        return Image.fromarray(composer.draw(Scene([Thing(thing)], style, background), rng))

    return draw


def drawn_in_squares(composer: Composer, thing: str) -> Image.Image:
    """Shaded, then as 32 by 32 squares, as somebody's sprite sheet may have it: 320 pixels a side."""
    scene = Scene([Thing(thing)], "soft3d", Background("plain", ("lavender",)))
    few = Image.fromarray(composer.draw(scene, random.Random(1))).resize((32, 32), Image.Resampling.BOX)
    return few.resize((320, 320), Image.Resampling.NEAREST)


def sprite_on_canvas(composer: Composer, thing: str, *, side: int = 256) -> tuple[np.ndarray, np.ndarray]:
    """The flat drawing, centred: colours [side, side, 3] and coverage [side, side, 1], both 0..1."""
    sprite = Image.fromarray(composer.pixels[thing, "flat"]).convert("RGBa")
    scale = 0.68 * side / max(sprite.size)
    sprite = sprite.resize((round(sprite.width * scale), round(sprite.height * scale)), Image.Resampling.LANCZOS)
    canvas = Image.new("RGBa", (side, side))
    canvas.paste(sprite, ((side - sprite.width) // 2, (side - sprite.height) // 2))
    values = np.asarray(canvas.convert("RGBA"), np.float64) / 255
    return values[..., :3], values[..., 3:]


def two_tones(composer: Composer, thing: str) -> Image.Image:
    """Dark green where the drawing is dark, and paper elsewhere, behind it too."""
    colors, coverage = sprite_on_canvas(composer, thing)
    ink, paper = np.array([30, 82, 58]) / 255, np.array([252, 206, 178]) / 255
    light = colors.mean(-1, keepdims=True)
    dark = (light <= np.quantile(light[coverage > 0.5], 0.7) + 0.02) * (coverage > 0.5)
    return _picture(paper * (1 - dark) + ink * dark)


def lines_alone(composer: Composer, thing: str) -> Image.Image:
    """Black lines around the drawing and between its colours, on white."""
    colors, coverage = sprite_on_canvas(composer, thing)
    found = edges(*(torch.from_numpy(x).permute(2, 0, 1)[None].float() for x in (colors, coverage)), 2)
    line = (found[0, 0].numpy() > 0.3)[..., None]
    return _picture(np.where(line, 0.1, 1.0) * np.ones(3))


def outlined(composer: Composer, thing: str) -> Image.Image:
    """The drawing in a dark line of eight pixels, on sky blue."""
    colors, coverage = sprite_on_canvas(composer, thing)
    grown = Image.fromarray((coverage[..., 0] * 255).astype(np.uint8)).filter(ImageFilter.MaxFilter(17))
    around = np.asarray(grown, np.float64)[..., None] / 255
    picture = np.array([135, 196, 240]) / 255 * (1 - around) + np.array([20, 20, 24]) / 255 * around
    return _picture(picture * (1 - coverage) + colors * coverage)


def _picture(values: np.ndarray) -> Image.Image:
    return Image.fromarray((values.clip(0, 1) * 255).round().astype(np.uint8))
