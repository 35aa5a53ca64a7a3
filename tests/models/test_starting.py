"""What a training needs before it starts; what comes of it is in test_trainings.py."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import pytest
import sqlalchemy as sa

from sartor.datasets.tables import Dataset
from sartor.models import lifecycle
from tests.conftest import Service, Tenant
from tests.models.conftest import LIST, dataset_of, own_model


def created(service: Service, tenant: Tenant, *, mode: str = "expert", **dataset: Any) -> int:
    body = {"name": "Fox", "dataset_id": dataset_of(service, tenant, **dataset).id, "training_mode": mode}
    return int(tenant.post(LIST, body).json()["id"])


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("lr_scheduler", "sawtooth"),
        ("learning_rate", 0.0000009),
        ("learning_rate", 0.0011),
        ("learning_rate", "0.0001"),
        ("total_training_steps", 0),
        ("total_training_steps", 5001),
        ("total_training_steps", 10.5),
        ("rank", 3),
        ("rank", 257),
        ("rank", True),
        ("checkpoint_interval", 99),
        ("lr_warmup_steps", -1),
        ("lr_warmup_steps", 1001),
    ],
)
def test_parameters_out_of_range(service: Service, tenant: Tenant, name: str, wrong: Any) -> None:
    model_id = created(service, tenant)
    answer = tenant.post(f"{LIST}/{model_id}/start_training", {name: wrong})
    assert answer.status_code == 400
    assert answer.json()["error"]["details"].startswith(f"{name}: ")
    assert tenant.get(f"{LIST}/{model_id}").json()["status"] == "Created"


def test_parameters_are_for_expert_mode(service: Service, tenant: Tenant) -> None:
    model_id = created(service, tenant, mode="fully_automated")
    answer = tenant.post(f"{LIST}/{model_id}/start_training", {"rank": 16})
    assert answer.status_code == 400
    assert "rank" in answer.json()["error"]["details"]


@pytest.mark.parametrize(
    ("dataset", "said"),
    [
        ({"status": "draft"}, "draft"),
        ({"visual_schema": None}, "visual schema"),
        ({"visual_schema": '{"style_medium": "' + "x" * 20_000 + '"}'}, "visual schema cannot be used"),
        ({"images": 0}, "no pictures"),
        ({"uncaptioned": 2}, "2 of the dataset's pictures"),
    ],
)
def test_a_dataset_that_is_not_ready(service: Service, tenant: Tenant, dataset: dict[str, Any], said: str) -> None:
    model_id = created(service, tenant, **dataset)
    answer = tenant.post(f"{LIST}/{model_id}/start_training", {})
    assert answer.status_code == 412
    assert said in answer.json()["error"]["details"]


def test_a_dataset_that_was_deleted_meanwhile(service: Service, tenant: Tenant) -> None:
    model_id = created(service, tenant)
    with service.parts.database.transaction() as session:
        session.execute(sa.delete(Dataset).where(Dataset.id == tenant.get(f"{LIST}/{model_id}").json()["dataset_id"]))
    assert tenant.post(f"{LIST}/{model_id}/start_training", {}).status_code == 412


@pytest.mark.parametrize("status", ["InProgress", "Stopping", "Stopped", "Completed", "Failed"])
def test_a_model_is_trained_once(service: Service, tenant: Tenant, status: str) -> None:
    model_id = own_model(service, tenant, status=status, dataset_id=dataset_of(service, tenant).id)
    answer = tenant.post(f"{LIST}/{model_id}/start_training")
    assert answer.status_code == 409
    assert status in answer.json()["error"]["details"]


@pytest.mark.parametrize("status", ["Created", "Stopping", "Stopped", "Completed", "Failed"])
def test_nothing_to_stop(service: Service, tenant: Tenant, status: str) -> None:
    model_id = own_model(service, tenant, status=status)
    assert tenant.post(f"{LIST}/{model_id}/stop_training").status_code == 409
    assert tenant.get(f"{LIST}/{model_id}").json()["status"] == status


def test_the_same_start_at_the_same_moment_is_one(
    service: Service, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both look for the key before either has written it: the second one's transaction is done again."""
    model_id = created(service, tenant, mode="fully_automated")
    begun: list[str] = []
    monkeypatch.setattr(service.parts.jobs, "enqueue", lambda _session, job, *_, **__: begun.append(job))
    claim, meeting = lifecycle.claim, threading.Barrier(2)

    def at_the_same_moment(*given: Any) -> str:
        with suppress(threading.BrokenBarrierError):  # broken: one of them is here for the second time
            meeting.wait(timeout=5)
        meeting.abort()
        return claim(*given)

    monkeypatch.setattr(lifecycle, "claim", at_the_same_moment)
    path, headers = f"{LIST}/{model_id}/start_training", {"Idempotency-Key": "one"}
    with ThreadPoolExecutor(2) as hands:
        answers = [hands.submit(tenant.post, path, {}, headers=headers) for _ in range(2)]
    assert [answer.result().status_code for answer in answers] == [200, 200]
    assert len(begun) == 1
