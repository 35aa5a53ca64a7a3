"""How a model is trained: what `fully_automated` chooses, row by row with the reason, and what `expert` may say.

The embedded model's rows begin with the training of the bundled brands, which is as near to the look after three
quarters of its steps as at its end (docs/nano-log.md). FIBO's begin with what the public API documents
as its defaults (rank 128, rate 1e-4, constant with warm-up, 750 steps) and change only what the kind of brand asks for;
none of them has been measured here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from sartor.fibo.training_config import EMBEDDED, TrainingConfig

Base = Literal["embedded", "fibo"]
# The area in pixels from which on a checkpoint is trained as FIBO is.
_FIBO_AREA = 512 * 512
_ANY = "any"


@dataclass(frozen=True)
class Recipe:
    """``config`` is what is trained, with a checkpoint to choose from every ``interval`` steps."""

    config: TrainingConfig
    interval: int
    reason: str

    def checkpoint_steps(self) -> list[int]:
        """Every interval, and the last step."""
        return [*range(self.interval, self.config.steps, self.interval), self.config.steps]

    def parameters(self) -> dict[str, Any]:
        """Under the public API's names; our own: why this recipe."""
        return {
            "learning_rate": self.config.learning_rate,
            "lr_scheduler": self.config.schedule,
            "rank": self.config.rank,
            "total_training_steps": self.config.steps,
            "checkpoint_interval": self.interval,
            "lr_warmup_steps": self.config.warmup_steps or None,
            "reason": self.reason,
        }


@dataclass(frozen=True)
class Row:
    """What one kind of brand is trained with. The first row that fits counts."""

    base: Base
    ip_types: tuple[str, ...]
    medium: str
    rank: int
    rate: float
    steps: int
    reason: str


_CHARACTER = ("defined_character",)
_KINDS = ("character_variants", "object_variants")
_SETS = ("icons", "multi_object_set")
_SCENES = ("stylized_scene",)

ROWS = (
    Row("embedded", _CHARACTER, _ANY, 16, 1e-3, 260, "one figure has to be met again exactly: the longest training"),
    Row("embedded", _KINDS, _ANY, 16, 1e-3, 230, "what the variants share is a shape as well as a look"),
    Row("embedded", _SETS, _ANY, 16, 1e-3, 200, "a plain look on many things is learned first; more only copies them"),
    Row("embedded", _SCENES, _ANY, 16, 1e-3, 230, "whole pictures, background included"),
    Row("embedded", (_ANY,), _ANY, 16, 1e-3, 215, "between a look and a shape"),
    Row("fibo", _CHARACTER, _ANY, 128, 1e-4, 1000, "one figure has to be met again exactly: full rank, more steps"),
    Row("fibo", _KINDS, _ANY, 128, 1e-4, 900, "what the variants share is a shape as well as a look"),
    Row("fibo", _SETS, "illustration", 64, 1e-4, 600, "flat drawings have few details: half the rank, fewer steps"),
    Row("fibo", _SETS, _ANY, 128, 1e-4, 750, "photographs of products: the documented defaults"),
    Row("fibo", _SCENES, "illustration", 128, 1e-4, 750, "the documented defaults"),
    Row("fibo", (_ANY,), _ANY, 128, 1e-4, 750, "the documented defaults"),
)

SIZES = (
    # (images up to, factor on the steps, reason)
    (9, 0.85, "few pictures are known by heart soon: fewer steps"),
    (30, 1.0, "the number of pictures that the rows are meant for"),
    (100, 1.3, "more pictures take longer to be seen often enough"),
    (5_000, 1.6, "many pictures: each is seen less often, and the look is learned from all of them"),
)

# How many checkpoints the best one is chosen from.
_CHECKPOINTS = 4
# Small sets wait for a batch of fifteen over several rounds; large batches hide the noise of few noise levels.
_EMBEDDED_BATCH = 15


def base_of(training_area: int) -> Base:
    """Which rows a checkpoint with this training area, in pixels, is trained by."""
    return "fibo" if training_area >= _FIBO_AREA else "embedded"


def automated(training_area: int, *, ip_type: str, medium: str, images: int) -> Recipe:
    """What `fully_automated` trains with, and why."""
    base = base_of(training_area)
    row = next(row for row in ROWS if _fits(row, base, ip_type, medium))
    _, factor, size_reason = next(size for size in SIZES if images <= size[0] or size is SIZES[-1])
    steps = round(row.steps * factor / 20) * 20
    config = replace(_foundation(base), steps=steps, rank=row.rank, learning_rate=row.rate)
    return Recipe(config, -(-steps // _CHECKPOINTS), f"{ip_type}: {row.reason}; {images} images: {size_reason}")


@dataclass(frozen=True)
class Expert:
    """The documented parameters of `expert`, with their documented defaults."""

    lr_scheduler: str = "constant_with_warmup"
    learning_rate: float = 1e-4
    total_training_steps: int = 750
    rank: int = 128
    checkpoint_interval: int = 500
    lr_warmup_steps: int = 100


def expert(training_area: int, given: Expert) -> Recipe:
    """What `expert` trains with: every picture, what was given, and the base's own batches."""
    config = replace(
        _foundation(base_of(training_area)),
        steps=given.total_training_steps,
        rank=given.rank,
        learning_rate=given.learning_rate,
        schedule=given.lr_scheduler,  # type: ignore[arg-type]
        warmup_steps=given.lr_warmup_steps if given.lr_scheduler == "constant_with_warmup" else 0,
    )
    return Recipe(config, given.checkpoint_interval, "as given")


def from_parameters(training_area: int, parameters: Mapping[str, Any]) -> Recipe:
    """The recipe that ``Recipe.parameters`` were taken of."""
    config = replace(
        _foundation(base_of(training_area)),
        steps=int(parameters["total_training_steps"]),
        rank=int(parameters["rank"]),
        learning_rate=float(parameters["learning_rate"]),
        schedule=parameters["lr_scheduler"],
        warmup_steps=int(parameters["lr_warmup_steps"] or 0),
    )
    return Recipe(config, int(parameters["checkpoint_interval"]), parameters["reason"])


def _foundation(base: Base) -> TrainingConfig:
    """What every training on this base has in common; the state is saved often, so that little is lost to a crash."""
    if base == "fibo":
        return TrainingConfig(schedule="constant_with_warmup", checkpoint_every=100)
    return replace(EMBEDDED, rank=16, batch_size=_EMBEDDED_BATCH, checkpoint_every=20)


def _fits(row: Row, base: Base, ip_type: str, medium: str) -> bool:
    kinds = ip_type in row.ip_types or _ANY in row.ip_types
    return row.base == base and kinds and row.medium in (medium, _ANY)
