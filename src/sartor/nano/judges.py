"""Judges: two small convnets that name what a picture shows and in which style it is drawn.

    python -m sartor.nano.judges --work DIR [--steps N]

They learn from real sprites alone, drawn by the composer, and never see a generated picture; what the base must not see
(the brand's set, the held-out pairs) they do see, because they judge it. What they look at is the thing cut out of its
picture (renderings.py). Some plain colours are kept from the training; the accuracy over those and landscapes is
reported first, crisp and softened, and travels with the weights in work/judges/judges.safetensors.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from sartor.nano.concepts import CONCEPT_BY_NAME
from sartor.nano.renderings import NO_STYLE, Renderings, augment, judged_sprites, names, render, soften, to_input
from sartor.nano.run import (
    Run,
    Steps,
    autocast,
    optimizer_tensors,
    prefixed,
    restore_optimizer,
    schedule,
    set_rate,
    under,
)

SOFT = 28  # pixels across: the detail that the softened renderings keep
WIDTHS = {"concept": 24, "style": 24}  # channels of each network's first level

Array = np.ndarray[Any, np.dtype[Any]]


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


class Against(nn.Module):
    """Puts beside the picture its difference from the median of its frame: [B, 3, h, w] -> [B, 6, h, w].

    On a plain background that difference is zero wherever there is nothing, whatever the background's colour.
    """

    def forward(self, x: Tensor) -> Tensor:
        frame = torch.cat([x[..., 0, :], x[..., -1, :], x[..., :, 0], x[..., :, -1]], dim=-1)
        return torch.cat([x, x - frame.median(dim=-1).values[..., None, None]], dim=1)


class Pool(nn.Module):
    """Mean and maximum over the picture: [B, C, h, w] -> [B, 2 C]. The maximum finds what fills only a part of it."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([x.mean(dim=(2, 3)), x.amax(dim=(2, 3))], dim=1)


