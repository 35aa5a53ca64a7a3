"""Receivers that are dead keep nobody waiting: not the others of their organisation, nor anybody else's."""

from __future__ import annotations

from pathlib import Path

import pytest
from fastapi.testclient import TestClient

import sartor.webhooks.jobs as webhook_jobs
from sartor.app import create_app
from sartor.kit.jobs import Queue
from tests.conftest import Service, Tenant, make_settings, shared_bridge, wait_for
from tests.webhooks.receiver import Receiver


def ask(tenant: Tenant, url: str) -> str:
    answer = tenant.image({"prompt": "a red apple", "steps_num": 20, "webhook_url": url})
    assert answer.status_code == 202, answer.text
    return str(answer.json()["request_id"])


def test_a_waiting_retry_keeps_no_first_attempt_from_being_made(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a window of three places, one for each organisation: eight dead receivers of four, and a live one."""
    monkeypatch.setattr(webhook_jobs, "_FIRST", Queue("webhook", window=3, per_tenant=1))
    receiver = Receiver(200)
    app = create_app(make_settings(home, fetch_allow="127.0.0.1"), bridge=shared_bridge)
    with TestClient(app) as client:
        service = Service(client, app.state.parts)
        own, *others = (service.tenant() for _ in range(4))

        def attempts(request_id: str) -> int:
            row = service.parts.webhooks.find(request_id)
            assert row is not None
            assert row.given_up_at is None
            return row.attempts

        dead = [ask(tenant, "http://127.0.0.1:1/") for tenant in (own, own, *others, *others)]
        wait_for(lambda: True if all(attempts(request_id) == 1 for request_id in dead) else None)
        ask(own, receiver.url)
        receiver.has(1)
        assert [attempts(request_id) for request_id in dead] == [1] * len(dead), "they wait for their second attempt"
    receiver.close()
