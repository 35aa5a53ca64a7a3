"""``/v1/tailored-gen/projects``: strangers, other tenants, wrong input, and then projects."""

from typing import Any

import pytest

from sartor.models.tables import Model
from tests.conftest import Service, Tenant

PROJECTS = "/v1/tailored-gen/projects"
CHARACTER = {
    "project_name": "Adventures",
    "ip_name": "Lora",
    "ip_description": "a fox with a purple scarf",
    "ip_medium": "illustration",
    "ip_type": "defined_character",
}
SCENE = {"project_name": "Scenes", "ip_medium": "photography", "ip_type": "stylized_scene"}


def error_of(answer: Any, code: int) -> str:
    assert answer.status_code == code, answer.text
    error = answer.json()["error"]
    assert error["code"] == code
    return str(error["details"])


def put(tenant: Tenant, path: str, body: Any) -> Any:
    return tenant.client.put(path, headers=tenant.headers, json=body)


def delete(tenant: Tenant, path: str) -> Any:
    return tenant.client.delete(path, headers=tenant.headers)


def created(tenant: Tenant, **values: Any) -> dict[str, Any]:
    answer = tenant.post(PROJECTS, SCENE | values)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


@pytest.mark.parametrize(
    ("verb", "path"),
    [("POST", PROJECTS), ("GET", PROJECTS), *((verb, f"{PROJECTS}/1") for verb in ("GET", "PUT", "DELETE"))],
)
def test_strangers(service: Service, verb: str, path: str) -> None:
    error_of(service.client.request(verb, path, json=SCENE if verb in ("POST", "PUT") else None), 401)
    error_of(service.client.request(verb, path, headers={"api_token": "no such token"}), 401)


def test_another_tenants_project_is_not_there(tenant: Tenant, other_tenant: Tenant) -> None:
    project = created(other_tenant)
    for number in (project["id"], 999_999):
        path = f"{PROJECTS}/{number}"
        answers = [tenant.get(path), put(tenant, path, {"project_name": "Mine"}), delete(tenant, path)]
        assert [error_of(answer, 404) for answer in answers] == ["There is no such project."] * 3
    assert tenant.get(PROJECTS).json() == []
    assert other_tenant.get(f"{PROJECTS}/{project['id']}").json() == project


@pytest.mark.parametrize("number", ["abc", "0", "-1", "1.5", "2147483648", "9" * 30, "%00"])
def test_ids_that_are_none(tenant: Tenant, number: str) -> None:
    path = f"{PROJECTS}/{number}"
    for answer in (tenant.get(path), put(tenant, path, {}), delete(tenant, path)):
        error_of(answer, 404)


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"project_name": None}, "project_name"),
        ({"project_name": "   "}, "project_name"),
        ({"project_name": 7}, "project_name"),
        ({"project_name": "x" * 201}, "project_name"),
        ({"project_name": "a\x00b"}, "project_name"),
        ({"project_description": "x" * 4001}, "project_description"),
        ({"ip_medium": None}, "ip_medium"),
        ({"ip_medium": "oil"}, "ip_medium"),
        ({"ip_type": None}, "ip_type"),
        ({"ip_type": "person"}, "ip_type"),
        ({"ip_name": "Lora"}, "ip_name"),
        ({"ip_description": "a fox"}, "ip_description"),
        ({"ip_type": "other", "ip_description": "a fox"}, "ip_description"),
        ({"ip_type": "multi_object_set"}, "ip_medium"),
        ({"ip_type": "object_variants", "ip_description": "a mug"}, "ip_medium"),
        ({"ip_type": "icons"}, "ip_medium"),
        ({"ip_type": "character_variants"}, "ip_medium"),
        ({"ip_type": "defined_character"}, "ip_name"),
        ({"ip_type": "defined_character", "ip_name": "Lora"}, "ip_description"),
        ({"ip_type": "object_variants", "ip_medium": "illustration"}, "ip_description"),
        ({"ip_type": "object_variants", "ip_medium": "illustration", "ip_name": "Mug"}, "ip_name"),
    ],
)
def test_wrong_fields(tenant: Tenant, given: dict[str, Any], named: str) -> None:
    body = {name: value for name, value in (SCENE | given).items() if value is not None}
    assert error_of(tenant.post(PROJECTS, body), 400).startswith(f"{named}: ")
    assert tenant.get(PROJECTS).json() == []


@pytest.mark.parametrize("body", ["", "[]", "null", "{", '"text"', "7"])
def test_bodies_that_are_none(tenant: Tenant, body: str) -> None:
    headers = tenant.headers | {"content-type": "application/json"}
    error_of(tenant.client.post(PROJECTS, headers=headers, content=body), 400)


