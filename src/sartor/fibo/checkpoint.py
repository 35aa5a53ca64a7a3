"""A checkpoint folder in diffusers' format: FIBO itself, or the embedded model of the same architecture.

    model_index.json   names the parts; its "sartor" object holds what is ours: training_area (pixels), upscaler
    transformer/       config.json and safetensors       -> FiboTransformer
    vae/               config.json and safetensors       -> FrameAutoencoder
    text_encoder/      config.json and safetensors       -> transformers' SmolLM3ForCausalLM
    tokenizer/         tokenizer.json and its companions -> a transformers tokenizer
    scheduler/         scheduler_config.json             -> numbers for sampler.py

Weights are read from safetensors only. Saved in fp16 or bf16, they are brought to the serving type on loading.
"""

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import torch

from sartor.fibo.autoencoder import FrameAutoencoder
from sartor.fibo.errors import CheckpointError
from sartor.fibo.sampler import scheduler_settings
from sartor.fibo.transformer import FiboTransformer

FIBO_AREA = 1024 * 1024
"""Pixels of the pictures that FIBO was trained on."""

PARTS = {
    "transformer": "BriaFiboTransformer2DModel",
    "vae": "AutoencoderKLWan",
    "text_encoder": "SmolLM3ForCausalLM",
    "tokenizer": None,  # any fast tokenizer
    "scheduler": "FlowMatchEulerDiscreteScheduler",
}
HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")

Part = TypeVar("Part")


@dataclass(frozen=True)
class Checkpoint:
    """The loaded parts, and what identifies them."""

    transformer: FiboTransformer
    vae: FrameAutoencoder
    text_encoder: Any
    tokenizer: Any
    scheduler_config: dict[str, Any]
    sha256: str
    """Over the model index and the files of every part."""
    training_area: int = FIBO_AREA
    extras: Mapping[str, Any] = field(default_factory=dict)
    folder: Path | None = None


def serving_dtype(device: torch.device | str) -> torch.dtype:
    """fp32 on the CPU, where bytes must not depend on the processor's half-precision units; else bf16."""
    return torch.float32 if torch.device(device).type == "cpu" else torch.bfloat16


def load_checkpoint(
    checkpoint: str | Path, *, device: torch.device | str = "cpu", dtype: torch.dtype | None = None
) -> Checkpoint:
    """Loads a local folder or, where there is none of that name, a hub id `owner/name`.

    dtype None is `serving_dtype(device)`. Raises CheckpointError, which names what is missing or does not fit.
    """
    folder = locate(checkpoint)
    index = _read_json(folder / "model_index.json")
    for part, expected in PARTS.items():
        listed = index.get(part)
        if not isinstance(listed, list) or not (folder / part).is_dir():
            raise CheckpointError(f"{folder} is not a FIBO checkpoint: it has no {part}")
        if expected is not None and listed[-1] != expected:
            raise CheckpointError(f"{folder} is not a FIBO checkpoint: its {part} is {listed[-1]}, not {expected}")
    extras = index.get("sartor", {})
    dtype = dtype or serving_dtype(device)

    from transformers import AutoTokenizer, SmolLM3ForCausalLM

    transformer = _part(folder, "transformer", lambda path: FiboTransformer.load(path, dtype=dtype))
    vae = _part(folder, "vae", lambda path: FrameAutoencoder.load(path, dtype=dtype))
    text_encoder = _part(
        folder, "text_encoder", lambda path: SmolLM3ForCausalLM.from_pretrained(path, dtype=dtype, use_safetensors=True)
    )
    tokenizer = _part(folder, "tokenizer", lambda path: AutoTokenizer.from_pretrained(path))
    scheduler_config = _read_json(folder / "scheduler" / "scheduler_config.json")
    scheduler_settings(scheduler_config)
    models: list[Any] = [transformer, vae, text_encoder]
    for model in models:
        model.to(device).eval().requires_grad_(False)
    return Checkpoint(
        transformer=transformer,
        vae=vae,
        text_encoder=text_encoder,
        tokenizer=tokenizer,
        scheduler_config=scheduler_config,
        sha256=hash_folder(folder),
        training_area=int(extras.get("training_area", FIBO_AREA)),
        extras=extras,
        folder=folder,
    )


def locate(checkpoint: str | Path) -> Path:
    """The folder of a checkpoint, downloaded from the hub where it is not local. Raises CheckpointError."""
    folder = Path(checkpoint).expanduser()
    if folder.is_dir():
        return folder
    if not HUB_ID.fullmatch(str(checkpoint)):
        raise CheckpointError(f"there is no checkpoint folder {checkpoint}")
    from huggingface_hub import snapshot_download

    patterns = ["model_index.json", *(f"{part}/*" for part in PARTS)]
    try:
        return Path(snapshot_download(str(checkpoint), allow_patterns=patterns, ignore_patterns=["*.bin", "*.pt"]))
    except Exception as error:
        raise CheckpointError(
            f"{checkpoint} is neither a local folder nor could it be fetched from the hub: {error}"
        ) from error


def hash_folder(folder: Path) -> str:
    """SHA-256, in hexadecimal, over the names and contents of the model index and of every part's files."""
    files = [folder / "model_index.json"]
    for part in PARTS:
        files += (path for path in (folder / part).rglob("*") if path.is_file())
    total = hashlib.sha256()
    for path in sorted(files, key=lambda path: path.relative_to(folder).as_posix()):
        with path.open("rb") as file:
            content = hashlib.file_digest(file, "sha256").hexdigest()
        total.update(f"{path.relative_to(folder).as_posix()} {content}\n".encode())
    return total.hexdigest()


def _part(folder: Path, name: str, load: Callable[[Path], Part]) -> Part:
    try:
        return load(folder / name)
    except (OSError, ValueError, TypeError, RuntimeError, KeyError) as error:
        raise CheckpointError(f"{folder / name} could not be loaded: {error}") from error


def _read_json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise CheckpointError(f"{path.parent} is not a FIBO checkpoint: it has no {path.name}") from error
    except ValueError as error:
        raise CheckpointError(f"{path} is not valid JSON") from error
    if not isinstance(content, dict):
        raise CheckpointError(f"{path} holds no JSON object")
    return content
