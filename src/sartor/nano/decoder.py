"""Stage 3: the decoder alone, with the encoder as it is, learns to see clean pictures in what is sampled.

    python -m sartor.nano.decoder --work DIR --steps 2200

Half of each batch are drafts of the base (`drafts.py`), to be decoded to the scenes that they are drafts of. The other
half are pictures of every kind: scenes mirrored, with other colours, scribbled on, and single drawings in looks that
the base has not, their latents disturbed. Besides the autoencoder's own loss a patch discriminator judges what it sees
(hinge loss, and the distance of its features, as in pix2pixHD, arXiv:1711.11585). The two pull at the picture with
forces in a fixed proportion, whatever their losses' sizes. What ships is the average of the weights.
"""

from __future__ import annotations

import argparse
import itertools
import random
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from sartor.fibo.aspect import GRID
from sartor.nano.autoencoder import NOISE, batch_of, build, decode, encode, loss_of, single_frame, to_grid, to_tensor
from sartor.nano.bank import Bank
from sartor.nano.dial import DIALS, Dial
from sartor.nano.drafts import load_drafts
from sartor.nano.run import (
    Run,
    Steps,
    autocast,
    ema_decay,
    optimizer_tensors,
    prefixed,
    restore_optimizer,
    schedule,
    set_rate,
    training_device,
    under,
)
from sartor.nano.sources import SpriteBank
from sartor.nano.treatments import treat

RATE, CRITIC_RATE = 3e-4, 1e-3
DETAIL, GRAIN = 16.0, 0.02  # how much the critic is shown of what is fine, and of noise
FINE = 0.3  # weight of single pixels in a draft's distance
PULL = 2.0  # of the discriminator at the picture, as a share of the other loss's
ALONE = 100  # steps in which the discriminator learns before it is heard
FEATURES = 4.0  # weight of its features' distance beside its verdict
COARSE, GAIN = 0.15, 0.05  # deviation of what clean latents are disturbed by: over four tokens, and of a channel's size
WHOLE = 4  # one step in so many sees whole pictures
TREATED = 3  # one in so many of the pictures that are no drafts shows a single drawing in another look


class Critic(nn.Module):
    """A verdict for every patch of 40 pixels: [B, 3, H, W] -> [B, 1, H / 8, W / 8], and its features on the way.

    It is shown what is finer than three pixels beside the picture, DETAIL times as strong: flat art is flat nearly
    everywhere, and without that it could not tell a soft edge from a sharp one after hundreds of steps.
    """

    def __init__(self, width: int = 32):
        super().__init__()
        sizes = (6, width, 2 * width, 4 * width)
        self.layers = nn.ModuleList(
            spectral_norm(nn.Conv2d(low, high, 4, stride=2, padding=1)) for low, high in itertools.pairwise(sizes)
        )
        self.verdict = spectral_norm(nn.Conv2d(sizes[-1], 1, 3, padding=1))

    def forward(self, pictures: Tensor) -> tuple[Tensor, list[Tensor]]:
        fine = pictures - F.avg_pool2d(F.pad(pictures, (1, 1, 1, 1), mode="replicate"), 3, 1)
        features, x = [], torch.cat([pictures, DETAIL * fine], dim=1)
        for layer in self.layers:
            x = F.leaky_relu(layer(x), 0.2)
            features.append(x)
        return self.verdict(x), features


@dataclass(frozen=True)
class Batch:
    """Raw latents [B, C, h, w] as the decoder meets them, and the pictures [B, 3, H, W] in -1..1 to see in them."""

    latents: Tensor
    pictures: Tensor


