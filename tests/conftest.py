"""The service for tests: the real app over HTTP on a SQLite file, with the real bridge, and the engine that draws
plain colours. Each test makes its own organisation, so tests share a running service without seeing each other."""

from __future__ import annotations

import functools
import itertools
import json
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from fastapi import FastAPI
    from fastapi.testclient import TestClient

    from sartor.assembly import Parts
    from sartor.kit.database import Database
    from sartor.settings import Settings

BRAND = "paper-garden"
SCHEMA = {"style_medium": "paper collage", "aesthetics": {"color_scheme": "soft pastel colors"}}
_numbers = itertools.count(1)

# The PostgreSQL of the tests makes a user of its own where it is run by root: with tools that a short PATH has not.
os.environ["PATH"] = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"])

for _name in ("GEMINI_API_KEY", "GOOGLE_API_KEY"):
    os.environ.pop(_name, None)  # a developer's key must not send the tests out into the world, and pay for it


def write_test_brand(home: Path, slug: str = BRAND, **described: Any) -> Path:
    """A brand folder as ``sartor train`` writes it. The plain engine looks at the adapter's path, not into the file."""
    folder = home / "brands" / slug
    folder.mkdir(parents=True)
    model = {"name": "Paper Garden", "description": "Things cut from paper.", "visual_schema": SCHEMA} | described
    (folder / "model.json").write_text(json.dumps(model))
    (folder / "pytorch_lora_weights.safetensors").write_bytes(b"\x02\x00\x00\x00\x00\x00\x00\x00{}")
    return folder


@functools.cache
def shared_bridge() -> Any:
    """The offline bridge, loaded once a session: it keeps nothing from one call to the next."""
    from sartor.bridge.offline import OfflineBridge

    return OfflineBridge()


def make_settings(home: Path, **values: Any) -> Settings:
    from sartor.settings import Settings

    quick = {"poll_interval": timedelta(seconds=0.02), "lease": timedelta(seconds=1.5), "checkpoint": "plain"}
    return Settings(home=home, **(quick | values))


@dataclass
class Tenant:
    """An organisation with a token, and the requests that a client of it makes."""

    client: TestClient
    token: str
    organisation_id: int

    @property
    def headers(self) -> dict[str, str]:
        return {"api_token": self.token}

    def get(self, path: str, **kwargs: Any) -> Any:
        return self.client.get(path, headers=self.headers, **kwargs)

    def post(self, path: str, body: Any = None, **kwargs: Any) -> Any:
        return self.client.post(path, headers=self.headers | kwargs.pop("headers", {}), json=body, **kwargs)

    def image(self, body: dict[str, Any]) -> Any:
        return self.post("/v2/image/generate/tailored", {"tailored_model_id": BRAND} | body)

    def settled(self, request_id: str) -> dict[str, Any]:
        """The status when it is no longer IN_PROGRESS."""
        return wait_for(lambda: in_terminal_state(self.get(f"/v2/status/{request_id}").json()))


def in_terminal_state(status: dict[str, Any]) -> dict[str, Any] | None:
    return None if status["status"] == "IN_PROGRESS" else status


def wait_for(probe: Callable[[], Any], seconds: float = 60) -> Any:
    """The first answer of ``probe`` that is not None; fails after ``seconds``, which are for a busy machine."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if (found := probe()) is not None:
            return found
        time.sleep(0.02)
    raise AssertionError(f"nothing happened within {seconds} s")


@dataclass
class Service:
    client: TestClient
    parts: Parts

    def tenant(self) -> Tenant:
        token = self.parts.accounts.create_token(f"organisation {next(_numbers)}")
        return Tenant(self.client, token, self.parts.accounts.authenticate(token).organisation_id)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest test begins first: where two files run at a time, nothing waits for it at the end."""
    items.sort(key=lambda item: "test_training_process" not in item.nodeid)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """An empty one, with every table."""
    from sartor.kit.database import Database

    database = Database(f"sqlite:///{tmp_path / 'sartor.db'}")
    database.migrate()
    yield database
    database.close()


@pytest.fixture(scope="session", autouse=True)
def quiet() -> None:
    from sartor.kit.logs import configure_logging

    configure_logging("error")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("home")
    write_test_brand(home)
    return home


@pytest.fixture(scope="module")
def app(home: Path) -> FastAPI:
    from sartor.app import create_app

    return create_app(make_settings(home), bridge=shared_bridge)


@pytest.fixture(scope="module")
def service(app: FastAPI) -> Iterator[Service]:
    """The app, started and ready; one at a time in a process, as the job library keeps its state in it."""
    from fastapi.testclient import TestClient

    with TestClient(app) as client:
        wait_for(lambda: True if client.get("/readyz").status_code == 200 else None, 300)
        yield Service(client, app.state.parts)


@pytest.fixture
def tenant(service: Service) -> Tenant:
    return service.tenant()


@pytest.fixture
def other_tenant(service: Service) -> Tenant:
    return service.tenant()
