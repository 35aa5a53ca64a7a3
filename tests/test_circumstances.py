"""What settings and circumstances make of the app: addresses, limits, an engine that is late or broken, a restart."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from sartor.app import create_app
from sartor.assembly import assemble
from sartor.cli import serving
from sartor.fibo import Spec
from sartor.generation.drawing import PlainEngine
from sartor.generation.tables import GenerationRequest
from tests.conftest import Service, make_settings, shared_bridge, wait_for, write_test_brand
from tests.console.conftest import signed_in
from tests.console.test_console import drawn, fields


@contextmanager
def running(home: Path, *, engine: Any = PlainEngine, **values: Any) -> Iterator[Service]:
    if not (home / "brands").exists():
        write_test_brand(home)
    app = create_app(make_settings(home, **values), engine=engine, bridge=shared_bridge)
    with TestClient(app, raise_server_exceptions=False) as client:
        yield Service(client, app.state.parts)


class Recording(PlainEngine):
    """Keeps what it was asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.specs: list[Spec] = []

    def generate(self, spec: Spec, *arguments: Any, **named: Any) -> Any:
        self.specs.append(spec)
        return super().generate(spec, *arguments, **named)


def broken_engine() -> PlainEngine:
    raise OSError("/srv/secret/model is damaged")


def test_a_worker_without_an_engine_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever watches processes starts it again; it has put its jobs back before."""
    monkeypatch.setattr(serving, "assemble", lambda settings: assemble(settings, engine=broken_engine))
    monkeypatch.setattr(serving, "configure_logging", lambda level: None)
    monkeypatch.setattr(serving.signal, "signal", lambda *_: None)
    with pytest.raises(serving.DeviceFailed, match="the log says why"):
        serving.work(make_settings(tmp_path, bridge="offline"))


def test_links_begin_with_the_public_address(tmp_path: Path) -> None:
    with running(tmp_path, public_url="https://images.example.com/") as service:
        tenant = service.tenant()
        said = tenant.image({"prompt": "an apple", "sync": True}).json()
        assert said["image_url"].startswith("https://images.example.com/files/")
        accepted = tenant.image({"prompt": "an apple"}).json()
        assert accepted["status_url"] == f"https://images.example.com/v2/status/{accepted['request_id']}"
        tenant.settled(accepted["request_id"])


def test_a_synchronous_request_that_takes_too_long_becomes_a_202(tmp_path: Path) -> None:
    with running(tmp_path, engine=lambda: PlainEngine(pause=0.05), sync_wait=timedelta(seconds=0.3)) as service:
        tenant = service.tenant()
        answer = tenant.image({"prompt": "an apple", "sync": True, "steps_num": 20})
        assert answer.status_code == 202
        assert set(answer.json()) == {"request_id", "status_url"}
        assert tenant.settled(answer.json()["request_id"])["status"] == "COMPLETED"


def test_too_much_in_progress_is_429_for_that_organisation_only(tmp_path: Path) -> None:
    with running(tmp_path, engine=lambda: PlainEngine(pause=0.05), outstanding_limit=2) as service:
        busy, other = service.tenant(), service.tenant()
        ids = [busy.image({"prompt": "an apple", "steps_num": 20}).json()["request_id"] for _ in range(2)]
        answer = busy.image({"prompt": "an apple"})
        assert answer.status_code == 429
        assert answer.headers["retry-after"] == str(answer.json()["retry_after"]) == "5"
        assert other.image({"prompt": "an apple", "steps_num": 20}).status_code == 202
        for request_id in ids:
            busy.settled(request_id)
        assert busy.image({"prompt": "an apple", "steps_num": 20}).status_code == 202


def test_cached_steps_are_what_the_service_says_and_a_request_says_otherwise(tmp_path: Path) -> None:
    engine = Recording()
    with running(tmp_path, engine=lambda: engine, caching="cached-2") as service:
        tenant = service.tenant()
        for said in ({}, {"caching": "exact"}):
            assert tenant.image({"prompt": "an apple", "sync": True, "steps_num": 20} | said).status_code == 200
    assert [spec.caching for spec in engine.specs] == ["cached-2", "exact"]


def test_how_long_the_negative_prompt_is_asked_is_what_the_service_says_and_a_request_says_otherwise(
    tmp_path: Path,
) -> None:
    engine = Recording()
    with running(tmp_path, engine=lambda: engine, guidance_until=0.6) as service:
        tenant = service.tenant()
        for said in ({}, {"guidance_until": 0}, {"guidance_until": 0.8}):
            assert tenant.image({"prompt": "an apple", "sync": True, "steps_num": 20} | said).status_code == 200
    assert [spec.guidance_until for spec in engine.specs] == [0.6, 0.0, 0.8]


def test_a_distilled_checkpoints_few_steps_are_for_those_who_do_not_say(tmp_path: Path) -> None:
    engine = Recording()
    with running(tmp_path, engine=lambda: engine, steps_num=6, guidance_scale=1) as service:
        tenant = service.tenant()
        for said in ({}, {"steps_num": 20}, {"guidance_scale": 3}):
            assert tenant.image({"prompt": "an apple", "sync": True} | said).status_code == 200
        assert tenant.image({"prompt": "an apple", "sync": True, "steps_num": 6}).status_code == 422
    assert [(spec.steps, spec.guidance_scale) for spec in engine.specs] == [(6, 1), (20, 1), (6, 3)]


def test_in_the_console_such_defaults_go_without_saying(tmp_path: Path) -> None:
    engine = Recording()
    with running(tmp_path, engine=lambda: engine, steps_num=6, guidance_scale=1) as service:
        browser = signed_in(service, service.tenant())
        _, first = drawn(browser, {"prompt": "an apple on the left", "seed": "7"})
        assert not {"steps_num", "guidance_scale"} & fields(first).keys()
        _, again = drawn(browser, fields(first) | {"prompt": "move the apple to the right"})
        assert "What your words changed" in again
    assert [(spec.steps, spec.guidance_scale, spec.seed) for spec in engine.specs] == [(6, 1, 7), (6, 1, 7)]


def test_what_an_earlier_version_took_in_is_guided_to_the_end(tmp_path: Path) -> None:
    engine = Recording()
    with running(tmp_path, work=False) as service:
        tenant = service.tenant()
        ids = [tenant.image({"prompt": "an apple", "steps_num": 20}).json()["request_id"] for _ in range(2)]
        with service.parts.database.transaction() as session:
            row = session.get(GenerationRequest, ids[0])
            row.options = {name: value for name, value in row.options.items() if name != "guidance_until"}
    with running(tmp_path, engine=lambda: engine) as service:
        tenant.client = service.client
        for request_id in ids:
            assert tenant.settled(request_id)["status"] == "COMPLETED"
    assert {spec.guidance_until for spec in engine.specs} == {0.0, None}


def test_a_request_keeps_the_savings_of_the_moment_at_which_it_came(tmp_path: Path) -> None:
    with running(tmp_path, work=False, caching="cached-2", guidance_until=0.7) as service:
        tenant = service.tenant()
        key = {"Idempotency-Key": "once"}
        body = {"tailored_model_id": "paper-garden", "prompt": "an apple", "steps_num": 20}
        request_id = tenant.post("/v2/image/generate/tailored", body, headers=key).json()["request_id"]
    engine = Recording()
    with running(tmp_path, engine=lambda: engine, caching="exact", guidance_until=0) as service:
        tenant.client = service.client
        assert tenant.post("/v2/image/generate/tailored", body, headers=key).json()["request_id"] == request_id
        assert tenant.settled(request_id)["status"] == "COMPLETED"
    assert [(spec.caching, spec.guidance_until) for spec in engine.specs] == [("cached-2", 0.7)]


def test_requests_are_accepted_before_the_engine_is_ready(tmp_path: Path) -> None:
    import threading

    gate = threading.Event()

    def slowly() -> PlainEngine:
        gate.wait(20)
        return PlainEngine()

    with running(tmp_path, engine=slowly) as service:
        tenant = service.tenant()
        answer = service.client.get("/readyz")
        assert answer.status_code == 503
        assert "being loaded" in answer.json()["error"]["details"]
        request_id = tenant.image({"prompt": "an apple"}).json()["request_id"]
        gate.set()
        assert tenant.settled(request_id)["status"] == "COMPLETED"
        assert service.client.get("/readyz").status_code == 200


def test_an_engine_that_cannot_be_loaded(tmp_path: Path) -> None:
    with running(tmp_path, engine=broken_engine) as service:
        tenant = service.tenant()
        wait_for(lambda: True if service.parts.device.failed else None)
        answer = service.client.get("/readyz")
        assert answer.status_code == 503
        assert "secret" not in answer.text
        request_id = tenant.image({"prompt": "an apple"}).json()["request_id"]
        time.sleep(1)
        assert tenant.get(f"/v2/status/{request_id}").json()["status"] == "IN_PROGRESS"
    with running(tmp_path) as service:  # one that has an engine
        tenant.client = service.client
        assert tenant.settled(request_id)["status"] == "COMPLETED"


def test_what_was_accepted_survives_a_restart_with_the_same_bytes(tmp_path: Path) -> None:
    recipe = {"structured_prompt": '{"short_description":"an apple"}', "seed": 3, "steps_num": 20}
    with running(tmp_path, engine=lambda: PlainEngine(pause=0.2)) as service:
        tenant = service.tenant()
        ids = [tenant.image(recipe).json()["request_id"] for _ in range(3)]
        wait_for(lambda: True if tenant.get(f"/v2/status/{ids[0]}").json()["progress"]["stage"] == "drawing" else None)
    with running(tmp_path) as service:
        tenant.client = service.client
        for request_id in ids:
            assert tenant.settled(request_id)["status"] == "COMPLETED"
        undisturbed = tenant.image(recipe | {"sync": True}).json()["request_id"]
        pictures = {service.parts.storage.get(f"images/{request_id}.png") for request_id in [*ids, undisturbed]}
    assert len(pictures) == 1


def test_a_process_that_only_answers_leaves_the_work_to_another(tmp_path: Path) -> None:
    with running(tmp_path, work=False, engine=broken_engine) as service:
        tenant = service.tenant()
        assert service.client.get("/readyz").status_code == 200
        request_id = tenant.image({"prompt": "an apple"}).json()["request_id"]
        assert tenant.get(f"/v2/status/{request_id}").json()["progress"]["stage"] == "queued"
    with running(tmp_path) as service:
        tenant.client = service.client
        assert tenant.settled(request_id)["status"] == "COMPLETED"


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ({}, "passive 1000"),
        ({"OMP_WAIT_POLICY": "active"}, "active None"),
        ({"GOMP_SPINCOUNT": "7"}, "passive 7"),
    ],
)
def test_waiting_threads_sleep_unless_told_otherwise(given: dict[str, str], found: str) -> None:
    names = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT")
    environment = {name: value for name, value in os.environ.items() if name not in names} | given
    said = f"import sartor, os; print(*map(os.environ.get, {names}))"
    answer = subprocess.run([sys.executable, "-c", said], env=environment, capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == found
