"""Backgrounds told from what stands before them, on pictures whose truth is known."""

import random

import numpy as np
import pytest

from sartor.captioning.ground import read_ground
from sartor.captioning.subject import find_parts
from sartor.nano.captions import Background, Scene, Thing
from sartor.nano.scene import Composer
from sartor.nano.vocabulary import BACKGROUND_COLORS, LANDSCAPES


def square(color: tuple[int, int, int], background: tuple[int, int, int], *, noise: float = 0.0) -> np.ndarray:
    picture = np.full((128, 128, 3), background, np.float64)
    picture[40:90, 30:100] = color
    picture += np.random.default_rng(0).normal(0, noise, picture.shape)
    return picture.clip(0, 255).astype(np.uint8)


@pytest.mark.parametrize("name", BACKGROUND_COLORS)
def test_every_plain_color_is_named(name: str) -> None:
    thing = (20, 160, 60) if name not in {"green", "dark green"} else (240, 60, 160)
    found = read_ground(square(thing, BACKGROUND_COLORS[name]))
    assert (found.kind, found.colors) == ("plain", (name,))
    truth = np.zeros((128, 128), bool)
    truth[40:90, 30:100] = True
    assert (found.things != truth).mean() < 0.01


def test_grain_and_transparency_turned_black_are_plain() -> None:
    assert read_ground(square((200, 30, 30), (250, 240, 214), noise=6)).colors == ("cream",)
    black = read_ground(square((200, 30, 30), (0, 0, 0)))
    assert (black.kind, black.colors) == ("plain", ("black",))


@pytest.mark.parametrize(("top", "bottom"), [("navy blue", "orange"), ("white", "sky blue"), ("pink", "yellow")])
def test_gradients_have_their_ends_in_order(composer: Composer, top: str, bottom: str) -> None:
    scene = Scene([Thing("apple")], "flat", Background("gradient", (top, bottom)))
    found = read_ground(composer.draw(scene, random.Random(1)))
    assert (found.kind, found.colors) == ("gradient", (top, bottom))
    assert len(find_parts(found.things)) == 1


@pytest.mark.parametrize("name", LANDSCAPES)
def test_known_scenery_is_recognised(composer: Composer, name: str) -> None:
    scene = Scene([Thing("owl", "center", "medium")], "cartoon", Background(name, ()))
    found = read_ground(composer.draw(scene, random.Random(2)))
    assert found.kind == "scene"
    assert found.scenery is not None
    assert (found.scenery.name, found.scenery.light) == (name, "even")


def test_light_upon_scenery_is_told(composer: Composer) -> None:
    scene = Scene([Thing("owl", "center", "medium")], "cartoon", Background("meadow", ()), "dim")
    found = read_ground(composer.draw(scene, random.Random(2)))
    assert found.scenery is not None
    assert (found.scenery.name, found.scenery.light) == ("meadow", "dim")


def test_unknown_scenery_keeps_to_its_colors() -> None:
    rng = np.random.default_rng(3)
    picture = np.zeros((128, 128, 3))
    picture[:64], picture[64:] = (128, 88, 62), (122, 82, 178)
    picture = (picture + rng.normal(0, 12, picture.shape)).clip(0, 255).astype(np.uint8)
    found = read_ground(picture)
    assert (found.kind, found.colors, found.scenery) == ("scene", ("brown", "purple"), None)


@pytest.mark.parametrize("shadow", ["soft", "left", "right"])
def test_a_shadow_is_no_part_of_the_thing(composer: Composer, shadow: str) -> None:
    scene = Scene([Thing("strawberry", "center", "medium")], "flat", Background("plain", ("sky blue",)), "even")
    without = read_ground(composer.draw(scene, random.Random(4)))
    scene.shadow = shadow
    found = read_ground(composer.draw(scene, random.Random(4)))
    assert without.shadow.sum() == 0
    assert found.shadow.sum() > 100
    (one,), (other,) = find_parts(without.things), find_parts(found.things)
    assert (abs(one.left - other.left), abs(one.bottom - other.bottom)) < (0.03, 0.03)
