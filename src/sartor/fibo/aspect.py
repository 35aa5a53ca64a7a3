"""Aspect ratios as sizes: the checkpoint's training area in another shape, on the grid of latent tokens."""

import math

from sartor.fibo.errors import InvalidSpec

GRID = 16
"""Pixels a latent token covers on each side: the VAE's spatial compression."""

ASPECT_RATIOS = ("1:1", "2:3", "3:2", "3:4", "4:3", "4:5", "5:4", "9:16", "16:9")


def image_size(aspect_ratio: str, training_area: int) -> tuple[int, int]:
    """(width, height) in pixels, multiples of 16, for one of ASPECT_RATIOS and an area in pixels.

    On a coarse grid area and ratio cannot both be met. The size with the least |log area error| + 2 |log ratio error|
    wins: a wrong shape is seen, a few tokens more or fewer are not. Raises InvalidSpec for an unknown ratio.
    """
    if aspect_ratio not in ASPECT_RATIOS:
        raise InvalidSpec(f"aspect_ratio must be one of {', '.join(ASPECT_RATIOS)}, not {aspect_ratio!r}")
    across, down = (int(side) for side in aspect_ratio.split(":"))
    ratio, tokens = across / down, training_area / GRID**2

    def cost(size: tuple[int, int]) -> float:
        width, height = size
        return abs(math.log(width * height / tokens)) + 2 * abs(math.log(width / height / ratio))

    columns, rows = math.sqrt(tokens * ratio), math.sqrt(tokens / ratio)
    near = [
        (width, height)
        for width in range(max(1, int(columns) - 2), int(columns) + 4)
        for height in range(max(1, int(rows) - 2), int(rows) + 4)
    ]
    width, height = min(near, key=cost)
    return width * GRID, height * GRID
