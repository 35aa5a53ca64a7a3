"""Pictures in squares (pixel art): how they are told from others, and enlarged without a network.

A network that enlarges drawings smears squares of like colours. Where a whole picture is in even squares, on one grid
that begins at the top left, its squares are all that there is to enlarge. The embedded model draws squares of 8 pixels,
softly; somebody's own may be of any size. Arrays are uint8 [height, width, 3].
"""

import math

import numpy as np
from numpy.typing import NDArray
from PIL import Image

SQUARE = 8
"""Pixels a side, of those that the embedded model draws."""
SHARE = 0.36
"""Of all differences across, and of all down, how much lies on the borders of such squares at least: 1 of a picture
that was never encoded, about 0.12 by chance."""
LEAST_DIFFERENCE = 8
"""Levels of 255. A picture whose neighbouring pixels nowhere differ by as much is of one colour."""
SOFT = 2
"""Pixels within a square, from its border on, that a decoder mixes with its neighbours."""
CLEAR = 0.4
"""How much more of all differences lies on borders than by chance (0: no more, 1: all), at least, in squares that
somebody made: 1 in a PNG, 0.48 to 0.71 in JPEGs of any quality; of other drawings 0.20, as JPEGs of quality 10, at
most."""
LINES = 8
"""Of the grid's lines, each way, how many have differences at least: a flag's few straight edges are no squares."""
SAMPLED = 256
"""Rows, and columns, in which differences are looked for."""


def in_squares(pixels: NDArray[np.uint8]) -> bool:
    """Whether a picture is in squares of SQUARE pixels, softly drawn ones too: whether that is where its neighbouring
    pixels differ.

    False for a picture of one colour, and for one whose sides are not multiples of SQUARE.
    """
    height, width = pixels.shape[:2]
    if height % SQUARE or width % SQUARE:
        return False
    levels = pixels.astype(np.int16)
    across, down = np.abs(np.diff(levels, axis=1)), np.abs(np.diff(levels, axis=0))
    if max(across.max(initial=0), down.max(initial=0)) < LEAST_DIFFERENCE:
        return False
    along = (across[:, SQUARE - 1 :: SQUARE], across), (down[SQUARE - 1 :: SQUARE], down)
    return all(bool(borders.sum() >= SHARE * differences.sum()) for borders, differences in along)


def side_of_squares(pixels: NDArray[np.uint8]) -> int | None:
    """Pixels a side of the even squares that a picture is in, 2 or more; None where it is in none.

    Of a picture that somebody sent, whatever its squares' size; a JPEG's may be a little noisy. Sampled ones are softer
    than that: see :func:`in_squares`.
    """
    height, width = pixels.shape[:2]
    rows = pixels[:: max(1, height // SAMPLED)].astype(np.int16)
    columns = pixels[:, :: max(1, width // SAMPLED)].astype(np.int16)
    across = np.abs(np.diff(rows, axis=1)).sum(axis=(0, 2), dtype=np.int64)
    down = np.abs(np.diff(columns, axis=0)).sum(axis=(1, 2), dtype=np.int64)
    both = math.gcd(height, width)
    sides = [side for side in range(2, both // LINES + 1) if both % side == 0]
    clear = {side: min(_clearness(across, side), _clearness(down, side)) for side in sides}
    best = max(clear.values(), default=0.0)
    # Every part of a square is as clear as the whole. Squares that hold finer ones are nearly so, and are refused.
    fitting = [side for side, found in clear.items() if found >= max(CLEAR, best - 0.1 * (1 - best))]
    return max(fitting, default=None)


def _clearness(differences: NDArray[np.int64], side: int) -> float:
    """How much more of the differences, one sum a line, lies on every `side`-th line than by chance, at most 1; 0 where
    these are fewer than LINES."""
    borders = differences[side - 1 :: side]
    if (borders > 0.1 * borders.mean()).sum() < LINES:
        return 0.0
    chance = len(borders) / len(differences)
    return float((borders.sum() / differences.sum() - chance) / (1 - chance))


def colors_of_squares(pixels: NDArray[np.uint8], side: int = SQUARE) -> NDArray[np.uint8]:
    """One pixel for each square of `side` pixels, [height / side, width / side, 3]: the median of its inner pixels, for
    borders may be soft.

    Raises ValueError for sides that are not multiples of the squares'.
    """
    height, width, channels = pixels.shape
    if height % side or width % side:
        raise ValueError(f"{width} x {height} pixels are not whole squares of {side}")
    squares = pixels.reshape(height // side, side, width // side, side, channels)
    soft = min(SOFT, (side - 1) // 2)
    inner = squares[:, soft : side - soft, :, soft : side - soft]
    medians: NDArray[np.float64] = np.median(inner, axis=(1, 3))
    return medians.round().astype(np.uint8)


def draw_squares(colors: NDArray[np.uint8], size: tuple[int, int]) -> Image.Image:
    """Each colour as a square, in an RGB picture of `size`, (width, height) in pixels.

    Where a side is not a whole multiple of the colours, some squares are a pixel wider or higher than others.
    """
    return Image.fromarray(colors).resize(size, Image.Resampling.NEAREST)
