"""Stage 1: the autoencoder, an `AutoencoderKLWan` with a 16-fold smaller side, trained on single frames.

    python -m sartor.nano.autoencoder --work DIR --steps 12000

Trained on crops of the bank's pictures, first for squared error (colours come first that way; with L1 and gradients
from the start, and at 1.5e-3, it stayed grey for 600 steps), then more and more for L1 and gradients, which sharpen.
The latent gets noise while training, so that the decoder forgives the sampler; `decoder.py` goes on with the decoder
alone. The latents' measured mean and deviation go into the config when `export.py` writes `vae/` in diffusers' format.

One frame passes only the last of each causal convolution's three temporal taps; training uses exactly those, as 2-D
convolutions, and leaves the other taps at zero. The middle block's attention is left out (its output projection is
zero), so that what is learned on crops holds for pictures of any size.
"""

from __future__ import annotations

import argparse
import random
import types
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from diffusers import AutoencoderKLWan
from diffusers.models.autoencoders.autoencoder_kl_wan import WanAttentionBlock, WanCausalConv3d, patchify, unpatchify
from PIL import Image, ImageDraw

from sartor.fibo.aspect import GRID
from sartor.nano.bank import Bank
from sartor.nano.dial import DIALS, Dial
from sartor.nano.run import (
    Run,
    Steps,
    autocast,
    optimizer_tensors,
    prefixed,
    restore_optimizer,
    schedule,
    set_rate,
    training_device,
    under,
)

SCRIBBLED = 0.15  # share of pictures
NOISE = 0.08  # standard deviation of the noise on latents in training, whose own deviation is held near 1


def build(dial: Dial, mean: list[float] | None = None, std: list[float] | None = None) -> AutoencoderKLWan:
    """An untrained autoencoder: [B, 3, 1, H, W] in -1..1 <-> [B, channels, 1, H/16, W/16]."""
    vae = AutoencoderKLWan(
        base_dim=dial.encoder_width,
        decoder_base_dim=dial.decoder_width,
        z_dim=dial.channels,
        dim_mult=[1, 2, 4, 4],
        num_res_blocks=1,
        temperal_downsample=[False, False, False],
        latents_mean=mean or [0.0] * dial.channels,
        latents_std=std or [1.0] * dial.channels,
        is_residual=True,
        in_channels=12,
        out_channels=12,
        patch_size=2,
        scale_factor_spatial=16,
    )
    with torch.no_grad():
        for module in vae.modules():
            if isinstance(module, WanCausalConv3d):
                module.weight[:, :, :-1] = 0
            elif isinstance(module, WanAttentionBlock):
                module.proj.weight.zero_()
                module.proj.bias.zero_()
                module.requires_grad_(False)
    return vae


def _frame_convolution(self: Any, x: torch.Tensor, cache_x: torch.Tensor | None = None) -> torch.Tensor:
    frame = x[:, :, 0].contiguous(memory_format=torch.channels_last)
    padding = (self._padding[2], self._padding[0])
    return F.conv2d(frame, self.weight[:, :, -1], self.bias, self.stride[1:], padding).unsqueeze(2)


def single_frame(vae: AutoencoderKLWan) -> AutoencoderKLWan:
    """Makes every causal convolution of this instance work on one frame, in two dimensions."""
    for module in vae.modules():
        if isinstance(module, WanCausalConv3d):
            module.forward = types.MethodType(_frame_convolution, module)
    return vae


def encode(vae: AutoencoderKLWan, pictures: torch.Tensor) -> torch.Tensor:
    """Pictures [B, 3, H, W] in -1..1 -> raw latents [B, channels, H/16, W/16] (the distribution's mean)."""
    hidden: torch.Tensor = vae.quant_conv(vae.encoder(patchify(pictures.unsqueeze(2), 2)))
    return hidden.chunk(2, dim=1)[0][:, :, 0]


def decode(vae: AutoencoderKLWan, latents: torch.Tensor) -> torch.Tensor:
    """Inverse of `encode`."""
    pictures: torch.Tensor = unpatchify(vae.decoder(vae.post_quant_conv(latents.unsqueeze(2))), 2)
    return pictures[:, :, 0]


def loss_of(output: torch.Tensor, target: torch.Tensor, square: torch.Tensor, edges: torch.Tensor) -> torch.Tensor:
    """L1, plus `square` times the squared error, plus `edges` times the L1 of differences at full and half size."""
    loss = F.l1_loss(output, target) + square * F.mse_loss(output, target)
    for _ in range(2):
        across = F.l1_loss(output.diff(dim=-1), target.diff(dim=-1))
        down = F.l1_loss(output.diff(dim=-2), target.diff(dim=-2))
        loss = loss + edges * (across + down)
        output, target = F.avg_pool2d(output, 2), F.avg_pool2d(target, 2)
    return loss


