"""How the transformer computes: the options that make it faster, each of which is another engine to the last bit.

They are part of the fingerprint. `Compute()` is what a device gets by default: on a GPU the attention kernel that a
check found and compiled blocks; on a CPU neither.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch

from sartor.fibo.adapters import Merger
from sartor.fibo.attention import BACKENDS, DEFAULT, choose_attention
from sartor.fibo.encoding import MAX_TOKENS
from sartor.fibo.errors import UnsupportedDevice
from sartor.fibo.fp8 import quantise
from sartor.fibo.host_memory import HostMemory
from sartor.fibo.memory import Mode
from sartor.fibo.transformer import FiboTransformer

AUTO = "auto"


@dataclass(frozen=True)
class Compute:
    """Options, as they are asked for."""

    attention: str = AUTO
    """auto, torch, flash, cudnn, efficient or math: see attention.py."""
    compiled: bool | None = None
    """Whether blocks are compiled; None: on a GPU."""
    linears: Literal["full", "fp8"] = "full"
    """fp8 rounds weights and activations of the blocks: see fp8.py. Never chosen by default."""

    def __post_init__(self) -> None:
        """Raises ValueError for a name that is not known."""
        if self.attention not in (AUTO, DEFAULT, *BACKENDS):
            raise ValueError(f"attention is one of {', '.join((AUTO, DEFAULT, *BACKENDS))}, not {self.attention!r}")
        if self.linears not in ("full", "fp8"):
            raise ValueError(f"linears are full or fp8, not {self.linears!r}")

    def compiles(self, device: torch.device) -> bool:
        return device.type == "cuda" if self.compiled is None else self.compiled


def check_device(name: str) -> None:
    """Raises UnsupportedDevice for a device that PyTorch does not know, or that this machine has not got."""
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise UnsupportedDevice(f"{name!r} is no device: cpu, cuda and cuda:1 are") from error
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise UnsupportedDevice(f"there is no {name} here: {torch.cuda.device_count()} GPUs can be used")


def prepare(
    transformer: FiboTransformer,
    device: torch.device,
    compute: Compute,
    memory: Mode,
    *,
    tokens: int,
    record: Path | None,
) -> Merger:
    """Makes a pristine transformer compute so, on this device, and returns what merges adapters into it.

    tokens: image tokens of a picture. record: where the check of attention kernels is written, None for nowhere.
    """
    host = HostMemory(pinned=device.type == "cuda")
    pristine = {}
    if compute.linears == "fp8":
        keep = torch.Tensor.clone if memory.pristine_on_device else host.keep
        pristine = quantise(transformer, device, keep)
    config = transformer.config
    transformer.attention = compute.attention
    if compute.attention == AUTO:
        transformer.attention = choose_attention(
            device,
            transformer.dtype,
            config.num_attention_heads,
            config.attention_head_dim,
            tokens + MAX_TOKENS // 2,
            record,
        )
    if compute.compiles(device):
        compile_blocks([*transformer.transformer_blocks, *transformer.single_transformer_blocks])
    return Merger(transformer, pristine_device=None if memory.pristine_on_device else "cpu", pristine=pristine)


def compile_blocks(blocks: Sequence[torch.nn.Module], *, backend: str = "inductor") -> None:
    """Compiles each block in place; blocks of one class share their code, so that two compilations serve all.

    Lengths are left open from the start. Code made for one length and then again for any would draw other bytes after a
    restart with requests in another order. For the same reason nothing is chosen by timing (`deterministic`).
    """
    options: dict[str, str | int | bool] | None = {"deterministic": True} if backend == "inductor" else None
    for block in blocks:
        block.compile(backend=backend, dynamic=True, options=options)
