"""The diffusion engine: FIBO's architecture, from a checkpoint folder to a PNG that can be drawn again.

    from sartor.fibo import Engine, Spec

It knows nothing of HTTP, databases or what a structured prompt means.
"""

from sartor.fibo.aspect import ASPECT_RATIOS, image_size
from sartor.fibo.checkpoint import Checkpoint, load_checkpoint
from sartor.fibo.compute import Compute
from sartor.fibo.engine import Engine, Result
from sartor.fibo.errors import (
    AdapterError,
    Cancelled,
    CheckpointError,
    EngineNotReproducible,
    FiboError,
    InvalidAdapter,
    InvalidInfluence,
    InvalidSpec,
    NotEnoughMemory,
    RecipeError,
    TrainingDiverged,
    TrainingError,
    TrainingMismatch,
    UnsupportedDevice,
)
from sartor.fibo.fingerprint import Fingerprint
from sartor.fibo.recipe import Recipe, read_recipe
from sartor.fibo.spec import Spec

__all__ = [
    "ASPECT_RATIOS",
    "AdapterError",
    "Cancelled",
    "Checkpoint",
    "CheckpointError",
    "Compute",
    "Engine",
    "EngineNotReproducible",
    "FiboError",
    "Fingerprint",
    "InvalidAdapter",
    "InvalidInfluence",
    "InvalidSpec",
    "NotEnoughMemory",
    "Recipe",
    "RecipeError",
    "Result",
    "Spec",
    "TrainingDiverged",
    "TrainingError",
    "TrainingMismatch",
    "UnsupportedDevice",
    "image_size",
    "load_checkpoint",
    "read_recipe",
]
