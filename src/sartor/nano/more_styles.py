"""Between training rounds: the autoencoder learns styles that came later, and what it knows stays where it is.

    python -m sartor.nano.more_styles --work DIR --style pixelart --steps 1500

Encoder and decoder go on from work/autoencoder with crops of the bank, half of them in the new styles. Of the others
the latents are held where they were, so that base, adapters and what has been encoded stay valid. Beside the
autoencoder's own loss each difference between neighbouring pixels counts as a share of what it should be: between two
squares of like colour it is small, and a blurred one is as wrong as between black and white. Ends by replacing
work/autoencoder.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from sartor.nano.autoencoder import NOISE, batch_of, build, decode, encode, loss_of, show_both, single_frame
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
from sartor.nano.vocabulary import STYLES

RATE = 3e-4  # of AdamW at its highest
FAINT, LEAST = 0.1, 0.05  # weight of differences as shares, and what is added to a difference that should be (of 2)
HELD = 4.0  # weight of how far known latents went, in shares of their variance
WHOLE = 24  # pictures of each kind that the report is of


def shares_of(output: Tensor, target: Tensor) -> Tensor:
    """How far differences between neighbours [B, C, H, W] are from what they should be, as shares of that."""
    loss = torch.zeros((), device=output.device)
    for axis in (-1, -2):
        wanted = target.diff(dim=axis)
        loss = loss + ((output.diff(dim=axis) - wanted).abs() / (wanted.abs() + LEAST)).mean()
    return loss


def train(
    work: Path, dial: Dial, styles: Sequence[str], steps: int, *, batch: int = 16, compile_: bool = True
) -> dict[str, float]:
    """Goes on until step `steps`. Returns what `compare` found before and after.

    Raises:
        FileNotFoundError: there is no trained autoencoder in the work folder.
        ValueError: the bank has no scenes in the new styles, or none in others.
    """
    torch.manual_seed(4)
    device = training_device()
    taught = Run(work / "autoencoder").load()
    if taught is None:
        raise FileNotFoundError("train the autoencoder first")
    vae, teacher = (single_frame(build(dial)).to(device) for _ in range(2))
    for each in (vae, teacher):
        each.load_state_dict({k: v.float() for k, v in under("model.", taught[0]).items()})
    teacher.requires_grad_(False)
    parameters = [p for p in vae.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(parameters, lr=RATE, betas=(0.9, 0.98), weight_decay=0.0)
    run, start = Run(work / "more_styles"), 0
    if (saved := run.load()) is not None:
        vae.load_state_dict(under("model.", saved[0]))
        restore_optimizer(optimizer, saved[0])
        start = saved[1]["step"]
    bank = Bank(work)
    new = [row for row, scene in enumerate(bank.scenes) if scene.style in styles]
    known = [row for row, scene in enumerate(bank.scenes) if scene.style not in styles]
    if not new or not known:
        raise ValueError("the bank needs scenes in the new styles and in others")
    halves = (new, batch // 2), (known, batch - batch // 2)
    held = torch.cat([batch_of(bank, 6, random.Random(7), rows=rows, scribbled=0) for rows, _ in halves]).to(device)
    one, none = torch.ones((), device=device), torch.zeros((), device=device)

    def losses(pictures: Tensor, before: Tensor) -> tuple[Tensor, Tensor]:
        latents = encode(vae, pictures)
        output = decode(vae, latents + NOISE * torch.randn_like(latents)).float()
        gone = F.mse_loss(latents[batch // 2 :].float(), before) / before.var()
        return loss_of(output, pictures, none, one) + FAINT * shares_of(output, pictures), gone

    step_losses: Any = torch.compile(losses, dynamic=False) if compile_ else losses
    taken = Steps(
        run,
        "more styles",
        start,
        steps,
        save=lambda: prefixed("model.", vae.state_dict()) | optimizer_tensors(optimizer),
        show=lambda path: show_both(vae, held, path),
    )
    for step in taken:
        rng = random.Random(step)
        set_rate(optimizer, RATE * schedule(step, steps, warm_up=50, hold=0.4))
        shown = [batch_of(bank, count, rng, dial.side // 2, rows=rows, scribbled=0) for rows, count in halves]
        pictures = torch.cat(shown).to(device)
        with torch.no_grad(), autocast(device):
            before = encode(teacher, pictures[batch // 2 :]).float()
        with autocast(device):
            reconstruction, gone = step_losses(pictures, before)
        (reconstruction + HELD * gone).backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        taken.tell(loss=reconstruction, gone=gone)
    found = compare(teacher, vae, bank, new, known)
    run.log(**found)
    Run(work / "autoencoder").save(prefixed("model.", vae.state_dict()), taught[1])
    return found


@torch.no_grad()
def compare(before: Any, after: Any, bank: Bank, new: Sequence[int], known: Sequence[int]) -> dict[str, float]:
    """L1 (of pictures in -1..1) of WHOLE pictures in the new styles and of as many others, by both autoencoders, and
    how far the latents of those others went, as a share of their variance."""
    found: dict[str, float] = {}
    for kind, rows in (("new", new), ("known", known)):
        pictures = batch_of(bank, WHOLE, random.Random(11), rows=rows, scribbled=0).to(next(after.parameters()).device)
        latents = {name: encode(vae, pictures) for name, vae in (("before", before), ("after", after))}
        for name, vae in (("before", before), ("after", after)):
            found[f"{kind} {name}"] = F.l1_loss(decode(vae, latents[name]).clamp(-1, 1), pictures).item()
    moved = (latents["after"] - latents["before"]).square().mean() / latents["before"].var()
    return {name: float(np.round(value, 5)) for name, value in (found | {"known gone": moved.item()}).items()}


def main() -> None:
    parser = argparse.ArgumentParser(description="Teaches the autoencoder more styles")
    parser.add_argument("--work", type=Path, default=Path("var/nano"))
    parser.add_argument("--dial", choices=list(DIALS), default="cpu")
    parser.add_argument("--style", choices=[style.name for style in STYLES], action="append", required=True)
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--batch", type=int, default=16, help="crops a step, half of them in the new styles")
    parser.add_argument("--no-compile", action="store_true")
    a = parser.parse_args()
    found = train(a.work, DIALS[a.dial], a.style, a.steps, batch=a.batch, compile_=not a.no_compile)
    for name, value in found.items():
        print(f"{name}: {value:.4f}")


if __name__ == "__main__":
    main()
