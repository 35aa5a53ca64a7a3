"""Webhooks of a running service: sent once where all is well, again where not, and never to the inside."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient

import sartor.webhooks.jobs as webhook_jobs
from sartor.app import create_app
from sartor.kit.database import now
from sartor.webhooks.service import ATTEMPTS, FIRST_PAUSE
from sartor.webhooks.tables import Delivery
from tests.conftest import BRAND, Service, Tenant, make_settings, shared_bridge, wait_for
from tests.webhooks.receiver import Receiver

PAUSE = 0.05


@pytest.fixture(scope="module")
def service(home: Path) -> Iterator[Service]:
    settings = make_settings(home, fetch_allow="127.0.0.1")
    app = create_app(settings, bridge=shared_bridge, webhook_pause=timedelta(seconds=PAUSE))
    with TestClient(app) as client:
        yield Service(client, app.state.parts)


@pytest.fixture
def receive() -> Iterator[Callable[..., Receiver]]:
    made: list[Receiver] = []

    def start(*statuses: int, **values: Any) -> Receiver:
        made.append(Receiver(*statuses, **values))
        return made[-1]

    yield start
    for receiver in made:
        receiver.close()


def ask(tenant: Tenant, url: str, **values: Any) -> str:
    answer = tenant.image({"prompt": "a red apple", "steps_num": 20, "webhook_url": url} | values)
    assert answer.status_code == 202, answer.text
    return str(answer.json()["request_id"])


def over(service: Service, request_id: str) -> Delivery:
    """The delivery, once it has succeeded or was given up."""

    def look() -> Delivery | None:
        row = service.parts.webhooks.find(request_id)
        assert row is not None
        return row if row.delivered_at or row.given_up_at else None

    found = wait_for(look)
    assert isinstance(found, Delivery)
    return found


def test_a_completed_request_is_told_once(
    service: Service, tenant: Tenant, other_tenant: Tenant, receive: Callable[..., Receiver]
) -> None:
    receiver = receive(204)
    request_id = ask(tenant, receiver.url)
    row = over(service, request_id)
    assert (row.attempts, row.last_status, row.last_error, row.given_up_at) == (1, 204, None, None)
    time.sleep(PAUSE * 3)
    (message,) = receiver.messages
    assert message.id == request_id
    assert message.is_signed_for(tenant.token)
    assert not message.is_signed_for(other_tenant.token)
    assert abs(int(message.headers["bria-webhook-timestamp"]) - time.time()) < 20
    assert re.fullmatch(r"v1=[A-Za-z0-9+/]{43}=", message.headers["bria-webhook-signature"])
    assert message.headers["content-type"] == "application/json"
    assert receiver.paths == ["/hook?for=sartor"]
    status = tenant.get(f"/v2/status/{request_id}")
    assert message.raw == status.content, "the same bytes that the status answers"
    assert message.body["result"]["image_url"].startswith("http://testserver/files/images/")


def test_the_token_that_came_with_the_request_signs(
    service: Service, tenant: Tenant, receive: Callable[..., Receiver]
) -> None:
    receiver = receive()
    name = f"organisation {tenant.organisation_id} again"
    tokens = [service.parts.accounts.create_token(name) for _ in range(2)]
    assert len({service.parts.accounts.authenticate(token).organisation_id for token in tokens}) == 1
    for count, token in enumerate(tokens, 1):
        ask(Tenant(tenant.client, token, 0), receiver.url)
        message = receiver.has(count)[-1]
        assert [message.is_signed_for(each) for each in tokens] == [each == token for each in tokens]


def test_an_error_is_told_too(service: Service, tenant: Tenant, receive: Callable[..., Receiver]) -> None:
    receiver = receive()
    request_id = ask(tenant, receiver.url, prompt="a naked woman having sex")
    (message,) = receiver.has(1)
    assert message.body["status"] == "ERROR"
    assert message.body["error"]["code"] == 422
    assert message.is_signed_for(tenant.token)
    assert message.raw == tenant.get(f"/v2/status/{request_id}").content


def test_a_structured_prompt_is_told_too(tenant: Tenant, receive: Callable[..., Receiver]) -> None:
    receiver = receive()
    body = {"tailored_model_id": BRAND, "prompt": "a red apple", "webhook_url": receiver.url}
    request_id = tenant.post("/v2/structured_prompt/generate/tailored", body).json()["request_id"]
    (message,) = receiver.has(1)
    assert message.id == request_id
    assert "image_url" not in message.body["result"]


def test_a_synchronous_request_is_told_too(tenant: Tenant, receive: Callable[..., Receiver]) -> None:
    receiver = receive()
    answer = tenant.image({"prompt": "a red apple", "steps_num": 20, "sync": True, "webhook_url": receiver.url})
    assert answer.status_code == 200
    (message,) = receiver.has(1)
    assert message.id == answer.json()["request_id"]
    assert message.body["result"]["seed"] == answer.json()["seed"]


def test_a_receiver_that_fails_is_told_again(
    service: Service, tenant: Tenant, receive: Callable[..., Receiver]
) -> None:
    receiver = receive(500, 429, 200)
    request_id = ask(tenant, receiver.url)
    row = over(service, request_id)
    assert (row.attempts, row.last_status) == (3, 200)
    assert row.delivered_at is not None
    assert len(receiver.messages) == 3
    assert {message.id for message in receiver.messages} == {request_id}
    assert all(message.is_signed_for(tenant.token) for message in receiver.messages)
    first, second, third = (message.at for message in receiver.messages)
    assert second - first >= PAUSE
    assert third - second >= PAUSE * 2


def test_a_receiver_that_always_fails_is_given_up(
    service: Service, tenant: Tenant, receive: Callable[..., Receiver]
) -> None:
    receiver = receive(503)
    row = over(service, ask(tenant, receiver.url))
    assert (row.attempts, row.last_status, row.delivered_at) == (ATTEMPTS, 503, None)
    assert row.given_up_at is not None
    time.sleep(PAUSE * 3)
    assert len(receiver.messages) == ATTEMPTS == 5
    assert sum((FIRST_PAUSE * 2**number for number in range(ATTEMPTS - 1)), timedelta()) == timedelta(minutes=45)


def test_an_attempt_is_recorded_once(service: Service, tenant: Tenant, receive: Callable[..., Receiver]) -> None:
    """A process was killed between the record and the job library's note of it: the step is done again."""
    row = over(service, ask(tenant, receive(500, 500, 200).url))
    recorded: list[Any] = []
    webhooks = service.parts.webhooks
    deliverer = webhook_jobs.Deliverer(
        service.parts.database,
        service.parts.accounts,
        webhooks,
        service.parts.fetcher,
        service.parts.metrics,
        answer=lambda *_: None,
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(webhooks, "try_again", lambda *given: recorded.append(given))
        for attempt in (1, 2):
            deliverer.record(row.job_id, attempt, {"status": 500, "error": None, "again": True})
    again = webhooks.find(row.request_id)
    assert again is not None
    assert (again.attempts, again.last_status, recorded) == (3, 200, [])
    assert deliverer.attempts_made(row.job_id) == ATTEMPTS, "there is nothing to deliver any more"


def test_redirects_are_not_followed(service: Service, tenant: Tenant, receive: Callable[..., Receiver]) -> None:
    receiver = receive(307, 302, 200)
    row = over(service, ask(tenant, receiver.url))
    assert row.attempts == 3
    assert set(receiver.paths) == {"/hook?for=sartor"}


def test_nobody_there(service: Service, tenant: Tenant, receive: Callable[..., Receiver]) -> None:
    receiver = receive()
    receiver.close()
    row = over(service, ask(tenant, receiver.url))
    assert (row.attempts, row.last_status) == (ATTEMPTS, None)
    assert row.last_error == "127.0.0.1 does not accept connections."


@pytest.mark.parametrize("host", ["127.0.0.2", "localhost.", "[::1]", "169.254.169.254", "2130706434", "10.0.0.1"])
def test_the_inside_is_refused_and_not_tried_again(
    service: Service, tenant: Tenant, host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """This service allows 127.0.0.1 alone; ``localhost`` leads there, and to ::1 as well."""
    monkeypatch.setattr(service.parts.fetcher, "_resolver", lambda _: ["127.0.0.1", "::1"])
    row = over(service, ask(tenant, f"http://{host}:1/"))
    assert (row.attempts, row.last_status) == (1, None)
    assert row.last_error is not None
    assert "not on the public internet" in row.last_error
    assert row.given_up_at is not None


@pytest.mark.parametrize(
    "url", ["ftp://example.com/", "example.com", "https://user:s3cret@example.com/", "x", 5, "a\0b"]
)
def test_what_is_no_address_is_refused_at_once(tenant: Tenant, url: Any) -> None:
    answer = tenant.image({"prompt": "a red apple", "webhook_url": url})
    assert answer.status_code == 422
    assert answer.json()["error"]["details"].startswith("webhook_url: ")
    assert "s3cret" not in answer.text


@pytest.mark.parametrize("url", [None, ""])
def test_no_webhook_is_wanted(service: Service, tenant: Tenant, url: str | None) -> None:
    request_id = ask(tenant, url)  # type: ignore[arg-type]
    assert tenant.settled(request_id)["status"] == "COMPLETED"
    assert service.parts.webhooks.find(request_id) is None


def test_a_delivery_whose_job_was_lost_is_made_by_another(
    service: Service, tenant: Tenant, receive: Callable[..., Receiver]
) -> None:
    receiver = receive(200, pause=1.0)
    request_id = ask(tenant, receiver.url)
    receiver.has(1)
    row = service.parts.webhooks.find(request_id)
    assert row is not None
    service.parts.jobs.cancel(row.job_id)
    assert over(service, request_id).job_id != row.job_id
    assert {message.id for message in receiver.messages} == {request_id}


def test_a_token_that_cannot_sign_yet_is_waited_for(
    service: Service, tenant: Tenant, receive: Callable[..., Receiver]
) -> None:
    """The secret key was changed between the request and its end: nothing is sent unsigned."""
    receiver = receive()
    accounts = service.parts.accounts
    signing_key, asked = accounts.signing_key, []

    def at_second(token_id: int | None) -> bytes | None:
        asked.append(token_id)
        return signing_key(token_id) if len(asked) > 1 else None

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(accounts, "signing_key", at_second)
        row = over(service, ask(tenant, receiver.url))
    assert row.attempts == 2
    (message,) = receiver.messages
    assert message.is_signed_for(tenant.token)


def test_a_forgotten_request_leaves_nothing(service: Service, tenant: Tenant, receive: Callable[..., Receiver]) -> None:
    from sartor.generation.tables import GenerationRequest

    request_id = ask(tenant, receive(500, 200).url)
    row = over(service, request_id)
    with service.parts.database.transaction() as session:
        aged = sa.update(GenerationRequest).where(GenerationRequest.id == request_id)
        session.execute(aged.values(finished_at=now() - timedelta(days=31)))
    assert service.parts.generation.forget(now() - timedelta(days=30)) == 1
    assert service.parts.webhooks.find(request_id) is None
    with service.parts.database.engine.connect() as connection:
        jobs = connection.execute(sa.text("SELECT workflow_uuid FROM workflow_status")).scalars().all()
    assert not [job for job in jobs if job.startswith(row.job_id)], "of neither attempt"


def test_attempts_are_counted(service: Service, tenant: Tenant, receive: Callable[..., Receiver]) -> None:
    def counted() -> dict[str, float]:
        text = service.client.get("/metrics").text
        found = re.findall(r'sartor_webhook_attempts_total\{outcome="(\w+)"\} (\S+)', text)
        return {outcome: float(number) for outcome, number in found}

    before = counted()
    over(service, ask(tenant, receive(500, 200).url))
    after = counted()
    assert {outcome: after[outcome] - before[outcome] for outcome in after} == {
        "delivered": 1,
        "failed": 1,
        "given_up": 0,
    }
