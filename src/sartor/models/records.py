"""What a training writes down for those who look at its model: progress, checkpoints, losses."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from sartor.kit.database import AWAY, Database
from sartor.kit.storage import Storage
from sartor.models.keys import adapter_key, curve_key, losses_key, samples_key
from sartor.models.pictures import loss_curve
from sartor.models.tables import Model, ModelCheckpoint, checkpoints_of


class Records:
    def __init__(self, database: Database, storage: Storage) -> None:
        self._database = database
        self._storage = storage

    def asked_to_stop(self, model_id: int) -> bool:
        """Whether the model is no longer in progress; False while the database is away."""
        with suppress(*AWAY), self._database.transaction() as session:
            return session.scalar(sa.select(Model.status).where(Model.id == model_id)) != "InProgress"
        return False  # no reason to give a training up

    def tell(self, model_id: int, progress: dict[str, Any]) -> None:
        """Writes the progress down, unless the database is away."""
        with suppress(*AWAY), self._database.transaction() as session:  # no reason to give a training up
            change(session, model_id, "InProgress", progress=progress)

    def add_checkpoint(self, row: Model, until: int, sha256: str, score: float, base_sha256: str) -> None:
        """In place of one that was made of the same step before; its bytes are in the storage."""
        with self._database.transaction() as session:
            session.execute(
                sa.delete(ModelCheckpoint).where(ModelCheckpoint.model_id == row.id, ModelCheckpoint.step == until)
            )
            session.add(
                ModelCheckpoint(
                    model_id=row.id,
                    step=until,
                    adapter_key=adapter_key(row.id, until),
                    adapter_sha256=sha256,
                    samples_key=samples_key(row.id, until),
                    score=score,
                )
            )
            session.flush()
            values: dict[str, Any] = {"base_sha256": base_sha256}
            if row.training_mode == "expert":
                values["checkpoint_steps"] = [str(made.step) for made in session.scalars(checkpoints_of(row.id))]
            change(session, row.id, "InProgress", **values)

    def show_losses(self, model_id: int, directory: Path) -> None:
        """The losses in a training's folder and its checkpoints' scores, as JSON and as a picture."""
        from sartor.fibo.training import LOSSES

        lines = [json.loads(line) for line in (directory / LOSSES).read_text().splitlines()]
        with self._database.transaction() as session:
            scores = {found.step: found.score or 0.0 for found in session.scalars(checkpoints_of(model_id))}
        shown = {
            "losses": lines,
            "checkpoints": [{"step": made, "score": score} for made, score in scores.items()],
        }
        self._storage.put(losses_key(model_id), json.dumps(shown).encode(), media_type="application/json")
        curve = loss_curve([line["loss"] for line in lines], scores)
        self._storage.put(curve_key(model_id), curve, media_type="image/png")

    def keep_only_the_chosen(self, model_id: int) -> None:
        """Of a completed model. The rows go last: a step that broke off in between finds them again."""
        with self._database.transaction() as session:
            drawn_with = sa.select(Model.adapter).where(Model.id == model_id, Model.status == "Completed")
            chosen = session.scalar(drawn_with)
            found = session.scalars(checkpoints_of(model_id)).all()
        others = [one for one in found if chosen is not None and one.adapter_key != chosen]
        for other in others:
            self._storage.delete(other.adapter_key)
            if other.samples_key is not None:
                self._storage.delete(other.samples_key)
        with self._database.transaction() as session:
            session.execute(sa.delete(ModelCheckpoint).where(ModelCheckpoint.id.in_([one.id for one in others])))


def change(session: Session, model_id: int, before: str, /, **values: Any) -> bool:
    """Changes a model that is in this state; whether it was."""
    changed = session.execute(sa.update(Model).where(Model.id == model_id, Model.status == before).values(**values))
    return bool(changed.rowcount)  # type: ignore[attr-defined]
