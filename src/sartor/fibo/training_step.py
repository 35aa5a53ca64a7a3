"""One step of LoRA training: draws, loss, optimiser, and all of their state.

Letters: B batch, N image tokens, C latent channels.
"""

import logging
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sartor.fibo.errors import TrainingDiverged
from sartor.fibo.lora import FILE_NAME, LoraLayers, write_adapter
from sartor.fibo.sampler import scheduler_settings, shift_exponent
from sartor.fibo.training_compute import Shape
from sartor.fibo.training_config import TrainingConfig
from sartor.fibo.training_data import DataOrder, Picture, TextStates, collate
from sartor.fibo.training_state import save_checkpoint
from sartor.fibo.transformer import FiboTransformer

logger = logging.getLogger(__name__)


def choose_precision(device: torch.device, wanted: str) -> tuple[torch.dtype | None, str]:
    """(dtype of autocast or None, why). The LoRA's parameters and the optimiser are fp32 in any case."""
    if wanted != "auto":
        return (torch.bfloat16 if wanted == "bfloat16" else None), f"{wanted}, as the configuration says"
    if device.type == "cuda":
        return torch.bfloat16, "bfloat16 autocast: the GPU's tensor cores"
    if torch.cpu._is_amx_tile_supported() or torch.cpu._is_avx512_bf16_supported():
        return torch.bfloat16, "bfloat16 autocast: this CPU multiplies bfloat16 matrices (AMX or AVX-512 BF16)"
    return None, "float32: without AMX or AVX-512 BF16 a CPU is slower in bfloat16"


def draw_sigmas(
    count: int, tokens: int, scheduler_config: Mapping[str, Any], uniform_share: float, generator: torch.Generator
) -> Tensor:
    """Noise levels [count] in 0..1 for pictures of `tokens` tokens: logit-normal, shifted as sampling is, or uniform.

    Adding the logarithm of the shift's strength under the sigmoid is the shift itself (arXiv:2403.03206, 3.1, 5.3.2).
    """
    settings = scheduler_settings(scheduler_config)
    mean = shift_exponent(tokens, settings)
    if not settings["use_dynamic_shifting"]:
        mean = math.log(settings["shift"])
    elif settings["time_shift_type"] == "linear":
        mean = math.log(mean)
    normal = torch.sigmoid(torch.randn(count, generator=generator) + mean)
    uniform = torch.rand(count, generator=generator)
    return torch.where(torch.rand(count, generator=generator) < uniform_share, uniform, normal)


