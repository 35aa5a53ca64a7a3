"""Models that are changed, downloaded, deleted, and their checkpoints."""

import hashlib
from typing import Any

import pytest
import sqlalchemy as sa

from sartor.generation.tables import GenerationRequest
from sartor.kit.storage import StorageAway
from sartor.models.keys import adapter_key, needed
from sartor.models.tables import Model, ModelCheckpoint
from tests.conftest import BRAND, SCHEMA, Service, Tenant
from tests.models.conftest import LIST, bundled, dataset_of, own_model


def put(tenant: Tenant, model_id: int, body: Any) -> Any:
    return tenant.client.put(f"{LIST}/{model_id}", headers=tenant.headers, json=body)


def delete(tenant: Tenant, path: str) -> int:
    return int(tenant.client.delete(LIST + path, headers=tenant.headers).status_code)


def test_names_and_descriptions(service: Service, tenant: Tenant) -> None:
    model_id = own_model(service, tenant)
    assert put(tenant, model_id, {"name": "New", "status": "Failed"}).json()["name"] == "New"
    answer = put(tenant, model_id, {"description": "Newer"})
    assert answer.status_code == 200
    assert (answer.json()["name"], answer.json()["description"]) == ("New", "Newer")
    assert answer.json()["status"] == "Completed"
    assert tenant.get(f"{LIST}/{model_id}").json() == answer.json()
    for wrong in ({"name": ""}, {"name": 5}, {"description": []}, {"active_model_version": "last"}, []):
        assert put(tenant, model_id, wrong).status_code == 400


def with_checkpoints(service: Service, tenant: Tenant, **values: Any) -> int:
    """A model that was trained in expert mode, with three checkpoints whose bytes are in the storage."""
    defaults = {"training_mode": "expert", "checkpoint_steps": ["100", "200", "250"]}
    model_id = own_model(service, tenant, **(defaults | values))
    with service.parts.database.transaction() as session:
        for step in (100, 200, 250):
            data = f"adapter {model_id} {step}".encode()
            keys = f"models/{model_id}/{step}.safetensors", f"models/{model_id}/{step}.png"
            for key in keys:
                service.parts.storage.put(key, data)
            sha256 = hashlib.sha256(data).hexdigest()
            session.add(
                ModelCheckpoint(
                    model_id=model_id,
                    step=step,
                    adapter_key=keys[0],
                    adapter_sha256=sha256,
                    samples_key=keys[1],
                    score=0.5,
                )
            )
        if values.get("status", "Completed") == "Completed":
            row = session.get_one(Model, model_id)
            row.adapter, row.adapter_sha256 = keys[0], sha256
    return model_id


def downloaded(tenant: Tenant, model_id: int) -> bytes:
    link = tenant.get(f"{LIST}/{model_id}/download").json()["download_url"]
    return bytes(tenant.client.get(link).content)


def test_another_checkpoint_becomes_the_active_one(service: Service, tenant: Tenant) -> None:
    model_id = with_checkpoints(service, tenant)
    assert downloaded(tenant, model_id) == f"adapter {model_id} 250".encode()
    answer = put(tenant, model_id, {"active_model_version": 100})
    assert (answer.status_code, answer.json()["active_model_version"]) == (200, "100")
    assert downloaded(tenant, model_id) == f"adapter {model_id} 100".encode()
    with service.parts.database.transaction() as session:
        adapter = service.parts.models.look(session, model_id).adapter
    assert adapter is not None
    assert adapter.read_bytes() == f"adapter {model_id} 100".encode()
    assert put(tenant, model_id, {"active_model_version": "150"}).status_code == 400
    assert put(tenant, model_id, {"active_model_version": "default"}).json()["active_model_version"] == "250"
    assert downloaded(tenant, model_id) == f"adapter {model_id} 250".encode()


@pytest.mark.parametrize("values", [{"training_mode": "fully_automated"}, {"status": "Stopped"}])
def test_versions_are_of_trained_experts(service: Service, tenant: Tenant, values: dict[str, str]) -> None:
    model_id = with_checkpoints(service, tenant, **values)
    assert put(tenant, model_id, {"active_model_version": "100"}).status_code == 400


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


# Downloading.


