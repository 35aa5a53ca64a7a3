"""The bundled brands: data that fits the vocabulary, and pictures drawn from it."""

import json
import random
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sartor.nano import brand
from sartor.nano.captions import Thing
from sartor.nano.concepts import CONCEPTS
from sartor.nano.looks import INKWELL, LOOKS, Look
from sartor.nano.sources import IconSet, SpriteBank, bordered
from sartor.vgl import canonical, parse, parse_visual_schema
from tests.nano.conftest import draw_sprite

EVERYTHING = {concept.name for concept in CONCEPTS}


@pytest.mark.parametrize("look", LOOKS.values(), ids=LOOKS)
def test_it_shows_fifteen_things_and_leaves_others_to_be_asked_for(look: Look) -> None:
    drawn = set(look.names) or EVERYTHING
    assert len(look.shown) == len(set(look.shown)) == 15
    assert set(look.shown) < drawn <= EVERYTHING
    assert len(drawn - set(look.shown)) >= 9


@pytest.mark.parametrize("look", LOOKS.values(), ids=LOOKS)
def test_its_captions_say_what_its_schema_says(look: Look) -> None:
    schema = look.schema
    assert canonical(parse_visual_schema(schema)) == canonical(parse_visual_schema(dict(reversed(schema.items()))))
    caption = parse(brand.caption(look, Thing(look.shown[0])))
    assert caption.background_setting == schema["background_setting"]
    assert caption.style_medium == look.style_medium
    assert caption.artistic_style == look.artistic_style
    assert caption.aesthetics is not None
    assert caption.aesthetics.color_scheme == look.color_scheme


def test_a_drawing_is_tinted_and_stands_on_its_ground() -> None:
    assert INKWELL.tint is not None
    bank = SpriteBank({("cat", INKWELL.style): draw_sprite("cat", INKWELL.style)}).painted(INKWELL.tint)
    picture = np.asarray(brand.draw(bank, INKWELL, Thing("cat"), 128, random.Random(0)))
    assert tuple(picture[0, 0]) == INKWELL.paper
    assert np.abs(picture.astype(int) - INKWELL.tint).sum(-1).min() < 12


def test_a_border_goes_around_what_is_drawn() -> None:
    square = Image.new("RGBA", (400, 400))
    square.paste((200, 30, 40, 255), (100, 100, 300, 300))
    pixels = np.asarray(bordered(square, (255, 255, 255)))
    middle = len(pixels) // 2
    row = pixels[middle, :middle]
    red = int(np.flatnonzero((row[:, 0] == 200) & (row[:, 3] == 255))[0])
    assert tuple(row[red - 4]) == (255, 255, 255, 255)
    assert row[red - 25, 3] == 0, "a fortieth of the side is 10 pixels"


def test_the_second_tone_is_painted(tmp_path: Path) -> None:
    pytest.importorskip("resvg_py")
    path = tmp_path / "icons.json"
    body = '<path fill="currentColor" d="M0 0h8v16H0z"/><path d="M8 0h8v16H8z" opacity=".2"/>'
    path.write_text(json.dumps({"icons": {"sun": {"body": body, "width": 16, "height": 16}}}))
    picture = IconSet(path, {}).icon("sun", color="#ff0000", second="#0000ff")
    assert picture is not None
    assert picture.getpixel((40, 100)) == (255, 0, 0, 255)
    assert picture.getpixel((300, 100))[2] == 255
