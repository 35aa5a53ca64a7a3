"""What is behind the things, and where the things are: the background told from what stands before it.

A picture's frame is taken for background. A smooth surface through it is a plain colour or a gradient; whatever leaves
that surface is a thing, unless it is the background itself, darkened: then it is a shadow. Where no surface fits, the
background is a scene, and whatever has none of the colours that the frame has at about the same height is a thing.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from sartor.captioning.palette import nearest_name
from sartor.captioning.pixels import Array, steps, to_oklab
from sartor.captioning.regions import filled, grown, label, nearby, shrunk
from sartor.captioning.scenery import Scenery, recognise
from sartor.nano.vocabulary import BACKGROUND_COLORS

FRAME = 4  # pixels
FITS = 0.03  # Oklab distance to the surface within which a pixel of the frame lies on it
SMOOTH = 0.6  # of the frame's pixels that have to lie on the surface
GRAIN = 0.012  # Oklab a pixel: a frame of more is smoothed first
BANDED = 0.04  # of the heights at which both sides leave the surface: then it is a horizon
SLOPE = 0.05  # Oklab distance between a gradient's ends, at least
CONTRAST = 0.06  # Oklab distance from which a pixel is not background
SCENE_CONTRAST = 0.09
SPECK = 0.003  # of the picture: smaller parts are not things
SHADES = (0.45, 0.97)  # what a shadow leaves of the background's light
BANDS = 16  # heights at which a scene's frame is looked at


@dataclass(frozen=True)
class Ground:
    """`kind` is "plain", "gradient" or "scene"; `colors` a plain one's name, a gradient's ends or a scene's top and
    bottom. `things`, holes filled, `differing`, the pixels of them that are not background, and `shadow` are bool
    [h, w]. `fit` is the share of the frame that is smooth; `scenery` is what a scene was recognised as."""

    kind: str
    colors: tuple[str, ...]
    things: Array
    differing: Array
    shadow: Array
    fit: float
    scenery: Scenery | None = None


def read_ground(rgb: Array) -> Ground:
    """uint8 [h, w, 3] of at least 16 pixels a side."""
    lab = to_oklab(rgb)
    frame = np.ones(lab.shape[:2], bool)
    frame[FRAME:-FRAME, FRAME:-FRAME] = False
    grain = float(np.median(steps(lab)[frame]))
    even = _blurred(lab) if grain > GRAIN else lab
    surface, on = _surface(even, frame, min(max(FITS, 3 * grain), 2 * FITS))
    share = float(on[frame].mean())
    scenery = recognise(rgb)
    corners = surface[[0, 0, -1, -1], [0, -1, 0, -1]]
    slope = float(np.linalg.norm(corners[:, None] - corners[None], axis=-1).max())
    if share < SMOOTH or _banded(on) or (scenery is not None and slope >= SLOPE):
        things = _unlike_the_frame(lab)
        shadow = _shadow(rgb, things)
        ends = [nearest_name(np.median(part.reshape(-1, 3), axis=0), BACKGROUND_COLORS) for part in (rgb[:6], rgb[-6:])]
        colors = tuple(dict.fromkeys(ends))
        things = _solid(things & ~shadow)
        return Ground("scene", colors, things, things, shadow & ~things, share, scenery)
    differing = np.linalg.norm(even - surface, axis=-1) > CONTRAST
    shadow = _shadow(rgb, differing)
    differing = differing & ~shadow
    things = _solid(differing)
    shadow = shadow & ~things
    if slope < SLOPE:
        color = nearest_name(np.median(rgb[frame & on], axis=0), BACKGROUND_COLORS)
        return Ground("plain", (color,), things, differing & things, shadow, share)
    slopes = _ends(rgb, frame & on)
    kind = "gradient" if slopes[0] != slopes[1] else "plain"
    return Ground(kind, tuple(dict.fromkeys(slopes)), things, differing & things, shadow, share)


def _blurred(lab: Array) -> Array:
    """The mean of each 5 x 5 pixels."""
    padded = np.pad(lab, ((2, 2), (2, 2), (0, 0)), mode="edge")
    height, width = lab.shape[:2]
    rows = np.stack([padded[:, shift : shift + width] for shift in range(5)]).mean(0)
    return np.asarray(np.stack([rows[shift : shift + height] for shift in range(5)]).mean(0))


def _surface(lab: Array, frame: Array, limit: float) -> tuple[Array, Array]:
    """The smooth surface through most of the frame, [h, w, 3], and which pixels lie on it, bool [h, w].

    Least squares, fitted again and again to what was near the last fit: things that reach into the frame drop out.
    """
    height, width = frame.shape
    y, x = np.mgrid[0:height, 0:width]
    y, x = 2 * y / (height - 1) - 1, 2 * x / (width - 1) - 1
    terms = np.stack([np.ones_like(x), x, y, x * x, x * y, y * y, y**3], axis=-1)
    near = np.linalg.norm(lab - np.median(lab[frame], axis=0), axis=-1) < 3 * limit
    used = frame & near if near[frame].mean() > SMOOTH else frame
    surface = lab
    for round_ in range(8):
        weights, *_ = np.linalg.lstsq(terms[used], lab[used], rcond=None)
        surface = terms @ weights
        distance = np.linalg.norm(surface - lab, axis=-1)
        kept = frame & (distance < limit * max(1.0, 3.0 - 0.5 * round_))
        if kept.sum() < 0.2 * frame.sum():
            break
        used = kept
    return surface, np.linalg.norm(surface - lab, axis=-1) < limit


def _banded(on: Array) -> bool:
    """Whether something runs from the left side to the right one."""
    left, right = on[:, :FRAME].mean(1) < 0.5, on[:, -FRAME:].mean(1) < 0.5
    return float((left & right).mean()) > BANDED


def _ends(rgb: Array, on: Array) -> tuple[str, ...]:
    """A gradient's two colours: from the top where it changes most downwards, else from the left."""

    def end(part: Array, where: Array) -> Array:
        return np.asarray(np.median(part[where] if where.any() else part.reshape(-1, 3), axis=0))

    top, bottom = end(rgb[:3], on[:3]), end(rgb[-3:], on[-3:])
    left, right = end(rgb[:, :3], on[:, :3]), end(rgb[:, -3:], on[:, -3:])
    vertical = np.linalg.norm(to_oklab(top) - to_oklab(bottom)) >= np.linalg.norm(to_oklab(left) - to_oklab(right))
    first, last = (top, bottom) if vertical else (left, right)
    return nearest_name(first, BACKGROUND_COLORS), nearest_name(last, BACKGROUND_COLORS)


