"""Where the storage keeps what belongs to a model, and how its training is called."""

from __future__ import annotations

from collections.abc import Iterable

from sartor.models.tables import Model


def adapter_key(model_id: int, step: int) -> str:
    """The adapter after this step."""
    return f"models/{model_id}/{step}.safetensors"


def imported_key(sha256: str, token: str) -> str:
    """An adapter that came from elsewhere; ``token`` sets apart models that were made of the same file."""
    return f"models/imported/{sha256[:16]}-{token}.safetensors"


def samples_key(model_id: int, step: int) -> str:
    return f"models/{model_id}/{step}.png"


def losses_key(model_id: int) -> str:
    return f"models/{model_id}/losses.json"


def curve_key(model_id: int) -> str:
    return f"models/{model_id}/losses.png"


def card_key(model_id: int) -> str:
    return f"models/{model_id}/README.md"


def all_keys(model_id: int, steps: Iterable[int]) -> list[str]:
    """Every key that a model with these checkpoints may have bytes under."""
    of_steps = [key(model_id, step) for step in steps for key in (adapter_key, samples_key)]
    return [*of_steps, losses_key(model_id), curve_key(model_id), card_key(model_id)]


def result_of(model_id: int) -> str:
    """How an idempotency key names a new model."""
    return f"model:{model_id}"


def result_to(result: str) -> int:
    """The id of the model that ``result_of`` named."""
    return int(result.removeprefix("model:"))


def job_id(model: Model) -> str:
    """The training's name among the jobs. The time is in it because SQLite gives the last row's id again."""
    return f"training-{model.id}-{int(model.created_at.timestamp())}"


def model_of(job: str) -> int:
    """The id of the model that a job trains."""
    return int(job.split("-")[1])
