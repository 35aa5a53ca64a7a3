"""A webhook outlives the process that began to deliver it, and keeps its schedule and its signature."""

from __future__ import annotations

import time
from datetime import timedelta
from pathlib import Path

import sqlalchemy as sa
from fastapi.testclient import TestClient

from sartor.app import create_app
from sartor.generation.drawing import PlainEngine
from sartor.webhooks.tables import Delivery
from tests.conftest import Service, make_settings, shared_bridge, wait_for
from tests.webhooks.receiver import Receiver

PAUSE = 12.0
DOWN = 4.0


class SlowEngine(PlainEngine):
    """Twenty steps take a second."""

    def __init__(self) -> None:
        super().__init__(pause=0.05)


def test_a_restart_between_two_attempts(home: Path) -> None:
    """The request is synchronous and outlasts its wait, besides: what becomes a 202 is announced like any other."""
    receiver = Receiver(500, 200)

    def start() -> TestClient:
        settings = make_settings(home, fetch_allow="127.0.0.0/8", sync_wait=timedelta(seconds=0.1))
        app = create_app(settings, engine=SlowEngine, bridge=shared_bridge, webhook_pause=timedelta(seconds=PAUSE))
        return TestClient(app)

    with start() as client:
        service = Service(client, client.app.state.parts)  # type: ignore[attr-defined]
        tenant = service.tenant()
        answer = tenant.image({"prompt": "a red apple", "steps_num": 20, "sync": True, "webhook_url": receiver.url})
        assert answer.status_code == 202
        request_id = answer.json()["request_id"]
        wait_for(lambda: True if _waits(service) else None, seconds=60)
    time.sleep(DOWN)
    assert len(receiver.messages) == 1

    with start() as client:
        service = Service(client, client.app.state.parts)  # type: ignore[attr-defined]
        first, second = receiver.has(2)
        assert PAUSE - 0.1 <= second.at - first.at < PAUSE + DOWN, "the pause goes on, it does not begin anew"
        row = wait_for(lambda: _delivered(service, request_id))
        assert row.attempts == 2
    receiver.close()
    assert len(receiver.messages) == 2
    assert {message.id for message in receiver.messages} == {request_id}
    assert all(message.is_signed_for(tenant.token) for message in receiver.messages)


def test_a_cancelled_request_is_told_once(home: Path) -> None:
    receiver = Receiver(200)
    app = create_app(make_settings(home, fetch_allow="127.0.0.0/8"), engine=SlowEngine, bridge=shared_bridge)
    with TestClient(app) as client:
        service = Service(client, app.state.parts)
        tenant = service.tenant()
        body = {"prompt": "a red apple", "steps_num": 50, "webhook_url": receiver.url}
        request_id = tenant.image(body).json()["request_id"]
        for _ in range(2):
            assert tenant.post(f"/v2/status/{request_id}/cancel").json()["status"] == "ERROR"
        wait_for(lambda: _delivered(service, request_id))
        time.sleep(1.0)  # the job has noticed by now, and has nothing to add
        (message,) = receiver.messages
        assert message.raw == tenant.get(f"/v2/status/{request_id}").content
        assert message.body["error"]["message"] == "Cancelled"
        assert message.is_signed_for(tenant.token)
    receiver.close()


def _waits(service: Service) -> bool:
    with service.parts.database.engine.connect() as connection:
        query = "SELECT count(*) FROM workflow_status WHERE status = 'DELAYED'"
        return bool(connection.execute(sa.text(query)).scalar())


def _delivered(service: Service, request_id: str) -> Delivery | None:
    row = service.parts.webhooks.find(request_id)
    return row if row is not None and row.delivered_at else None
