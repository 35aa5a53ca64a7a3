"""Cancelling over HTTP: at any stage, as often as one likes, and nothing is left of the image."""

import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI

from sartor.app import create_app
from sartor.errors import Cancelled
from sartor.generation import jobs
from sartor.generation.drawing import PlainEngine
from sartor.generation.jobs import Pipeline
from sartor.generation.tables import IMAGE, GenerationRequest
from tests.conftest import Service, Tenant, make_settings, shared_bridge, wait_for
from tests.generation.test_endpoints import error_of

CANCELLED = {"code": 409, "message": "Cancelled", "details": "The request was cancelled."}


@pytest.fixture(scope="module")
def app(home: Path) -> FastAPI:
    """With an engine that takes a second and a half for an image of thirty steps."""
    return create_app(make_settings(home), engine=lambda: PlainEngine(pause=0.05), bridge=shared_bridge)


def submit(tenant: Tenant) -> str:
    return str(tenant.image({"prompt": "a cat", "steps_num": 30}).json()["request_id"])


def cancel(tenant: Tenant, request_id: str) -> Any:
    return tenant.post(f"/v2/status/{request_id}/cancel")


def stage(tenant: Tenant, request_id: str, name: str) -> bool | None:
    progress = tenant.get(f"/v2/status/{request_id}").json().get("progress", {})
    return True if progress.get("stage") == name else None


def test_strangers_and_others(service: Service, tenant: Tenant, other_tenant: Tenant) -> None:
    request_id = submit(tenant)
    error_of(service.client.post(f"/v2/status/{request_id}/cancel"), 401)
    for unknown in (request_id, "unknown"):
        answer = cancel(other_tenant, unknown)
        error_of(answer, 404)
        assert answer.json()["status"] == "NOT_FOUND"
    assert tenant.settled(request_id)["status"] == "COMPLETED"


def test_an_image_being_drawn(service: Service, tenant: Tenant) -> None:
    request_id = submit(tenant)
    wait_for(lambda: stage(tenant, request_id, "drawing"))
    answer = cancel(tenant, request_id)
    assert answer.status_code == 200
    assert answer.json() == {"status": "ERROR", "request_id": request_id, "error": CANCELLED}
    assert cancel(tenant, request_id).json() == answer.json()
    other = submit(tenant)  # the device is free again
    assert tenant.settled(other)["status"] == "COMPLETED"
    assert tenant.get(f"/v2/status/{request_id}").json() == answer.json()
    for folder in ("drafts", "images"):
        assert not service.parts.storage.exists(f"{folder}/{request_id}.png")


def test_requests_that_wait(service: Service, tenant: Tenant) -> None:
    ids = [submit(tenant) for _ in range(6)]
    for request_id in ids[1:]:
        assert cancel(tenant, request_id).json()["error"] == CANCELLED
    assert tenant.settled(ids[0])["status"] == "COMPLETED"
    listed = tenant.get("/v2/requests", params={"status": "ERROR"}).json()["requests"]
    assert {row["request_id"] for row in listed} == set(ids[1:])


def test_one_that_has_ended_stays_what_it_is(tenant: Tenant) -> None:
    request_id = submit(tenant)
    status = tenant.settled(request_id)
    assert cancel(tenant, request_id).json() == status


def test_a_synchronous_request_is_told(service: Service, tenant: Tenant) -> None:
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(tenant.image, {"prompt": "a dog", "steps_num": 50, "sync": True})

        def newest() -> str | None:
            rows = tenant.get("/v2/requests", params={"status": "IN_PROGRESS"}).json()["requests"]
            return str(rows[0]["request_id"]) if rows else None

        cancel(tenant, wait_for(newest))
        assert error_of(waiting.result(), 409) == CANCELLED


@pytest.fixture
def by_hand(service: Service, tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> tuple[Pipeline, str]:
    """The steps, and a request that no job works on."""
    monkeypatch.setattr(service.parts.jobs, "enqueue", lambda *_, **__: None)
    pipeline = service.parts.jobs._jobs[IMAGE].on_lost.__self__  # type: ignore[attr-defined]
    return pipeline, submit(tenant)


def run(pipeline: Pipeline, request_id: str, name: str) -> None:
    """One step, twice: a process that was killed before it had written down that it had done it does it again."""
    for _ in range(2):
        with suppress(Cancelled):
            if name == "draw":
                pipeline.draw(request_id, stop=threading.Event())
            else:
                getattr(pipeline, name)(request_id)


STEPS = ("moderate_text", "write_prompt", "draw", "moderate_image", "store", "complete")


@pytest.mark.parametrize("done", range(len(STEPS)))
@pytest.mark.parametrize("killed", [False, True])
def test_whenever_it_comes_nothing_is_kept(
    service: Service, tenant: Tenant, by_hand: tuple[Pipeline, str], done: int, killed: bool
) -> None:
    """After so many steps; the process goes on with the next one, or is killed and another ends the job."""
    pipeline, request_id = by_hand
    for name in STEPS[:done]:
        run(pipeline, request_id, name)
    assert cancel(tenant, request_id).json()["error"] == CANCELLED
    if killed:
        pipeline.give_up(request_id)
    else:
        run(pipeline, request_id, STEPS[done])
    assert not service.parts.storage.exists(f"images/{request_id}.png")
    if killed:
        assert not service.parts.storage.exists(f"drafts/{request_id}.png")
    with service.parts.database.transaction() as session:
        assert session.get_one(GenerationRequest, request_id).image_key is None


def test_what_is_accepted_is_kept(service: Service, tenant: Tenant, by_hand: tuple[Pipeline, str]) -> None:
    pipeline, request_id = by_hand
    for name in STEPS:
        run(pipeline, request_id, name)
    status = tenant.get(f"/v2/status/{request_id}").json()
    assert status["status"] == "COMPLETED"
    pipeline.give_up(request_id)
    assert cancel(tenant, request_id).json() == status
    assert tenant.client.get(status["result"]["image_url"]).status_code == 200


def test_an_image_that_waits_for_its_last_step(
    service: Service, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cancelled between the step that stores it and the one that ends the request."""
    end, cancelled = jobs.end, threading.Event()

    def late(session: Any, webhooks: Any, request_id: str, **values: Any) -> bool:
        if values["status"] == "COMPLETED":
            assert service.parts.storage.exists(f"images/{request_id}.png")
            cancel(tenant, request_id)
            cancelled.set()
        return end(session, webhooks, request_id, **values)

    monkeypatch.setattr(jobs, "end", late)
    request_id = submit(tenant)
    assert cancelled.wait(20)
    wait_for(lambda: None if service.parts.storage.exists(f"images/{request_id}.png") else True)
    assert tenant.get(f"/v2/status/{request_id}").json()["error"] == CANCELLED
