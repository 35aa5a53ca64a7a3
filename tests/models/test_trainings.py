"""Trainings through the service: from the call to the trained model, on a real if tiny checkpoint."""

from __future__ import annotations

import hashlib
import io
import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from PIL import Image

from tests.conftest import Service, Tenant, wait_for
from tests.models.conftest import LIST, add_dataset

ENDED = ("Completed", "Failed", "Stopped")


@pytest.fixture
def owner(trainer: Service) -> Tenant:
    return trainer.tenant()


@pytest.fixture
def create(trainer: Service, owner: Tenant) -> Iterator[Callable[..., int]]:
    """Makes a model on a dataset of its own; a training that a test leaves behind is stopped."""
    made: list[int] = []

    def make(*, mode: str = "expert", **dataset: Any) -> int:
        data = add_dataset(trainer.parts.database, trainer.parts.storage, owner.organisation_id, **dataset)
        answer = owner.post(LIST, {"name": "Brand", "dataset_id": data.id, "training_mode": mode})
        assert answer.status_code == 201, answer.text
        made.append(int(answer.json()["id"]))
        return made[-1]

    yield make
    for model_id in made:
        owner.post(f"{LIST}/{model_id}/stop_training")
        ended(owner, model_id, or_gone=True)


def ended(tenant: Tenant, model_id: int, seconds: float = 120, *, or_gone: bool = False) -> dict[str, Any]:
    def look() -> dict[str, Any] | None:
        model: dict[str, Any] = tenant.get(f"{LIST}/{model_id}").json()
        if or_gone and (model.get("status") in (None, "Created")):
            return model
        return model if model["status"] in ENDED else None

    found: dict[str, Any] = wait_for(look, seconds)
    return found


def under_way(tenant: Tenant, model_id: int) -> dict[str, Any]:
    def look() -> dict[str, Any] | None:
        model: dict[str, Any] = tenant.get(f"{LIST}/{model_id}").json()
        return model if model["progress"]["step"] > 0 else None

    found: dict[str, Any] = wait_for(look, 60)
    return found


def start(tenant: Tenant, model_id: int, **parameters: Any) -> dict[str, Any]:
    answer = tenant.post(f"{LIST}/{model_id}/start_training", parameters)
    assert answer.status_code == 200, answer.text
    started: dict[str, Any] = answer.json()
    return started


def test_an_expert_training_and_an_image_of_it(trainer: Service, owner: Tenant, create: Callable[..., int]) -> None:
    model_id = create()
    parameters = {"rank": 4, "total_training_steps": 120, "checkpoint_interval": 100, "lr_scheduler": "linear"}
    started = start(owner, model_id, **parameters)
    assert started["status"] == "InProgress"
    assert started["training_parameters"] == started["training_parameters"] | parameters
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

    scene = {"structured_prompt": '{"short_description":"a boat"}', "seed": 1, "steps_num": 20}
    pictures = []
    for reference in (str(model_id), "paper-garden"):
        body = scene | {"tailored_model_id": reference, "sync": True}
        answer = owner.post("/v2/image/generate/tailored", body)
        if reference == "paper-garden":
            assert answer.status_code == 422, "the test brand's adapter is none"
            continue
        assert answer.status_code == 200, answer.text
        pictures.append(owner.client.get(answer.json()["image_url"]).content)
    copies = list((trainer.parts.settings.home / "adapters").iterdir())
    downloaded = owner.client.get(owner.get(f"{LIST}/{model_id}/download").json()["download_url"]).content
    assert f"{hashlib.sha256(downloaded).hexdigest()}.safetensors" in {path.name for path in copies}


def test_a_stopped_training_stays_stopped(owner: Tenant, create: Callable[..., int]) -> None:
    model_id = create()
    start(owner, model_id, rank=4, total_training_steps=5000)
    under_way(owner, model_id)
    answer = owner.post(f"{LIST}/{model_id}/stop_training")
    assert (answer.status_code, answer.json()["status"]) == (200, "Stopping")
    asked = time.monotonic()
    assert owner.post(f"{LIST}/{model_id}/stop_training").status_code == 409
    model = ended(owner, model_id)
    assert model["status"] == "Stopped"
    assert time.monotonic() - asked < 10
    assert 0 < model["progress"]["step"] < 5000
    assert owner.post(f"{LIST}/{model_id}/start_training", {}).status_code == 409
    assert owner.post(f"{LIST}/{model_id}/stop_training").status_code == 409


def test_trainings_go_one_at_a_time_and_a_waiting_one_stops_at_once(owner: Tenant, create: Callable[..., int]) -> None:
    first, second = create(), create()
    start(owner, first, rank=4, total_training_steps=5000)
    under_way(owner, first)
    start(owner, second, rank=4, total_training_steps=5000)
    time.sleep(0.5)
    assert owner.get(f"{LIST}/{second}").json()["progress"]["step"] == 0
    assert owner.post(f"{LIST}/{second}/stop_training").json()["status"] == "Stopped"
    assert owner.get(f"{LIST}/{first}").json()["status"] == "InProgress"
    assert owner.client.delete(f"{LIST}/{second}", headers=owner.headers).status_code == 204


def test_an_automated_training(owner: Tenant, create: Callable[..., int]) -> None:
    model_id = create(mode="fully_automated", images=10)
    parameters = start(owner, model_id)["training_parameters"]
    assert "icons" in parameters["reason"]
    model = ended(owner, model_id, 300)
    assert model["status"] == "Completed", model
    assert model["checkpoint_steps"] == []
    losses = json.loads(owner.client.get(model["losses_url"]).content)
    scores = {one["step"]: one["score"] for one in losses["checkpoints"]}
    assert len(scores) == 4
    best = min(scores, key=lambda step: (scores[step], -step))
    answer = owner.get(f"{LIST}/{model_id}/download").json()
    assert f"/{best}.safetensors?" in answer["download_url"]
    assert owner.get(f"{LIST}/{model_id}/checkpoints").status_code == 400


def test_a_broken_set_fails_with_a_reason(trainer: Service, owner: Tenant, create: Callable[..., int]) -> None:
    model_id = create()
    dataset_id = owner.get(f"{LIST}/{model_id}").json()["dataset_id"]
    trainer.parts.storage.delete(f"datasets/{dataset_id}/2.png")
    start(owner, model_id, rank=4, total_training_steps=10)
    model = ended(owner, model_id)
    assert (model["status"], model["error"]["code"]) == ("Failed", 412)
    assert "no longer there" in model["error"]["details"]
    assert owner.post(f"{LIST}/{model_id}/start_training", {}).status_code == 409
