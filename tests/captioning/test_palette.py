"""Colours found in pixels, and what they are called."""

import numpy as np
import pytest

from sartor.captioning.palette import Swatch, nearest_name, palette, unmixed
from sartor.captioning.pixels import to_oklab
from sartor.nano.vocabulary import BACKGROUND_COLORS, COLORS


def test_oklab_has_its_published_values() -> None:
    assert np.allclose(to_oklab(np.array([255, 255, 255])), [1, 0, 0], atol=1e-3)
    assert np.allclose(to_oklab(np.array([255, 0, 0])), [0.628, 0.225, 0.126], atol=1e-3)
    assert np.allclose(to_oklab(np.array([0, 0, 255])), [0.452, -0.032, -0.312], atol=1e-3)


def test_colors_are_found_with_their_shares() -> None:
    rng = np.random.default_rng(0)
    pixels = np.repeat(np.array([[200, 40, 40], [250, 250, 245], [30, 60, 150]]), [500, 1200, 300], axis=0)
    noisy = np.clip(pixels + rng.normal(0, 3, pixels.shape), 0, 255).astype(np.uint8)
    found = palette(rng.permutation(noisy))
    assert [swatch.name for swatch in found] == ["white", "red", "blue"]
    assert [swatch.share for swatch in found] == pytest.approx([0.6, 0.25, 0.15], abs=0.02)
    assert max(abs(a - b) for a, b in zip(found[1].rgb, (200, 40, 40), strict=True)) <= 3


def test_one_color_is_one_swatch_and_none_is_none() -> None:
    assert palette(np.full((100, 3), 80, np.uint8)) == (Swatch((80, 80, 80), 1.0),)
    assert palette(np.zeros((0, 3), np.uint8)) == ()


def test_the_same_pixels_give_the_same_palette() -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (5000, 3), dtype=np.uint8)
    assert palette(pixels) == palette(pixels.copy())


@pytest.mark.parametrize("table", [COLORS, BACKGROUND_COLORS], ids=["things", "backgrounds"])
def test_each_color_is_called_by_its_own_name(table: dict[str, tuple[int, int, int]]) -> None:
    assert [nearest_name(rgb, table) for rgb in table.values()] == list(table)


def test_smoothed_edges_are_no_colors() -> None:
    ink, paper = Swatch((24, 38, 92), 0.2), Swatch((250, 240, 214), 0.75)
    mixed, other = Swatch((137, 139, 153), 0.03), Swatch((220, 40, 40), 0.02)
    assert unmixed((paper, ink, mixed, other)) == (paper, ink, other)
