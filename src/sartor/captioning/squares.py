"""Pixel art: pictures that are even squares and nothing else, as small ones become that are enlarged without smoothing.

Only what is exactly so counts: then the squares' colours are all that there is, and nothing is lost by drawing them
anew in another size. A JPEG never is. Arrays are uint8 [height, width, 3].
"""

from __future__ import annotations

import math

import numpy as np
from PIL import Image

from sartor.captioning.pixels import Array

LINES = 8  # at which colours change, each way, at least: a flag's few straight edges are no squares
LOOKED = 64  # rows, and columns, that are looked at first: most pictures are out by then
MOST = 128  # squares a side that one still sees as squares
COLORS = 4  # at least, among the squares: a QR code, a checkerboard and a crossword have fewer


def side_of_squares(pixels: Array) -> int | None:
    """Pixels a side of the largest squares that the picture consists of, 2 or more; None where there are none."""
    height, width = pixels.shape[:2]
    for rows, columns in ((max(1, height // LOOKED), max(1, width // LOOKED)), (1, 1)):
        across, down = _changes(pixels[::rows], 1), _changes(pixels[:, ::columns], 0)
        side = math.gcd(height, width, *across.tolist(), *down.tolist())
        if side < 2:
            return None
    return side if min(len(across), len(down)) >= LINES else None


def _changes(pixels: Array, axis: int) -> Array:
    """Where along the axis any pixel differs from the one before it."""
    first, second = (slice(None, -1), slice(1, None)) if axis == 0 else (np.s_[:, :-1], np.s_[:, 1:])
    different = (pixels[first] != pixels[second]).any(axis=(1 - axis, 2))
    return np.flatnonzero(different) + 1


def drawn_again(picture: Image.Image, side: int, new: int) -> Image.Image:
    """An RGB picture in squares of `side` pixels, in squares of `new` pixels."""
    colors = np.asarray(picture)[::side, ::side]
    size = colors.shape[1] * new, colors.shape[0] * new
    return Image.fromarray(colors).resize(size, Image.Resampling.NEAREST)


def is_pixel_art(picture: Image.Image) -> bool:
    """Whether somebody would call it that: squares large enough to see, in several colours."""
    pixels = np.asarray(picture.convert("RGB"))
    side = side_of_squares(pixels)
    if side is None or max(picture.size) // side > MOST:
        return False
    colors = pixels[::side, ::side].reshape(-1, 3)
    return len(np.unique(colors, axis=0)) >= COLORS
