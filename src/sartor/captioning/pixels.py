"""A picture as numbers: reduced to a size at which lines are still lines, in sRGB and in Oklab."""

from __future__ import annotations

from typing import Any

import numpy as np
from PIL import Image

Array = np.ndarray[Any, np.dtype[Any]]

SIDE = 128  # pixels of the longer side that measures are taken at; also what the embedded model draws at

_TO_LMS = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
_TO_LAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)


def reduced(picture: Image.Image) -> Array:
    """The picture as uint8 [h, w, 3], its longer side SIDE pixels.

    By area, since sharper filters overshoot at edges, and that would read as outlines.
    """
    scale = SIDE / max(picture.size)
    size = max(1, round(picture.width * scale)), max(1, round(picture.height * scale))
    filtered = Image.Resampling.BOX if scale < 1 else Image.Resampling.BILINEAR
    return np.asarray(picture.convert("RGB").resize(size, filtered))


def to_oklab(rgb: Array) -> Array:
    """sRGB 0..255 [..., 3] to Oklab: lightness 0..1, then green to red and blue to yellow, each about -0.4..0.4.

    Formulas: Björn Ottosson, "A perceptual color space for image processing" (2020).
    """
    scaled = np.asarray(rgb, np.float64) / 255.0
    linear = np.where(scaled <= 0.04045, scaled / 12.92, ((scaled + 0.055) / 1.055) ** 2.4)
    lab: Array = np.cbrt(linear @ _TO_LMS.T) @ _TO_LAB.T
    return lab


def steps(lab: Array) -> Array:
    """How far each pixel is from its neighbours: [h, w, 3] to the larger of both directions' distances, [h, w]."""
    padded = np.pad(lab, ((1, 1), (1, 1), (0, 0)), mode="edge")
    across = np.linalg.norm(padded[1:-1, 2:] - padded[1:-1, :-2], axis=-1) / 2
    down = np.linalg.norm(padded[2:, 1:-1] - padded[:-2, 1:-1], axis=-1) / 2
    larger: Array = np.maximum(across, down)
    return larger
