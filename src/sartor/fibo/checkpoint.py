"""A checkpoint folder in diffusers' format: FIBO itself, or the embedded model of the same architecture.

    model_index.json   names the parts; its "sartor" object holds what is ours: training_area (pixels), upscaler
    transformer/       config.json and safetensors       -> FiboTransformer
    vae/               config.json and safetensors       -> FrameAutoencoder
    text_encoder/      config.json and safetensors       -> transformers' SmolLM3ForCausalLM
    tokenizer/         tokenizer.json and its companions -> a transformers tokenizer
    scheduler/         scheduler_config.json             -> numbers for sampler.py

Weights are read from safetensors only, straight to the device. Saved in another type, they are brought to the serving
type on the way.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import torch

from sartor.fibo.autoencoder import FrameAutoencoder
from sartor.fibo.encoding import PromptEncoder
from sartor.fibo.errors import CheckpointError
from sartor.fibo.hub import HUB_ID as HUB_ID
from sartor.fibo.hub import locate
from sartor.fibo.integrity import FileHashes
from sartor.fibo.readers import reader_of
from sartor.fibo.sampler import scheduler_settings
from sartor.fibo.transformer import FiboTransformer
from sartor.fibo.weights import TEXT_ENCODER_FILE, read_weights

FIBO_AREA = 1024 * 1024
"""Pixels of the pictures that FIBO was trained on."""

PARTS = {
    "transformer": "BriaFiboTransformer2DModel",
    "vae": "AutoencoderKLWan",
    "text_encoder": "SmolLM3ForCausalLM",
    "tokenizer": None,  # any fast tokenizer
    "scheduler": "FlowMatchEulerDiscreteScheduler",
}

LEARNED_ON = ("transformer", "text_encoder", "tokenizer")
"""What an adapter is made for: with another decoder or schedule it draws as well."""

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
    """Over the model index and the files of every part: what a picture depends on."""
    learned_sha256: str
    """Over the files of LEARNED_ON: what an adapter depends on."""
    training_area: int = FIBO_AREA
    extras: Mapping[str, Any] = field(default_factory=dict)
    folder: Path | None = None

    def prompt_encoder(self, **options: Any) -> PromptEncoder:
        """What encodes texts for this checkpoint, with its reader. options: cache_bytes and visit, as `PromptEncoder`
        has them. Raises CheckpointError for a reader that is not installed."""
        return PromptEncoder(self.text_encoder, self.tokenizer, reader=reader_of(self.extras), **options)


def serving_dtype(device: torch.device | str) -> torch.dtype:
    """fp32 on the CPU, where bytes must not depend on the processor's half-precision units; else bf16."""
    return torch.float32 if torch.device(device).type == "cpu" else torch.bfloat16


def load_checkpoint(
    checkpoint: str | Path,
    *,
    device: torch.device | str = "cpu",
    dtype: torch.dtype | None = None,
    parts_device: torch.device | str | None = None,
    hash_memory: Path | None = None,
) -> Checkpoint:
    """Loads a local folder or, where there is none of that name, a hub id `owner/name`.

    dtype None is `serving_dtype(device)`. parts_device: where the VAE and the text encoder go, None with the rest.
    hash_memory: a file that keeps the hashes of large files (integrity.py).
    Raises CheckpointError, which names what is missing or does not fit.
    """
    folder = locate(checkpoint, list(PARTS))
    index = _read_json(folder / "model_index.json")
    for part, expected in PARTS.items():
        listed = index.get(part)
        if not isinstance(listed, list) or not (folder / part).is_dir():
            raise CheckpointError(f"{folder} is not a FIBO checkpoint: it has no {part}")
        if expected is not None and listed[-1] != expected:
            raise CheckpointError(f"{folder} is not a FIBO checkpoint: its {part} is {listed[-1]}, not {expected}")
    extras = index.get("sartor", {})
    dtype = dtype or serving_dtype(device)

    parts_device = parts_device or device

    from transformers import AutoTokenizer

    transformer = _part(folder, "transformer", lambda path: FiboTransformer.load(path, dtype=dtype, device=device))
    vae = _part(folder, "vae", lambda path: FrameAutoencoder.load(path, dtype=dtype, device=parts_device))
    text_encoder = _part(folder, "text_encoder", lambda path: load_text_encoder(path, dtype=dtype, device=parts_device))
    tokenizer = _part(folder, "tokenizer", lambda path: AutoTokenizer.from_pretrained(path))
    scheduler_config = _read_json(folder / "scheduler" / "scheduler_config.json")
    scheduler_settings(scheduler_config)
    models: list[Any] = [transformer, vae, text_encoder]
    for model in models:
        model.eval().requires_grad_(False)
    hashes = FileHashes(hash_memory)
    return Checkpoint(
        transformer=transformer,
        vae=vae,
        text_encoder=text_encoder,
        tokenizer=tokenizer,
        scheduler_config=scheduler_config,
        sha256=_hash(_everything(folder), folder, hashes),
        learned_sha256=_hash(_files(folder, LEARNED_ON), folder, hashes),
        training_area=int(extras.get("training_area", FIBO_AREA)),
        extras=extras,
        folder=folder,
    )


def load_text_encoder(folder: Path, *, device: torch.device | str, dtype: torch.dtype) -> Any:
    """transformers' SmolLM3ForCausalLM from its folder. Raises OSError, ValueError, and RuntimeError.

    Like its `from_pretrained`, but straight to the device, which there asks for one more package.
    """
    from transformers import SmolLM3Config, SmolLM3ForCausalLM

    config = SmolLM3Config.from_pretrained(folder)
    with torch.device("meta"):
        model = SmolLM3ForCausalLM(config)
    weights = read_weights(folder, device=device, dtype=dtype, file=TEXT_ENCODER_FILE)
    if config.tie_word_embeddings:
        weights["lm_head.weight"] = weights["model.embed_tokens.weight"]
    model.load_state_dict(weights, strict=True, assign=True)
    model.tie_weights()
    # The rotary frequencies are in no file: they are computed where the model is built.
    model.model.rotary_emb = type(model.model.rotary_emb)(config=config).to(device)
    return model


def hash_folder(folder: Path, memory: Path | None = None) -> str:
    """SHA-256, in hexadecimal, over the names and contents of the model index and of every part's files.

    memory: see integrity.py. Raises OSError, and CheckpointError for a damaged download.
    """
    return _hash(_everything(folder), folder, FileHashes(memory))


def hash_learned(folder: Path, memory: Path | None = None) -> str:
    """The same over what adapters are made for: the names and contents of the files of LEARNED_ON."""
    return _hash(_files(folder, LEARNED_ON), folder, FileHashes(memory))


def _everything(folder: Path) -> list[Path]:
    return [folder / "model_index.json", *_files(folder, PARTS)]


def _files(folder: Path, parts: Iterable[str]) -> list[Path]:
    return [path for part in parts for path in (folder / part).rglob("*") if path.is_file()]


def _hash(files: Iterable[Path], folder: Path, hashes: FileHashes) -> str:
    total = hashlib.sha256()
    for path in sorted(files, key=lambda path: path.relative_to(folder).as_posix()):
        total.update(f"{path.relative_to(folder).as_posix()} {hashes.get(path)}\n".encode())
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
