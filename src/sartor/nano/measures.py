"""What pixels say without a network: background, place, number, what changed, and how sure a share is.

Pictures are uint8 [h, w, 3] on a plain background; distances between colours are CIE 1976 (Euclidean in CIELAB).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import ndimage

from sartor.nano.colors import to_lab
from sartor.nano.vocabulary import BACKGROUND_COLORS, COLORS, PLACES

Array = np.ndarray[Any, np.dtype[Any]]

BORDER = 4  # pixels of the frame in which the background is measured
CONTRAST = 14.0  # colour distance from which a pixel is not background
SPECK = 0.004  # of the picture: smaller parts are not things
PART = 0.2  # of the largest part: smaller parts are not things of their own
COLOR_NAMES = list(COLORS)
NAMED_LAB = to_lab(np.array([COLORS[name] for name in COLOR_NAMES]))


@dataclass(frozen=True)
class Score:
    """A share or a mean with its 95% interval, and the number of samples behind it."""

    value: float
    low: float
    high: float
    count: int


def share(hits: list[bool]) -> Score:
    """The share of hits with Wilson's interval (Wilson 1927, Journal of the American Statistical Association 22)."""
    n = len(hits)
    if n == 0:
        return Score(math.nan, 0.0, 1.0, 0)
    z, p = 1.959964, sum(hits) / n
    middle = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return Score(p, max(0.0, middle - half), min(1.0, middle + half), n)


def mean(values: list[float]) -> Score:
    """The mean with a normal 95% interval."""
    n = len(values)
    if n == 0:
        return Score(math.nan, math.nan, math.nan, 0)
    half = 1.959964 * float(np.std(values, ddof=1)) / math.sqrt(n) if n > 1 else math.nan
    value = float(np.mean(values))
    return Score(value, value - half, value + half, n)


def frame_color(picture: Array) -> Array:
    """The median colour [3] of the frame: the background's, as long as things leave half of the frame free."""
    frame = np.ones(picture.shape[:2], bool)
    frame[BORDER:-BORDER, BORDER:-BORDER] = False
    return np.median(picture[frame], axis=0)


def background_distance(picture: Array, name: str) -> float:
    """Colour distance of the frame from the named background's value."""
    return float(np.linalg.norm(to_lab(frame_color(picture)) - to_lab(np.array(BACKGROUND_COLORS[name]))))


def things_mask(picture: Array) -> Array:
    """Where the picture differs from its background: bool [h, w], holes filled, without specks."""
    different = np.linalg.norm(to_lab(picture) - to_lab(frame_color(picture)), axis=-1) > CONTRAST
    filled = ndimage.binary_fill_holes(ndimage.binary_closing(np.pad(different, 2), iterations=1))[2:-2, 2:-2]
    labels, count = ndimage.label(filled)
    sizes = np.bincount(labels.ravel(), minlength=count + 1)
    kept: Array = (sizes >= SPECK * filled.size)[labels] & (labels > 0)
    return kept


def place_of(picture: Array) -> str | None:
    """The nearest of the nine places to the middle of what is there; None where there is nothing."""
    mask = things_mask(picture)
    if not mask.any():
        return None
    height, width = mask.shape
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    y, x = (rows[0] + rows[-1] + 1) / 2 / height, (columns[0] + columns[-1] + 1) / 2 / width
    return min(PLACES, key=lambda name: (PLACES[name].x - x) ** 2 + (PLACES[name].y - y) ** 2)


def count_of(picture: Array) -> int:
    """How many separate parts of comparable size there are."""
    labels, count = ndimage.label(things_mask(picture))
    if count == 0:
        return 0
    sizes = np.bincount(labels.ravel())[1:]
    return int((sizes >= PART * sizes.max()).sum())


def shows_color(picture: Array, mask: Array, name: str, *, least: float = 0.12) -> bool:
    """Whether the colour is the nearest of the named ones for at least `least` of the mask's pixels.

    Lightness counts a third, as when the composer names colours: a shaded red is still red.
    """
    lab = to_lab(picture[mask])
    if not len(lab):
        return False
    weights = np.array([0.35, 1.0, 1.0])
    nearest = np.argmin(((lab[:, None] - NAMED_LAB[None]) ** 2 * weights).sum(-1), axis=1)
    return float((nearest == COLOR_NAMES.index(name)).mean()) >= least


def change_outside(before: Array, after: Array) -> float:
    """Mean absolute difference (0..255) around the first picture's things: what recolouring should leave alone."""
    around = ~ndimage.binary_dilation(things_mask(before), iterations=4)
    return _difference(before, after, around)


def change_inside(before: Array, after: Array) -> float:
    """Mean absolute difference (0..255) within the first picture's things: what a new background should leave alone."""
    return _difference(before, after, ndimage.binary_erosion(things_mask(before), iterations=2))


def _difference(before: Array, after: Array, where: Array) -> float:
    """NaN where the region is empty."""
    if not where.any():
        return math.nan
    return float(np.abs(before[where].astype(np.int16) - after[where].astype(np.int16)).mean())
