"""Long prompts that ask for pixel art, in whatever words, and those that only mention pixels."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from sartor.nano.captions import Background, Scene, Thing
from sartor.nano.longhand import Filler, elaborate
from sartor.nano.reading import condense, read
from sartor.nano.vocabulary import STYLE_BY_NAME

LIGHTHOUSE: dict[str, Any] = {
    "short_description": "A sturdy lighthouse with two red bands rises in the middle of a plain navy blue picture, its "
    "lamp a single bright block of yellow. Nothing else is there: no rocks, no sea and no ships on the horizon.",
    "objects": [{"description": "A tall lighthouse with a lit lantern room and a small door.", "location": "center"}],
    "background_setting": "A plain navy blue, the same from edge to edge.",
}


def style_of(**fields: Any) -> str | None:
    scene = read(LIGHTHOUSE | fields)
    assert scene is not None
    return scene.style


@pytest.mark.parametrize(
    ("medium", "manner"),
    [
        ("pixel art", "large square pixels, few colors"),
        ("Pixel-art illustration", "clean and simple"),
        ("flat pixel art", "flat, geometric, 2D vector-like shapes"),
        ("pixelated cartoon illustration", "playful cartoon, comic outlines"),
        ("pixel art rendered on a coarse grid", "glossy highlights"),
        ("8-bit graphic", "flat"),
        ("16-bit game sprite", "shaded"),
        ("sixteen bit console artwork", "lively"),
        ("video-game sprite, hand-placed by its maker, with a limited palette of a dozen tones", "cartoon"),
        ("retro video game graphics", "chunky"),
        ("pixel-art line icon", "outlined"),
        ("pixel art without anti-aliasing, gradients or blur", "crisp"),
        ("digital illustration", "flat 8-bit pixel art"),
        ("", "blocky pixels, 16-bit colors"),
    ],
)
def test_pixel_art_by_many_names(medium: str, manner: str) -> None:
    assert style_of(style_medium=medium, artistic_style=manner) == "pixelart"


def test_pixel_art_that_only_the_summary_names() -> None:
    assert style_of(short_description=f"Pixel art: {LIGHTHOUSE['short_description']}") == "pixelart"
    assert style_of() is None


@pytest.mark.parametrize(
    ("medium", "manner", "style"),
    [
        ("flat vector illustration", "pixel-perfect edges, geometric", "flat"),
        ("pixel-perfect vector icon", "flat", "flat"),
        ("pixel-perfect icon", "flat, bold", "flat"),
        ("flat vector illustration, no visible pixels", "flat", "flat"),
        ("smooth vector art rather than pixel art", "geometric", "flat"),
        ("cartoon illustration", "as if from a retro video game", "cartoon"),
        ("voxel art", "blocky, large cubes", None),
        ("pixelated voxel model", "blocky, large cubes", None),
        ("pixel mosaic", "tiled", None),
    ],
)
def test_pixels_that_are_no_pixel_art(medium: str, manner: str, style: str | None) -> None:
    assert style_of(style_medium=medium, artistic_style=manner) == style


def test_it_is_said_in_the_composers_words() -> None:
    told = json.loads(condense(json.dumps(LIGHTHOUSE | {"style_medium": "8-bit sprite", "artistic_style": "blocky"})))
    style = STYLE_BY_NAME["pixelart"]
    assert (told["style_medium"], told["artistic_style"]) == (style.style_medium, style.artistic_style)


def test_what_the_training_says_of_pixel_art_is_read_back() -> None:
    filler = Filler(["harbour", "velvet", "gossip"], ["a quiet harbour", "she gave it a good try"])
    scene = Scene([Thing("apple")], "pixelart", Background("plain", ("sky blue",)))
    for seed in range(100):
        prompt = elaborate(scene, random.Random(seed), filler)
        found = read(prompt)
        assert found is not None
        assert found.style == "pixelart", prompt["style_medium"]