class LoraRun:
    """A training between two steps: the layers, their optimiser and average, the data's order, the generator, the step.

    groups: the pictures, then, where there are any, the regularisation pictures. autocast None computes in the
    transformer's own dtype. Everything random comes from generator, on the CPU, in a fixed order.
    """

    def __init__(
        self,
        transformer: FiboTransformer,
        layers: LoraLayers,
        groups: Sequence[Sequence[Picture]],
        texts: TextStates,
        scheduler_config: Mapping[str, Any],
        config: TrainingConfig,
        generator: torch.Generator,
        autocast: torch.dtype | None,
    ) -> None:
        self.step = 0
        self._transformer = transformer
        self._layers = layers
        self._parameters = layers.parameters()
        self._groups = groups
        self._orders = [DataOrder([(p.height, p.width) for p in group], config.batch_size) for group in groups]
        self._texts = texts
        self._scheduler_config = scheduler_config
        self._config = config
        self._generator = generator
        self._autocast = autocast
        # Moments from the start, so that a checkpoint has the same tensors at every step. epsilon: the public recipe's.
        # On a GPU one kernel for all of it, which needs no copies of its own as large as the parameters.
        fused = transformer.device.type == "cuda"
        self._optimiser = torch.optim.AdamW(
            self._parameters.values(), lr=0.0, weight_decay=config.weight_decay, eps=1e-15, fused=fused or None
        )
        for parameter in self._parameters.values():
            self._optimiser.state[parameter] = {
                "step": torch.tensor(0.0, device=transformer.device),
                "exp_avg": torch.zeros_like(parameter),
                "exp_avg_sq": torch.zeros_like(parameter),
            }
        self._average = {name: p.detach().clone() for name, p in self._parameters.items()} if config.ema_decay else {}

    def advance(self) -> tuple[float, float]:
        """One optimiser step; its loss and its gradient's norm before clipping.

        Raises TrainingDiverged where either is not finite; the parameters are then what they were.
        """
        config = self._config
        losses = []
        for _ in range(config.accumulation):
            loss = self._loss() / config.accumulation
            loss.backward()  # type: ignore[no-untyped-call]
            losses.append(loss.detach())
        length = nn.utils.clip_grad_norm_(self._parameters.values(), config.clip)
        # Read together: each reading waits for the device.
        *parts, norm = torch.stack([*losses, length]).tolist()
        total = math.fsum(parts)
        if not math.isfinite(total):
            raise TrainingDiverged(self.step + 1, "loss")
        if not math.isfinite(norm):
            raise TrainingDiverged(self.step + 1, "gradient")
        for group in self._optimiser.param_groups:
            group["lr"] = config.rate(self.step)
        self._optimiser.step()
        self._optimiser.zero_grad(set_to_none=True)
        self.step += 1
        # A young average would remember the zeros that B began with: let it be short at first.
        decay = min(config.ema_decay, (1 + self.step) / (10 + self.step))
        if self._average:
            current = [self._parameters[name].detach() for name in self._average]
            torch._foreach_lerp_(list(self._average.values()), current, 1 - decay)
        return total, norm

    def autocast(self) -> torch.autocast:
        """What the transformer is run in."""
        device = self._transformer.device.type
        return torch.autocast(device, dtype=self._autocast, enabled=self._autocast is not None)

    def shape(self) -> Shape:
        """Of the largest batch that there can be."""
        pictures = [picture for group in self._groups for picture in group]
        largest = max(pictures, key=lambda picture: picture.height * picture.width)
        text = max(self._texts.length(caption) for caption in {"", *(picture.caption for picture in pictures)})
        return Shape(self._config.batch_size, text, largest.height, largest.width)

    def _loss(self) -> Tensor:
        """Mean squared error of the velocity over one batch, a scalar."""
        config, generator = self._config, self._generator
        extra = len(self._groups) > 1 and float(torch.rand(1, generator=generator)) < config.regularisation_share
        pictures = [self._groups[extra][index] for index in self._orders[extra].next(generator)]
        count, tokens = len(pictures), pictures[0].height * pictures[0].width
        views = (torch.rand(count, generator=generator) < 0.5).tolist() if config.mirror else [False] * count
        dropped = (torch.rand(count, generator=generator) < config.caption_dropout).tolist()
        sigmas = draw_sigmas(count, tokens, self._scheduler_config, config.uniform_share, generator)
        noise = torch.randn(count, *pictures[0].latents.shape[1:], generator=generator)

        device = self._transformer.device
        batch = collate(
            [picture.latents[int(view)] for picture, view in zip(pictures, views, strict=True)],
            [self._texts.get("" if drop else p.caption) for p, drop in zip(pictures, dropped, strict=True)],
            device,
        )
        sigmas, noise = sigmas.to(device), noise.to(device)
        noisy = torch.lerp(batch.latents, noise, sigmas[:, None, None])
        # A table remembered from serving may be an inference tensor, which no backward pass accepts: hence the copy.
        table = self._transformer.rotary(batch.text.shape[1], pictures[0].height, pictures[0].width)
        rotary = (table[0].clone(), table[1].clone())
        with self.autocast():
            velocity = self._transformer(
                noisy.to(self._transformer.dtype),
                sigmas * 1000,
                batch.text,
                batch.captions,
                rotary,
                mask=batch.mask,
            )
        return F.mse_loss(velocity.float(), noise - batch.latents)

    def save(self, directory: Path, origin: Mapping[str, Any]) -> Path:
        """Writes the checkpoint of this step; origin says what the training was started with. Raises OSError."""
        tensors = {"generator": self._generator.get_state()}
        for name, parameter in self._parameters.items():
            tensors[f"parameter/{name}"] = parameter
            for kind, value in self._optimiser.state[parameter].items():
                tensors[f"{kind}/{name}"] = value
        tensors |= {f"average/{name}": value for name, value in self._average.items()}
        facts = {
            "step": self.step,
            "origin": origin,
            "precision": str(self._autocast),
            "orders": [order.state() for order in self._orders],
        }

        def write(folder: Path) -> None:
            self.export(folder / FILE_NAME, origin)

        return save_checkpoint(directory, self.step, tensors, facts, write, keep=self._config.keep_checkpoints)

    @torch.no_grad()
    def restore(self, tensors: Mapping[str, Tensor], facts: Mapping[str, Any]) -> None:
        """Continues from a checkpoint of the same training; on another kind of processor only nearly the same."""
        if facts["precision"] != str(self._autocast):
            logger.warning("training began with autocast to %s, goes on with %s", facts["precision"], self._autocast)
        self.step = facts["step"]
        for order, state in zip(self._orders, facts["orders"], strict=True):
            order.restore(state)
        self._generator.set_state(tensors["generator"])
        for name, parameter in self._parameters.items():
            parameter.copy_(tensors[f"parameter/{name}"])
            for kind, value in self._optimiser.state[parameter].items():
                value.copy_(tensors[f"{kind}/{name}"])
        for name, value in self._average.items():
            value.copy_(tensors[f"average/{name}"])

    def export(self, path: Path, origin: Mapping[str, Any]) -> None:
        """Writes the adapter as it is now, the average where one is kept. Raises OSError."""
        write_adapter(
            path,
            self._average or self._parameters,
            rank=self._layers.rank,
            alpha=self._layers.alpha,
            dtype=getattr(torch, self._config.export_dtype),
            facts={"base": origin["base"], "examples": origin["examples"], "step": self.step},
        )
