"""How many things stand before the background, where, and how large."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sartor.captioning.pixels import Array
from sartor.captioning.regions import label, shrunk
from sartor.nano.vocabulary import PLACES, SIZES

PART = 0.2  # of the largest part's area: smaller ones are not things of their own
NEAR = 0.05  # of the picture's side: smaller parts that are so near to a thing belong to it
INSIDE = 0.35  # of a box: of two parts whose boxes overlap so much, one belongs to the other
MOST = 12  # things: more are a pattern, and counting them says nothing

Box = tuple[int, int, int, int]  # left, top, right, bottom in pixels, the last two past the end


@dataclass(frozen=True)
class Part:
    """One thing: its mask, bool [h, w], and its box as fractions of the picture's width and height."""

    mask: Array
    left: float
    top: float
    right: float
    bottom: float

    @property
    def length(self) -> float:
        """The longer side as a fraction of the picture's."""
        return max(self.right - self.left, self.bottom - self.top)

    @property
    def size(self) -> str:
        """The nearest of the vocabulary's three sizes."""
        return min(SIZES, key=lambda name: _outside(self.length, *SIZES[name]))

    @property
    def place(self) -> str:
        """The nearest of nine places. Large things stand nearer to the middle, or they would leave the picture."""
        reach = SIZES[self.size][1] / 2
        x, y = (self.left + self.right) / 2, (self.top + self.bottom) / 2

        def gap(name: str) -> float:
            place = PLACES[name]
            return (_within(place.x, reach) - x) ** 2 + (_within(place.y, reach) - y) ** 2

        return min(PLACES, key=gap)

    @property
    def symmetry(self) -> float:
        """How much of the thing lies on itself when mirrored left to right: 0..1."""
        columns = np.flatnonzero(self.mask.any(0))
        own = self.mask[:, columns[0] : columns[-1] + 1]
        return float((own & own[:, ::-1]).sum() / (own | own[:, ::-1]).sum())

    @property
    def shape(self) -> str:
        """ "round", "square", "tall", "wide" or "irregular", by the box and how much of it is filled."""
        height, width = self.mask.shape
        across, down = (self.right - self.left) * width, (self.bottom - self.top) * height
        fill = float(self.mask.sum()) / max(1.0, across * down)
        if across > 1.6 * down:
            return "wide"
        if down > 1.6 * across:
            return "tall"
        if fill > 0.93:
            return "square"
        # A circle fills pi/4 of its box.
        return "round" if abs(fill - np.pi / 4) < 0.045 and self.symmetry > 0.93 else "irregular"


def part_of(mask: Array) -> Part:
    """The mask, bool [h, w] and not empty, as one thing."""
    height, width = mask.shape
    left, top, right, bottom = _box(mask)
    return Part(mask, left / width, top / height, right / width, bottom / height)


def find_parts(things: Array, *, thin: int = 1) -> tuple[Part, ...]:
    """The things of a mask, bool [h, w], from the largest on; none where nothing is, one where they are too many.

    Things that touch are told apart where the bridge between them does not outlive shrinking by `thin` pixels.
    """
    boxes = _boxes(things, thin)
    if not boxes:
        return ()
    largest = max(int(mask.sum()) for mask, _ in boxes)
    own = [entry for entry in boxes if entry[0].sum() >= PART * largest]
    rest = [entry for entry in boxes if entry[0].sum() < PART * largest]
    own = _joined(own)
    reach = NEAR * max(things.shape)
    for mask, box in rest:
        near = [index for index, (_, other) in enumerate(own) if _gap(box, other) <= reach]
        if near:
            other_mask, other = own[near[0]]
            own[near[0]] = other_mask | mask, _around(box, other)
    if len(own) > MOST:
        own = [(things, _box(things))]
    return tuple(
        sorted((part_of(mask) for mask, _ in own), key=lambda part: (-int(part.mask.sum()), part.top, part.left))
    )


def _boxes(things: Array, thin: int) -> list[tuple[Array, Box]]:
    """The parts; what only touches at a pixel or two is not one."""
    labels = _spread(label(shrunk(things, thin)), things)
    masks = [labels == number for number in range(1, int(labels.max(initial=0)) + 1)]
    return [(mask, _box(mask)) for mask in masks if mask.any()]


def _spread(labels: Array, things: Array) -> Array:
    """Numbers for all pixels of the things: those of the nearest numbered pixel, new ones where there is none."""
    while True:
        padded = np.pad(labels, 1)
        rows = np.maximum(np.maximum(padded[:, :-2], padded[:, 2:]), padded[:, 1:-1])
        around = np.maximum(np.maximum(rows[:-2], rows[2:]), rows[1:-1])
        wider = np.where((labels == 0) & things, around, labels)
        if (wider == labels).all():
            break
        labels = wider
    rest = label(things & (labels == 0))
    return np.where(rest > 0, rest + labels.max(), labels)


def _box(mask: Array) -> Box:
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def _joined(entries: list[tuple[Array, Box]]) -> list[tuple[Array, Box]]:
    """Parts whose boxes lie in each other's made one, again and again."""
    for first in range(len(entries)):
        for second in range(first + 1, len(entries)):
            (mask, box), (other_mask, other) = entries[first], entries[second]
            if _overlap(box, other) > INSIDE:
                merged = mask | other_mask, _around(box, other)
                rest = [entry for index, entry in enumerate(entries) if index not in (first, second)]
                return _joined([merged, *rest])
    return entries


def _around(one: Box, other: Box) -> Box:
    return min(one[0], other[0]), min(one[1], other[1]), max(one[2], other[2]), max(one[3], other[3])


def _overlap(one: Box, other: Box) -> float:
    """The shared area as a share of the smaller box."""
    across = min(one[2], other[2]) - max(one[0], other[0])
    down = min(one[3], other[3]) - max(one[1], other[1])
    if across <= 0 or down <= 0:
        return 0.0
    smaller = min((box[2] - box[0]) * (box[3] - box[1]) for box in (one, other))
    return across * down / smaller


def _gap(one: Box, other: Box) -> float:
    across = max(one[0], other[0]) - min(one[2], other[2])
    down = max(one[1], other[1]) - min(one[3], other[3])
    return float(max(across, down, 0))


def _outside(value: float, low: float, high: float) -> float:
    return max(low - value, value - high, 0.0)


def _within(value: float, reach: float) -> float:
    """A centre from which something of half that length does not leave the picture."""
    return min(max(value, min(0.5, reach + 0.01)), max(0.5, 0.99 - reach))
