"""``kill -9`` in the middle of a training: it ends with the bytes of a training that nobody disturbed."""

import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from sartor.kit.database import Database
from sartor.kit.storage import Storage
from tests.conftest import wait_for
from tests.e2e.conftest import Server
from tests.fibo.conftest import build_checkpoint
from tests.models.conftest import LIST, add_dataset

STEPS, INTERVAL = 130, 100
PARAMETERS = {"rank": 4, "total_training_steps": STEPS, "checkpoint_interval": INTERVAL, "learning_rate": 0.001}


@pytest.fixture
def settings(tmp_path: Path) -> dict[str, str]:
    return {"CHECKPOINT": str(build_checkpoint(tmp_path / "checkpoint"))}


@pytest.fixture
def datasets(tmp_path: Path) -> Callable[[], int]:
    """Makes a completed dataset for the only organisation there is; each is the same set of pictures."""

    def make() -> int:
        database = Database(f"sqlite:///{tmp_path / 'sartor.db'}")
        storage = Storage((tmp_path / "storage").as_uri(), key=b"only its bytes are read")
        with sqlite3.connect(tmp_path / "sartor.db") as connection:
            organisation_id = int(connection.execute("SELECT id FROM organisations").fetchone()[0])
        made = add_dataset(database, storage, organisation_id)
        database.close()
        return made.id

    return make


def client_of(server: Server, token: str) -> httpx.Client:
    return httpx.Client(base_url=server.base, headers={"api_token": token}, timeout=60)


def begin(client: httpx.Client, dataset_id: int) -> int:
    body = {"name": "Brand", "dataset_id": dataset_id, "training_mode": "expert"}
    model_id = client.post(LIST, json=body).json()["id"]
    assert client.post(f"{LIST}/{model_id}/start_training", json=PARAMETERS).status_code == 200
    return int(model_id)


def reached(client: httpx.Client, model_id: int, step: int) -> dict[str, Any] | None:
    model: dict[str, Any] = client.get(f"{LIST}/{model_id}").json()
    assert model["status"] in ("InProgress", "Completed"), model
    return model if model["progress"]["step"] >= step or model["status"] == "Completed" else None


def completed(client: httpx.Client, model_id: int) -> dict[str, Any] | None:
    model: dict[str, Any] = client.get(f"{LIST}/{model_id}").json()
    assert model["status"] in ("InProgress", "Completed"), model
    return model if model["status"] == "Completed" else None


def adapters(client: httpx.Client, home: Path, model_id: int) -> dict[int, bytes]:
    """The bytes of every checkpoint, and under 0 what is downloaded."""
    found = client.get(f"{LIST}/{model_id}/checkpoints").json()["checkpoints"]
    link = client.get(f"{LIST}/{model_id}/download").json()["download_url"]
    folder = home / "storage" / "models" / str(model_id)
    return {0: httpx.get(link).content} | {
        one["checkpoint_step"]: (folder / f"{one['checkpoint_step']}.safetensors").read_bytes() for one in found
    }


def test_killed_twice_it_ends_with_the_same_weights(
    serve: Callable[..., Server], tmp_path: Path, settings: dict[str, str], datasets: Callable[[], int]
) -> None:
    server = serve(**settings)
    token = server.token()
    with client_of(server, token) as client:
        undisturbed = begin(client, datasets())
        wait_for(lambda: completed(client, undisturbed), 600)
        expected = adapters(client, tmp_path, undisturbed)
        assert sorted(expected) == [0, INTERVAL, STEPS]
        model_id = begin(client, datasets())
        amid = wait_for(lambda: reached(client, model_id, 30), 600)
    server.kill()
    assert amid["status"] == "InProgress", "the first blow fell amid the first interval"

    server = serve(**settings)
    with client_of(server, token) as client:
        amid = wait_for(lambda: reached(client, model_id, INTERVAL + 5), 600)
    server.kill()
    assert amid["status"] == "InProgress", "the second amid the second"
    assert list((tmp_path / "training").iterdir())

    server = serve(**settings)
    with client_of(server, token) as client:
        model = wait_for(lambda: completed(client, model_id), 600)
        assert model["progress"]["step"] == STEPS
        assert adapters(client, tmp_path, model_id) == expected
        losses = [httpx.get(client.get(f"{LIST}/{one}").json()["losses_url"]).json() for one in (undisturbed, model_id)]
        assert losses[0] == losses[1]
    assert list((tmp_path / "training").iterdir()) == []


def test_a_stop_that_was_asked_for_before_the_blow_still_stops(
    serve: Callable[..., Server], settings: dict[str, str], datasets: Callable[[], int]
) -> None:
    server = serve(**settings)
    token = server.token()
    with client_of(server, token) as client:
        model_id = begin(client, datasets())
        wait_for(lambda: reached(client, model_id, 10), 600)
        client.post(f"{LIST}/{model_id}/stop_training")
    server.kill()
    server = serve(**settings)
    with client_of(server, token) as client:
        deadline = time.monotonic() + 120
        while (model := client.get(f"{LIST}/{model_id}").json())["status"] == "Stopping":
            assert time.monotonic() < deadline
            time.sleep(0.1)
    assert model["status"] == "Stopped"
