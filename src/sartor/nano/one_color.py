"""House styles that are drawn in one colour, and which: black or white by itself, or any that can be seen.

The drawings are stored in black; the composer paints them. What they stand on decides: a background's named colours,
between two of them all that a gradient passes through, or all that a landscape is made of.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from sartor.nano.captions import Background
from sartor.nano.colors import to_lab
from sartor.nano.scenery import GROUNDS, HILLS, SKIES, STRIPS
from sartor.nano.vocabulary import BACKGROUND_COLORS, COLORS

OWN = ("black", "white")  # what such a drawing has where nobody asks for another
APART = 35.0  # CIELAB distance from every colour of the background, below which a drawing is not asked for
STEPS = 9  # colours that stand for a gradient

Array = np.ndarray[Any, np.dtype[Any]]


def own_color(background: Background) -> str:
    """Black or white: whichever is further from what of the background is nearest to it."""
    return max(OWN, key=lambda name: distance(name, background))


def stands_apart(name: str, background: Background) -> bool:
    """Whether a drawing in this colour alone can be seen on the background."""
    return distance(name, background) > APART


def distance(name: str, background: Background) -> float:
    """CIELAB distance of the named colour from the nearest of the background's."""
    return float(
        np.linalg.norm(to_lab(np.array(COLORS[name])) - _ground(background.kind, background.colors), axis=-1).min()
    )


@functools.lru_cache(maxsize=1024)
def _ground(kind: str, colors: tuple[str, ...]) -> Array:
    """CIELAB [N, 3] of what things stand on."""
    if kind == "plain":
        values = [BACKGROUND_COLORS[name] for name in colors]
    elif kind == "gradient":
        first, last = (np.array(BACKGROUND_COLORS[name], np.float64) for name in (colors[0], colors[-1]))
        values = [first + (last - first) * share for share in np.linspace(0, 1, STEPS)]
    else:
        values = [*SKIES[kind], *GROUNDS.get(kind, ()), *(table[kind] for table in (HILLS, STRIPS) if kind in table)]
    return to_lab(np.array(values, np.float64))