def build_judge(width: int, classes: int) -> nn.Sequential:
    """An untrained judge: [B, 3, SIDE, SIDE] in -1..1 -> logits [B, classes]. About 1.1 M weights at width 24."""

    def halve(inside: int, outside: int) -> list[nn.Module]:
        return [nn.Conv2d(inside, outside, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(outside), nn.ReLU()]

    layers = [Against(), *halve(6, width)]
    for level in (2, 4, 8):
        layers += [*halve(level * width // 2, level * width), Residual(level * width)]
    return nn.Sequential(*layers, Pool(), nn.Linear(16 * width, classes))


class Judges:
    """The two networks and what their outputs mean."""

    def __init__(self, concepts: list[str], styles: list[str]):
        self.concepts, self.styles = concepts, styles
        self.accuracy: dict[str, float] = {}
        self.networks = nn.ModuleDict(
            {
                "concept": build_judge(WIDTHS["concept"], len(concepts)),
                "style": build_judge(WIDTHS["style"], len(styles)),
            }
        )

    @classmethod
    def load(cls, work: Path) -> Judges:
        """Raises FileNotFoundError before they were trained."""
        path = work / "judges" / "judges.safetensors"
        if not path.exists():
            raise FileNotFoundError(f"no judges in {path.parent}: run python -m sartor.nano.judges first")
        with safe_open(path, "pt") as file:
            described = json.loads(file.metadata()["judges"])
        judges = cls(described["concepts"], described["styles"])
        judges.networks.load_state_dict(load_file(path))
        judges.accuracy = described["accuracy"]
        judges.networks.eval()
        return judges

    def save(self, work: Path) -> None:
        described = {"concepts": self.concepts, "styles": self.styles, "accuracy": self.accuracy}
        tensors = {name: tensor.contiguous() for name, tensor in self.networks.state_dict().items()}
        save_file(tensors, work / "judges" / "judges.safetensors", {"judges": json.dumps(described)})

    @torch.no_grad()
    def probabilities(self, which: str, cuts: Array) -> Tensor:
        """`which` is "concept" or "style"; uint8 [B, SIDE, SIDE, 3] as `cut_out` gives them -> float [B, classes],
        each row adding up to 1."""
        self.networks.eval()
        logits: Tensor = self.networks[which](to_input(torch.from_numpy(cuts)))
        return logits.float().softmax(-1)


@torch.no_grad()
def accuracies(judges: Judges, held: Renderings) -> dict[str, float]:
    """Shares of held-out renderings named right: crisp, and with the detail of SOFT pixels across."""
    found: dict[str, float] = {"renderings": float(len(held.pictures))}
    judges.networks.eval()
    for look in ("crisp", "soft"):
        ranks: dict[str, list[Tensor]] = {"concept": [], "style": []}
        for start in range(0, len(held.pictures), 64):
            pictures = to_input(held.pictures[start : start + 64])
            if look == "soft":
                pictures = soften(pictures, SOFT)
            for which, truth in (("concept", held.concept), ("style", held.style)):
                asked = truth[start : start + 64] != NO_STYLE
                if asked.any():
                    logits = judges.networks[which](pictures[asked]).float()
                    own = logits.gather(1, truth[start : start + 64][asked][:, None])
                    ranks[which].append((logits > own).sum(1))
        for which, listed in ranks.items():
            rank = torch.cat(listed)
            found[f"{which} {look}"] = float((rank < 1).float().mean())
            if which == "concept":
                found[f"{which} {look} top 5"] = float((rank < 5).float().mean())
    return found


def train(work: Path, steps: int, *, views: int = 16, batch: int = 64, seed: int = 5) -> Judges:
    """Trains both judges; a killed run goes on from its last checkpoint. Writes work/judges/."""
    sprites = judged_sprites(work)
    unknown = sorted({concept for concept, _ in sprites.pixels} - set(CONCEPT_BY_NAME))
    if unknown:
        raise ValueError(f"the bank has things that the vocabulary lacks: {', '.join(unknown)}; pack it again")
    torch.manual_seed(seed)
    judges = Judges(*names(sprites))
    judges.networks.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimizer = torch.optim.AdamW(judges.networks.parameters(), lr=3e-3, weight_decay=0.02)
    run = Run(work / "judges")
    start = 0
    if (saved := run.load()) is not None and saved[1]["classes"] == [judges.concepts, judges.styles]:
        judges.networks.load_state_dict(under("model.", saved[0]))
        restore_optimizer(optimizer, saved[0])
        start = saved[1]["step"]
    seen = render(sprites, views, seed)
    taken = Steps(
        run,
        "judges",
        start,
        steps,
        save=lambda: prefixed("model.", judges.networks.state_dict()) | optimizer_tensors(optimizer),
        state={"classes": [judges.concepts, judges.styles]},
        save_seconds=60,
    )
    for step in taken:
        torch.manual_seed(seed * 1_000_000 + step)
        rows = torch.randint(len(seen.pictures), (batch,))
        pictures = augment(to_input(seen.pictures[rows])).contiguous(memory_format=torch.channels_last)
        set_rate(optimizer, 3e-3 * schedule(step, steps, warm_up=50, hold=0.35))
        judges.networks.train()
        with autocast(torch.device("cpu")):
            concept, style = judges.networks["concept"](pictures), judges.networks["style"](pictures)
        concept_loss = F.cross_entropy(concept.float(), seen.concept[rows], label_smoothing=0.05)
        style_loss = F.cross_entropy(style.float(), seen.style[rows], label_smoothing=0.05, ignore_index=NO_STYLE)
        (concept_loss + style_loss).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        taken.tell(concept=concept_loss, style=style_loss)
    judges.accuracy = accuracies(judges, render(sprites, 2, seed + 1, held=True))
    judges.save(work)
    return judges


def main() -> None:
    parser = argparse.ArgumentParser(description="Trains the judges on real sprites")
    parser.add_argument("--work", type=Path, default=Path("var/nano"))
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--views", type=int, default=16, help="renderings of each sprite")
    a = parser.parse_args()
    judges = train(a.work, a.steps, views=a.views)
    for name, value in judges.accuracy.items():
        print(f"{name}: {value:.4g}")


if __name__ == "__main__":
    main()
