"""How a LoRA is trained: one value a line, each with its unit or its reason."""

import math
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

Schedule = Literal["constant", "constant_with_warmup", "linear", "cosine", "cosine_with_restarts", "polynomial"]
"""The names and curves of diffusers' `get_scheduler`, with three cycles where it restarts and power 2 where it is a
polynomial: with diffusers' own defaults, one cycle and power 1, these two would be cosine and linear once more.
constant and constant_with_warmup are the same here: the warm-up is a number of its own."""
BaseWeights = Literal["full", "fp8", "nf4"]
Precision = Literal["auto", "float32", "bfloat16"]
ExportDtype = Literal["float32", "float16", "bfloat16"]
CYCLES, POWER, LOWEST = 3, 2.0, 1e-7
"""Of cosine_with_restarts; of polynomial, with the rate at which that ends."""


@dataclass(frozen=True)
class TrainingConfig:
    """How to train. The defaults are those of Bria's public trainer for FIBO (Bria-AI/FIBO, src/fine_tuning), but two.

    schedule: the trainer lets the rate fall by half a cosine after its warm-up; ours stays, as the public API's does by
    default. caption_dropout: the trainer has none; ours is what the bundled brands were trained with. One of them
    without it was the same to the eye and a little nearer to its look, 0.0144 instead of 0.0153 (docs/nano-log.md).
    """

    steps: int = 1500
    """Optimiser steps."""
    rank: int = 128
    alpha: float | None = None
    """None is the rank: the change is B @ A as it stands."""
    learning_rate: float = 1e-4
    schedule: Schedule = "constant"
    """What the rate does after the warm-up: see `Schedule`."""
    warmup_steps: int = 100
    """Linear from zero."""
    weight_decay: float = 1e-3
    clip: float = 1.0
    """Largest norm of the gradient over all parameters."""
    batch_size: int = 1
    accumulation: int = 4
    """Batches per optimiser step."""
    caption_dropout: float = 0.1
    """Share of pictures drawn for the empty caption, which guidance starts from."""
    uniform_share: float = 0.1
    """Share of noise levels drawn uniformly; the others are logit-normal, shifted by the token count."""
    mirror: bool = False
    """Mirrors half of the pictures. Off: captions say left and right."""
    regularisation_share: float = 0.0
    """Share of batches from the regularisation examples: pictures of the base's own look, which hold it in place."""
    ema_decay: float = 0.0
    """Above zero the moving average of the parameters is what is written, 0.99 to 0.999."""
    seed: int = 0
    precision: Precision = "auto"
    gradient_checkpointing: bool | Literal["auto"] = "auto"
    """Whether blocks compute their activations again in the backward pass; auto: as many as the memory asks for."""
    compiled: bool = False
    """Whether blocks of a full base are compiled where a compiler gets them right (training_compute.py)."""
    base_weights: BaseWeights = "full"
    """What the frozen weights are kept in: as they are, or in 8 or 4 bits (rounded_base.py)."""
    text_memory: int = 64 * 2**30
    """Host memory for captions' states, in bytes, and at most half of what is free; the others are read from disk."""
    checkpoint_every: int = 250
    """Steps between checkpoints."""
    keep_checkpoints: int = 2
    export_dtype: ExportDtype = "bfloat16"

    def __post_init__(self) -> None:
        """Raises ValueError for what no training can be."""
        counts = ("steps", "rank", "batch_size", "accumulation", "checkpoint_every", "keep_checkpoints")
        for name in counts:
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, not {getattr(self, name)}")
        if self.warmup_steps < 0:
            raise ValueError(f"warmup_steps must not be negative, not {self.warmup_steps}")
        for name in ("caption_dropout", "uniform_share", "regularisation_share", "ema_decay"):
            if not 0.0 <= getattr(self, name) < 1.0:
                raise ValueError(f"{name} is a share from 0 to below 1, not {getattr(self, name)}")
        choices = {
            "base_weights": BaseWeights,
            "schedule": Schedule,
            "precision": Precision,
            "export_dtype": ExportDtype,
        }
        for name, known in choices.items():
            if (value := getattr(self, name)) not in get_args(known):
                raise ValueError(f"{name} must be one of {', '.join(get_args(known))}, not {value!r}")
        if not 0.0 < (1.0 if self.alpha is None else self.alpha) < math.inf:
            raise ValueError(f"alpha must be above zero, not {self.alpha}: nothing would be learned")
        if not 0.0 <= self.weight_decay < math.inf:
            raise ValueError(f"weight_decay must not be negative, not {self.weight_decay}")
        if not (math.isfinite(self.learning_rate) and self.learning_rate > 0 and self.clip > 0):
            raise ValueError("learning_rate and clip must be above zero")

    def rate(self, step: int) -> float:
        """The learning rate of the optimiser step with this number, from 0."""
        warmup = min(1.0, (step + 1) / (self.warmup_steps + 1))
        done = max(0, step - self.warmup_steps) / max(1, self.steps - self.warmup_steps)
        return self.learning_rate * warmup * self._share(done)

    def _share(self, done: float) -> float:
        """The share of the learning rate that is left after this share of the steps, 0 to below 1."""
        match self.schedule:
            case "constant" | "constant_with_warmup":
                return 1.0
            case "linear":
                return 1 - done
            case "cosine":
                return 0.5 * (1 + math.cos(math.pi * done))
            case "cosine_with_restarts":
                return 0.5 * (1 + math.cos(math.pi * (CYCLES * done % 1.0)))
            case "polynomial":
                lowest = min(1.0, LOWEST / self.learning_rate)
                return lowest + (1 - lowest) * math.pow(1 - done, POWER)

    def decisive(self) -> dict[str, Any]:
        """What a resumed training must have in common with the one it continues."""
        bookkeeping = ("checkpoint_every", "keep_checkpoints", "text_memory", "gradient_checkpointing")
        return {name: value for name, value in asdict(self).items() if name not in bookkeeping}


EMBEDDED = TrainingConfig(
    steps=600,
    rank=32,
    learning_rate=1e-3,
    schedule="cosine",
    warmup_steps=20,
    batch_size=8,
    accumulation=1,
    ema_decay=0.99,
    checkpoint_every=100,
    export_dtype="float16",
)
"""The same for the embedded model, where a starting point is needed: layers a twelfth as wide bear ten times the rate,
and pictures are small enough that a step takes a batch at once."""


def recipe(training_area: int) -> TrainingConfig:
    """The configuration to begin with for a checkpoint with this training area, in pixels."""
    return TrainingConfig() if training_area >= 512 * 512 else EMBEDDED
