"""Linears in 8-bit floats: half the memory of bf16 and up to twice its speed on GPUs that have them, by consent only.

A weight [out, in] is kept as float8 (e4m3: 4 bits of exponent, 3 of mantissa, up to 448) with one fp32 scale a row; an
activation is scaled a token at a time as it comes. Each number is rounded to 4 significant bits, so pictures are not
those of bf16.

Adapters are merged into the full weights, which are kept for it, and the sum is rounded once more.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from sartor.fibo.adapters import adapter_targets
from sartor.fibo.errors import UnsupportedDevice

TYPE = torch.float8_e4m3fn
LARGEST = 448.0
LEAST_SCALE = 1e-12
"""So that a row of zeros divides by something."""
CAPABILITY = (8, 9)
"""The first NVIDIA generation that multiplies 8-bit floats (Ada)."""


def to_rows(x: Tensor) -> tuple[Tensor, Tensor]:
    """x [rows, n] -> its 8-bit floats and its scales [rows, 1] in fp32, whose product is x, rounded."""
    scale = (x.abs().amax(dim=1, keepdim=True).float() / LARGEST).clamp_min(LEAST_SCALE)
    return (x.float() / scale).clamp(-LARGEST, LARGEST).to(TYPE), scale


class Fp8Linear(nn.Linear):
    """A linear whose weight is 8-bit floats; the bias stays as it is."""

    def __init__(self, linear: nn.Linear, device: torch.device) -> None:
        super().__init__(linear.in_features, linear.out_features, bias=linear.bias is not None, device="meta")
        weight = torch.empty(linear.weight.shape, dtype=TYPE, device=device)
        self.weight = nn.Parameter(weight, requires_grad=False)
        self.register_buffer("scale", torch.empty(linear.out_features, 1, device=device), persistent=False)
        if linear.bias is not None:
            self.bias = nn.Parameter(linear.bias.detach().to(device), requires_grad=False)
        self.take(linear.weight.detach().to(device))

    @torch.no_grad()
    def take(self, weight: Tensor) -> None:
        """Rounds a weight [out, in] of any floating type into this one, in place."""
        rounded, scale = to_rows(weight)
        self.weight.copy_(rounded)
        self.get_buffer("scale").copy_(scale)

    def forward(self, x: Tensor) -> Tensor:
        """x [..., in] -> [..., out] in x's type."""
        rounded, scale = to_rows(x.reshape(-1, self.in_features))
        out = torch._scaled_mm(
            rounded,
            self.weight.t(),
            scale_a=scale,
            scale_b=self.get_buffer("scale").t(),
            out_dtype=x.dtype,
        )
        if self.bias is not None:
            out = out + self.bias.to(x.dtype)
        return out.reshape(*x.shape[:-1], self.out_features)


def quantise(transformer: nn.Module, device: torch.device | str, keep: Callable[[Tensor], Tensor]) -> dict[str, Tensor]:
    """Puts an Fp8Linear for every linear of the blocks that works on tokens, and moves the rest to the device.

    The modulations, one row each, stay as they are, and so does what is outside the blocks or not a multiple of 16.
    Returns the full weights by name, kept by `keep`: what adapters are merged into. Raises UnsupportedDevice.
    """
    device = torch.device(device)
    if device.type == "cuda" and torch.cuda.get_device_capability(device) < CAPABILITY:
        raise UnsupportedDevice(f"{torch.cuda.get_device_name(device)} does not multiply 8-bit floats")
    pristine = {}
    for name, linear in rounded_linears(transformer).items():
        pristine[name] = keep(linear.weight.detach())
        transformer.set_submodule(name, Fp8Linear(linear, device))
        linear.weight = nn.Parameter(torch.empty(0), requires_grad=False)
    transformer.to(device)
    return pristine


def rounded_linears(transformer: nn.Module) -> dict[str, nn.Linear]:
    """The linears that `quantise` replaces, by name."""
    return {
        name: linear
        for name, linear in adapter_targets(transformer).items()
        if "blocks." in name and ".norm" not in name and not linear.in_features % 16 and not linear.out_features % 16
    }
