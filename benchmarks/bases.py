"""Sizes and optimizers of the embedded model's base, from nothing, at equal batches.

    python -m benchmarks.bases --work var/nano --dial gpu --output results/bases --size 2-2-6 --size 4-3-10

The work folder is that of `sartor.nano.train` once the bank is encoded and a text encoder is there; that one is not
trained along. A size is heads (of 64 channels), double and single blocks; each is tried with each optimizer at a
rate: `adamw:0.001`, or `muon:0.002`, whose matrices within the blocks go by Muon (`sartor.nano.optimizers`) and all
else by AdamW at ADAMW's rate. Judged by the loss of scenes that none of them sees, with the averaged weights.
Trials that are finished are not run again.
"""

from __future__ import annotations

import argparse
import itertools
import json
import re
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import torch
import torch.nn.functional as F
from rich.progress import Progress
from torch import nn

from sartor.nano import masked_attention
from sartor.nano.bank import Bank
from sartor.nano.base import Base, Batch, batches
from sartor.nano.dial import DIALS
from sartor.nano.latents import Latents, load_latents
from sartor.nano.longhand import Filler
from sartor.nano.optimizers import Optimizers
from sartor.nano.run import Run, autocast, ema_decay, schedule, under
from sartor.nano.tokenizer import load_tokenizer

TRIALS = ("adamw:0.002", "adamw:0.004", "adamw:0.008", "muon:0.004", "muon:0.008", "muon:0.016")
ADAMW = 1e-3  # rate of what Muon is not for
HELD = 512  # of the bank's last scenes, at most a quarter: never trained on
LOOKED = 8  # times that the held-out loss is taken on the way, at most


@dataclass(frozen=True)
class Outcome:
    """`held_out` is the loss by the step after which it was taken, `seconds` the training alone, without the batches'
    making; `size` is heads, double and single blocks; `batch` pictures a step."""

    trial: str
    size: tuple[int, int, int]
    batch: int
    steps: int
    parameters: int
    held_out: dict[int, float]
    seconds: float


def optimizers_for(trial: str, blocks: nn.Module) -> Optimizers:
    """AdamW alone, or Muon and AdamW at ADAMW's rate."""
    kind, _, rate = trial.partition(":")
    parts = [(dict(blocks.named_parameters()), 1.0)]
    return Optimizers(parts, float(rate)) if kind == "adamw" else Optimizers(parts, ADAMW, muon=float(rate))


def held_out_loss(base: Base, given: list[Batch]) -> float:
    """Mean squared error of the velocity with the averaged weights."""
    kept = {name: p.detach().clone() for name, p in base.parameters().items()}
    base.load(base.average, "", "transformer.")
    with torch.no_grad(), autocast(base.device):
        losses = [F.mse_loss(guess(base, batch).float(), batch.noise - batch.latents).item() for batch in given]
    base.load(kept, "")
    return sum(losses) / len(losses)


def guess(base: Base, batch: Batch) -> torch.Tensor:
    noisy = torch.lerp(batch.latents, batch.noise, batch.levels[:, None, None])
    return base.velocity(base.transformer, noisy, batch.levels, batch.ids, batch.lengths)


def only(latents: Latents, rows: slice) -> Latents:
    return replace(latents, latents=latents.latents[rows])


