"""The pixel rules on pictures whose truth is known to the pixel."""

import math

import numpy as np
import pytest

from sartor.nano.measures import (
    background_distance,
    change_inside,
    change_outside,
    count_of,
    mean,
    place_of,
    share,
    shows_color,
    things_mask,
)
from sartor.nano.vocabulary import BACKGROUND_COLORS, COLORS, PLACES


def picture(*boxes: tuple[int, int, int], background: str = "white", color: str = "red") -> np.ndarray:
    """Squares (left, top, side) on a plain background, 100 x 100."""
    pixels = np.empty((100, 100, 3), np.uint8)
    pixels[:] = BACKGROUND_COLORS[background]
    for left, top, side in boxes:
        pixels[top : top + side, left : left + side] = COLORS[color]
    return pixels


@pytest.mark.parametrize(
    ("hits", "n", "low", "high"),  # Wilson intervals as in Newcombe 1998, Statistics in Medicine 17, table I
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_intervals_of_shares(hits: int, n: int, low: float, high: float) -> None:
    found = share([True] * hits + [False] * (n - hits))
    assert (found.low, found.high) == pytest.approx((low, high), abs=5e-5)
    assert (found.value, found.count) == (hits / n, n)


def test_nothing_measured_is_no_score() -> None:
    assert math.isnan(share([]).value)
    assert share([]).count == 0
    assert math.isnan(mean([]).value)


def test_intervals_of_means() -> None:
    found = mean([1.0, 2.0, 3.0])
    assert found.value == 2
    assert found.high - found.value == pytest.approx(1.96 / math.sqrt(3), abs=1e-3)


def test_background_is_read_from_the_frame() -> None:
    pixels = picture((20, 20, 60), background="navy blue")
    assert background_distance(pixels, "navy blue") == 0
    assert background_distance(pixels, "blue") > 20
    pixels[:4, :30] = 0  # part of the frame is covered
    assert background_distance(pixels, "navy blue") == 0


def test_noise_and_specks_are_no_things() -> None:
    pixels = picture()
    rng = np.random.default_rng(0)
    pixels = np.clip(pixels + rng.normal(0, 2, pixels.shape), 0, 255).astype(np.uint8)
    pixels[50:53, 50:53] = 0
    assert not things_mask(pixels).any()
    assert place_of(pixels) is None
    assert count_of(pixels) == 0


def test_holes_belong_to_the_thing() -> None:
    pixels = picture((30, 30, 40))
    pixels[40:60, 40:60] = BACKGROUND_COLORS["white"]
    assert things_mask(pixels).sum() == 1600


@pytest.mark.parametrize("name", PLACES)
def test_places(name: str) -> None:
    x, y = PLACES[name]
    assert place_of(picture((round(100 * x) - 15, round(100 * y) - 15, 30))) == name


def test_counts_leave_small_parts_out() -> None:
    assert count_of(picture((10, 10, 20), (60, 60, 20), (10, 60, 20))) == 3
    assert count_of(picture((10, 10, 30), (70, 70, 8))) == 1
    assert count_of(picture((10, 10, 20), (30, 10, 20))) == 1, "touching things are one part"


def test_colors_are_looked_for_within_the_mask() -> None:
    pixels = picture((30, 30, 40), background="green", color="blue")
    mask = things_mask(pixels)
    assert shows_color(pixels, mask, "blue")
    assert not shows_color(pixels, mask, "green")
    assert not shows_color(pixels, np.zeros_like(mask), "blue")


def test_a_recolored_thing_changes_nothing_else() -> None:
    before, after = picture((30, 30, 40)), picture((30, 30, 40), color="blue")
    assert change_outside(before, after) == 0
    after[:20] = 0
    assert change_outside(before, after) > 5


def test_a_new_background_changes_nothing_of_the_thing() -> None:
    before, after = picture((30, 30, 40)), picture((30, 30, 40), background="navy blue")
    assert change_inside(before, after) == 0
    after[35:65, 35:65] = COLORS["green"]
    assert change_inside(before, after) > 5
    assert math.isnan(change_inside(picture(), after)), "no thing to compare"
