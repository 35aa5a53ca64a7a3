"""The checkpoints of models trained in expert mode: shown, and deleted one by one."""

from __future__ import annotations

from sqlalchemy.orm import Session

from sartor.accounts.service import Caller
from sartor.errors import BadRequest, NotFound
from sartor.kit.database import Database
from sartor.kit.storage import Address, Storage
from sartor.models.adapters import AdapterFiles
from sartor.models.schemas import CheckpointAnswer, active_version
from sartor.models.service import find_model, hold_model
from sartor.models.tables import IN_TRAINING, Model, ModelCheckpoint, checkpoints_of


class Checkpoints:
    def __init__(self, database: Database, storage: Storage, adapters: AdapterFiles) -> None:
        self._database = database
        self._storage = storage
        self._adapters = adapters

    def of_model(self, caller: Caller, model_id: int, address: Address) -> tuple[list[CheckpointAnswer], str]:
        """All of them, and the active version. Raises NotFound, and BadRequest outside of expert mode."""
        with self._database.transaction() as session:
            model = _expert(session, caller, model_id)
            found = session.scalars(checkpoints_of(model_id)).all()
        return [self._shown(one, address) for one in found], active_version(model)

    def get(self, caller: Caller, model_id: int, step: int, address: Address) -> CheckpointAnswer:
        """Raises NotFound, and BadRequest outside of expert mode."""
        with self._database.transaction() as session:
            _expert(session, caller, model_id)
            return self._shown(_checkpoint(session, model_id, step), address)

    def delete(self, caller: Caller, model_id: int, step: int) -> None:
        """Raises NotFound, and BadRequest outside of expert mode and for the one that is drawn with."""
        with self._database.transaction() as session:
            _expert(session, caller, model_id)
            model = hold_model(session, caller, model_id)
            found = _checkpoint(session, model_id, step)
            if model.status == "Completed" and model.adapter == found.adapter_key:
                raise BadRequest("This checkpoint is the active one: choose another active_model_version first.")
            if model.status in IN_TRAINING:
                raise BadRequest("The model is in training: its checkpoints can be deleted when that has ended.")
            model.checkpoint_steps = [made for made in model.checkpoint_steps if made != str(step)]
            session.delete(found)
        self._storage.discard(found.adapter_key)
        if found.samples_key is not None:
            self._storage.discard(found.samples_key)
        self._adapters.forget_unused([found.adapter_sha256])

    def _shown(self, checkpoint: ModelCheckpoint, address: Address) -> CheckpointAnswer:
        samples = self._storage.link(checkpoint.samples_key, address) if checkpoint.samples_key else None
        return CheckpointAnswer.of(checkpoint, samples)


def _expert(session: Session, caller: Caller, model_id: int) -> Model:
    """A model that has checkpoints to show. Raises NotFound and BadRequest."""
    model = find_model(session, caller.organisation_id, model_id)
    if model.training_mode != "expert":
        raise BadRequest("Checkpoints are kept only of models trained in expert mode.")
    return model


def _checkpoint(session: Session, model_id: int, step: int) -> ModelCheckpoint:
    found = session.scalar(checkpoints_of(model_id).where(ModelCheckpoint.step == step))
    if found is None:
        raise NotFound("There is no such checkpoint.")
    return found
