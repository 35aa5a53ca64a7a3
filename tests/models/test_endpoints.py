"""``/v1/tailored-gen/models``: own ones and bundled ones, and nobody else's."""

from typing import Any

import pytest

from sartor.models.tables import Model, ModelCheckpoint
from tests.conftest import BRAND, Service, Tenant
from tests.models.conftest import LIST, bundled, dataset_of, own_model

OPERATIONS = [
    ("POST", ""),
    ("GET", ""),
    ("GET", "/{id}"),
    ("PUT", "/{id}"),
    ("DELETE", "/{id}"),
    ("POST", "/{id}/start_training"),
    ("POST", "/{id}/stop_training"),
    ("GET", "/{id}/checkpoints"),
    ("GET", "/{id}/checkpoints/100"),
    ("DELETE", "/{id}/checkpoints/100"),
    ("GET", "/{id}/download"),
]
OF_ONE = [(verb, path) for verb, path in OPERATIONS if path]
CHANGES = [(verb, path) for verb, path in OF_ONE if verb != "GET"]


@pytest.mark.parametrize(("verb", "path"), OPERATIONS)
def test_strangers(service: Service, verb: str, path: str) -> None:
    answer = service.client.request(verb, LIST + path.format(id=1), json={})
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, 401)
    assert service.client.get("/v1/tailored-gen/projects/1/models").status_code == 401


@pytest.mark.parametrize(("verb", "path"), OF_ONE)
def test_another_tenants_model_is_unknown(
    service: Service, tenant: Tenant, other_tenant: Tenant, verb: str, path: str
) -> None:
    foreign = own_model(service, other_tenant, training_mode="expert")
    body = {} if verb in ("POST", "PUT") else None
    there, nowhere = (
        tenant.client.request(verb, LIST + path.format(id=one), headers=tenant.headers, json=body)
        for one in (foreign, 999_999)
    )
    assert there.status_code == nowhere.status_code == 404
    assert there.json()["error"] == nowhere.json()["error"]


@pytest.mark.parametrize(("verb", "path"), CHANGES)
def test_bundled_models_are_never_changed(tenant: Tenant, verb: str, path: str) -> None:
    before = bundled(tenant)
    answer = tenant.client.request(verb, LIST + path.format(id=before["id"]), headers=tenant.headers, json={})
    # Its checkpoints are asked for first, and a bundled model has none.
    assert answer.status_code == (400 if "checkpoints" in path else 403)
    assert bundled(tenant) == before


def test_another_tenants_model_is_not_there(service: Service, tenant: Tenant, other_tenant: Tenant) -> None:
    foreign = own_model(service, other_tenant)
    assert foreign not in [model["id"] for model in tenant.get(LIST).json()]
    there, nowhere = tenant.get(f"{LIST}/{foreign}"), tenant.get(f"{LIST}/999999")
    assert there.status_code == nowhere.status_code == 404
    assert there.json()["error"] == nowhere.json()["error"]


@pytest.mark.parametrize("model_id", ["abc", "0", "-1", "1.5", "2147483648", "9" * 30, "9" * 5000, "%00"])
def test_ids_that_are_none(tenant: Tenant, model_id: str) -> None:
    for verb in ("GET", "PUT", "DELETE"):
        answer = tenant.client.request(verb, f"{LIST}/{model_id}", headers=tenant.headers)
        assert answer.status_code == answer.json()["error"]["code"] == 404
        assert tenant.client.request(verb, f"{LIST}/{model_id}").status_code in (401, 404)


def test_a_wrong_query_is_400_in_the_life_cycle(tenant: Tenant) -> None:
    answer = tenant.get(LIST, params={"include_training_parameters": "perhaps"})
    assert answer.status_code == 400
    assert answer.json()["error"]["details"].startswith("include_training_parameters: ")


def test_a_fresh_organisation_has_the_bundled_brand(tenant: Tenant) -> None:
    model = bundled(tenant)
    assert model["status"] == "Completed"
    assert model["training_version"] == "fibo"
    assert model["generation_prefix"] == ""
    assert "project_id" not in model
    assert "dataset_id" not in model


def test_own_models_come_first_newest_first(service: Service, tenant: Tenant) -> None:
    first, second = (
        own_model(service, tenant),
        own_model(service, tenant, status="InProgress", project_id=3, dataset_id=4),
    )
    answer = tenant.get(LIST).json()
    assert [model["id"] for model in answer][:2] == [second, first]
    assert answer[0] == answer[0] | {"status": "InProgress", "project_id": 3, "dataset_id": 4}


def test_training_parameters_on_request(service: Service, tenant: Tenant) -> None:
    model_id = own_model(service, tenant)

    def listed(**params: str) -> Any:
        return next(model for model in tenant.get(LIST, params=params).json() if model["id"] == model_id)

    assert (listed()["training_parameters"], listed()["checkpoint_steps"]) == ({}, [])
    shown = listed(include_training_parameters="true")
    assert (shown["training_parameters"], shown["checkpoint_steps"]) == ({"rank": 8}, ["100"])
    assert tenant.get(f"{LIST}/{model_id}").json() == shown