def test_a_download(service: Service, tenant: Tenant) -> None:
    model_id = with_checkpoints(service, tenant, visual_schema=SCHEMA)
    answer = tenant.get(f"{LIST}/{model_id}/download")
    assert answer.status_code == 200
    assert answer.json()["base_model_name"] == "Sartor embedded"
    card = tenant.client.get(answer.json()["model_card_url"]).text
    assert "soft pastel colors" in card
    assert "load_lora_weights" in card
    assert "- Version: 250\n" in card
    assert "Its score is 0.5000: how far samples" in card
    assert "num_single_layers" in tenant.client.get(answer.json()["base_model_card"]).text
    path = answer.json()["download_url"].partition("?")[0]
    assert tenant.client.get(path).status_code == 404, "without its signature it is not there"


@pytest.mark.parametrize("status", ["Created", "InProgress", "Stopping", "Stopped", "Failed"])
def test_what_is_not_trained_cannot_be_downloaded(service: Service, tenant: Tenant, status: str) -> None:
    assert tenant.get(f"{LIST}/{own_model(service, tenant, status=status)}/download").status_code == 400


def test_bundled_models_can_be_downloaded(service: Service, tenant: Tenant) -> None:
    file = service.parts.settings.home / "brands" / BRAND / "pytorch_lora_weights.safetensors"
    assert downloaded(tenant, bundled(tenant)["id"]) == file.read_bytes()


# Deleting.


def test_deleting_a_model(service: Service, tenant: Tenant) -> None:
    model_id = with_checkpoints(service, tenant)
    with service.parts.database.transaction() as session:
        copy = service.parts.models.look(session, model_id).adapter
    assert copy is not None
    assert copy.is_file()
    assert delete(tenant, f"/{model_id}") == 204
    assert tenant.get(f"{LIST}/{model_id}").status_code == 404
    assert delete(tenant, f"/{model_id}") == 404
    assert not copy.exists()
    folder = service.parts.settings.home / "storage" / "models" / str(model_id)
    assert not [path for path in folder.rglob("*") if path.is_file()]
    with service.parts.database.transaction() as session:
        assert session.get(Model, model_id) is None
        assert session.scalar(sa.select(ModelCheckpoint).where(ModelCheckpoint.model_id == model_id)) is None


@pytest.mark.parametrize("status", ["InProgress", "Stopping"])
def test_a_model_in_training_is_not_deleted(service: Service, tenant: Tenant, status: str) -> None:
    model_id = own_model(service, tenant, status=status)
    assert delete(tenant, f"/{model_id}") == 409
    assert tenant.get(f"{LIST}/{model_id}").status_code == 200


def test_what_a_deleted_model_has_drawn_stays(service: Service, tenant: Tenant) -> None:
    model_id = with_checkpoints(service, tenant)
    body = {"prompt": "a red apple", "tailored_model_id": str(model_id), "steps_num": 20}
    request_id = tenant.image(body).json()["request_id"]
    image = tenant.settled(request_id)["result"]["image_url"]
    assert delete(tenant, f"/{model_id}") == 204
    assert tenant.client.get(image).status_code == 200
    assert tenant.settled(request_id)["status"] == "COMPLETED"
    assert tenant.image(body).status_code == 403
    assert model_id not in [one["id"] for one in tenant.get(LIST).json()]
    service.parts.lifecycle.purge()
    with service.parts.database.transaction() as session:
        assert session.get_one(Model, model_id).status == "Deleted"
        session.execute(sa.delete(GenerationRequest).where(GenerationRequest.id == request_id))
    assert service.parts.lifecycle.purge() == 1
    with service.parts.database.transaction() as session:
        assert session.get(Model, model_id) is None


def test_deleting_a_project_deletes_its_models(service: Service, tenant: Tenant) -> None:
    dataset = dataset_of(service, tenant)
    model_id = with_checkpoints(service, tenant, project_id=dataset.project_id)
    path = f"/v1/tailored-gen/projects/{dataset.project_id}"
    busy = own_model(service, tenant, project_id=dataset.project_id, status="InProgress")
    assert tenant.client.delete(path, headers=tenant.headers).status_code == 409
    with service.parts.database.transaction() as session:
        session.get_one(Model, busy).status = "Stopped"
    assert tenant.client.delete(path, headers=tenant.headers).status_code == 204
    assert tenant.get(f"{LIST}/{model_id}").status_code == tenant.get(f"{LIST}/{busy}").status_code == 404
    assert not service.parts.storage.exists(f"models/{model_id}/100.safetensors")
