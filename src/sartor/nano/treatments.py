"""Ways to draw a sprite that no sprite set has: other colours, two tones, lines alone, ink with cut lines, outlines.

Each takes a batch of sprites, colours [B, 3, h, w] and coverage [B, 1, h, w] in 0..1, and gives the same back. What is
random comes from the torch generator's global state, which a training seeds for each step.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

# The share of a training's sprites that are treated in each way. What keeps a style is in KEEP.
SHARES = {"none": 0.36, "hues": 0.14, "tones": 0.11, "lines": 0.11, "ink": 0.1, "outline": 0.09, "levels": 0.09}
KEEP = ("none", "hues")


def lightness(colors: Tensor) -> Tensor:
    """[B, 3, h, w] to [B, 1, h, w]: Rec. 601 luma."""
    weights = torch.tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1)
    return (colors * weights).sum(1, keepdim=True)


def edges(colors: Tensor, coverage: Tensor, reach: int = 1) -> Tensor:
    """How much colours differ within `reach` pixels: [B, 1, h, w] in 0..1; the sprite's rim is an edge."""
    size = 2 * reach + 1
    shown = colors * coverage

    def span(x: Tensor) -> Tensor:
        return F.max_pool2d(x, size, 1, reach) + F.max_pool2d(-x, size, 1, reach)

    return torch.maximum(span(shown).amax(1, keepdim=True), span(coverage))


def hues(colors: Tensor) -> Tensor:
    """Channels mixed anew: hues change, lights and shades mostly stay."""
    size = len(colors)
    order = torch.stack([torch.randperm(3) for _ in range(size)])
    mix = torch.eye(3)[order] + 0.35 * torch.randn(size, 3, 3)
    mix = mix / mix.sum(-1, keepdim=True).clamp(min=0.4)
    return torch.einsum("bij,bjhw->bihw", mix, colors).clamp(0, 1)


def tones(colors: Tensor, coverage: Tensor, dark: Tensor, light: Tensor) -> Tensor:
    """Two colours [B, 3], one below a random lightness and one above."""
    light_of = lightness(colors)
    mean = (light_of * coverage).sum((2, 3), keepdim=True) / coverage.sum((2, 3), keepdim=True).clamp(min=1)
    limit = mean + 0.25 * (torch.rand(len(colors), 1, 1, 1) - 0.5)
    above = ((light_of - limit) * 24 + 0.5).clamp(0, 1)
    return dark[..., None, None] * (1 - above) + light[..., None, None] * above


def levels(colors: Tensor, dark: Tensor, light: Tensor) -> Tensor:
    """Few levels: of each channel, or of lightness between two colours [B, 3]."""
    size = len(colors)
    number = torch.randint(1, 4, (size, 1, 1, 1)).float()
    channels = (colors * number).round() / number
    steps = (lightness(colors) * (number + 1)).round() / (number + 1)
    toned = dark[..., None, None] * (1 - steps) + light[..., None, None] * steps
    return torch.where(torch.rand(size, 1, 1, 1) < 0.5, channels, toned)


def treat(colors: Tensor, coverage: Tensor, paper: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Each sprite in a way of its own: colours, coverage, and whether its style is still its own, bool [B].

    `paper` [B, 3] are the backgrounds' colours, which shine through lines.
    """
    names = list(SHARES)
    way = torch.multinomial(torch.tensor(list(SHARES.values())), len(colors), replacement=True)
    colors, coverage = colors.clone(), coverage.clone()
    for index, name in enumerate(names):
        rows = torch.nonzero(way == index).flatten()
        if name != "none" and len(rows):
            colors[rows], coverage[rows] = _treated(name, colors[rows], coverage[rows], paper[rows])
    return colors, coverage, torch.stack([way == names.index(name) for name in KEEP]).any(0)


def _treated(name: str, colors: Tensor, coverage: Tensor, paper: Tensor) -> tuple[Tensor, Tensor]:
    size = len(colors)
    if name == "hues":
        return hues(colors), coverage
    ink, other = _apart(paper), torch.rand(size, 3)
    light = torch.where(torch.rand(size, 1) < 0.6, paper, other)
    if name == "tones":
        return tones(colors, coverage, ink, light), coverage
    if name == "levels":
        return levels(colors, ink, other), coverage
    if name == "outline":
        return _outlined(colors, coverage, ink)
    edge = edges(colors, coverage, 1 if torch.rand(()) < 0.7 else 2)
    line = ((edge - 0.18 - 0.2 * torch.rand(size, 1, 1, 1)) * 10).clamp(0, 1)
    inked = ink[..., None, None].expand_as(colors)
    if name == "lines":
        return inked, line
    return inked * (1 - line) + light[..., None, None] * line, coverage


def _outlined(colors: Tensor, coverage: Tensor, ink: Tensor) -> tuple[Tensor, Tensor]:
    """A line of one to three pixels around the sprite, inside it or out."""
    reach = int(torch.randint(1, 4, ()))
    size = 2 * reach + 1
    grown = F.max_pool2d(coverage, size, 1, reach)
    shrunk = -F.max_pool2d(-coverage, size, 1, reach)
    outside = torch.rand(len(colors), 1, 1, 1) < 0.5
    whole = torch.where(outside, grown, coverage)
    inner = torch.where(outside, coverage, shrunk)
    return colors * inner + ink[..., None, None] * (1 - inner), whole


def _apart(paper: Tensor) -> Tensor:
    """Colours [B, 3] that can be told from the paper's: mostly dark on light paper, light on dark."""
    drawn = torch.rand(len(paper), 3)
    bright = (paper * torch.tensor([0.299, 0.587, 0.114])).sum(-1, keepdim=True)
    return torch.where(bright > 0.45, drawn * 0.45, 1 - drawn * 0.45)