class Lessons:
    """What the decoder learns from; a step's batch follows from its number alone."""

    def __init__(self, work: Path, vae: Any, dial: Dial):
        self.bank, self.drafts, self.vae, self.side = Bank(work), load_drafts(work), vae, dial.side
        self.sprites = list(SpriteBank.load(work / "sprites.npz").pixels.values())
        self.device = next(vae.parameters()).device

    def batch(self, step: int, size: int, *, whole: bool = True) -> Batch:
        """Whole pictures, or of each a random quarter: four times as many for the same work, and edges are as sharp."""
        rng, tokens = random.Random(step), self.side // GRID
        width = tokens if whole else tokens // 2
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(step)
            rows = [rng.randrange(len(self.drafts)) for _ in range(size // 2)]
            treated = (size - len(rows)) // TREATED
            pictures = [to_tensor(self.bank.pictures(rows)), batch_of(self.bank, size - len(rows) - treated, rng)]
            if treated:
                pictures.append(treated_pictures([rng.choice(self.sprites) for _ in range(treated)], self.side))
            corners = [(rng.randint(0, tokens - width), rng.randint(0, tokens - width)) for _ in range(size)]
            shown = cut(torch.cat(pictures), corners, width, GRID).to(self.device)
            drafts = cut(self.drafts[rows].float(), corners, width, 1).to(self.device)
            with torch.no_grad(), autocast(self.device):
                raw = encode(self.vae, shown[len(rows) :]).float()
            return Batch(torch.cat([drafts, disturbed(raw)]), shown)


def cut(maps: Tensor, corners: list[tuple[int, int]], width: int, scale: int) -> Tensor:
    """Of each map [B, C, H, W] the square of `width` at its corner (top, left), both in units of `scale` pixels."""
    squares = [
        one[:, top * scale : (top + width) * scale, left * scale : (left + width) * scale]
        for one, (top, left) in zip(maps, corners, strict=False)
    ]
    return torch.stack(squares)


def disturbed(latents: Tensor) -> Tensor:
    """The latents with fine noise, coarse noise, and channels a little larger or smaller than they should be."""
    size, channels, height, width = latents.shape
    coarse = torch.randn(size, channels, max(1, height // 4), max(1, width // 4)).to(latents.device)
    coarse = F.interpolate(coarse, (height, width), mode="bicubic", align_corners=False)
    gain = 1 + GAIN * torch.randn(size, channels, 1, 1).to(latents.device)
    return gain * latents + COARSE * coarse + NOISE * torch.randn(latents.shape).to(latents.device)


def treated_pictures(sprites: list[Any], side: int) -> Tensor:
    """One drawing (uint8 RGBA) on each, in lines, tones or other colours, on a plain one: [B, 3, side, side], -1..1."""
    colors, coverage = torch.zeros(len(sprites), 3, side, side), torch.zeros(len(sprites), 1, side, side)
    for row, sprite in enumerate(sprites):
        drawing = torch.tensor(sprite).permute(2, 0, 1)[None].float() / 255
        drawing[:, :3] *= drawing[:, 3:]
        scale = side * float(torch.empty(()).uniform_(0.4, 0.85)) / max(sprite.shape[:2])
        height, width = (max(2, round(length * scale)) for length in sprite.shape[:2])
        drawing = F.interpolate(drawing, (height, width), mode="bilinear", antialias=True, align_corners=False)[0]
        top, left = (int(torch.randint(0, side - length + 1, ())) for length in (height, width))
        place = (slice(top, top + height), slice(left, left + width))
        colors[row][:, *place] = drawing[:3] / drawing[3:].clamp(min=0.02)
        coverage[row][:, *place] = drawing[3:]
    paper = 1 - torch.rand(len(sprites), 3) ** 2
    colors, coverage, _ = treat(colors.clamp(0, 1), coverage.clamp(0, 1), paper)
    return (paper[..., None, None] * (1 - coverage) + colors * coverage).clamp(0, 1) * 2 - 1


def distance_of(seen: Tensor, wanted: Tensor, drafts: int) -> Tensor:
    """How far decoded pictures are from what is wanted, the first `drafts` of them being of drafts.

    Where an edge lies a little elsewhere, every measure of single pixels asks for a soft one: of drafts mostly the
    colours of squares of four pixels count, and what is finer is the critic's.
    """
    one, none = torch.ones((), device=seen.device), torch.zeros((), device=seen.device)
    coarse = F.l1_loss(F.avg_pool2d(seen[:drafts], 4), F.avg_pool2d(wanted[:drafts], 4))
    loss = coarse + FINE * F.l1_loss(seen[:drafts], wanted[:drafts])
    return (loss + loss_of(seen[drafts:], wanted[drafts:], none, one)) / 2


def pull(critic: Critic, seen: Tensor, wanted: Tensor, drafts: int) -> tuple[Tensor, Tensor, float]:
    """Gradients at the decoded pictures `seen`: of their distance from what is wanted, and of the critic's displeasure,
    brought to the same size; and that distance."""
    seen = seen.detach().float().requires_grad_()
    delivered = seen.clamp(-1, 1)  # white may be too white: else it would come out a little gray
    distance = distance_of(delivered, wanted, drafts)
    (towards,) = torch.autograd.grad(distance, seen, retain_graph=True)
    verdict, features = critic(grained(delivered))
    with torch.no_grad():
        _, true = critic(grained(wanted[drafts:]))
    unlike = sum(F.l1_loss(a[drafts:], b) / b.abs().mean() for a, b in zip(features, true, strict=True))
    (displeased,) = torch.autograd.grad(FEATURES * unlike / len(features) - verdict.mean(), seen)
    return towards, displeased * (towards.norm() / displeased.norm().clamp(min=1e-12)), distance.item()


def grained(pictures: Tensor) -> Tensor:
    """With fine noise: else the critic would tell the two apart by how flat what is flat is, and by nothing else."""
    return pictures + GRAIN * torch.randn_like(pictures)


def hinge(critic: Critic, seen: Tensor, true: Tensor) -> Tensor:
    """What the critic learns from: what is decoded should score below -1, what is true above 1."""
    below, _ = critic(grained(seen.detach().float().clamp(-1, 1)))
    above, _ = critic(grained(true))
    loss: Tensor = F.relu(1 + below).mean() + F.relu(1 - above).mean()
    return loss


def load_refined(work: Path, dial: Dial) -> tuple[Any, dict[str, Tensor], dict[str, Any]]:
    """The autoencoder with the decoder as it is in training, what else was saved, and the state; from stage 1 at first.

    Raises FileNotFoundError before stage 1.
    """
    vae = single_frame(build(dial)).to(training_device())
    saved = Run(work / "decoder").load()
    first = saved or Run(work / "autoencoder").load()
    if first is None:
        raise FileNotFoundError("train the autoencoder first")
    vae.load_state_dict(under("current." if saved else "model.", first[0]))
    return vae, (saved[0] if saved else {}), (saved[1] if saved else {"step": 0})


def train(work: Path, dial: Dial, steps: int, *, batch: int = 8, compile_: bool = True, hold: float = 0.4) -> None:
    """Goes on until step `steps`. Writes work/decoder, its average under "model.": what `load_decoder` reads."""
    torch.manual_seed(2)
    run = Run(work / "decoder")
    vae, saved, state = load_refined(work, dial)
    device = training_device()
    for module in (vae.encoder, vae.quant_conv):
        module.requires_grad_(False)
    names = [name for name, p in vae.named_parameters() if p.requires_grad]
    current = [vae.get_parameter(name) for name in names]
    critic = Critic().to(device)
    optimizer = torch.optim.AdamW(current, lr=RATE, betas=(0.9, 0.98), weight_decay=0.0)
    critics = torch.optim.AdamW(critic.parameters(), lr=CRITIC_RATE, betas=(0.5, 0.98), weight_decay=0.0)
    average = [p.detach().clone() for p in current]
    if saved:
        critic.load_state_dict(under("critic.", saved))
        average = [saved[f"model.{name}"].to(device) for name in names]
        restore_optimizer(optimizer, saved)
        restore_optimizer(critics, under("of-critic.", saved))
    lessons = Lessons(work, vae, dial)
    see: Any = torch.compile(decode, dynamic=False) if compile_ else decode
    held = lessons.batch(-1, 8)

    def state_of_all() -> dict[str, Tensor]:
        averaged = prefixed("model.", dict(zip(names, average, strict=True)))
        of_critic = prefixed("of-critic.", optimizer_tensors(critics))
        networks = (
            prefixed("current.", vae.state_dict())
            | prefixed("model.", vae.state_dict())
            | averaged
            | prefixed("critic.", critic.state_dict())
        )
        return networks | optimizer_tensors(optimizer) | of_critic

    @torch.no_grad()
    def show(path: Path) -> None:
        kept = [p.detach().clone() for p in current]
        torch._foreach_copy_(current, average)
        seen = decode(vae, held.latents).clamp(-1, 1)
        torch._foreach_copy_(current, kept)
        to_grid([held.pictures, seen]).save(path)

    taken, smooth = Steps(run, "decoder", int(state["step"]), steps, save=state_of_all, show=show), 0.0
    for step in taken:
        torch.manual_seed(step)
        rate = schedule(step, steps, warm_up=50, hold=hold)
        set_rate(optimizer, rate * RATE)
        set_rate(critics, rate * CRITIC_RATE)
        lesson = lessons.batch(step, batch, whole=step % WHOLE == 0)
        with autocast(device):
            seen = see(vae, lesson.latents)
        towards, displeased, distance = pull(critic, seen, lesson.pictures, batch // 2)
        heard = PULL if step >= ALONE else 0.0
        seen.backward((towards + heard * displeased).to(seen.dtype))
        torch.nn.utils.clip_grad_norm_(current, 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        critics.zero_grad(set_to_none=True)
        judged = hinge(critic, seen, lesson.pictures)
        judged.backward()  # type: ignore[no-untyped-call]
        critics.step()
        torch._foreach_lerp_(average, [p.detach() for p in current], 1 - ema_decay(step, 0.996))
        smooth = distance if smooth == 0 else 0.98 * smooth + 0.02 * distance
        taken.tell(loss=distance, smooth=smooth, critic=judged)


def main() -> None:
    parser = argparse.ArgumentParser(description="Trains the decoder on what the base draws")
    parser.add_argument("--work", type=Path, default=Path("var/nano"))
    parser.add_argument("--dial", choices=list(DIALS), default="cpu")
    parser.add_argument("--steps", type=int, default=2200, help="in all, those behind it too")
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--hold", type=float, default=0.4, help="share of the steps at full rate")
    parser.add_argument("--no-compile", action="store_true")
    parser.add_argument("--threads", type=int, help="of the processor; as many as PyTorch would take")
    a = parser.parse_args()
    if a.threads:
        torch.set_num_threads(a.threads)
    train(a.work, DIALS[a.dial], a.steps, batch=a.batch, compile_=not a.no_compile, hold=a.hold)


if __name__ == "__main__":
    main()
