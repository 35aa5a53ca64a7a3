"""Connected parts of a mask, and a mask grown, shrunk and filled. Masks are bool [h, w]."""

from __future__ import annotations

import numpy as np

from sartor.captioning.pixels import Array


def grown(mask: Array, pixels: int = 1) -> Array:
    """The mask and everything within so many steps of it, diagonals included."""
    for _ in range(pixels):
        padded = np.pad(mask, 1)
        rows = padded[:, :-2] | padded[:, 1:-1] | padded[:, 2:]
        mask = rows[:-2] | rows[1:-1] | rows[2:]
    return mask


def shrunk(mask: Array, pixels: int = 1) -> Array:
    """What is left of the mask so many steps from its edge; the picture's edge is none."""
    return ~grown(~mask, pixels)


def filled(mask: Array) -> Array:
    """The mask with its holes: whatever cannot be reached from the picture's edge."""
    height, width = mask.shape
    labels = label(~np.pad(mask, 1), diagonals=False)
    inside: Array = labels[1 : height + 1, 1 : width + 1] != labels[0, 0]
    return inside


def label(mask: Array, *, diagonals: bool = True) -> Array:
    """int [h, w]: 0 where the mask is not, and a number from 1 on for each connected part, from the top left on."""
    reach = 1 if diagonals else 0
    parents: list[int] = [0]
    labels = np.zeros(mask.shape, np.int64)
    above: list[tuple[int, int, int]] = []

    def root(number: int) -> int:
        while parents[number] != number:
            parents[number] = parents[parents[number]]
            number = parents[number]
        return number

    for y, row in enumerate(mask):
        edges = np.flatnonzero(np.diff(np.concatenate([[0], row.astype(np.int8), [0]])))
        runs = []
        for start, stop in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
            touching = [root(n) for left, right, n in above if left < stop + reach and right > start - reach]
            number = min(touching, default=len(parents))
            if not touching:
                parents.append(number)
            for other in touching:
                parents[other] = number
            labels[y, start:stop] = number
            runs.append((start, stop, number))
        above = runs
    roots = [root(number) for number in range(len(parents))]
    order = {number: index for index, number in enumerate(sorted(set(roots)))}
    numbered: Array = np.array([order[number] for number in roots])[labels]
    return numbered


def nearby(mask: Array, seeds: Array) -> Array:
    """The parts of the mask that touch the seeds."""
    labels = label(mask)
    touched = np.unique(labels[grown(seeds) & mask])
    return np.isin(labels, touched[touched > 0])
