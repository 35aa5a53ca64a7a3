"""Where the storage keeps what belongs to a model, and until when; how its training is called."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session

from sartor.kit.orphans import Keyspace
from sartor.models.tables import IN_TRAINING, Model, ModelCheckpoint

_ID = re.compile("models/([0-9]{1,9})/")


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


def needed(session: Session, keys: Sequence[str]) -> set[str]:
    """Those that a model or its checkpoint leads to, and all of a model in training: its steps may be repeated."""
    owners = {key: int(found[1]) for key in keys if (found := _ID.match(key))}
    ids = set(owners.values())
    models = session.scalars(sa.select(Model).where(Model.id.in_(ids) | Model.adapter.in_(keys))).all()
    checkpoints = session.scalars(sa.select(ModelCheckpoint).where(ModelCheckpoint.model_id.in_(ids)))
    named = {key for model in models for key in (*all_keys(model.id, []), model.adapter)}
    named |= {key for checkpoint in checkpoints for key in (checkpoint.adapter_key, checkpoint.samples_key)}
    in_training = {model.id for model in models if model.status in IN_TRAINING}
    return {key for key in keys if key in named or owners.get(key) in in_training}


KEYSPACES = (
    Keyspace(
        "models",
        re.compile(
            rf"{_ID.pattern}(?:[0-9]+\.(?:safetensors|png)|losses\.(?:json|png)|README\.md)"
            r"|models/imported/[0-9a-f]{16}-[0-9a-f]{16}\.safetensors"
        ),
        needed,
    ),
)


def result_of(model_id: int) -> str:
    """How an idempotency key names a new model."""
    return f"model:{model_id}"


def result_to(result: str) -> int:
    """The id of the model that ``result_of`` named."""
    return int(result.removeprefix("model:"))


def job_id(model: Model) -> str:
    """The training's name among the jobs. The time is in it because a database that was begun anew gives ids again."""
    return f"training-{model.id}-{int(model.created_at.timestamp())}"


def model_of(job: str) -> int:
    """The id of the model that a job trains."""
    return int(job.split("-")[1])
