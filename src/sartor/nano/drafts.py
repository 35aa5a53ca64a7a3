"""Between stages 2 and 3: scenes as the base draws them, beside the same scenes as they should look.

    python -m sartor.nano.drafts --work DIR --count 1600

A sampled latent is never quite that of a picture: edges waver, colours lean. For every scene of the bank its latent is
noised to a random level and walked back by the base, with its caption and guidance, in a few steps: a draft, which
stands where the scene stands and has the mistakes of what is sampled. `decoder.py` learns to see the scene in it.
Writes `drafts.safetensors`; a longer run goes on with a shorter one. Draft i is scene i of the bank.
"""

from __future__ import annotations

import argparse
import random
from pathlib import Path

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from sartor.nano.autoencoder import decode, encode, to_grid, to_tensor
from sartor.nano.bank import Bank
from sartor.nano.base import load_base
from sartor.nano.base_samples import load_decoder, walk
from sartor.nano.caption_source import LONGEST, shorten
from sartor.nano.captions import Scene, compact, vary
from sartor.nano.dial import DIALS, Dial
from sartor.nano.latents import load_statistics
from sartor.nano.run import Clock, autocast, progress_bar

START = (0.3, 0.85)  # noise levels that a scene's latent is taken to
STEPS, GUIDANCE = 3, 5.0
DROP = 0.2  # share of fields that captions leave out: most is said, for the draft is to be of this scene
FILE = "drafts.safetensors"


class Drafter:
    """The base and the encoder whose latents it was trained on."""

    def __init__(self, work: Path, dial: Dial):
        self.base, _ = load_base(work, dial)
        self.vae = load_decoder(work, dial)
        mean, std = load_statistics(work)
        self.mean, self.std = (each.to(self.base.device)[:, None, None] for each in (mean, std))

    @torch.no_grad()
    def drafts(self, pictures: np.ndarray, scenes: list[Scene], seed: int) -> torch.Tensor:
        """Raw latents [B, C, h, w] for uint8 pictures [B, side, side, 3] of the scenes."""
        device, rng = self.base.device, random.Random(seed)
        with autocast(device):
            raw = encode(self.vae, to_tensor(pictures).to(device)).float()
        latents = ((raw - self.mean) / self.std).flatten(2).transpose(1, 2)
        generator = torch.Generator().manual_seed(seed)
        levels = torch.empty(len(scenes)).uniform_(*START, generator=generator).to(device)
        noise = torch.randn(latents.shape, generator=generator).to(device)
        texts = [compact(vary(scene, rng, drop=DROP)) for scene in scenes]
        tokens = [shorten(ids, LONGEST) for ids in self.base.tokenizer(texts)["input_ids"]]
        noisy = torch.lerp(latents, noise, levels[:, None, None])
        stops = torch.linspace(1, 0, STEPS + 1).to(device)[:, None] * levels
        return walk(self.base, noisy, stops, tokens, GUIDANCE).transpose(1, 2).reshape(raw.shape) * self.std + self.mean


def load_drafts(work: Path) -> torch.Tensor:
    """Raw latents fp16 [N, C, h, w]; number i is of the bank's scene i.

    Raises FileNotFoundError before there are any.
    """
    path = work / FILE
    if not path.exists():
        raise FileNotFoundError(f"no drafts in {work}: run python -m sartor.nano.drafts first")
    return load_file(path)["latents"]


def drawn(work: Path) -> int:
    """How many drafts there are."""
    if not (work / FILE).exists():
        return 0
    with safe_open(work / FILE, "pt") as file:
        return int(file.get_slice("latents").get_shape()[0])


def draw_all(work: Path, dial: Dial, count: int, batch: int = 16) -> None:
    """Drafts of the bank's first `count` scenes, or of all where there are fewer."""
    bank, drafter = Bank(work), Drafter(work, dial)
    count = min(count, len(bank))
    first = start = min(drawn(work), count)
    parts = [load_drafts(work)[:count]] if start else []
    saves = Clock(120)
    with progress_bar() as bar:
        task = bar.add_task("drafts", total=count, completed=start, note="")
        while start < count:
            rows = list(range(start, min(start + batch, count)))
            parts.append(drafter.drafts(bank.pictures(rows), [bank.scenes[row] for row in rows], start).half().cpu())
            start += len(rows)
            bar.update(task, completed=start)
            if saves.due() or start == count:
                fresh = work / f"{FILE}.new"
                save_file({"latents": torch.cat(parts).contiguous()}, fresh)
                fresh.replace(work / FILE)
    if start > first:
        show(drafter, bank, torch.cat(parts), work / "drafts.png")


@torch.no_grad()
def show(drafter: Drafter, bank: Bank, drafts: torch.Tensor, path: Path, count: int = 10) -> None:
    """A sheet to look at: the last scenes, and the drafts of them as they are decoded now."""
    rows = list(range(max(0, len(drafts) - count), len(drafts)))
    seen = decode(drafter.vae, drafts[rows].float().to(drafter.base.device)).clamp(-1, 1)
    to_grid([to_tensor(bank.pictures(rows)), seen.cpu()]).save(path)


def main() -> None:
    parser = argparse.ArgumentParser(description="Draws the bank's scenes as the base would")
    parser.add_argument("--work", type=Path, default=Path("var/nano"))
    parser.add_argument("--dial", choices=list(DIALS), default="cpu")
    parser.add_argument("--count", type=int, default=1600)
    parser.add_argument("--threads", type=int, help="of the processor; as many as PyTorch would take")
    a = parser.parse_args()
    if a.threads:
        torch.set_num_threads(a.threads)
    draw_all(a.work, DIALS[a.dial], a.count)


if __name__ == "__main__":
    main()
