"""How things are drawn: with lines or without, in flat colours or shaded, and how heavy the lines are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from sartor.captioning.palette import Swatch, palette
from sartor.captioning.pixels import Array, steps, to_oklab
from sartor.captioning.regions import filled, grown, shrunk

RIM = 3  # pixels from a thing's edge in which an outline lies
EDGE = 0.05  # Oklab a pixel: more is an edge between colours
CLOSE = 0.03  # Oklab distance to a colour of the palette within which a pixel has it
STILL = 0.004  # Oklab a pixel: less is no change at all
RIMMED = 0.95  # of the rim that an outline takes: shading that is darker at the edges takes less
INK = 0.2  # Oklab distance from which one colour is a line on another


@dataclass(frozen=True)
class Drawing:
    """Measures of the things of one picture; shares are 0..1 of their pixels.

    outline     of the rim, the share that has the outline's colour while the inside does not
    weight      width of the outline as a share of the picture's side
    ink         the outline's colour, where there is one
    lines       share of the things that is line, where they are line and background and nothing else; else 0
    flat        share of the pixels between edges that have exactly one of few colours
    shaded      share of the pixels between edges whose colour changes slowly
    grain       share of the pixels between edges that differ from their neighbours at random
    colors      the colours of the things, those of edges left out
    """

    outline: float
    weight: float
    ink: Swatch | None
    lines: float
    flat: float
    shaded: float
    grain: float
    colors: tuple[Swatch, ...]


def read_drawing(rgb: Array, things: Array, differing: Array) -> Drawing | None:
    """uint8 [h, w, 3], the things with their holes filled, and what of them differs from the background, bool [h, w].

    None where there is nothing to look at.
    """
    inside = shrunk(things, 2)
    if inside.sum() < 40:
        return None
    lab = to_oklab(rgb)
    change = steps(lab)
    between = inside & (change < EDGE)
    pixels = rgb[between] if between.sum() >= 40 else rgb[inside]
    colors = tuple(swatch for swatch in palette(pixels) if swatch.share >= 0.02)
    centers = to_oklab(np.array([swatch.rgb for swatch in colors]))
    gaps = np.linalg.norm(lab[between][:, None] - centers[None], axis=-1).min(-1) if between.any() else np.ones(1)
    slow = between & (change > STILL)
    outline, weight, ink = _outline(rgb, lab, things)
    return Drawing(
        outline=outline,
        weight=weight,
        ink=ink,
        lines=_lines(things, differing),
        flat=float((gaps < CLOSE).mean()),
        shaded=float(slow.sum() / max(1, between.sum())),
        grain=_grain(lab, between),
        colors=colors,
    )


def whole_pixels(lab: Array) -> Array:
    """Those that have one colour alone, bool [h, w]: between edges, and in the middle of lines."""
    lightness = lab[..., 0]
    low, high = _extremes(lightness, 1)
    near_low, near_high = _extremes(lightness, 2)
    middle = (lightness <= low + CLOSE / 2) | (lightness >= high - CLOSE / 2)
    return shrunk(steps(lab) < EDGE / 2) | (middle & (near_high - near_low > INK))


def _extremes(values: Array, reach: int) -> tuple[Array, Array]:
    """The smallest and the largest value within `reach` pixels of each."""
    padded = np.pad(values, reach, mode="edge")
    views = sliding_window_view(padded, (2 * reach + 1, 2 * reach + 1))
    return views.min((2, 3)), views.max((2, 3))


def _outline(rgb: Array, lab: Array, things: Array) -> tuple[float, float, Swatch | None]:
    """Whether the rim has a dark colour that the inside next to it has not, how wide it is, and which colour."""
    rim = things & ~shrunk(things, RIM)
    deep = shrunk(things, RIM + 2)
    if deep.sum() < 20:
        return 0.0, 0.0, None
    darkest = np.percentile(lab[rim][:, 0], 25)
    ink_pixels = rim & (lab[..., 0] <= darkest + 0.02)
    ink = np.median(rgb[ink_pixels], axis=0)
    alike = np.linalg.norm(lab - to_oklab(ink), axis=-1) < INK / 2
    # Each pixel of the rim counts where the ink is within a step of it: antialiased edges are not ink themselves.
    inked = float(grown(alike)[rim].mean())
    filling = float(alike[deep].mean())
    contrast = float(np.median(lab[deep][:, 0])) - float(to_oklab(ink)[0])
    if contrast < INK or inked < RIMMED or filling > 0.5:
        return 0.0, 0.0, None
    strokes = alike & things
    edge = strokes & ~shrunk(strokes)
    # A stroke's area is its length times its width, and each pixel of length has two pixels of edge.
    width = 2.0 * strokes.sum() / max(1, edge.sum())
    r, g, b = (round(float(value)) for value in ink)
    return inked, float(width) / max(things.shape), Swatch((r, g, b), float(strokes.sum() / things.sum()))


def _lines(things: Array, differing: Array) -> float:
    """The share of the things that differs from the background, where the rest lies open inside of them; else 0."""
    own = differing & things
    share = float(own.sum() / max(1, things.sum()))
    thin = float(shrunk(own, 4).sum() / max(1, own.sum()))
    return share if share < 0.75 and thin < 0.12 else 0.0


def _grain(lab: Array, between: Array) -> float:
    """Second differences along rows: those of shading are small, those of grain are not."""
    lightness = lab[..., 0]
    bend = np.zeros_like(lightness)
    bend[:, 1:-1] = np.abs(lightness[:, 2:] + lightness[:, :-2] - 2 * lightness[:, 1:-1])
    looked = between & shrunk(filled(between), 1)
    return float((bend[looked] > 0.02).mean()) if looked.any() else 0.0
