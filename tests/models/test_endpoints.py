"""``/v1/tailored-gen/models``: own ones and bundled ones, and nobody else's."""

import hashlib
from typing import Any

import pytest
import sqlalchemy as sa

from sartor.datasets.tables import Dataset
from sartor.generation.tables import GenerationRequest
from sartor.models.tables import Model, ModelCheckpoint
from tests.conftest import BRAND, SCHEMA, Service, Tenant
from tests.models.conftest import LIST, add_dataset


def own_model(service: Service, tenant: Tenant, **values: Any) -> int:
    defaults = {"name": "Mine", "status": "Completed", "training_parameters": {"rank": 8}, "checkpoint_steps": ["100"]}
    with service.parts.database.transaction() as session:
        row = Model(organisation_id=tenant.organisation_id, **(defaults | values))
        session.add(row)
        session.flush()
        return row.id


def bundled(tenant: Tenant) -> dict[str, Any]:
    return next(model for model in tenant.get(LIST).json() if model["name"] == "Paper Garden")


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


# Creating.


def dataset_of(service: Service, tenant: Tenant, **values: Any) -> Dataset:
    return add_dataset(service.parts.database, service.parts.storage, tenant.organisation_id, **values)


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


def test_the_models_of_a_project(service: Service, tenant: Tenant, other_tenant: Tenant) -> None:
    dataset, other = dataset_of(service, tenant), dataset_of(service, tenant)
    ids = [tenant.post(LIST, {"name": "Fox", "dataset_id": dataset.id}).json()["id"] for _ in range(2)]
    path = "/v1/tailored-gen/projects/{}/models"
    assert [one["id"] for one in tenant.get(path.format(dataset.project_id)).json()] == ids[::-1]
    assert tenant.get(path.format(other.project_id)).json() == []
    assert other_tenant.get(path.format(dataset.project_id)).status_code == 404
    assert tenant.get(path.format("x")).status_code == 404


# Changing.


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
    assert put(tenant, model_id, {"active_model_version": "default"}).status_code == 200
    assert downloaded(tenant, model_id) == f"adapter {model_id} 250".encode()


@pytest.mark.parametrize("values", [{"training_mode": "fully_automated"}, {"status": "Stopped"}])
def test_versions_are_of_trained_experts(service: Service, tenant: Tenant, values: dict[str, str]) -> None:
    model_id = with_checkpoints(service, tenant, **values)
    assert put(tenant, model_id, {"active_model_version": "100"}).status_code == 400


def test_checkpoints(service: Service, tenant: Tenant) -> None:
    model_id = with_checkpoints(service, tenant)
    answer = tenant.get(f"{LIST}/{model_id}/checkpoints").json()
    assert [one["checkpoint_step"] for one in answer["checkpoints"]] == [100, 200, 250]
    assert answer["active_model_version"] == "default"
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


def test_checkpoints_are_for_expert_mode(service: Service, tenant: Tenant) -> None:
    model_id = with_checkpoints(service, tenant, training_mode="fully_automated")
    assert tenant.get(f"{LIST}/{model_id}/checkpoints").status_code == 400
    assert tenant.get(f"{LIST}/{model_id}/checkpoints/100").status_code == 400
    assert delete(tenant, f"/{model_id}/checkpoints/100") == 400


def test_checkpoints_of_a_training_under_way_stay(service: Service, tenant: Tenant) -> None:
    model_id = with_checkpoints(service, tenant, status="InProgress")
    assert len(tenant.get(f"{LIST}/{model_id}/checkpoints").json()["checkpoints"]) == 3
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


# Starting and stopping: what comes of it is in test_jobs.py.


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
