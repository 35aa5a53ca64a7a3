"""The frozen base of a LoRA training in 8 or 4 bits a weight: half or a fourth of its memory.

What is trained, the adapter, and everything that is computed stay as they are: a weight is brought back to the
activations' type for each product, forward and backward, and dropped again (QLoRA, arXiv:2305.14314). The adapter is
trained against a base that is a little off, and is served over the full one.

    fp8   8 bits: e4m3 with one scale a row (fp8.py); half the memory of bf16
    nf4   4.25 bits: one of 16 quantiles of a normal distribution, with one bf16 scale for 64 weights; a fourth
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sartor.fibo.fp8 import rounded_linears, to_rows
from sartor.fibo.host_memory import HostMemory
from sartor.fibo.training_config import BaseWeights

GROUP = 64
"""Weights, one after the other, that share a scale in nf4."""
OUTERMOST = 0.9677083
"""The quantile of the outermost level: QLoRA's, which bitsandbytes' tables have too."""


@cache
def normal_levels() -> Tensor:
    """The 16 levels of nf4, fp32, rising from -1 to 1: half of a normal distribution's quantiles each side, and 0."""
    above = torch.special.ndtri(torch.linspace(OUTERMOST, 0.5, 9, dtype=torch.float64)[:-1])
    below = -torch.special.ndtri(torch.linspace(OUTERMOST, 0.5, 8, dtype=torch.float64)[:-1])
    levels = torch.cat([above, torch.zeros(1, dtype=torch.float64), below]).sort().values
    return (levels / levels.max()).float()


def to_nf4(weight: Tensor) -> tuple[Tensor, Tensor]:
    """A weight [out, in], out * in a multiple of GROUP -> two levels a byte [out * in / 2], scales [groups, 1]."""
    groups = weight.reshape(-1, GROUP).float()
    scale = groups.abs().amax(dim=1, keepdim=True).clamp_min(1e-12).to(torch.bfloat16)
    levels = normal_levels().to(weight.device)
    nearest = torch.bucketize(groups / scale.float(), (levels[1:] + levels[:-1]) / 2).to(torch.uint8).flatten()
    return nearest[0::2] << 4 | nearest[1::2], scale


def from_nf4(packed: Tensor, scale: Tensor, shape: torch.Size, dtype: torch.dtype) -> Tensor:
    """The weight that `to_nf4` rounded, in dtype."""
    pairs = _pairs(packed.device, dtype)
    return (pairs.index_select(0, packed.int()).view(-1, GROUP) * scale.to(dtype)).view(shape)


@cache
def _pairs(device: torch.device, dtype: torch.dtype) -> Tensor:
    """What each byte stands for, [256, 2]."""
    levels = normal_levels().to(device, dtype)
    return torch.stack([levels.repeat_interleave(16), levels.repeat(16)], dim=1)


class RoundedLinear(nn.Linear):
    """A frozen linear whose weight is kept in fewer bits. It passes gradients on to its input, and has none itself."""

    def __init__(self, linear: nn.Linear, rounding: BaseWeights) -> None:
        super().__init__(linear.in_features, linear.out_features, bias=linear.bias is not None, device="meta")
        self.rounding = rounding
        kept, scale = to_rows(linear.weight) if rounding == "fp8" else to_nf4(linear.weight)
        self.weight = nn.Parameter(kept, requires_grad=False)
        self.register_buffer("scale", scale, persistent=False)
        if linear.bias is not None:
            self.bias = nn.Parameter(linear.bias.detach(), requires_grad=False)

    def forward(self, x: Tensor) -> Tensor:
        """x [..., in] -> [..., out] in x's type."""
        shape = torch.Size((self.out_features, self.in_features))
        out: Tensor = _Product.apply(x, self.weight, self.get_buffer("scale"), shape)  # type: ignore[no-untyped-call]
        return out if self.bias is None else out + self.bias.to(x.dtype)


class _Product(torch.autograd.Function):
    """x @ weight.T, where the full weight is alive only while it is multiplied, in the backward pass, too."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, kept: Tensor, scale: Tensor, shape: torch.Size) -> Tensor:
        ctx.save_for_backward(kept, scale)
        ctx.shape = shape
        return F.linear(x, _full(kept, scale, shape, x.dtype))

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None, None]:
        kept, scale = ctx.saved_tensors
        return gradient @ _full(kept, scale, ctx.shape, gradient.dtype), None, None, None


def _full(kept: Tensor, scale: Tensor, shape: torch.Size, dtype: torch.dtype) -> Tensor:
    if kept.dtype == torch.uint8:
        return from_nf4(kept, scale, shape, dtype)
    return kept.to(dtype) * scale.to(dtype)


@contextmanager
def rounded(transformer: nn.Module, rounding: BaseWeights) -> Iterator[None]:
    """Keeps the blocks' linears that work on tokens in fewer bits while the block runs; "full" leaves all as it is.

    The full weights wait in host memory, pinned for a GPU, and come back afterwards, to the byte. They are rounded
    where they are, one after the other: nf4 takes about 16 bytes a weight of the largest one meanwhile. Raises
    ValueError for a weight that has no whole number of groups.
    """
    linears = {} if rounding == "full" else rounded_linears(transformer)
    device = next(transformer.parameters()).device
    host = HostMemory(pinned=device.type == "cuda")
    waiting: dict[str, Tensor] = {}
    try:
        for name, linear in linears.items():
            if rounding == "nf4" and linear.weight.numel() % GROUP:
                raise ValueError(f"{name} has {linear.weight.numel()} weights, no multiple of {GROUP}")
            replacement = RoundedLinear(linear, rounding)
            waiting[name] = host.keep(linear.weight) if device.type == "cuda" else linear.weight.detach()
            transformer.set_submodule(name, replacement)
            linear.weight.data = torch.empty(0, dtype=linear.weight.dtype, device=device)
            del replacement
        yield
    finally:
        for name, weight in waiting.items():
            transformer.set_submodule(name, linears[name])  # first, so that the rounded one makes room
            linears[name].weight.data = weight.to(device)
