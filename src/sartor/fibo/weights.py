"""The safetensors files of one part of a checkpoint, named as diffusers names them."""

import json
from collections.abc import Mapping
from pathlib import Path

from safetensors.torch import load_file, save_file
from torch import Tensor

FILE = "diffusion_pytorch_model.safetensors"


def read_weights(folder: Path) -> dict[str, Tensor]:
    """All tensors of a part, from its single file or from the shards that its index lists. Raises OSError."""
    index = folder / f"{FILE}.index.json"
    names = sorted(set(json.loads(index.read_text())["weight_map"].values())) if index.exists() else [FILE]
    weights: dict[str, Tensor] = {}
    for name in names:
        weights.update(load_file(folder / name))
    return weights


def write_weights(weights: Mapping[str, Tensor], folder: Path) -> None:
    """Writes one file that diffusers reads too."""
    save_file(dict(weights), folder / FILE, metadata={"format": "pt"})
