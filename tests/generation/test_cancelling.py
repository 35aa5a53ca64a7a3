"""Cancelling over HTTP: at any stage, as often as one likes, and nothing is left of the image."""

from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI

from sartor.app import create_app
from sartor.generation.drawing import PlainEngine
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
