"""Between stages 1 and 1b: the bank's pictures as latents, encoded once.

    python -m sartor.nano.latents --work DIR

Writes `latents.safetensors`: raw latents of every scene (fp16 [N, C, h, w]), their mean and deviation per channel, and
each sprite's own latent, large and centred on white.
"""

from __future__ import annotations

import argparse
import random
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from rich.progress import track
from safetensors.torch import load_file, save_file

from sartor.nano.autoencoder import build, encode, single_frame, to_tensor
from sartor.nano.bank import Bank
from sartor.nano.captions import Background, Scene, Thing
from sartor.nano.dial import DIALS, Dial
from sartor.nano.run import Run, autocast, training_device, under
from sartor.nano.scene import Composer
from sartor.nano.sources import SpriteBank


@dataclass(frozen=True)
class Latents:
    """`latents` fp16 [N, C, h, w], raw; `mean` and `std` fp32 [C]."""

    latents: torch.Tensor
    mean: torch.Tensor
    std: torch.Tensor

    def normalised(self, rows: list[int]) -> torch.Tensor:
        """fp32 [B, h * w, C], zero mean and unit deviation per channel: what the transformer is trained on."""
        chosen = self.latents[rows].float()
        chosen = (chosen - self.mean[:, None, None]) / self.std[:, None, None]
        return chosen.flatten(2).transpose(1, 2).contiguous()


def load_latents(work: Path) -> Latents:
    tensors = load_file(work / "latents.safetensors")
    return Latents(tensors["latents"], tensors["mean"], tensors["std"])


def load_thing_latents(work: Path) -> dict[tuple[str, str], torch.Tensor]:
    tensors = load_file(work / "things.safetensors")
    return {(key.split("|")[0], key.split("|")[1]): value for key, value in tensors.items()}


def load_statistics(work: Path) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean and deviation [C] of raw latents: those that a checkpoint brought along, else what `encode_all` measured.

    Raises FileNotFoundError before there are any.
    """
    given = Run(work / "autoencoder").state()
    if "mean" in given:
        return torch.tensor(given["mean"]), torch.tensor(given["std"])
    latents = load_latents(work)
    return latents.mean, latents.std


def load_encoder(work: Path, dial: Dial, device: torch.device) -> tuple[Any, torch.Tensor, torch.Tensor]:
    """The autoencoder, of which only the encoder need be in work/autoencoder, and the latents' mean and deviation [C]
    where it was restored from a checkpoint: what was trained on these numbers goes on with them. Else both are empty.

    Raises FileNotFoundError before it was trained, ValueError where a part of the encoder is missing.
    """
    saved = Run(work / "autoencoder").load()
    if saved is None:
        raise FileNotFoundError("train the autoencoder first")
    vae = single_frame(build(dial)).eval().requires_grad_(False)
    own = {name: tensor.float() for name, tensor in under("model.", saved[0]).items()}
    missing, _ = vae.load_state_dict(own, strict=False)
    if lacking := [name for name in missing if name.startswith(("encoder.", "quant_conv."))]:
        raise ValueError(f"the autoencoder lacks {', '.join(lacking[:3])}")
    mean, std = (torch.tensor(saved[1].get(name, [])) for name in ("mean", "std"))
    return vae.to(device), mean, std


@torch.no_grad()
def encode_all(work: Path, dial: Dial, batch: int = 64) -> None:
    device = training_device()
    vae, mean, std = load_encoder(work, dial, device)
    bank = Bank(work)
    parts = []
    for start in track(range(0, len(bank), batch), description="latents"):
        pictures = bank.pictures(list(range(start, min(start + batch, len(bank)))))
        with autocast(device):
            parts.append(encode(vae, to_tensor(pictures).to(device)).half().cpu())
    latents = torch.cat(parts).contiguous()
    if not len(mean):
        sample = latents[::4].float()
        mean, std = sample.mean(dim=(0, 2, 3)), sample.std(dim=(0, 2, 3))
    save_file({"latents": latents, "mean": mean, "std": std}, work / "latents.safetensors")

    composer = Composer(SpriteBank.load(work / "sprites.npz"), dial.side, jitter=0.0)
    things: dict[str, torch.Tensor] = {}
    for concept, style in composer.pixels:
        if (concept, style) in composer.unseen:
            continue
        scene = Scene([Thing(concept, colors=composer.colors_of(concept, style))], style, Background())
        picture = composer.draw(scene, random.Random(0))
        things[f"{concept}|{style}"] = encode(vae, to_tensor(picture[None]).to(device))[0].half().cpu().contiguous()
    save_file(things, work / "things.safetensors")
    print(f"{len(latents)} latents; deviation per channel {std.min():.2f} to {std.max():.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(description="Encodes the bank")
    parser.add_argument("--work", type=Path, default=Path("var/nano"))
    parser.add_argument("--dial", choices=list(DIALS), default="cpu")
    a = parser.parse_args()
    encode_all(a.work, DIALS[a.dial])


if __name__ == "__main__":
    main()
