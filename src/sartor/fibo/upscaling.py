"""realesr-animevideov3: four times as many pixels for drawn pictures, on the CPU, the same bytes every time.

A small convolutional network (Real-ESRGAN's SRVGGNetCompact, 18 convolutions of 3x3; Wang et al., arXiv:2107.10833)
that runs under ncnn: 0.55 s from 256x256 to 1024x1024 on one core. An option of a checkpoint, named in its extras.
Pictures in squares are enlarged without it (squares.py).
"""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from sartor.fibo.errors import CheckpointError
from sartor.fibo.squares import colors_of_squares, draw_squares, in_squares

FOLDER = Path(__file__).parent / "upscaler"
SCALE = 4
TILE = 192
HALO = 20
"""Pixels of surroundings that a tile is given: the network sees 18 pixels far."""


class Upscaler:
    """Holds the network; not for several threads at once. Memory is bounded by the tile, whatever the image's size."""

    name = "realesr-animevideov3"

    def __init__(self) -> None:
        import ncnn  # here, because an engine that only trains, or serves a model without upscaler, does without it

        self._ncnn = ncnn
        self._network = ncnn.Net()
        options = self._network.opt
        options.use_vulkan_compute = False
        options.num_threads = 1
        # Reduced precision would make the bytes depend on what instructions the processor has.
        options.use_fp16_packed = options.use_fp16_storage = options.use_fp16_arithmetic = False
        options.use_bf16_packed = options.use_bf16_storage = False
        model = FOLDER / "realesr-animevideov3-x4"
        self._network.load_param(str(model.with_suffix(".param")))
        self._network.load_model(str(model.with_suffix(".bin")))
        weights = hashlib.sha256(model.with_suffix(".bin").read_bytes()).hexdigest()
        self.version = f"{self.name} {weights[:12]} ncnn {ncnn.__version__}, squares as squares"

    def upscale(self, image: Image.Image) -> Image.Image:
        """RGB image of any size -> RGB, four times as wide and high."""
        pixels = np.asarray(image.convert("RGB"), dtype=np.float32).transpose(2, 0, 1) / 255.0
        _, height, width = pixels.shape
        out = np.empty((3, height * SCALE, width * SCALE), dtype=np.float32)
        for top in range(0, height, TILE):
            for left in range(0, width, TILE):
                bottom, right = min(top + TILE, height), min(left + TILE, width)
                y, x = max(top - HALO, 0), max(left - HALO, 0)
                large = self._run(pixels[:, y : bottom + HALO, x : right + HALO])
                rows = slice((top - y) * SCALE, (bottom - y) * SCALE)
                columns = slice((left - x) * SCALE, (right - x) * SCALE)
                out[:, top * SCALE : bottom * SCALE, left * SCALE : right * SCALE] = large[:, rows, columns]
        return Image.fromarray((out.clip(0, 1) * 255).round().astype(np.uint8).transpose(1, 2, 0))

    def enlarge(self, image: Image.Image, long_side: int) -> Image.Image:
        """RGB image -> RGB whose long side has at least `long_side` pixels: four times as large, and again if need be.

        Before it is enlarged again it is made smaller, so that it comes out at `long_side`: what one pass drew a little
        soft the next one draws crisp. A picture in squares becomes as large, square by square, without the network.
        """
        sizes = _sizes_before_passes(image.size, long_side)
        pixels = np.asarray(image.convert("RGB"))
        if in_squares(pixels):
            width, height = sizes[-1]
            return draw_squares(colors_of_squares(pixels), (width * SCALE, height * SCALE))
        for size in sizes:
            image = self.upscale(image.resize(size, Image.Resampling.LANCZOS))
        return image

    def _run(self, tile: np.ndarray) -> np.ndarray:
        contiguous = np.ascontiguousarray(tile)  # ncnn borrows this memory
        extractor = self._network.create_extractor()
        extractor.input("data", self._ncnn.Mat(contiguous).clone())
        status, large = extractor.extract("output")
        if status != 0:
            raise RuntimeError(f"ncnn answered {status}")
        return np.array(large)


def _sizes_before_passes(size: tuple[int, int], long_side: int) -> list[tuple[int, int]]:
    """(width, height) in pixels that each pass enlarges: the picture's own first."""
    sizes = [size]
    while (longest := SCALE * max(sizes[-1])) < long_side:
        shrink = min(1.0, long_side / SCALE / longest)
        width, height = (SCALE * side for side in sizes[-1])
        sizes.append((round(width * shrink), round(height * shrink)))
    return sizes


def upscaler_of(extras: Mapping[str, Any]) -> Upscaler | None:
    """What a checkpoint's extras ask for, None for nothing. Raises CheckpointError for an upscaler there is not."""
    name = extras.get("upscaler")
    if name is None:
        return None
    if name != Upscaler.name:
        raise CheckpointError(f"the checkpoint asks for the upscaler {name!r}; there is only {Upscaler.name!r}")
    return Upscaler()
