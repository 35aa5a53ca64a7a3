"""Which colours a set of pixels has: clusters in Oklab, each with its share and its name."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from sartor.captioning.pixels import Array, to_oklab
from sartor.nano.colors import to_lab
from sartor.nano.vocabulary import BACKGROUND_COLORS, COLORS

SAME = 0.07  # Oklab distance below which two clusters are one colour
MOST = 8  # clusters
RARE = 0.12  # of the pixels: a rarer colour may be a mixture
MIXED = 0.05  # Oklab distance from the line between two colours
SAMPLE = 4096  # pixels that are enough

RGB = tuple[int, int, int]


@dataclass(frozen=True)
class Swatch:
    """A colour (sRGB), the share 0..1 of the pixels that are nearest to it, and its names."""

    rgb: RGB
    share: float

    @property
    def name(self) -> str:
        """As things are named: one of eleven."""
        return nearest_name(self.rgb, COLORS, lightness=0.35)

    @property
    def ground_name(self) -> str:
        """As backgrounds are named, where light and dark count: one of twenty-one."""
        return nearest_name(self.rgb, BACKGROUND_COLORS)


def nearest_name(rgb: Array | RGB, table: Mapping[str, RGB], *, lightness: float = 1.0) -> str:
    """The table's nearest colour in CIELAB; `lightness` is the weight of its squared difference."""
    names = list(table)
    difference = to_lab(np.array([table[name] for name in names])) - to_lab(np.asarray(rgb, np.float64))
    return names[int(np.argmin((difference**2 * np.array([lightness, 1.0, 1.0])).sum(-1)))]


def palette(rgb: Array, *, most: int = MOST) -> tuple[Swatch, ...]:
    """The colours of sRGB pixels [N, 3], largest share first. Empty for no pixels."""
    pixels = rgb.reshape(-1, 3)
    pixels = pixels[:: max(1, len(pixels) // SAMPLE)]
    if not len(pixels):
        return ()
    lab = to_oklab(pixels)
    centers = _merged(*_clusters(lab, _far_apart(lab, most)))
    nearest = _distances(lab, centers).argmin(1)
    swatches = []
    for index in range(len(centers)):
        own = pixels[nearest == index]
        if len(own):
            r, g, b = (round(float(value)) for value in np.median(own, axis=0))
            swatches.append(Swatch((r, g, b), len(own) / len(pixels)))
    return tuple(sorted(swatches, key=lambda swatch: (-swatch.share, swatch.rgb)))


def unmixed(swatches: tuple[Swatch, ...]) -> tuple[Swatch, ...]:
    """The swatches without rare ones that lie between two others: those are where edges were smoothed."""
    lab = to_oklab(np.array([swatch.rgb for swatch in swatches])) if swatches else np.zeros((0, 3))
    kept = []
    for index, swatch in enumerate(swatches):
        larger = [other for other in range(len(swatches)) if swatches[other].share > swatch.share]
        between = any(
            _aside(lab[index], lab[one], lab[other]) < MIXED for one, other in itertools.combinations(larger, 2)
        )
        if swatch.share >= RARE or not between:
            kept.append(swatch)
    return tuple(kept)


def _aside(point: Array, one: Array, other: Array) -> float:
    """The distance of a point from the straight line between two others, infinite beyond their ends."""
    way = other - one
    along = float((point - one) @ way / max(float(way @ way), 1e-12))
    return float(np.linalg.norm(one + along * way - point)) if 0 < along < 1 else np.inf


def _distances(lab: Array, centers: Array) -> Array:
    """[N, 3] and [K, 3] to [N, K]."""
    return np.asarray(np.linalg.norm(lab[:, None] - centers[None], axis=-1))


def _far_apart(lab: Array, most: int) -> Array:
    """Starts for the clusters: the median, then again and again what is farthest, counting what is common more."""
    bins = np.round(lab / 0.04).astype(np.int64)
    _, first, counts = np.unique(bins, axis=0, return_index=True, return_counts=True)
    members, weights = lab[first], np.sqrt(counts)
    chosen = [members[int(np.argmax(counts))]]
    for _ in range(most - 1):
        gaps = _distances(members, np.array(chosen)).min(1)
        if gaps.max() < SAME:
            break
        chosen.append(members[int(np.argmax(gaps * weights))])
    return np.array(chosen)


def _clusters(lab: Array, centers: Array, rounds: int = 12) -> tuple[Array, Array]:
    """Lloyd's k-means: the centers and their sizes."""
    for _ in range(rounds):
        nearest = _distances(lab, centers).argmin(1)
        sizes = np.bincount(nearest, minlength=len(centers))
        sums = np.stack([np.bincount(nearest, lab[:, axis], len(centers)) for axis in range(3)], axis=1)
        centers = np.where(sizes[:, None] > 0, sums / np.maximum(sizes, 1)[:, None], centers)
    return centers, sizes


def _merged(centers: Array, sizes: Array) -> Array:
    """Centers that differ: of two that are nearly the same, the mean."""
    centers, sizes = centers[sizes > 0], sizes[sizes > 0].astype(np.float64)
    while len(centers) > 1:
        gaps = _distances(centers, centers) + np.eye(len(centers)) * 9
        one, other = sorted(divmod(int(gaps.argmin()), len(centers)))
        if gaps[one, other] >= SAME:
            break
        total = sizes[one] + sizes[other]
        centers[one] = (centers[one] * sizes[one] + centers[other] * sizes[other]) / total
        sizes[one] = total
        centers, sizes = np.delete(centers, other, axis=0), np.delete(sizes, other)
    return centers
