"""How many blocks of a training keep their activations, and how many are computed again in the backward pass.

What one block keeps is measured, on streams of the largest batch's shape: the tensors that PyTorch saves for the
backward pass, less the weights. As many blocks keep theirs as fit into what is free; gradient checkpointing
(arXiv:1604.06174) is for the rest. Either way the gradients are the same, on a CPU to the bit.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from sartor.fibo.blocks import DoubleBlock, Rotary
from sartor.fibo.memory import free_host_bytes
from sartor.fibo.transformer import FiboTransformer

SPARE = {"cuda": 8 * 2**30, "cpu": 2**29}
"""Bytes that are left free: for the allocator's gaps, the libraries' workspaces, and on a GPU an engine that draws
beside, with a text encoder that may visit."""
BACKWARD = 3
"""A block's backward pass holds its activations, computed again, and gradients of about twice that."""


@dataclass(frozen=True)
class Activations:
    """Bytes that each block keeps, in the order in which they run, and of its input, kept in any case."""

    blocks: tuple[int, ...]
    inputs: int

    def checkpointed(self, free: int) -> int:
        """How many blocks, from the first on, have to be computed again where so many bytes may be used."""
        left = free - BACKWARD * max(self.blocks) - self.inputs * len(self.blocks)
        for keeping, needed in enumerate(reversed(self.blocks)):
            left -= needed
            if left < 0:
                return len(self.blocks) - keeping
        return 0


def saved_bytes(call: Callable[[], object], apart: Sequence[Tensor] = ()) -> int:
    """Bytes of the tensors that the call saves for its backward pass, each once, without those of `apart`."""
    known = {tensor.untyped_storage().data_ptr() for tensor in apart}
    found: dict[int, int] = {}

    def pack(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in known:
            found[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.enable_grad(), torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        kept = call()  # so that no storage is freed and given away again before all are counted
        del kept
    return sum(found.values())


@dataclass(frozen=True)
class Streams:
    """What blocks read: image [B, N, D], text [B, T, D], joined [B, T + N, D], time [B, D], the rotary table, and a
    mask where there are captions of several lengths."""

    image: Tensor
    text: Tensor
    joined: Tensor
    time: Tensor
    rotary: Rotary
    mask: Tensor | None

    def read_by(self, block: nn.Module) -> tuple[Tensor, ...]:
        """Those that a block of this kind reads."""
        return (self.image, self.text) if isinstance(block, DoubleBlock) else (self.joined,)


def measure(
    transformer: FiboTransformer, given: Streams, autocast: Callable[[], AbstractContextManager[object]]
) -> Activations:
    """What the blocks keep of such streams. Runs one block of each kind."""
    apart = [*transformer.parameters(), *transformer.buffers(), given.image, given.text, given.joined, given.time]
    apart += [*given.rotary, *([] if given.mask is None else [given.mask])]

    def saved(block: nn.Module) -> int:
        def call() -> object:
            with autocast():
                return transformer.attending(block, *given.read_by(block), given.time, given.rotary, given.mask)

        return saved_bytes(call, apart)

    sizes: tuple[int, ...] = ()
    if doubles := transformer.config.num_layers:
        sizes += doubles * (saved(transformer.block(0)),)
    if singles := transformer.config.num_single_layers:
        sizes += singles * (saved(transformer.block(doubles)),)
    return Activations(sizes, given.joined.nbytes)


def free_bytes(device: torch.device) -> int:
    """Bytes that a training may still use on the device, with what PyTorch holds and does not use; SPARE is left."""
    if device.type != "cuda":
        return free_host_bytes() - SPARE["cpu"]
    held = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    return int(torch.cuda.mem_get_info(device)[0]) + held - SPARE["cuda"]
