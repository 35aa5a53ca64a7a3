"""Weights that live in host memory and travel to the device: where they are kept, and how they visit.

For a GPU host memory is pinned, so that copies run at the bus's speed. The allocator of pinned memory rounds every
piece up to a power of two, which for FIBO's layers would waste more than half as much again: pieces are therefore cut
from slabs whose size is one.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

SLAB = 2**28
ALIGNMENT = 256
"""Bytes; what device copies and vector instructions like."""


class HostMemory:
    """Keeps copies of tensors. pinned: page-locked, which only a machine with a GPU can."""

    def __init__(self, *, pinned: bool, slab: int = SLAB) -> None:
        self._pinned, self._slab = pinned, slab
        self._free = torch.empty(0, dtype=torch.uint8)

    def keep(self, tensor: Tensor) -> Tensor:
        """A copy in host memory, contiguous."""
        size = -(-tensor.nbytes // ALIGNMENT) * ALIGNMENT
        if size > self._free.numel():
            slab = torch.empty(max(self._slab, size), dtype=torch.uint8, pin_memory=self._pinned)
            if size > self._slab:
                return self._into(slab, tensor)
            self._free = slab
        piece, self._free = self._free[:size], self._free[size:]
        return self._into(piece, tensor)

    def _into(self, piece: Tensor, tensor: Tensor) -> Tensor:
        return piece[: tensor.nbytes].view(tensor.dtype).view(tensor.shape).copy_(tensor.detach())


class Visitor:
    """A model that lives in host memory and is on the device only while it is used.

    Its weights do not change, so leaving costs nothing: the copies on the device are dropped.
    """

    def __init__(self, model: nn.Module, device: torch.device | str) -> None:
        self._device = torch.device(device)
        memory = HostMemory(pinned=self._device.type == "cuda")
        self._tensors: list[Tensor] = [*model.parameters(), *model.buffers()]
        for tensor in self._tensors:
            tensor.data = memory.keep(tensor)
        self._home = [tensor.data for tensor in self._tensors]

    @contextmanager
    def here(self) -> Iterator[None]:
        """The model is on the device while the block runs."""
        try:
            for tensor, home in zip(self._tensors, self._home, strict=True):
                tensor.data = home.to(self._device, copy=True, non_blocking=True)
            yield
        finally:
            for tensor, home in zip(self._tensors, self._home, strict=True):
                tensor.data = home
