"""What can go wrong in the engine.

FiboError
├── CheckpointError          a checkpoint is missing, incomplete, or not FIBO's architecture
├── NotEnoughMemory          no memory mode fits into what is free
├── UnsupportedDevice        a device cannot compute as it is asked to
├── AdapterError             an adapter cannot be used
│   └── InvalidAdapter       a file is not a LoRA, or not one for this transformer
├── InvalidSpec              a recipe asks for what cannot be drawn
│   └── InvalidInfluence     an influence outside 0..1.5
├── RecipeError              a PNG carries no recipe, or a damaged one
├── TrainingError
│   ├── TrainingMismatch     a directory holds another training than the one to continue
│   ├── TrainingDiverged     the loss, or its gradient, is no longer a number
│   └── CaptionsTooLarge     neither memory nor the disk has room for what the captions are encoded to
├── EngineNotReproducible    the warm-up drew other bytes than it should, twice
└── Cancelled                the caller's stop event was set
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

SHOWN = 20
"""How many problems of one file a message lists."""


class FiboError(Exception):
    """Anything that the engine raises on purpose."""


class CheckpointError(FiboError):
    """A checkpoint is missing, incomplete, or not FIBO's architecture."""


class NotEnoughMemory(FiboError):
    """No memory mode fits into what is free."""


class UnsupportedDevice(FiboError):
    """A device cannot compute as it is asked to."""


class AdapterError(FiboError):
    """An adapter cannot be used."""


class InvalidAdapter(AdapterError):
    """A file is not a LoRA, or not one for this transformer; `problems` has a line for each reason."""

    def __init__(self, file: str, problems: Sequence[str]) -> None:
        self.file, self.problems = file, tuple(problems)
        more = f"; and {len(problems) - SHOWN} more" if len(problems) > SHOWN else ""
        super().__init__(f"{file} is not an adapter for this checkpoint: {'; '.join(problems[:SHOWN])}{more}")


class InvalidSpec(FiboError, ValueError):
    """A recipe asks for what cannot be drawn."""


class InvalidInfluence(InvalidSpec):
    """An influence outside 0..1.5."""

    def __init__(self, influence: float) -> None:
        super().__init__(f"influence must be between 0 and 1.5, not {influence}")


class RecipeError(FiboError):
    """A PNG carries no recipe, or a damaged one."""


class TrainingError(FiboError):
    """A training cannot go on."""


class TrainingMismatch(TrainingError):
    """A directory holds another training than the one to continue; `fields` names what is not the same."""

    def __init__(self, directory: Path, fields: Sequence[str]) -> None:
        self.directory, self.fields = directory, tuple(fields)
        super().__init__(f"{directory} holds another training; not the same: {', '.join(fields)}")


class TrainingDiverged(TrainingError):
    """The loss, or its gradient, is no longer a number; `what` says which."""

    def __init__(self, step: int, what: Literal["loss", "gradient"]) -> None:
        self.step, self.what = step, what
        super().__init__(f"the {what} of step {step} is not a finite number")


class CaptionsTooLarge(TrainingError):
    """Neither memory nor the disk has room for what the captions are encoded to; all in bytes."""

    def __init__(self, wanted: int, memory: int, disk: int) -> None:
        self.wanted, self.memory, self.disk = wanted, memory, disk
        super().__init__(
            f"the captions, encoded, take {wanted / 1e9:,.1f} GB; {memory / 1e9:,.1f} GB of memory and "
            f"{disk / 1e9:,.1f} GB of disk are free for them: fewer pictures or shorter captions are needed"
        )


class EngineNotReproducible(FiboError):
    """The warm-up drew other bytes than it should, twice."""


class Cancelled(FiboError):
    """The caller's stop event was set."""
