"""``/v1/tailored-gen/datasets``: strangers, other tenants, wrong input, and then datasets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sartor.datasets.tables import BulkUpload, Dataset, DatasetImage
from sartor.models.tables import Model
from tests.conftest import Service, Tenant
from tests.datasets.conftest import (
    DATASETS,
    PROJECTS,
    SCHEMA,
    delete,
    error_of,
    filled,
    new_dataset,
    new_project,
    picture,
    put,
    stored,
    upload,
)

ONE = f"{DATASETS}/1"
ROUTES = [
    ("POST", DATASETS, {"project_id": 1, "name": "Foxes"}),
    ("GET", DATASETS, None),
    ("GET", f"{PROJECTS}/1/datasets", None),
    ("GET", ONE, None),
    ("PUT", ONE, {"name": "Foxes"}),
    ("DELETE", ONE, None),
    ("POST", f"{ONE}/clone", {}),
    ("GET", "/v1/datasets/1/download", None),
]


def completed(tenant: Tenant) -> int:
    dataset_id = new_dataset(tenant, schema=SCHEMA)
    filled(tenant, dataset_id, 5)
    answer = put(tenant, f"{DATASETS}/{dataset_id}", {"status": "completed"})
    assert answer.status_code == 200, answer.text
    return dataset_id


def change(service: Service, dataset_id: int, **values: Any) -> None:
    with service.parts.database.transaction() as session:
        dataset = session.get_one(Dataset, dataset_id)
        for name, value in values.items():
            setattr(dataset, name, value)


@pytest.mark.parametrize(("verb", "path", "body"), ROUTES)
def test_strangers(service: Service, verb: str, path: str, body: Any) -> None:
    error_of(service.client.request(verb, path, json=body), 401)
    error_of(service.client.request(verb, path, json=body, headers={"api_token": "no such token"}), 401)


def test_another_tenants_dataset_is_not_there(tenant: Tenant, other_tenant: Tenant) -> None:
    project_id = new_project(other_tenant)
    foreign = new_dataset(other_tenant, project_id=project_id)
    before = other_tenant.get(f"{DATASETS}/{foreign}").json()
    for number in (foreign, 999_999):
        for verb, path, body in ROUTES[3:]:
            path = path.replace("datasets/1", f"datasets/{number}")
            answer = tenant.client.request(verb, path, json=body, headers=tenant.headers)
            assert error_of(answer, 404) == "There is no such dataset."
    for number in (project_id, 999_999):
        error_of(tenant.get(f"{PROJECTS}/{number}/datasets"), 404)
        error_of(tenant.post(DATASETS, {"project_id": number, "name": "Foxes"}), 404)
    assert tenant.get(DATASETS).json() == []
    assert other_tenant.get(f"{DATASETS}/{foreign}").json() == before


@pytest.mark.parametrize("number", ["abc", "0", "-1", "1.5", "2147483648", "9" * 30, "%00"])
def test_ids_that_are_none(tenant: Tenant, number: str) -> None:
    for verb in ("GET", "PUT", "DELETE"):
        answer = tenant.client.request(
            verb, f"{DATASETS}/{number}", headers=tenant.headers, json={} if verb == "PUT" else None
        )
        error_of(answer, 404)
    error_of(tenant.post(f"{DATASETS}/{number}/clone"), 404)


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"project_id": None}, "project_id"),
        ({"project_id": "seven"}, "project_id"),
        ({"project_id": 0}, "project_id"),
        ({"project_id": 2**31}, "project_id"),
        ({"name": None}, "name"),
        ({"name": " "}, "name"),
        ({"name": "x" * 201}, "name"),
        ({"upload_type": "huge"}, "upload_type"),
    ],
)
def test_wrong_fields(tenant: Tenant, given: dict[str, Any], named: str) -> None:
    body = {"project_id": new_project(tenant), "name": "Foxes"} | given
    answer = tenant.post(DATASETS, {name: value for name, value in body.items() if value is not None})
    assert error_of(answer, 400).startswith(named)


def test_a_new_dataset(tenant: Tenant) -> None:
    project_id = new_project(tenant)
    answer = tenant.post(DATASETS, {"project_id": float(project_id), "name": " Foxes ", "unknown": 1})
    assert answer.status_code == 201
    dataset = answer.json()
    assert dataset == {
        "id": dataset["id"],
        "project_id": project_id,
        "name": "Foxes",
        "description": "",
        "visual_schema": None,
        "status": "draft",
        "captions_update_status": "empty",
        "captions_error": None,
        "upload_type": "basic",
        "images_count": 0,
        "created_at": dataset["created_at"],
        "updated_at": dataset["updated_at"],
    }
    assert tenant.get(f"{DATASETS}/{dataset['id']}").json() == dataset | {"images": []}
    advanced = tenant.post(DATASETS, {"project_id": project_id, "name": "Many", "upload_type": "advanced"}).json()
    assert advanced["upload_type"] == "advanced"
    assert tenant.get(DATASETS).json() == [advanced, dataset]


def test_the_same_key_makes_one_dataset(tenant: Tenant) -> None:
    body = {"project_id": new_project(tenant), "name": "Foxes"}
    key = {"Idempotency-Key": "a key"}
    first, again = (tenant.post(DATASETS, body, headers=key) for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert len(tenant.get(DATASETS).json()) == 1
    error_of(tenant.post(DATASETS, body | {"name": "Others"}, headers=key), 422)


def test_datasets_of_a_project_with_their_models(service: Service, tenant: Tenant) -> None:
    project_id = new_project(tenant)
    first, second = (new_dataset(tenant, project_id=project_id) for _ in range(2))
    new_dataset(tenant)
    with service.parts.database.transaction() as session:
        model = Model(
            organisation_id=tenant.organisation_id,
            name="Mine",
            project_id=project_id,
            dataset_id=first,
            status="Created",
        )
        session.add(model)
    path = f"{PROJECTS}/{project_id}/datasets"
    plain = tenant.get(path).json()
    assert [dataset["id"] for dataset in plain] == [second, first]
    assert not {"models", "model_ids"} & plain[0].keys()
    ids = tenant.get(path, params={"include_models_ids": "true"}).json()
    assert [dataset["model_ids"] for dataset in ids] == [[], [str(model.id)]]
    assert "models" not in ids[0]
    whole = tenant.get(path, params={"include_models": "true"}).json()
    assert [[found["name"] for found in dataset["models"]] for dataset in whole] == [[], ["Mine"]]
    assert error_of(tenant.get(path, params={"include_models": "perhaps"}), 400).startswith("include_models")


def test_no_more_images_than_asked_for(tenant: Tenant) -> None:
    dataset_id = new_dataset(tenant)
    images = filled(tenant, dataset_id, 3)
    path = f"{DATASETS}/{dataset_id}"
    shown = tenant.get(path, params={"max_images": 2}).json()
    assert [image["id"] for image in shown["images"]] == [image["id"] for image in images[:2]]
    assert shown["images_count"] == 3
    for wrong in (0, 201, "many"):
        assert error_of(tenant.get(path, params={"max_images": wrong}), 400).startswith("max_images")


@pytest.mark.parametrize(
    "given", [' {"style_medium" : "paper collage", "context": ""} ', {"style_medium": "paper collage"}]
)
def test_a_visual_schema_is_kept_canonical(tenant: Tenant, given: Any) -> None:
    dataset_id = new_dataset(tenant)
    changed = put(tenant, f"{DATASETS}/{dataset_id}", {"visual_schema": given, "name": "Others"})
    assert changed.status_code == 200
    assert (changed.json()["visual_schema"], changed.json()["name"]) == (SCHEMA, "Others")
    assert tenant.get(f"{DATASETS}/{dataset_id}").json() == changed.json() | {"images": []}


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"visual_schema": "a fox"}, "visual_schema"),
        ({"visual_schema": "{}"}, "visual_schema"),
        ({"visual_schema": "[]"}, "visual_schema"),
        ({"visual_schema": '{"objects": "many"}'}, "visual_schema: objects"),
        ({"visual_schema": 7}, "visual_schema"),
        ({"visual_schema": {"style_medium": "x" * 20_000}}, "visual_schema: style_medium: longer than 16384"),
        ({"visual_schema": {"objects": [{"texture": "x" * 3000}]}}, "visual_schema: objects[0]: traits"),
        ({"status": "done"}, "status"),
        ({"name": ""}, "name"),
    ],
)
def test_changes_that_cannot_be(tenant: Tenant, given: dict[str, Any], named: str) -> None:
    dataset_id = new_dataset(tenant)
    assert error_of(put(tenant, f"{DATASETS}/{dataset_id}", given), 400).startswith(named)


def test_completing_needs_five_images_and_a_schema(service: Service, tenant: Tenant) -> None:
    dataset_id = new_dataset(tenant)
    path = f"{DATASETS}/{dataset_id}"
    filled(tenant, dataset_id, 4)
    assert "visual schema" in error_of(put(tenant, path, {"status": "completed"}), 409)
    assert "4" in error_of(put(tenant, path, {"status": "completed", "visual_schema": SCHEMA}), 409)
    assert tenant.get(path).json()["visual_schema"] is None  # all of it, or nothing
    assert upload(tenant, dataset_id, picture(9)).status_code == 201
    assert "visual schema" in error_of(put(tenant, path, {"status": "completed"}), 409)
    change(service, dataset_id, captions_update_status="in_progress")
    assert "Captions" in error_of(put(tenant, path, {"status": "completed", "visual_schema": SCHEMA}), 409)


def test_completing_needs_a_caption_for_each_image(tenant: Tenant) -> None:
    """Without, it could neither be trained on nor given any: completed is for ever."""
    dataset_id = new_dataset(tenant)
    path = f"{DATASETS}/{dataset_id}"
    images = filled(tenant, dataset_id, 6)
    whole = {"status": "completed", "visual_schema": SCHEMA}
    for number, image in enumerate(images):
        refused = error_of(put(tenant, path, whole), 409)
        assert refused.startswith(f"{6 - number} of the 6 images have no caption")
        caption = {"caption": '{"short_description":"a fox"}'}
        assert put(tenant, f"{path}/images/{image['id']}", caption).status_code == 200
    assert tenant.get(path).json()["visual_schema"] is None  # all of it, or nothing
    answer = put(tenant, path, whole).json()
    assert (answer["status"], answer["visual_schema"], answer["images_count"]) == ("completed", SCHEMA, 6)


def test_not_while_a_bulk_upload_goes_on(service: Service, tenant: Tenant) -> None:
    dataset_id = new_dataset(tenant, schema=SCHEMA)
    filled(tenant, dataset_id, 5)
    with service.parts.database.transaction() as session:
        session.add(BulkUpload(id="b" * 36, dataset_id=dataset_id, zip_url="http://x", status="processing"))
    assert "uploaded" in error_of(put(tenant, f"{DATASETS}/{dataset_id}", {"status": "completed"}), 409)


def test_a_completed_one_refuses_changes(tenant: Tenant) -> None:
    dataset_id = completed(tenant)
    path = f"{DATASETS}/{dataset_id}"
    for given in ({"status": "draft"}, {"visual_schema": '{"style_medium":"oil"}'}):
        assert "completed" in error_of(put(tenant, path, given), 409)
    same = put(tenant, path, {"name": "Named anew", "status": "completed", "visual_schema": SCHEMA})
    assert (same.status_code, same.json()["name"]) == (200, "Named anew")


def test_deleted_with_its_bytes(home: Path, tenant: Tenant) -> None:
    before = stored(home)
    dataset_id = new_dataset(tenant)
    filled(tenant, dataset_id, 2)
    assert len(stored(home) - before) == 4
    answer = delete(tenant, f"{DATASETS}/{dataset_id}")
    assert (answer.status_code, answer.content) == (204, b"")
    assert stored(home) == before
    error_of(tenant.get(f"{DATASETS}/{dataset_id}"), 404)
    error_of(delete(tenant, f"{DATASETS}/{dataset_id}"), 404)


def test_a_project_takes_its_datasets_along(service: Service, home: Path, tenant: Tenant) -> None:
    before = stored(home)
    project_id = new_project(tenant)
    mine = new_dataset(tenant, project_id=project_id)
    filled(tenant, mine, 1)
    other = new_dataset(tenant)
    assert delete(tenant, f"{PROJECTS}/{project_id}").status_code == 204
    assert stored(home) == before
    assert [dataset["id"] for dataset in tenant.get(DATASETS).json()] == [other]
    with service.parts.database.transaction() as session:
        assert session.query(DatasetImage).filter(DatasetImage.dataset_id == mine).count() == 0


@pytest.mark.parametrize("status", ["InProgress", "Stopping"])
def test_not_while_a_model_is_trained_on_it(service: Service, home: Path, tenant: Tenant, status: str) -> None:
    dataset_id = new_dataset(tenant)
    filled(tenant, dataset_id, 1)
    before = stored(home)
    with service.parts.database.transaction() as session:
        model = Model(organisation_id=tenant.organisation_id, name="Mine", status=status, dataset_id=dataset_id)
        session.add(model)
    assert "in training" in error_of(delete(tenant, f"{DATASETS}/{dataset_id}"), 409)
    assert stored(home) == before
    with service.parts.database.transaction() as session:
        session.get_one(Model, model.id).status = "Completed"
    assert delete(tenant, f"{DATASETS}/{dataset_id}").status_code == 204


def test_a_clone_is_a_draft_of_its_own(home: Path, tenant: Tenant) -> None:
    dataset_id = completed(tenant)
    source = tenant.get(f"{DATASETS}/{dataset_id}").json()
    answer = tenant.post(f"{DATASETS}/{dataset_id}/clone")
    assert answer.status_code == 201, answer.text
    clone = answer.json()
    assert clone == tenant.get(f"{DATASETS}/{clone['id']}").json()
    for name in ("project_id", "visual_schema", "upload_type", "images_count", "captions_update_status"):
        assert clone[name] == source[name]
    assert (clone["name"], clone["status"]) == ("Copy of Foxes", "draft")
    for own, copied in zip(source["images"], clone["images"], strict=True):
        assert copied["id"] != own["id"]
        assert copied["dataset_id"] == clone["id"]
        assert (copied["caption"], copied["image_name"]) == (own["caption"], own["image_name"])
        assert tenant.client.get(copied["image_url"]).content == tenant.client.get(own["image_url"]).content
    assert delete(tenant, f"{DATASETS}/{dataset_id}").status_code == 204
    assert {tenant.client.get(image["thumbnail_url"]).status_code for image in clone["images"]} == {200}
    assert upload(tenant, clone["id"], picture(7)).status_code == 201


def test_a_clones_name_and_key(home: Path, tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset_id = new_dataset(tenant)
    filled(tenant, dataset_id, 1)
    body, key = {"name": "Variation", "description": "more poses"}, {"Idempotency-Key": "a key"}
    first = tenant.post(f"{DATASETS}/{dataset_id}/clone", body, headers=key)
    after_first = stored(home)
    with monkeypatch.context() as context:
        context.setattr("sartor.datasets.service.new_stem", None)  # what was copied is not copied again
        again = tenant.post(f"{DATASETS}/{dataset_id}/clone", body, headers=key)
    assert (first.json()["name"], first.json()["description"]) == ("Variation", "more poses")
    assert first.json() == again.json()
    assert stored(home) == after_first
    assert len(tenant.get(DATASETS).json()) == 2
    assert error_of(tenant.post(f"{DATASETS}/{dataset_id}/clone", {"name": ""}), 400).startswith("name")
    assert delete(tenant, f"{DATASETS}/{dataset_id}").status_code == 204
    assert tenant.post(f"{DATASETS}/{dataset_id}/clone", body, headers=key).json()["id"] == first.json()["id"]
    error_of(tenant.post(f"{DATASETS}/{dataset_id}/clone", body), 404)


def test_the_captions_status_follows_the_images(service: Service, tenant: Tenant) -> None:
    dataset_id = new_dataset(tenant)

    def status() -> str:
        return str(tenant.get(f"{DATASETS}/{dataset_id}").json()["captions_update_status"])

    paths = [f"{DATASETS}/{dataset_id}/images/{image['id']}" for image in filled(tenant, dataset_id, 2)]
    seen = [status()]
    for path in paths:
        assert put(tenant, path, {"caption": {"short_description": "a fox"}}).status_code == 200
        seen.append(status())
    upload(tenant, dataset_id, picture(2))
    seen.append(status())
    for path in paths:
        assert delete(tenant, path).status_code == 204
        seen.append(status())
    assert seen == ["empty", "empty", "completed", "completed", "completed", "empty"]
    change(service, dataset_id, captions_error={"code": 503, "message": "", "details": "nobody was there"})
    path = f"{DATASETS}/{dataset_id}/images/{tenant.get(f'{DATASETS}/{dataset_id}/images').json()[0]['id']}"
    put(tenant, path, {"caption": {"short_description": "a fox"}})
    assert status() == "empty", "all were to be written, and were not"


def test_both_prefixes_answer_alike(tenant: Tenant) -> None:
    dataset_id = new_dataset(tenant)
    for path in (DATASETS, f"{DATASETS}/{dataset_id}"):
        assert tenant.get(path).json() == tenant.get(path.replace("/v1/", "/v2/")).json()
