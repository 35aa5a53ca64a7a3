"""``/v1/tailored-gen/models``: own ones and bundled ones, and nobody else's."""

from typing import Any

import pytest

from sartor.models.tables import Model
from tests.conftest import BRAND, Service, Tenant

LIST = "/v1/tailored-gen/models"


def own_model(service: Service, tenant: Tenant, **values: Any) -> int:
    defaults = {"name": "Mine", "status": "Completed", "training_parameters": {"rank": 8}, "checkpoint_steps": ["100"]}
    with service.parts.database.transaction() as session:
        row = Model(organisation_id=tenant.organisation_id, **(defaults | values))
        session.add(row)
        session.flush()
        return row.id


def bundled(tenant: Tenant) -> dict[str, Any]:
    return next(model for model in tenant.get(LIST).json() if model["name"] == "Paper Garden")


@pytest.mark.parametrize("path", [LIST, "/v1/tailored-gen/models/1"])
def test_strangers(service: Service, path: str) -> None:
    assert service.client.get(path).status_code == 401


def test_another_tenants_model_is_not_there(service: Service, tenant: Tenant, other_tenant: Tenant) -> None:
    foreign = own_model(service, other_tenant)
    assert foreign not in [model["id"] for model in tenant.get(LIST).json()]
    there, nowhere = tenant.get(f"{LIST}/{foreign}"), tenant.get(f"{LIST}/999999")
    assert there.status_code == nowhere.status_code == 404
    assert there.json()["error"] == nowhere.json()["error"]


@pytest.mark.parametrize("model_id", ["abc", "0", "-1", "1.5", "2147483648", "9" * 30, "%00"])
def test_ids_that_are_none(tenant: Tenant, model_id: str) -> None:
    answer = tenant.get(f"{LIST}/{model_id}")
    assert answer.status_code == 404
    assert answer.json()["error"]["code"] == 404


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
