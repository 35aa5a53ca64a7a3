"""Connected parts, counted against scipy's, and masks grown, shrunk and filled."""

import numpy as np
import pytest
from scipy import ndimage

from sartor.captioning.regions import filled, grown, label, nearby, shrunk


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("diagonals", [True, False])
def test_parts_are_those_that_scipy_finds(seed: int, diagonals: bool) -> None:
    mask = np.random.default_rng(seed).random((40, 53)) < 0.35 + 0.06 * seed
    expected, count = ndimage.label(mask, np.ones((3, 3)) if diagonals else None)
    found = label(mask, diagonals=diagonals)
    assert found.max() == count
    assert len(np.unique(found[mask] * 10_000 + expected[mask])) == count
    assert (found[~mask] == 0).all()


def test_an_empty_mask_has_no_parts() -> None:
    assert label(np.zeros((5, 7), bool)).max() == 0


@pytest.mark.parametrize("seed", range(4))
def test_growing_shrinking_and_filling_are_scipys(seed: int) -> None:
    mask = ndimage.gaussian_filter(np.random.default_rng(seed).random((48, 40)), 2) > 0.5
    square = np.ones((3, 3))
    assert (grown(mask, 2) == ndimage.binary_dilation(mask, square, 2)).all()
    assert (shrunk(mask, 2) == ndimage.binary_erosion(mask, square, 2, border_value=1)).all()
    assert (filled(mask) == ndimage.binary_fill_holes(mask)).all()


def test_only_parts_that_touch_the_seeds_stay() -> None:
    mask = np.zeros((9, 9), bool)
    mask[1:3, 1:3] = mask[6:8, 6:8] = True
    seeds = np.zeros_like(mask)
    seeds[3, 3] = True
    assert nearby(mask, seeds).sum() == 4
    assert nearby(mask, seeds)[1, 1]
