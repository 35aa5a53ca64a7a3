"""Models that are changed and deleted."""

import pytest
import sqlalchemy as sa

from sartor.generation.tables import GenerationRequest
from sartor.models.tables import Model, ModelCheckpoint
from tests.conftest import Service, Tenant
from tests.models.conftest import LIST, dataset_of, delete, downloaded, own_model, put, with_checkpoints


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
