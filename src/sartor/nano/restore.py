"""The inverse of `export`: a work folder that training goes on from, made of a checkpoint.

    python -m sartor.nano.restore --work DIR [--checkpoint FOLDER]

Where the work folder of an earlier training is gone, its checkpoint still holds the tokenizer, the autoencoder with the
latents' mean and deviation, and the averaged weights of the text encoder and the transformer. Optimiser and data
position are not in it: training starts anew from these weights. `sources`, `bank` and `latents` make the rest.
"""

from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path

import torch
from safetensors.torch import load_file

from sartor.nano.export import CHECKPOINT
from sartor.nano.run import Run, prefixed, under

WEIGHTS = "diffusion_pytorch_model.safetensors"


def restore(checkpoint: Path, work: Path) -> None:
    """Fills work/text, work/autoencoder and work/base.

    Raises:
        FileExistsError: a stage has been trained in this work folder already; nothing is overwritten.
    """
    runs = {name: Run(work / name) for name in ("text", "autoencoder", "base")}
    for name, run in runs.items():
        if run.load() is not None:
            raise FileExistsError(f"{work / name} holds a training already")
    shutil.copytree(checkpoint / "tokenizer", work / "text" / "tokenizer", dirs_exist_ok=True)
    encoder = _float32(checkpoint / "text_encoder" / "model.safetensors")
    encoder = under("model.", encoder)
    transformer = _float32(checkpoint / "transformer" / WEIGHTS)
    statistics = json.loads((checkpoint / "vae" / "config.json").read_text())
    runs["text"].save(prefixed("model.", encoder), {"step": 0})
    runs["autoencoder"].save(
        prefixed("model.", _float32(checkpoint / "vae" / WEIGHTS)),
        {"step": 0, "mean": statistics["latents_mean"], "std": statistics["latents_std"]},
    )
    networks = prefixed("encoder.", encoder) | prefixed("transformer.", transformer)
    runs["base"].save(prefixed("model.", networks) | prefixed("average.", networks), {"step": 0})


def _float32(path: Path) -> dict[str, torch.Tensor]:
    return {name: tensor.float() for name, tensor in load_file(path).items()}


def main() -> None:
    parser = argparse.ArgumentParser(description="Makes a work folder of a checkpoint")
    parser.add_argument("--work", type=Path, default=Path("var/nano"))
    parser.add_argument("--checkpoint", type=Path, default=CHECKPOINT)
    a = parser.parse_args()
    restore(a.checkpoint, a.work)


if __name__ == "__main__":
    main()
