"""LoRA layers for training (arXiv:2106.09685): put into a transformer, taken out again, written as a diffusers file."""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import save
from torch import Tensor, nn

from sartor.fibo.adapter_names import METADATA, PREFIX, A, B
from sartor.fibo.adapters import adapter_targets

FILE_NAME = "pytorch_lora_weights.safetensors"
"""The name that diffusers' `load_lora_weights` looks for in a folder."""


class LoraLinear(nn.Module):
    """A frozen linear plus scale * B @ A: down A [rank, in] begins gaussian, up B [out, rank] at zero, both fp32.

    A's standard deviation is 1 / rank, as peft's "gaussian"; B at zero makes the first step that of the base model.
    The products run in the input's dtype or autocast's, the parameters and their gradients stay fp32.
    """

    def __init__(self, base: nn.Linear, rank: int, alpha: float, generator: torch.Generator) -> None:
        super().__init__()
        self.base = base
        self.scale = alpha / rank
        device = base.weight.device
        self.down = nn.Parameter((torch.randn(rank, base.in_features, generator=generator) / rank).to(device))
        self.up = nn.Parameter(torch.zeros(base.out_features, rank, device=device))

    def forward(self, x: Tensor) -> Tensor:
        if torch.is_autocast_enabled(x.device.type):  # cast once, not for each product
            x = x.to(torch.get_autocast_dtype(x.device.type))
        out: Tensor = self.base(x)
        narrow = F.linear(x, self.down.to(x.dtype))
        # One product that adds in place of three passes over the wide activations.
        wide = torch.addmm(out.flatten(0, -2), narrow.flatten(0, -2), self.up.to(out.dtype).t(), alpha=self.scale)
        return wide.view_as(out)


@dataclass(frozen=True, eq=False)
class LoraLayers:
    """The LoRA layers of one transformer, by the name of the linear that each stands for."""

    layers: Mapping[str, LoraLinear]
    rank: int
    alpha: float

    def parameters(self) -> dict[str, nn.Parameter]:
        """The trained tensors under the names that they have in an adapter file, less its prefix; in fixed order."""
        named: dict[str, nn.Parameter] = {}
        for name, layer in self.layers.items():
            named[name + A], named[name + B] = layer.down, layer.up
        return named


@contextmanager
def injected(
    transformer: nn.Module, rank: int, *, alpha: float | None = None, generator: torch.Generator
) -> Iterator[LoraLayers]:
    """Gives every adapter target a LoRA layer while the block runs; alpha None is the rank, so that the scale is 1.

    Inside, only the LoRA's parameters ask for gradients. Afterwards the transformer is what it was, its weights and
    their flags untouched. generator: a CPU one; A is drawn from it in the model's order. Raises ValueError where the
    rank is below 1.
    """
    if rank < 1:
        raise ValueError(f"a LoRA's rank is at least 1, not {rank}")
    alpha = float(rank) if alpha is None else alpha
    targets = adapter_targets(transformer)
    flags = {parameter: parameter.requires_grad for parameter in transformer.parameters()}
    for parameter in flags:
        parameter.requires_grad_(False)
    layers = {name: LoraLinear(linear, rank, alpha, generator) for name, linear in targets.items()}
    try:
        for name, layer in layers.items():
            transformer.set_submodule(name, layer)
        yield LoraLayers(layers, rank, alpha)
    finally:
        for name, linear in targets.items():
            transformer.set_submodule(name, linear)
        for parameter, flag in flags.items():
            parameter.requires_grad_(flag)


def write_adapter(
    path: Path,
    tensors: Mapping[str, Tensor],
    *,
    rank: int,
    alpha: float,
    dtype: torch.dtype = torch.float32,
    facts: Mapping[str, str | int | float] | None = None,
) -> None:
    """Writes a LoRA file that diffusers' `load_lora_weights` and `read_adapter` read, complete or not at all.

    tensors as `LoraLayers.parameters` names them; facts are Sartor's own and ride in the header. The same input makes
    the same bytes: safetensors writes several header entries in random order, so there is one.
    """
    configuration: dict[str, object] = {
        f"{PREFIX}r": rank,
        f"{PREFIX}lora_alpha": alpha,
        f"{PREFIX}target_modules": [name.removesuffix(A) for name in tensors if name.endswith(A)],
    }
    # diffusers passes on to peft what begins with its prefix and drops the rest.
    configuration |= {f"sartor.{key}": value for key, value in (facts or {}).items()}
    prefixed = {PREFIX + name: tensor.detach().to("cpu", dtype).contiguous() for name, tensor in tensors.items()}
    content = save(prefixed, metadata={METADATA: json.dumps(configuration, sort_keys=True)})
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.partial")
    with partial.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)
