"""What a thing is and how it is drawn, by a small convolutional network that knows the embedded model's world.

It looks at one thing, cut out of its picture, and answers for the vocabulary's things and for "something else", and for
the base's styles and "another style". `sartor.nano.attributes` trains it; the weights are in the folder attributes/.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from safetensors import safe_open
from torch import Tensor, nn

from sartor.captioning.pixels import Array
from sartor.captioning.subject import Part

WEIGHTS = Path(__file__).parent / "attributes" / "attributes.safetensors"
SIDE = 64  # pixels of a cut-out's side
MARGINS = (0.06, 0.14)  # around a thing, as shares of its longer side: each thing is looked at once with each
WIDTH = 20  # channels of the first level
SURE = 0.5  # from which a thing is called by its name: 5% of the things without a word then get a wrong one


class Residual(nn.Module):
    """Two 3x3 convolutions around which the input is added: [B, C, h, w] -> the same."""

    def __init__(self, channels: int):
        super().__init__()
        self.first = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.second = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.first_norm, self.second_norm = nn.BatchNorm2d(channels), nn.BatchNorm2d(channels)

    def forward(self, x: Tensor) -> Tensor:
        inner = F.relu(self.first_norm(self.first(x)))
        return F.relu(x + self.second_norm(self.second(inner)))


class AttributeNetwork(nn.Module):
    """[B, 3, SIDE, SIDE] in -1..1 -> logits of things [B, things] and of styles [B, styles]; about 0.8 M weights."""

    def __init__(self, things: int, styles: int, width: int = WIDTH):
        super().__init__()
        levels: list[nn.Module] = []
        inside = 6
        for factor in (1, 2, 4, 8):
            outside = width * factor
            levels += [nn.Conv2d(inside, outside, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(outside)]
            levels += [nn.ReLU(), *([Residual(outside)] if factor > 1 else [])]
            inside = outside
        self.levels = nn.Sequential(*levels)
        self.things = nn.Linear(2 * inside, things)
        self.styles = nn.Linear(2 * inside, styles)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        # Beside the picture its difference from the frame: zero where there is nothing, whatever the background.
        frame = torch.cat([x[..., 0, :], x[..., -1, :], x[..., :, 0], x[..., :, -1]], dim=-1)
        x = torch.cat([x, x - frame.median(dim=-1).values[..., None, None]], dim=1)
        x = self.levels(x)
        pooled = torch.cat([x.mean(dim=(2, 3)), x.amax(dim=(2, 3))], dim=1)
        return self.things(pooled), self.styles(pooled)


@dataclass(frozen=True)
class Guess:
    """Probabilities 0..1 by name; OTHER stands for what the network does not know."""

    things: dict[str, float]
    styles: dict[str, float]

    @property
    def thing(self) -> tuple[str, float]:
        return _first(self.things)

    @property
    def style(self) -> tuple[str, float]:
        return _first(self.styles)


OTHER = "other"


class Namer:
    """The network and what its outputs mean. One may serve many threads."""

    def __init__(self, things: Sequence[str], styles: Sequence[str], network: AttributeNetwork):
        self.things, self.styles = list(things), list(styles)
        self.network = network.eval()

    @classmethod
    def load(cls, path: Path = WEIGHTS) -> Namer:
        """Raises FileNotFoundError where there are no weights."""
        if not path.exists():
            raise FileNotFoundError(f"no weights at {path}: run python -m sartor.nano.attributes first")
        with safe_open(path, "pt") as file:
            described = json.loads(file.metadata()["attributes"])
            tensors = {name: file.get_tensor(name).float() for name in file.keys()}  # noqa: SIM118
        network = AttributeNetwork(len(described["things"]), len(described["styles"]), described["width"])
        network.load_state_dict(tensors, strict=False)
        return cls(described["things"], described["styles"], network)

    @torch.inference_mode()
    def probabilities(self, cut_outs: Array) -> tuple[Tensor, Tensor]:
        """uint8 [B, SIDE, SIDE, 3] -> things [B, n] and styles [B, m], each row adding up to 1; in float32."""
        x = torch.from_numpy(np.ascontiguousarray(cut_outs)).permute(0, 3, 1, 2).float() / 127.5 - 1
        things, styles = self.network(x)
        return things.softmax(-1), styles.softmax(-1)

    def guess(self, picture: Image.Image, part: Part) -> Guess:
        """What the thing of an RGB picture is, looked at with each margin and mirrored."""
        views = [cut_out(picture, part, margin) for margin in MARGINS]
        views += [view[:, ::-1] for view in views]
        things, styles = (found.mean(0).tolist() for found in self.probabilities(np.stack(views)))
        return Guess(dict(zip(self.things, things, strict=True)), dict(zip(self.styles, styles, strict=True)))


def cut_out(picture: Image.Image, part: Part, margin: float) -> Array:
    """The square around a thing: uint8 [SIDE, SIDE, 3]; beyond the picture its edge goes on."""
    left, right = part.left * picture.width, part.right * picture.width
    top, bottom = part.top * picture.height, part.bottom * picture.height
    side = max(right - left, bottom - top) * (1 + 2 * margin)
    x, y = (left + right - side) / 2, (top + bottom - side) / 2
    inside = max(0.0, x), max(0.0, y), min(float(picture.width), x + side), min(float(picture.height), y + side)
    scale = SIDE / side
    size = max(1, round((inside[2] - inside[0]) * scale)), max(1, round((inside[3] - inside[1]) * scale))
    seen = np.asarray(picture.resize(size, Image.Resampling.BILINEAR, box=inside))
    before = (
        max(0, min(SIDE - size[1], round((inside[1] - y) * scale))),
        max(0, min(SIDE - size[0], round((inside[0] - x) * scale))),
    )
    after = max(0, SIDE - size[1] - before[0]), max(0, SIDE - size[0] - before[1])
    padded = np.pad(seen, ((before[0], after[0]), (before[1], after[1]), (0, 0)), mode="edge")
    return padded[:SIDE, :SIDE]


def _first(shares: dict[str, float]) -> tuple[str, float]:
    name = max(shares, key=lambda one: shares[one])
    return name, shares[name]
