"""Checkpoints of a training: `checkpoint-000100/` holds all that the next step depends on, complete or not at all.

training_state.safetensors   parameters, optimiser moments, moving average, generator
training_state.json          step, data order, and what the training was started with
pytorch_lora_weights.safetensors   the adapter at this step, to be tried out
"""

import json
import os
import re
import secrets
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from safetensors.torch import load_file, save_file
from torch import Tensor

TENSORS, FACTS = "training_state.safetensors", "training_state.json"
NAME = re.compile(r"checkpoint-(\d{6,})")


def save_checkpoint(
    directory: Path,
    step: int,
    tensors: Mapping[str, Tensor],
    facts: Mapping[str, Any],
    write_adapter: Callable[[Path], None],
    *,
    keep: int,
) -> Path:
    """Writes the checkpoint of a step beside its final place, renames it there, and deletes all but the last `keep`.

    write_adapter is called with the folder. One that is already there is replaced. Raises OSError.
    """
    final = directory / checkpoint_name(step)
    partial = directory / f".{final.name}.{secrets.token_hex(4)}.partial"  # another process may be at the same step
    partial.mkdir(parents=True)
    save_file({name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}, partial / TENSORS)
    (partial / FACTS).write_text(json.dumps(facts, indent=1) + "\n")
    write_adapter(partial)
    for path in (*partial.iterdir(), partial):
        _sync(path)
    shutil.rmtree(final, ignore_errors=True)
    partial.rename(final)
    _sync(directory)
    for old in checkpoints(directory)[: -max(1, keep)]:
        shutil.rmtree(old, ignore_errors=True)
    return final


def checkpoint_name(step: int) -> str:
    """The folder that a step's checkpoint has in the training's directory."""
    return f"checkpoint-{step:06d}"


def checkpoints(directory: Path) -> list[Path]:
    """The complete checkpoints in a training's directory, oldest first."""
    found = [(int(match[1]), path) for path in directory.glob("checkpoint-*") if (match := NAME.fullmatch(path.name))]
    return [path for _, path in sorted(found)]


def load_checkpoint_state(folder: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The tensors and facts of a checkpoint. Raises OSError and ValueError where something has damaged it."""
    return load_file(folder / TENSORS), load_facts(folder)


def load_facts(folder: Path) -> dict[str, Any]:
    """The facts of a checkpoint alone. Raises as `load_checkpoint_state`."""
    facts = json.loads((folder / FACTS).read_text())
    if not isinstance(facts, dict):
        raise ValueError(f"{folder / FACTS} is not an object")
    return facts


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
