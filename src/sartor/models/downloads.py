"""What clients fetch of a model: its adapter and the cards, and what shows its training."""

from __future__ import annotations

import sqlalchemy as sa

from sartor.accounts.service import Caller
from sartor.errors import BadRequest, NotFound
from sartor.kit.database import Database
from sartor.kit.storage import Address, Storage
from sartor.models.base import ServedBase
from sartor.models.cards import base_card, model_card
from sartor.models.keys import card_key, curve_key, losses_key
from sartor.models.schemas import Links, ModelDownloadAnswer
from sartor.models.service import Models, find_model
from sartor.models.tables import Model, ModelCheckpoint, checkpoints_of


class Downloads:
    def __init__(self, database: Database, storage: Storage, models: Models, base: ServedBase) -> None:
        self._database = database
        self._storage = storage
        self._models = models
        self._base = base

    def download(self, caller: Caller, model_id: int, address: Address) -> ModelDownloadAnswer:
        """Raises NotFound, and BadRequest for a model that is not trained."""
        with self._database.transaction() as session:
            model = find_model(session, caller.organisation_id, model_id)
            score = session.scalar(
                sa.select(ModelCheckpoint.score).where(
                    ModelCheckpoint.model_id == model_id, ModelCheckpoint.adapter_key == model.adapter
                )
            )
        if model.status != "Completed" or model.adapter is None:
            raise BadRequest(f"The model's status is {model.status}: only a trained one can be downloaded.")
        key, card = model.adapter, card_key(model_id)
        brand = self._models.brand(model)
        if model.slug is not None:
            if brand is None:
                raise NotFound("The model's files are no longer installed.")
            key = f"bundled/{brand.slug}.safetensors"
            self._storage.put(key, brand.adapter.read_bytes())
        self._storage.put(card, model_card(model, self._base, score=score).encode(), media_type="text/markdown")
        return ModelDownloadAnswer(
            download_url=self._storage.link(key, address),
            base_model_name=self._base.name,
            base_model_card=self._base.hub_page or self._own_base_card(address),
            model_card_url=self._storage.link(card, address),
        )

    def links(self, model: Model, address: Address) -> Links:
        """What can be looked at of a training."""
        with self._database.transaction() as session:
            found = session.scalars(checkpoints_of(model.id)).all()
        if not found:
            return Links()
        active = next((one for one in found if one.adapter_key == model.adapter), found[-1])
        return Links(
            samples_url=self._storage.link(active.samples_key, address) if active.samples_key else None,
            loss_curve_url=self._storage.link(curve_key(model.id), address),
            losses_url=self._storage.link(losses_key(model.id), address),
        )

    def _own_base_card(self, address: Address) -> str:
        key = "bundled/base.md"
        self._storage.put(key, base_card(self._base).encode(), media_type="text/markdown")
        return self._storage.link(key, address)
