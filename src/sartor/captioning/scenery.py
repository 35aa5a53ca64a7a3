"""Backgrounds with a ground and a sky that the embedded model knows by name, told by the colours at a picture's edges.

The composer's tables say which colours these have in each light; a picture whose top, middle and bottom edges come near
to one of them is described by its name. Nothing else is guessed: other scenes keep to their colours.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from functools import cache

import numpy as np

from sartor.captioning.pixels import Array, to_oklab
from sartor.captioning.regions import label
from sartor.nano.scenery import GROUNDS, HORIZON, LIGHT_GAINS, SKIES

NEAR = 0.029  # Oklab distance, the mean over the heights
UNUSUAL = 0.006  # by which another light than the even one has to be nearer: in the dark all are near
STARS = 6  # specks: a dark blue without them is a colour, not a night
HEIGHTS = (0.02, 0.2, 0.4, 0.75, 0.98)  # of the picture, from the top


@dataclass(frozen=True)
class Scenery:
    """A key of the vocabulary's LANDSCAPES, the light (a key of LIGHTING), and how far the colours are from its own."""

    name: str
    light: str
    distance: float


@cache
def _expected() -> tuple[list[tuple[str, str]], Array]:
    """Each scenery in each light, and its Oklab colours at HEIGHTS: [n, len(HEIGHTS), 3]."""
    keys, rows = [], []
    for name, light in itertools.product(SKIES, LIGHT_GAINS):
        keys.append((name, light))
        rows.append([_color(name, height) * np.array(LIGHT_GAINS[light]) for height in HEIGHTS])
    return keys, to_oklab(np.clip(np.array(rows), 0, 255))


def _color(name: str, height: float) -> Array:
    """The composer's colour of a scenery, 0..255, at a height 0..1 from the top."""
    stop = 1.0 if name == "night" else HORIZON
    if height < HORIZON or name == "night":
        (top, bottom), share = SKIES[name], min(1.0, height / stop)
    else:
        (top, bottom), share = GROUNDS[name], (height - HORIZON) / (1 - HORIZON)
    return np.array(top) * (1 - share) + np.array(bottom) * share


def recognise(rgb: Array) -> Scenery | None:
    """What the edges of a picture, uint8 [h, w, 3], look like; None where they are like nothing known."""
    height = len(rgb)
    measured = []
    for share in HEIGHTS:
        y = min(height - 1, max(0, round(share * height)))
        rows = slice(max(0, y - 2), min(height, y + 3))
        measured.append(np.stack([np.median(rgb[rows, side].reshape(-1, 3), axis=0) for side in _SIDES]))
    seen = to_oklab(np.array(measured))  # [heights, sides, 3]
    keys, expected = _expected()
    gaps = np.linalg.norm(expected[:, :, None] - seen[None], axis=-1).min(-1)
    # Hills stand before one of the heights: the worst one is left out.
    distances = np.sort(gaps, axis=1)[:, :-1].mean(1)
    unusual = np.array([light != "even" for _, light in keys])
    best = int((distances + UNUSUAL * unusual).argmin())
    if distances[best] >= NEAR or (keys[best][0] == "night" and _stars(rgb) < STARS):
        return None
    return Scenery(*keys[best], float(distances[best]))


def _stars(rgb: Array) -> int:
    """How many light specks there are."""
    lightness = to_oklab(rgb)[..., 0]
    specks = lightness > np.median(lightness) + 0.12
    sizes = np.bincount(label(specks).ravel())[1:]
    return int((sizes <= 12).sum())


_SIDES = (slice(0, 4), slice(-4, None))
