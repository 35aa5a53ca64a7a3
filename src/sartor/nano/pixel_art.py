"""Pixel art: a whole picture in even squares of a few colours, on one grid.

The composer draws a scene as in any other style and then makes it as many pixels wide as there are to be squares. The
grid begins where the latents' cells do, two squares to a cell's side: what lies anywhere, the autoencoder blurs.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from PIL import Image

from sartor.fibo.squares import SQUARE

PALETTE = 32  # colours in a picture, at most

Array = np.ndarray[Any, np.dtype[Any]]


def squared(pixels: Array) -> Array:
    """The picture in squares: uint8 [h, w, 3] -> the same, sides multiples of SQUARE.

    Raises ValueError for sides that squares do not fill.
    """
    height, width = pixels.shape[:2]
    if height % SQUARE or width % SQUARE:
        raise ValueError(f"{width} x {height} pixels are not whole squares of {SQUARE}")
    few = Image.fromarray(pixels).resize((width // SQUARE, height // SQUARE), Image.Resampling.BOX)
    few = few.quantize(PALETTE, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE).convert("RGB")
    return np.asarray(few.resize((width, height), Image.Resampling.NEAREST))
