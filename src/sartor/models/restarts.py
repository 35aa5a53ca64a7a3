"""What a training does where the base that is served is no longer the one that it began on: it begins again."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import sqlalchemy as sa
import structlog

from sartor.kit.database import Database
from sartor.kit.storage import Storage
from sartor.models.tables import Model, ModelCheckpoint, checkpoints_of

log = structlog.get_logger(__name__)


def is_of_another_base(row: Model, directory: Path, base_sha256: str) -> bool:
    """Whether checkpoints of this training, kept or in its folder, were made on a base with another hash."""
    from sartor.fibo.training_state import checkpoints, load_facts

    bases = {load_facts(saved)["origin"]["base"] for saved in checkpoints(directory)[-1:]}
    return bool((bases | {row.base_sha256}) - {None, base_sha256})


def begin_again(database: Database, storage: Storage, model_id: int, directory: Path) -> None:
    """Leaves nothing of what was trained: neither the folder nor a checkpoint to choose."""
    log.warning("training begins again, on another base", model=model_id)
    shutil.rmtree(directory, ignore_errors=True)
    with database.transaction() as session:
        found = session.scalars(checkpoints_of(model_id)).all()
    for made in found:
        storage.delete(made.adapter_key)
        if made.samples_key is not None:
            storage.delete(made.samples_key)
    with database.transaction() as session:
        session.execute(sa.delete(ModelCheckpoint).where(ModelCheckpoint.model_id == model_id))
        nothing: dict[str, Any] = {"base_sha256": None, "checkpoint_steps": [], "progress": None}
        session.execute(sa.update(Model).where(Model.id == model_id).values(**nothing))
