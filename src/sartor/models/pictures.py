"""What is shown of a training: its loss as a curve, and a sheet of samples. Drawn with Pillow alone."""

from __future__ import annotations

import io
import math
from collections.abc import Mapping, Sequence

from PIL import Image, ImageDraw

_SIZE, _MARGIN = (960, 480), (72, 24, 40, 48)  # left, right, top, bottom
_TILE, _GAP, _LABEL, _COLUMNS = 256, 8, 18, 4
_GRID_LINES = 5
_INK, _PALE, _LINE, _MARK = (40, 40, 48), (226, 226, 232), (29, 78, 216), (190, 60, 30)
_SMOOTH = 0.95


def loss_curve(losses: Sequence[float], scores: Mapping[int, float]) -> bytes:
    """A PNG: the loss of each step (pale), its moving average, and on it each checkpoint as a dot with its score.

    losses: one a step, from step 1. scores: step -> score. Either may be empty; a score without a loss is not shown.
    """
    image = Image.new("RGB", _SIZE, "white")
    pen = ImageDraw.Draw(image)
    left, right, top, bottom = _MARGIN
    width, height = _SIZE[0] - left - right, _SIZE[1] - top - bottom
    last = max(len(losses), 2)
    low, high = (min(losses), max(losses)) if losses else (0.0, 1.0)
    if high - low < 1e-9:
        low, high = low - 0.5, high + 0.5

    def point(step: float, value: float) -> tuple[float, float]:
        return left + width * (step - 1) / (last - 1), top + height * (high - value) / (high - low)

    for number in range(_GRID_LINES):
        value = low + (high - low) * number / (_GRID_LINES - 1)
        y = point(1, value)[1]
        pen.line((left, y, left + width, y), fill=_PALE)
        pen.text((left - 8, y), f"{value:.3f}", fill=_INK, anchor="rm")
        step = round(1 + (last - 1) * number / (_GRID_LINES - 1))
        pen.text((point(step, low)[0], top + height + 8), str(step), fill=_INK, anchor="ma")
    averages = _averaged(losses)
    if len(losses) > 1:
        pen.line([point(step, value) for step, value in enumerate(losses, 1)], fill=(190, 205, 245))
        pen.line([point(step, value) for step, value in enumerate(averages, 1)], fill=_LINE, width=2)
    for step, score in sorted(scores.items()):
        if step <= len(averages):
            x, y = point(step, averages[step - 1])
            pen.ellipse((x - 4, y - 4, x + 4, y + 4), fill=_MARK)
            pen.text((x, y - 10), f"{score:.4f}", fill=_MARK, anchor="mb")
    pen.text((left, 12), "loss of each step, its moving average; dots: checkpoints with their scores", fill=_INK)
    return _png(image)


def sample_sheet(samples: Sequence[tuple[Image.Image, str]]) -> bytes:
    """A PNG of all samples in rows of four, each with its label below."""
    across, down = _TILE + _GAP, _TILE + _LABEL + _GAP
    rows = -(-len(samples) // _COLUMNS)
    size = min(len(samples), _COLUMNS) * across + _GAP, rows * down + _GAP
    sheet = Image.new("RGB", size, "white")
    pen = ImageDraw.Draw(sheet)
    for index, (image, label) in enumerate(samples):
        x, y = _GAP + index % _COLUMNS * across, _GAP + index // _COLUMNS * down
        sheet.paste(image.convert("RGB").resize((_TILE, _TILE), Image.Resampling.LANCZOS), (x, y))
        pen.text((x, y + _TILE + 4), _fitting(pen, label), fill=_INK)
    return _png(sheet)


def _averaged(losses: Sequence[float]) -> list[float]:
    """Exponential moving average without the pull of its start (arXiv:1412.6980, section 3)."""
    average, averages = 0.0, []
    for count, loss in enumerate(losses, 1):
        average = _SMOOTH * average + (1 - _SMOOTH) * loss
        averages.append(average / (1 - math.pow(_SMOOTH, count)))
    return averages


def _fitting(pen: ImageDraw.ImageDraw, label: str) -> str:
    """As much of the label as a tile is wide, in letters that the built-in font has."""
    text = label.encode("latin-1", "replace").decode("latin-1")
    while text and pen.textlength(text) > _TILE:
        text = text[:-1]
    return text


def _png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG", optimize=True)
    return buffer.getvalue()
