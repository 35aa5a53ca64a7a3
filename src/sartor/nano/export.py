"""Puts the trained stages together: a checkpoint folder in diffusers' format that the engine loads.

    python -m sartor.nano.export --work DIR [--target FOLDER]

fp16 weights; the averaged transformer and text encoder; the autoencoder with the latents' measured mean and deviation
in its config; the scheduler's numbers; a model index that names the training area, the upscaler, the reader and where
guidance ends. Written into the work folder: only --target replaces the checkpoint in the package.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import torch

from sartor.nano.autoencoder import build as build_autoencoder
from sartor.nano.base import load_base
from sartor.nano.base_samples import load_decoder
from sartor.nano.dial import DIALS, Dial
from sartor.nano.latents import load_statistics

CHECKPOINT = Path(__file__).parent / "checkpoint"  # the one in the package
EXPORTED = "checkpoint"  # folder of the work folder
GUIDANCE_UNTIL = 0.6  # noise level at which guidance ends, by the evaluation (docs/performance.md)


def export(work: Path, dial: Dial, target: Path) -> None:
    """Writes the five parts and model_index.json into target. Raises FileNotFoundError before a stage has run."""
    base, encoder = load_base(work, dial)
    mean, std = load_statistics(work)
    target.mkdir(parents=True, exist_ok=True)
    base.transformer.save(target / "transformer", dtype=torch.float16)
    encoder.half().save_pretrained(target / "text_encoder", safe_serialization=True)
    base.tokenizer.save_pretrained(target / "tokenizer")
    vae = build_autoencoder(dial, mean.tolist(), std.tolist())
    vae.load_state_dict(load_decoder(work, dial).state_dict())
    vae.half().save_pretrained(target / "vae", safe_serialization=True)
    scheduler = {
        "_class_name": "FlowMatchEulerDiscreteScheduler",
        "base_image_seq_len": 256,
        "base_shift": 0.5,
        "max_image_seq_len": 4096,
        "max_shift": 1.15,
        "num_train_timesteps": 1000,
        "shift": 1.0,
        "use_dynamic_shifting": True,
    }
    (target / "scheduler").mkdir(exist_ok=True)
    (target / "scheduler" / "scheduler_config.json").write_text(json.dumps(scheduler, indent=2) + "\n")
    index = {
        "_class_name": "BriaFiboPipeline",
        "scheduler": ["diffusers", "FlowMatchEulerDiscreteScheduler"],
        "text_encoder": ["transformers", "SmolLM3ForCausalLM"],
        "tokenizer": ["transformers", "PreTrainedTokenizerFast"],
        "transformer": ["diffusers", "BriaFiboTransformer2DModel"],
        "vae": ["diffusers", "AutoencoderKLWan"],
        "sartor": {
            "training_area": dial.side**2,
            "upscaler": "realesr-animevideov3",
            "reader": "composer",
            "guidance_until": GUIDANCE_UNTIL,
        },
    }
    (target / "model_index.json").write_text(json.dumps(index, indent=2) + "\n")
    size = sum(path.stat().st_size for path in target.rglob("*") if path.is_file())
    print(f"{target}: {size / 1e6:.1f} MB")


def main() -> None:
    parser = argparse.ArgumentParser(description="Exports the embedded checkpoint")
    parser.add_argument("--work", type=Path, default=Path("var/nano"))
    parser.add_argument("--dial", choices=list(DIALS), default="cpu")
    parser.add_argument("--target", type=Path, help="the folder to write; checkpoint/ in the work folder by default")
    a = parser.parse_args()
    export(a.work, DIALS[a.dial], a.target or a.work / EXPORTED)


if __name__ == "__main__":
    main()
