"""Trainings from the call to the trained model, on a real if tiny checkpoint."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from PIL import Image

from tests.conftest import Service, Tenant, wait_for
from tests.models.conftest import LIST, add_dataset

ENDED = ("Completed", "Failed", "Stopped")


@pytest.fixture
def owner(trainer: Service) -> Tenant:
    return trainer.tenant()


def created(service: Service, tenant: Tenant, *, mode: str = "expert", **dataset: Any) -> int:
    """A model on a dataset of its own."""
    made = add_dataset(service.parts.database, service.parts.storage, tenant.organisation_id, **dataset)
    answer = tenant.post(LIST, {"name": "Brand", "dataset_id": made.id, "training_mode": mode})
    assert answer.status_code == 201, answer.text
    return int(answer.json()["id"])


def ended(tenant: Tenant, model_id: int, seconds: float = 120) -> dict[str, Any]:
    def look() -> dict[str, Any] | None:
        model: dict[str, Any] = tenant.get(f"{LIST}/{model_id}").json()
        return model if model["status"] in ENDED else None

    found: dict[str, Any] = wait_for(look, seconds)
    return found


def test_an_expert_training(trainer: Service, owner: Tenant) -> None:
    model_id = created(trainer, owner)
    parameters = {"rank": 4, "total_training_steps": 120, "checkpoint_interval": 100, "lr_scheduler": "linear"}
    started = owner.post(f"{LIST}/{model_id}/start_training", parameters)
    assert started.status_code == 200, started.text
    assert started.json()["status"] == "InProgress"
    assert started.json()["training_parameters"] == started.json()["training_parameters"] | parameters
    model = ended(owner, model_id)
    assert model["status"] == "Completed", model
    assert model["checkpoint_steps"] == ["100", "120"]
    assert model["progress"]["step"] == model["progress"]["steps"] == 120
    for name in ("samples_url", "loss_curve_url"):
        picture = Image.open(io.BytesIO(owner.client.get(model[name]).content))
        assert picture.width > picture.height
    losses = json.loads(owner.client.get(model["losses_url"]).content)
    assert [line["step"] for line in losses["losses"]] == list(range(1, 121))
    assert [one["step"] for one in losses["checkpoints"]] == [100, 120]
