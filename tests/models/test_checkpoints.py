"""Checkpoints of models trained in expert mode: shown, and deleted."""

import pytest

from sartor.kit.storage import StorageAway
from sartor.models.keys import adapter_key, needed
from tests.conftest import Service, Tenant
from tests.models.conftest import LIST, delete, put, with_checkpoints


def test_checkpoints(service: Service, tenant: Tenant) -> None:
    model_id = with_checkpoints(service, tenant)
    answer = tenant.get(f"{LIST}/{model_id}/checkpoints").json()
    assert [one["checkpoint_step"] for one in answer["checkpoints"]] == [100, 200, 250]
    assert answer["active_model_version"] == "250", "the one that is drawn with, and cannot be deleted"
    assert tenant.get(f"{LIST}/{model_id}").json()["active_model_version"] == "250"
    one = tenant.get(f"{LIST}/{model_id}/checkpoints/200").json()
    assert one == answer["checkpoints"][1]
    assert one["training_job_id"] == model_id
    assert tenant.client.get(one["samples_url"]).content == f"adapter {model_id} 200".encode()
    for step in ("150", "x", "-1", "99999999999"):
        assert tenant.get(f"{LIST}/{model_id}/checkpoints/{step}").status_code == 404


def test_deleting_checkpoints(service: Service, tenant: Tenant) -> None:
    model_id = with_checkpoints(service, tenant)
    path = f"/{model_id}/checkpoints"
    assert delete(tenant, f"{path}/250") == 400
    assert delete(tenant, f"{path}/150") == 404
    assert delete(tenant, f"{path}/100") == 204
    assert delete(tenant, f"{path}/100") == 404
    assert not service.parts.storage.exists(f"models/{model_id}/100.safetensors")
    assert not service.parts.storage.exists(f"models/{model_id}/100.png")
    assert tenant.get(f"{LIST}/{model_id}").json()["checkpoint_steps"] == ["200", "250"]
    assert put(tenant, model_id, {"active_model_version": "200"}).status_code == 200
    assert delete(tenant, f"{path}/200") == 400
    assert delete(tenant, f"{path}/250") == 204


def test_a_checkpoint_is_deleted_before_its_bytes(
    service: Service, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody waits for the storage who wants the model; what stays of the bytes is found where nothing names them."""
    model_id = with_checkpoints(service, tenant)
    key = adapter_key(model_id, 100)

    def away(_key: str) -> None:
        assert put(tenant, model_id, {"name": "New"}).status_code == 200
        raise StorageAway("the storage is away")

    with monkeypatch.context() as patch:
        patch.setattr(service.parts.storage, "delete", away)
        assert delete(tenant, f"/{model_id}/checkpoints/100") == 204
    assert delete(tenant, f"/{model_id}/checkpoints/100") == 404
    assert service.parts.storage.exists(key)
    with service.parts.database.transaction() as session:
        assert needed(session, [key]) == set()


def test_checkpoints_are_for_expert_mode(service: Service, tenant: Tenant) -> None:
    model_id = with_checkpoints(service, tenant, training_mode="fully_automated")
    assert tenant.get(f"{LIST}/{model_id}/checkpoints").status_code == 400
    assert tenant.get(f"{LIST}/{model_id}/checkpoints/100").status_code == 400
    assert delete(tenant, f"/{model_id}/checkpoints/100") == 400


def test_checkpoints_of_a_training_under_way_stay(service: Service, tenant: Tenant) -> None:
    model_id = with_checkpoints(service, tenant, status="InProgress")
    answer = tenant.get(f"{LIST}/{model_id}/checkpoints").json()
    assert (len(answer["checkpoints"]), answer["active_model_version"]) == (3, "default")
    assert delete(tenant, f"/{model_id}/checkpoints/100") == 400
