"""Pictures in squares (pixel art): how they are told from others, and enlarged without a network.

A network that enlarges drawings smears squares of like colours. Where a whole picture is in squares of 8 pixels, on one
grid that begins at the top left, its squares are all that there is to enlarge. Arrays are uint8 [height, width, 3].
"""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

SQUARE = 8
"""Pixels a side."""
SHARE = 0.36
"""Of all differences across, and of all down, how much lies on the squares' borders at least: 1 of a picture that was
never encoded, about 0.12 by chance."""
LEAST_DIFFERENCE = 8
"""Levels of 255. A picture whose neighbouring pixels nowhere differ by as much is of one colour."""
SOFT = 2
"""Pixels within a square, from its border on, that a decoder mixes with its neighbours."""


def in_squares(pixels: NDArray[np.uint8]) -> bool:
    """Whether a picture is in squares: whether the differences between neighbouring pixels lie on their borders.

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


def colors_of_squares(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """One pixel for each square, [height / 8, width / 8, 3]: the median of its inner pixels, for borders may be soft.

    Raises ValueError for sides that are not multiples of SQUARE.
    """
    height, width, channels = pixels.shape
    if height % SQUARE or width % SQUARE:
        raise ValueError(f"{width} x {height} pixels are not whole squares of {SQUARE}")
    squares = pixels.reshape(height // SQUARE, SQUARE, width // SQUARE, SQUARE, channels)
    inner = squares[:, SOFT:-SOFT, :, SOFT:-SOFT]
    medians: NDArray[np.float64] = np.median(inner, axis=(1, 3))
    return medians.round().astype(np.uint8)


def draw_squares(colors: NDArray[np.uint8], size: tuple[int, int]) -> Image.Image:
    """Each colour as a square, in an RGB picture of `size`, (width, height) in pixels.

    Where a side is not a whole multiple of the colours, some squares are a pixel wider or higher than others.
    """
    return Image.fromarray(colors).resize(size, Image.Resampling.NEAREST)
