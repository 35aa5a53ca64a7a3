"""CIELAB against published values; naming and repainting agree with each other."""

import numpy as np
import pytest

from sartor.nano.colors import _hsv, _rgb, name_colors, recolor, to_lab
from sartor.nano.vocabulary import COLORS


def patch(*colors: tuple[int, int, int]) -> np.ndarray:
    """An opaque 20 x 20 RGBA sprite in stripes of the given colours."""
    stripes = np.repeat(np.array(colors, np.uint8), -(-20 // len(colors)), axis=0)[:20]
    pixels = np.repeat(stripes[:, None], 20, axis=1)
    return np.dstack([pixels, np.full((20, 20), 255, np.uint8)])


@pytest.mark.parametrize(
    ("rgb", "lab"),  # D65 values as listed by Lindbloom's calculator
    [
        ((255, 255, 255), (100.0, 0.0, 0.0)),
        ((0, 0, 0), (0.0, 0.0, 0.0)),
        ((255, 0, 0), (53.24, 80.09, 67.20)),
        ((0, 255, 0), (87.73, -86.18, 83.18)),
        ((0, 0, 255), (32.30, 79.19, -107.86)),
    ],
)
def test_lab(rgb: tuple[int, int, int], lab: tuple[float, float, float]) -> None:
    assert to_lab(np.array(rgb)) == pytest.approx(lab, abs=0.05)


def test_hsv_and_back() -> None:
    rgb = np.random.default_rng(0).integers(0, 256, (200, 3)).astype(np.float64)
    assert _rgb(*_hsv(rgb)) == pytest.approx(rgb, abs=1e-6)


@pytest.mark.parametrize("name", COLORS)
def test_each_color_has_its_own_name(name: str) -> None:
    assert name_colors(patch(COLORS[name])) == (name,)


def test_the_larger_part_comes_first_and_small_parts_are_not_named() -> None:
    red, blue, green = COLORS["red"], COLORS["blue"], COLORS["green"]
    assert name_colors(patch(red, red, blue)) == ("red", "blue")
    assert name_colors(patch(*[red] * 9, green)) == ("red",)


def test_transparent_pixels_do_not_count() -> None:
    sprite = patch(COLORS["red"])
    sprite[:, :18, 3] = 0
    sprite[:, :18, :3] = COLORS["green"]
    assert name_colors(sprite) == ("red",)
    sprite[..., 3] = 0
    assert name_colors(sprite) == ()


@pytest.mark.parametrize("before", ["red", "orange", "green", "blue", "pink", "purple"])
@pytest.mark.parametrize("after", ["red", "yellow", "green", "blue", "purple", "pink", "white"])
def test_repainting_gives_the_named_color(before: str, after: str) -> None:
    assert name_colors(recolor(patch(COLORS[before]), after))[0] == after


def test_repainting_leaves_other_hues_and_alpha() -> None:
    sprite = patch(COLORS["red"], COLORS["red"], COLORS["green"])
    sprite[:, 0, 3] = 7
    painted = recolor(sprite, "blue")
    assert np.array_equal(painted[..., 3], sprite[..., 3])
    assert np.array_equal(painted[-4:], sprite[-4:])


def test_pale_things_are_tinted() -> None:
    assert name_colors(recolor(patch(COLORS["white"]), "pink"))[0] == "pink"