def test_what_is_not_known_yet_is_left_out_and_not_promised(service: Service, tenant: Tenant) -> None:
    begun = {"step": 0, "steps": 220, "loss": None, "rate": None, "seconds_left": None}
    model_id = own_model(service, tenant, status="InProgress", training_mode="expert", progress=begun)
    with service.parts.database.transaction() as session:
        session.add(ModelCheckpoint(model_id=model_id, step=100, adapter_key="a", adapter_sha256="0"))
    progress = tenant.get(f"{LIST}/{model_id}").json()["progress"]
    assert progress == {"step": 0, "steps": 220}
    (checkpoint,) = tenant.get(f"{LIST}/{model_id}/checkpoints").json()["checkpoints"]
    assert "score" not in checkpoint
    schemas = service.client.get("/openapi.json").json()["components"]["schemas"]
    for name, answer in {"ProgressAnswer": progress, "CheckpointAnswer": checkpoint}.items():
        assert set(schemas[name]["required"]) <= set(answer)


def test_both_prefixes_answer_alike(tenant: Tenant) -> None:
    assert tenant.get(LIST).json() == tenant.get("/v2/tailored-gen/models").json()
    path = f"/tailored-gen/models/{bundled(tenant)['id']}"
    assert tenant.get("/v1" + path).json() == tenant.get("/v2" + path).json()


def test_seeding_again_changes_nothing_but_what_the_folder_says(service: Service, tenant: Tenant) -> None:
    before = bundled(tenant)
    service.parts.models.seed()
    assert bundled(tenant) == before
    with service.parts.database.transaction() as session:
        assert session.query(Model).filter(Model.slug == BRAND).count() == 1


# Creating.


def test_a_new_model(service: Service, tenant: Tenant) -> None:
    dataset = dataset_of(service, tenant, status="draft")
    answer = tenant.post(LIST, {"name": " Fox ", "dataset_id": dataset.id, "description": "d", "more": 1})
    assert answer.status_code == 201
    model = answer.json()
    assert {name: model[name] for name in ("name", "description", "status", "training_mode")} == {
        "name": "Fox",
        "description": "d",
        "status": "Created",
        "training_mode": "fully_automated",
    }
    assert (model["dataset_id"], model["project_id"]) == (dataset.id, dataset.project_id)
    assert (model["active_model_version"], model["training_parameters"], model["checkpoint_steps"]) == (
        "default",
        {},
        [],
    )
    assert tenant.get(f"{LIST}/{model['id']}").json() == model
    of_project = tenant.get(f"/v1/tailored-gen/projects/{dataset.project_id}/models")
    assert [one["id"] for one in of_project.json()] == [model["id"]]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": None}, "name"),
        ({"name": "  "}, "name"),
        ({"name": "x" * 201}, "name"),
        ({"name": 5}, "name"),
        ({"name": "\x00"}, "name"),
        ({"dataset_id": None}, "dataset_id"),
        ({"dataset_id": "5"}, "dataset_id"),
        ({"dataset_id": 0}, "dataset_id"),
        ({"dataset_id": 2**31}, "dataset_id"),
        ({"training_mode": "manual"}, "training_mode"),
        ({"description": 5}, "description"),
    ],
)
def test_a_new_model_with_a_wrong_field(tenant: Tenant, changes: dict[str, Any], field: str) -> None:
    answer = tenant.post(LIST, {"name": "Fox", "dataset_id": 1} | changes)
    assert answer.status_code == 400
    assert answer.json()["error"]["details"].startswith(f"{field}: ")


def test_a_dataset_that_is_unknown_or_another_tenants(service: Service, tenant: Tenant, other_tenant: Tenant) -> None:
    foreign = dataset_of(service, other_tenant)
    there, nowhere = (tenant.post(LIST, {"name": "Fox", "dataset_id": one}) for one in (foreign.id, 999_999))
    assert there.status_code == nowhere.status_code == 404
    assert there.json()["error"] == nowhere.json()["error"]


def test_the_same_key_creates_one_model(service: Service, tenant: Tenant) -> None:
    body = {"name": "Fox", "dataset_id": dataset_of(service, tenant).id}
    first, second = (tenant.post(LIST, body, headers={"Idempotency-Key": "one"}) for _ in range(2))
    assert first.json() == second.json()
    assert tenant.post(LIST, body | {"name": "Owl"}, headers={"Idempotency-Key": "one"}).status_code == 422
    assert len([one for one in tenant.get(LIST).json() if "dataset_id" in one]) == 1
    deleted = tenant.client.delete(f"/v1/tailored-gen/datasets/{body['dataset_id']}", headers=tenant.headers)
    assert deleted.status_code == 204
    again = tenant.post(LIST, body, headers={"Idempotency-Key": "one"})
    assert (again.status_code, again.json()["id"]) == (201, first.json()["id"])
    assert tenant.post(LIST, body).status_code == 404


def test_the_models_of_a_project(service: Service, tenant: Tenant, other_tenant: Tenant) -> None:
    dataset, other = dataset_of(service, tenant), dataset_of(service, tenant)
    ids = [tenant.post(LIST, {"name": "Fox", "dataset_id": dataset.id}).json()["id"] for _ in range(2)]
    path = "/v1/tailored-gen/projects/{}/models"
    assert [one["id"] for one in tenant.get(path.format(dataset.project_id)).json()] == ids[::-1]
    assert tenant.get(path.format(other.project_id)).json() == []
    assert other_tenant.get(path.format(dataset.project_id)).status_code == 404
    assert tenant.get(path.format("x")).status_code == 404