def scribble(picture: np.ndarray[Any, Any], rng: random.Random) -> np.ndarray[Any, Any]:
    """Strokes and shapes in any colour over the picture, so that lines of unknown styles survive the autoencoder."""
    image = Image.fromarray(picture)
    draw = ImageDraw.Draw(image)
    side = image.width

    def point() -> tuple[float, float]:
        return rng.uniform(0, side), rng.uniform(0, side)

    def color() -> tuple[int, int, int]:
        return rng.randint(0, 255), rng.randint(0, 255), rng.randint(0, 255)

    for _ in range(rng.randint(2, 7)):
        kind = rng.random()
        if kind < 0.5:
            points = [point() for _ in range(rng.randint(2, 5))]
            draw.line(points, fill=color(), width=rng.randint(1, side // 20), joint="curve")
        else:
            (x0, y0), (w, h) = point(), (rng.uniform(4, side / 2), rng.uniform(4, side / 2))
            shape = draw.ellipse if kind < 0.8 else draw.rectangle
            fill = color() if rng.random() < 0.5 else None
            shape((x0, y0, x0 + w, y0 + h), fill=fill, outline=color(), width=rng.randint(1, 6))
    return np.asarray(image)


def busiest(picture: np.ndarray[Any, Any], crop: int, rng: random.Random) -> np.ndarray[Any, Any]:
    """Of three random crops the one with the most in it: plain background teaches little. They begin where the latents'
    cells do, as pixel art's squares have it."""
    reach = (picture.shape[0] - crop) // GRID
    corners = [(rng.randint(0, reach) * GRID, rng.randint(0, reach) * GRID) for _ in range(3)]
    crops = [picture[y : y + crop, x : x + crop] for y, x in corners]
    return max(crops, key=lambda c: float(c[::4, ::4].std()))


def batch_of(
    bank: Bank,
    size: int,
    rng: random.Random,
    crop: int | None = None,
    *,
    rows: Sequence[int] = (),
    scribbled: float = SCRIBBLED,
) -> torch.Tensor:
    """Random pictures, some mirrored, some with permuted colour channels, a share scribbled on; [B, 3, H, W] in -1..1.

    Of these `rows` of the bank where any are given.
    """
    pictures = bank.pictures([rng.choice(rows) if rows else rng.randrange(len(bank)) for _ in range(size)])
    for i in range(size):
        if rng.random() < 0.5:
            pictures[i] = pictures[i][:, ::-1].copy()
        if rng.random() < 0.2:
            pictures[i] = pictures[i][..., rng.sample(range(3), 3)]
        if rng.random() < scribbled:
            pictures[i] = scribble(pictures[i], rng)
    if crop is None:
        return to_tensor(pictures)
    return to_tensor(np.stack([busiest(picture, crop, rng) for picture in pictures]))


def to_tensor(pictures: np.ndarray[Any, Any]) -> torch.Tensor:
    """uint8 [B, H, W, 3] -> float [B, 3, H, W] in -1..1."""
    return torch.tensor(pictures).permute(0, 3, 1, 2).float().div_(127.5).sub_(1)


def to_grid(rows: list[torch.Tensor]) -> Image.Image:
    """Rows of [B, 3, H, W] pictures in -1..1 as one sheet."""
    sheet = torch.cat([torch.cat(list(row), dim=2) for row in rows], dim=1)
    return Image.fromarray(sheet.add(1).mul(127.5).clamp(0, 255).byte().permute(1, 2, 0).cpu().numpy())


@torch.no_grad()
def show_both(vae: AutoencoderKLWan, pictures: torch.Tensor, path: Path) -> None:
    """A sheet: pictures [B, 3, H, W] in -1..1, and what the autoencoder makes of them."""
    to_grid([pictures, decode(vae, encode(vae, pictures)).clamp(-1, 1)]).save(path)


def train(
    work: Path,
    dial: Dial,
    steps: int,
    *,
    again: bool = False,
    compile_: bool = True,
    batch: int = 32,
) -> AutoencoderKLWan:
    torch.manual_seed(1)
    device = training_device()
    run = Run(work / "autoencoder")
    vae = single_frame(build(dial)).to(device)
    parameters = [p for p in vae.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(parameters, lr=6e-4, betas=(0.9, 0.98), weight_decay=1e-4)
    start = 0
    if (saved := run.load()) is not None:
        vae.load_state_dict(under("model.", saved[0]))
        restore_optimizer(optimizer, saved[0])
        start = 0 if again else saved[1]["step"]
    peak = optimizer.defaults["lr"]
    bank = Bank(work)
    held = batch_of(bank, 12, random.Random(7)).to(device)

    def losses(pictures: torch.Tensor, mse: torch.Tensor, edges: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        latents = encode(vae, pictures)
        output = decode(vae, latents + NOISE * torch.randn_like(latents))
        reconstruction = loss_of(output.float(), pictures, mse, edges)
        square = latents.float().square().mean()
        return reconstruction + 1e-3 * square + 1e-2 * F.relu(square - 2.0), reconstruction

    step_losses: Any = torch.compile(losses, dynamic=False) if compile_ else losses
    taken = Steps(
        run,
        "autoencoder",
        start,
        steps,
        save=lambda: prefixed("model.", vae.state_dict()) | optimizer_tensors(optimizer),
        show=lambda path: show_both(vae, held, path),
    )
    for step in taken:
        set_rate(optimizer, peak * schedule(step, steps, warm_up=100, hold=0.5))
        with autocast(device):
            sharpen = 1.0 if again else min(1.0, step / (0.5 * steps))
            weights = torch.tensor(4 - 3 * sharpen).to(device), torch.tensor(sharpen).to(device)
            pictures = batch_of(bank, batch, random.Random(step), dial.side // 2).to(device)
            loss, reconstruction = step_losses(pictures, *weights)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        taken.tell(loss=reconstruction)
    return vae


def main() -> None:
    parser = argparse.ArgumentParser(description="Trains the autoencoder")
    parser.add_argument("--work", type=Path, default=Path("var/nano"))
    parser.add_argument("--dial", choices=list(DIALS), default="cpu")
    parser.add_argument("--steps", type=int, default=3500)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--again", action="store_true", help="another round of --steps on what was trained before")
    parser.add_argument("--no-compile", action="store_true")
    a = parser.parse_args()
    train(a.work, DIALS[a.dial], a.steps, again=a.again, compile_=not a.no_compile, batch=a.batch)


if __name__ == "__main__":
    main()