def _shadow(rgb: Array, differing: Array) -> Array:
    """Where the background goes on, darker and of the same hue, outside of what stands before it: bool [h, w]."""
    nothing = np.zeros_like(differing)
    values = rgb.astype(np.float64)
    free = ~differing
    if not free.any():
        return nothing
    everywhere = np.median(values[free], axis=0)
    rows = [np.median(row[seen], axis=0) if seen.any() else everywhere for row, seen in zip(values, free, strict=True)]
    behind = np.array(rows)[:, None]
    if float(everywhere.max()) < 70:
        return nothing
    left = (values * behind).sum(-1) / np.maximum((behind * behind).sum(-1), 1)
    rest = np.abs(values - left[..., None] * behind).max(-1)
    alike = differing & (rest < 9) & (left > SHADES[0]) & (left < SHADES[1])
    # The rim of anything dark passes through the same shades: what is only a rim is no shadow.
    alike = shrunk(alike) if alike.any() else alike
    alike = nearby(grown(alike) & differing, ~filled(differing)) if alike.any() else nothing
    things = differing & ~grown(alike)
    if things.sum() < 0.35 * differing.sum() or alike.sum() < 0.04 * things.sum():
        return nothing
    return alike


def _solid(things: Array) -> Array:
    """The things without specks, their holes filled."""
    labels = label(grown(things))
    sizes = np.bincount((labels * things).ravel())
    large = np.flatnonzero(sizes >= SPECK * things.size)
    return filled(things & np.isin(labels, large[large > 0]))


def _unlike_the_frame(lab: Array) -> Array:
    """What has none of the colours that the picture's sides have at about the same height: bool [h, w]."""
    height, width = lab.shape[:2]
    sides = np.concatenate([lab[:, :FRAME], lab[:, -FRAME:]], axis=1)
    things = np.zeros((height, width), bool)
    reach = height // 8
    edges = np.linspace(0, height, BANDS + 1).astype(int)
    for top, bottom in itertools.pairwise(edges.tolist()):
        seen = sides[max(0, top - reach) : bottom + reach].reshape(-1, 3)
        bins, counts = np.unique(np.round(seen / 0.03).astype(np.int64), axis=0, return_counts=True)
        known = bins[counts >= max(2, 0.02 * len(seen))] * 0.03
        if not len(known):
            continue
        gaps = np.linalg.norm(lab[top:bottom, :, None] - known[None, None], axis=-1).min(-1)
        things[top:bottom] = gaps > SCENE_CONTRAST
    # Waves, planks and stars are thin: they do not outlive this.
    return nearby(things, shrunk(things)) if things.any() else things