def test_a_character(tenant: Tenant) -> None:
    answer = tenant.post(PROJECTS, CHARACTER | {"unknown": 1})
    assert answer.status_code == 201
    project = answer.json()
    assert project == CHARACTER | {
        "id": project["id"],
        "project_description": "",
        "training_version": "fibo",
        "status": "active",
        "created_at": project["created_at"],
        "updated_at": project["updated_at"],
    }
    assert tenant.get(f"{PROJECTS}/{project['id']}").json() == project


def test_what_a_type_has_none_of_is_absent(tenant: Tenant) -> None:
    project = created(tenant, ip_name="", ip_description="  ")
    assert not {"ip_name", "ip_description"} & project.keys()


@pytest.mark.parametrize("ip_type", ["multi_object_set", "icons", "character_variants", "stylized_scene", "other"])
def test_types_of_illustration(tenant: Tenant, ip_type: str) -> None:
    assert created(tenant, ip_type=ip_type, ip_medium="illustration")["ip_type"] == ip_type


def test_they_are_listed_newest_first(tenant: Tenant) -> None:
    first, second = created(tenant, project_name="one"), created(tenant, project_name="two")
    assert tenant.get(PROJECTS).json() == [second, first]


def test_changes(tenant: Tenant) -> None:
    project = tenant.post(PROJECTS, CHARACTER).json()
    path = f"{PROJECTS}/{project['id']}"
    answer = put(tenant, path, {"ip_description": "a fox with a red scarf", "ip_type": "icons", "ip_medium": "oil"})
    assert answer.status_code == 200
    changed = answer.json()
    assert changed == project | {
        "ip_description": "a fox with a red scarf",
        "updated_at": changed["updated_at"],
    }
    assert changed["updated_at"] > project["updated_at"]
    named = put(tenant, path, {"project_name": "Tales", "project_description": "all of them", "ip_name": "Lo"}).json()
    assert (named["project_name"], named["project_description"], named["ip_name"]) == ("Tales", "all of them", "Lo")
    assert put(tenant, path, {"project_description": ""}).json()["project_description"] == ""
    assert put(tenant, path, {}).json()["ip_name"] == "Lo"


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"project_name": ""}, "project_name"),
        ({"ip_name": "Lora"}, "ip_name"),
        ({"ip_description": 1}, "ip_description"),
    ],
)
def test_changes_that_cannot_be(tenant: Tenant, given: dict[str, Any], named: str) -> None:
    project = created(tenant)
    path = f"{PROJECTS}/{project['id']}"
    assert named in error_of(put(tenant, path, {"project_description": "new"} | given), 400)
    assert tenant.get(path).json() == project


def test_a_character_keeps_its_name(tenant: Tenant) -> None:
    project = tenant.post(PROJECTS, CHARACTER).json()
    assert "ip_name" in error_of(put(tenant, f"{PROJECTS}/{project['id']}", {"ip_name": ""}), 400)


def test_deleted_for_ever(tenant: Tenant) -> None:
    project, other = created(tenant), created(tenant)
    path = f"{PROJECTS}/{project['id']}"
    answer = delete(tenant, path)
    assert (answer.status_code, answer.content) == (204, b"")
    error_of(tenant.get(path), 404)
    error_of(delete(tenant, path), 404)
    assert tenant.get(PROJECTS).json() == [other]


@pytest.mark.parametrize("status", ["InProgress", "Stopping"])
def test_not_while_a_model_is_in_training(service: Service, tenant: Tenant, status: str) -> None:
    project = created(tenant)
    path = f"{PROJECTS}/{project['id']}"
    with service.parts.database.transaction() as session:
        model = Model(
            organisation_id=tenant.organisation_id, name="Mine", status=status, project_id=project["id"], dataset_id=1
        )
        session.add(model)
    assert "in training" in error_of(delete(tenant, path), 409)
    assert tenant.get(path).json() == project
    with service.parts.database.transaction() as session:
        session.get_one(Model, model.id).status = "Stopped"
    assert delete(tenant, path).status_code == 204


def test_the_same_key_makes_one_project(tenant: Tenant, other_tenant: Tenant) -> None:
    key = {"Idempotency-Key": "a key"}
    first, again = (tenant.post(PROJECTS, SCENE, headers=key) for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert len(tenant.get(PROJECTS).json()) == 1
    error_of(tenant.post(PROJECTS, SCENE | {"project_name": "Other"}, headers=key), 422)
    error_of(tenant.post(PROJECTS, SCENE, headers={"Idempotency-Key": ""}), 422)
    assert other_tenant.post(PROJECTS, SCENE, headers=key).json()["id"] != first.json()["id"]
    assert delete(tenant, f"{PROJECTS}/{first.json()['id']}").status_code == 204
    assert tenant.post(PROJECTS, SCENE, headers=key).status_code == 201


def test_both_prefixes_answer_alike(tenant: Tenant) -> None:
    project = created(tenant)
    for path in (PROJECTS, f"{PROJECTS}/{project['id']}"):
        assert tenant.get(path).json() == tenant.get(path.replace("/v1/", "/v2/")).json()
