"""Trains the embedded model from nothing, every stage in order, with one command.

    python -m sartor.nano.train --work DIR --dial gpu

What a stage has finished is not done again, and what was interrupted goes on, so the same command continues. With a GPU
the stages use it. Drawings and words come from npm: where there is no network, bring sprites.npz, brand.npz, looks.npz
and filler.json along in DIR. Ends with a checkpoint, its brands and the evaluation in DIR.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from sartor.nano.bank import SHARD
from sartor.nano.brand import MADE
from sartor.nano.dial import DIALS, Dial
from sartor.nano.drafts import drawn
from sartor.nano.export import EXPORTED
from sartor.nano.run import Run

STAGES = (
    *("sources", "bank", "autoencoder", "latents", "text", "base", "joint"),
    *("drafts", "decoder", "judges", "export", "brand", "evaluate"),
)
DRAWINGS = ("sprites.npz", "brand.npz", "looks.npz", "filler.json")


def commands(work: Path, dial: str) -> Iterator[tuple[str, list[str]]]:
    """What there is still to do: (stage, its arguments). Each is to be run before the next is asked for."""
    sizes, size = DIALS[dial], ["--dial", dial]
    steps = sizes.steps
    if not all((work / name).exists() for name in DRAWINGS):
        yield "sources", size
    if len(list((work / "bank").glob("*.npy"))) < -(-sizes.scenes // SHARD):
        yield "bank", [*size, "--count", str(sizes.scenes)]
    if trained(work, "autoencoder") < steps["autoencoder"]:
        yield "autoencoder", [*size, "--steps", str(steps["autoencoder"])]
    if sizes.seconds:
        spent = float(Run(work / "base").state().get("seconds", 0))
        if spent < sizes.seconds:
            again = ["--text-seconds", "0"] if spent else []
            yield "joint", [*size, "--seconds", str(round(sizes.seconds - spent)), *again]
    else:
        yield from _one_after_the_other(work, sizes, size)
    if drawn(work) < sizes.drafts:
        yield "drafts", [*size, "--count", str(sizes.drafts)]
    if trained(work, "decoder") < steps["decoder"]:
        yield "decoder", [*size, "--steps", str(steps["decoder"])]
    if trained(work, "judges") < steps["judges"]:
        yield "judges", ["--steps", str(steps["judges"]), "--views", "12"]
    yield "export", size
    checkpoint = work / EXPORTED
    yield "brand", ["--checkpoint", str(checkpoint)]
    brands = sorted(path.parent for path in (work / MADE).glob("*/model.json"))
    made = [argument for folder in brands for argument in ("--brand", str(folder))]
    yield "evaluate", ["--checkpoint", str(checkpoint), "--count", "500", "--brand-count", "50", *made]


def _one_after_the_other(work: Path, sizes: Dial, size: list[str]) -> Iterator[tuple[str, list[str]]]:
    """Text encoder and base, by steps."""
    steps = sizes.steps
    if not (work / "latents.safetensors").exists():
        yield "latents", size
    if (left := steps["text"] - trained(work, "text")) > 0:
        yield "text", [*size, "--batch", "32", "--steps", str(left)]
    if trained(work, "base") < steps["base"]:
        yield "base", [*size, "--compile", "--freeze-text", "--hold", "0.6", "--steps", str(steps["base"])]


def trained(work: Path, stage: str) -> int:
    """Steps that a stage has behind it."""
    return int(Run(work / stage).state().get("step", 0))


def run(work: Path, dial: str, stages: Sequence[str] = STAGES) -> None:
    """Runs what there is to do of `stages`. Raises CalledProcessError where one fails."""
    work.mkdir(parents=True, exist_ok=True)
    for stage, arguments in commands(work, dial):
        if stage in stages:
            print(f"\n{stage}: {' '.join(arguments)}", flush=True)
            subprocess.run([sys.executable, "-m", f"sartor.nano.{stage}", "--work", str(work), *arguments], check=True)


def main() -> None:
    parser = argparse.ArgumentParser(description="Trains the embedded model, every stage in order")
    parser.add_argument("--work", type=Path, default=Path("var/nano"))
    parser.add_argument("--dial", choices=list(DIALS), default="cpu")
    parser.add_argument("--stage", choices=STAGES, action="append", help="only this one; may be repeated; default all")
    a = parser.parse_args()
    run(a.work, a.dial, a.stage or STAGES)


if __name__ == "__main__":
    main()