def run(work: Path, trial: str, shape: tuple[int, int, int], *, dial: str, batch: int, steps: int) -> Outcome:
    """One trial from nothing, of short captions alone. The same seed, batches and noise for every one."""
    torch.manual_seed(11)
    heads, double, single = shape
    size = replace(DIALS[dial], heads=heads, double_blocks=double, single_blocks=single, batch=batch)
    bank, latents = Bank(work), load_latents(work)
    base = Base(size, load_tokenizer(work, size, bank))
    text = Run(work / "text").load()
    if text is None:
        raise FileNotFoundError("train the text encoder first")
    base.encoder.model.load_state_dict(under("model.", text[0]))
    base.text_is_frozen = True
    base.transformer.attention = masked_attention.chosen(masked_attention.start())
    base.average = {name: p.detach().clone() for name, p in base.parameters().items()}
    scenes = min(len(bank), len(latents.latents))
    count = scenes - min(HELD, scenes // 4)
    shown = batches(base, bank, only(latents, slice(count)), Filler(["harbour"], ["a harbour"]), batch, 0, 0)
    held = Bank(work)
    held.scenes = held.scenes[count:scenes]
    unseen = batches(base, held, only(latents, slice(count, scenes)), Filler(["sea"], ["the sea"]), batch, 0, 0)
    judged = [each.to(base.device) for each in itertools.islice(unseen, 8)]
    own = list(base.transformer.parameters())
    averages = [base.average[f"transformer.{name}"] for name, _ in base.transformer.named_parameters()]
    taken = optimizers_for(trial, base.transformer)
    found: dict[int, float] = {}
    seconds, looks = 0.0, {round(steps * part / LOOKED) for part in range(1, LOOKED + 1)}
    with Progress() as bar:
        task = bar.add_task(f"{heads}-{double}-{single} {trial}", total=steps)
        for step in range(steps):
            given = next(shown).to(base.device)
            begun = settled(base.device)
            with autocast(base.device):
                velocity = guess(base, given)
            loss = F.mse_loss(velocity.float(), given.noise - given.latents)
            loss.backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(own, 1.0)
            taken.step(schedule(step, steps, warm_up=max(1, steps // 10)))
            torch._foreach_lerp_(averages, [p.detach() for p in own], 1 - ema_decay(step, 0.98))
            seconds += settled(base.device) - begun
            bar.update(task, completed=step + 1)
            if step + 1 in looks:
                found[step + 1] = round(held_out_loss(base, judged), 5)
    parameters = sum(p.numel() for p in own)
    return Outcome(trial, shape, batch, steps, parameters, found, round(seconds, 1))


def settled(device: torch.device) -> float:
    """Seconds on a clock, once the device has done what it was given."""
    if device.type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter()


def trial_name(text: str) -> str:
    """The text. Raises ArgumentTypeError for one that names no trial."""
    if not re.fullmatch(r"(adamw|muon):0\.0*[1-9]\d*", text):
        raise argparse.ArgumentTypeError(f"{text!r} is no trial: adamw:RATE or muon:RATE, as in {TRIALS[0]}")
    return text


def size_of(text: str) -> tuple[int, int, int]:
    """Heads, double and single blocks. Raises ArgumentTypeError for what is no such size."""
    if not re.fullmatch(r"[1-9]\d?-[1-9]\d?-[1-9]\d?", text):
        raise argparse.ArgumentTypeError(f"{text!r} is no size: HEADS-DOUBLE-SINGLE, as in 4-3-10")
    heads, double, single = map(int, text.split("-"))
    return heads, double, single


def stored_outcome(path: Path) -> Outcome:
    values = json.loads(path.read_text())
    held_out = {int(step): loss for step, loss in values["held_out"].items()}
    return Outcome(**{**values, "size": tuple(values["size"]), "held_out": held_out})


def table(outcomes: list[Outcome]) -> str:
    """Markdown: a row each, the held-out loss at each look."""
    looks = sorted({step for outcome in outcomes for step in outcome.held_out})
    shown = " | ".join(f"step {step}" for step in looks)
    lines = [f"| heads, double, single blocks | parameters | optimizer, rate | {shown} | s a step |"]
    lines.append("|---" * (len(looks) + 4) + "|")
    for outcome in outcomes:
        losses = [f"{outcome.held_out[step]:.4f}" if step in outcome.held_out else "" for step in looks]
        each = outcome.seconds / outcome.steps
        told = f"{', '.join(map(str, outcome.size))} | {outcome.parameters / 1e6:.1f} M"
        lines.append(f"| {told} | {outcome.trial.replace(':', ', ')} | {' | '.join(losses)} | {each:.3f} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description="Sizes and optimizers of the base, from nothing")
    parser.add_argument("--work", type=Path, default=Path("var/nano"))
    parser.add_argument("--dial", choices=list(DIALS), default="gpu", help="that of the work folder")
    parser.add_argument("--output", type=Path, default=Path("results/bases"))
    parser.add_argument("--trial", action="append", type=trial_name, help=f"by default {', '.join(TRIALS)}")
    parser.add_argument("--steps", type=int, default=600)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument(
        "--size", action="append", type=size_of, help="heads, double and single blocks; 2-2-6 by default"
    )
    parser.add_argument("--threads", type=int)
    a = parser.parse_args()
    if a.threads:
        torch.set_num_threads(a.threads)
    a.output.mkdir(parents=True, exist_ok=True)
    outcomes = []
    for size, trial in itertools.product(a.size or [(2, 2, 6)], a.trial or TRIALS):
        shape = "-".join(map(str, size))
        path = a.output / f"{a.dial}-{shape}-{trial.replace(':', '-')}-{a.steps}x{a.batch}.json"
        if path.exists():
            outcomes.append(stored_outcome(path))
            continue
        outcome = run(a.work, trial, size, dial=a.dial, batch=a.batch, steps=a.steps)
        path.write_text(json.dumps(asdict(outcome)))
        outcomes.append(outcome)
    (a.output / "table.md").write_text(table(outcomes))
    print(table(outcomes))


if __name__ == "__main__":
    main()
