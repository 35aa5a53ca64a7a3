"""The safetensors files of one part of a checkpoint, named as diffusers and transformers name them."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

FILE = "diffusion_pytorch_model.safetensors"
TEXT_ENCODER_FILE = "model.safetensors"


def stream_weights(
    folder: Path, *, device: torch.device | str = "cpu", dtype: torch.dtype | None = None, file: str = FILE
) -> Iterator[tuple[str, Tensor]]:
    """(name, tensor) of a part, from its single file or from the shards that its index lists. Raises OSError.

    Each tensor goes from the file to the device by itself and is brought to dtype there (None keeps what is saved), so
    that host memory never holds a second copy of a part, nor device memory more than one tensor of the saved type.
    """
    index = folder / f"{file}.index.json"
    names = sorted(set(json.loads(index.read_text())["weight_map"].values())) if index.exists() else [file]
    for name in names:
        with safe_open(folder / name, framework="pt", device=str(device)) as shard:
            for key in shard.keys():  # noqa: SIM118 - not a dictionary
                yield key, shard.get_tensor(key).to(dtype=dtype)


def read_weights(
    folder: Path, *, device: torch.device | str = "cpu", dtype: torch.dtype | None = None, file: str = FILE
) -> dict[str, Tensor]:
    """All that `stream_weights` yields, by name."""
    return dict(stream_weights(folder, device=device, dtype=dtype, file=file))


def write_weights(weights: Mapping[str, Tensor], folder: Path) -> None:
    """Writes one file that diffusers reads too."""
    save_file(dict(weights), folder / FILE, metadata={"format": "pt"})
