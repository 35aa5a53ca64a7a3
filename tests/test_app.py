"""The app as a whole: what surrounds every endpoint."""

import asyncio
import json
import os
import re
from datetime import timedelta
from itertools import product
from pathlib import Path

import pytest
from starlette.types import Message

from sartor.kit.database import Database
from sartor.kit.metrics import Metrics
from sartor.kit.storage import Address, StorageAway
from tests.conftest import Service, Tenant, wait_for


@pytest.mark.parametrize(
    ("method", "path", "code"), [("GET", "/nowhere", 404), ("PUT", "/healthz", 405), ("GET", "/v3/status/x", 404)]
)
def test_unknown_addresses_answer_in_the_envelope(service: Service, method: str, path: str, code: int) -> None:
    answer = service.client.request(method, path)
    assert answer.status_code == code
    assert answer.json()["error"]["code"] == code
    assert answer.json()["request_id"] == answer.headers["x-request-id"]


def test_a_slash_at_the_end_is_the_same_address(service: Service, tenant: Tenant) -> None:
    path = "/v1/tailored-gen/projects"
    project = {"project_name": "Foxes", "ip_medium": "illustration", "ip_type": "stylized_scene"}
    made = tenant.post(f"{path}/", project, follow_redirects=False)
    assert made.status_code == 201
    assert tenant.get(f"{path}/").json() == tenant.get(path).json()
    led = tenant.get(f"{path}/?a=b", follow_redirects=False)
    assert (led.status_code, led.headers["Location"]) == (307, "../projects?a=b"), "whatever the host is called"
    assert service.client.get("/nowhere/").json()["error"]["code"] == 404


@pytest.mark.parametrize(
    ("content", "headers"),
    [(b'{"prompt": "a cat"}', {}), (b"prompt=a+cat", {"Content-Type": "text/plain"}), (b"\xff\xfe", {})],
)
def test_what_is_no_json_is_told_what_to_send(
    service: Service, tenant: Tenant, content: bytes, headers: dict[str, str]
) -> None:
    path = "/v2/image/generate/tailored"
    answer = service.client.post(path, content=content, headers=tenant.headers | headers)
    assert answer.status_code == 422
    details = answer.json()["error"]["details"]
    assert "JSON" in details
    assert details.startswith("body: ")


def test_browsers_are_kept_careful(service: Service) -> None:
    headers = service.client.get("/docs").headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"


def test_a_bug_is_answered_without_its_cause(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(token: str | None) -> None:
        raise RuntimeError("SELECT secret FROM /srv/path")

    monkeypatch.setattr(service.parts.accounts, "authenticate", broken)
    answer = service.client.get("/v1/tailored-gen/models")
    assert answer.status_code == 500
    assert "secret" not in answer.text
    assert answer.json()["request_id"] == answer.headers["x-request-id"]


def test_health_readiness_and_metrics(service: Service, tenant: Tenant) -> None:
    assert service.client.get("/healthz").json() == {"status": "ok"}
    assert service.client.get("/readyz").json()["status"] == "ready"
    assert [service.client.head(path).status_code for path in ("/healthz", "/readyz")] == [200, 200]
    tenant.image({"prompt": "an apple", "sync": True})
    numbers = service.client.get("/metrics").text
    assert "sartor_ready 1.0" in numbers
    assert 'sartor_job_seconds_count{kind="image",outcome="completed"} 1.0' in numbers
    assert 'route="/image/generate/tailored",status="200"} 1.0' in numbers
    run = 'sartor_run_seconds_count{job="image",outcome="ended"} 1.0'  # which ends after its image is there
    wait_for(lambda: True if run in service.client.get("/metrics").text else None)
    assert tenant.token not in numbers


def test_what_alerts_look_at_is_counted_from_nothing() -> None:
    """Where a count first appears as 1, an alert on its growth sees none."""
    numbers = Metrics(ready=lambda: True).text().decode()
    for outcome in ("delivered", "failed", "given_up"):
        assert f'sartor_webhook_attempts_total{{outcome="{outcome}"}} 0.0' in numbers
    for kind, code in product(("image", "structured_prompt"), (500, 503)):
        assert f'sartor_job_errors_total{{code="{code}",kind="{kind}"}} 0.0' in numbers


def test_strange_methods_are_one_label(service: Service) -> None:
    for number in range(3):
        service.client.request(f"STRANGE{number}", "/healthz")
    numbers = service.client.get("/metrics").text
    assert 'method="other",route="/healthz",status="405"} 3.0' in numbers
    assert "STRANGE" not in numbers


def test_readiness_looks_at_the_database(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    def away() -> None:
        raise OSError("connection to db.internal refused")

    monkeypatch.setattr(service.parts.database, "check", away)
    answer = service.client.get("/readyz")
    assert answer.status_code == 503
    assert "internal" not in answer.text


def test_a_database_that_is_away_is_503(
    service: Service, tenant: Tenant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    away = Database(f"sqlite:///{tmp_path / 'gone' / 'sartor.db'}")
    (tmp_path / "gone").rmdir()
    for part in (service.parts.accounts, service.parts.generation):
        with monkeypatch.context() as patch:
            patch.setattr(part, "_database", away)
            answer = tenant.image({"prompt": "an apple"})
        assert answer.status_code == answer.json()["error"]["code"] == 503
        assert "sqlite" not in answer.text
    away.close()


def test_a_storage_that_is_away_is_503(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    storage = service.parts.storage
    path = storage.link("images/any.png", Address("", timedelta(hours=1)))

    def away(*_: object) -> None:
        raise StorageAway("no space left in /srv/secret")

    monkeypatch.setattr(storage, "stream", away)
    answer = service.client.get(path)
    assert answer.status_code == answer.json()["error"]["code"] == 503
    assert answer.json()["error"]["details"].startswith("The storage does not answer")
    assert "secret" not in answer.text


@pytest.mark.parametrize("size", [1000, 262_144, 262_145, 3_000_000])
def test_a_file_waits_for_its_reader_in_the_storage(service: Service, size: int) -> None:
    """A quarter of a megabyte of it at a time is handed to the server, which waits until that is on its way."""
    storage, data = service.parts.storage, os.urandom(size)
    storage.put("images/large.png", data)
    path, _, query = storage.link("images/large.png", Address("", timedelta(hours=1))).partition("?")
    sent: dict[str, list[Message]] = {"GET": [], "HEAD": []}

    async def ask(verb: str) -> None:
        scope = {"type": "http", "method": verb, "path": path, "headers": [], "query_string": query.encode()}
        asked = False

        async def receive() -> Message:
            nonlocal asked
            if asked:
                await asyncio.sleep(20)
            asked = True
            return {"type": "http.request"}

        async def send(message: Message) -> None:
            sent[verb].append(message)

        await service.client.app(scope, receive, send)

    for verb, messages in sent.items():
        asyncio.run(ask(verb))
        assert messages[0]["status"] == 200
        assert (b"content-length", str(size).encode()) in messages[0]["headers"]
        assert (b"content-type", b"image/png") in messages[0]["headers"]
    pieces = [message["body"] for message in sent["GET"][1:]]
    assert b"".join(pieces) == data
    assert max(map(len, pieces)) <= 300_000
    assert sum(len(message["body"]) for message in sent["HEAD"][1:]) == 0


def test_files_are_served_only_by_their_signed_address(service: Service, tenant: Tenant) -> None:
    service.parts.storage.put("drafts/x.png", b"draft")
    for path in ("/files/drafts/x.png", "/files/..%2f..%2fsecret.key", "/files/", "/files/images"):
        answer = service.client.get(path, params={"expires": "9999999999", "signature": "A" * 43})
        assert answer.status_code == 404
    address = tenant.image({"prompt": "an apple", "sync": True}).json()["image_url"]
    assert service.client.head(address).headers["content-type"] == "image/png"


def test_the_description_is_exact_about_what_was_asked_for(service: Service) -> None:
    openapi = service.client.get("/openapi.json").json()
    assert {path for path in openapi["paths"] if not path.startswith("/v1/")} == {
        "/v2/image/generate/tailored",
        "/v2/structured_prompt/generate/tailored",
        "/v2/status/{request_id}",
        "/v2/status/{request_id}/cancel",
        "/v2/requests",
    }
    body = openapi["components"]["schemas"]["ImageBody"]
    assert body["required"] == ["tailored_model_id"]
    assert set(body["properties"]) == {
        "tailored_model_id", "tailored_model_influence", "prompt", "structured_prompt", "negative_prompt",
        "guidance_scale", "aspect_ratio", "steps_num", "seed", "sync", "prompt_content_moderation",
        "visual_output_content_moderation", "webhook_url", "caching",
        "guidance_until",
    }  # fmt: skip
    answers = openapi["paths"]["/v2/image/generate/tailored"]["post"]["responses"]
    assert set(answers) == {"200", "202", "401", "403", "408", "409", "413", "422", "429", "500", "503"}
    for path, verbs in openapi["paths"].items():
        for verb, operation in verbs.items():
            assert ("requestBody" in operation) == ({"408", "413"} <= set(operation["responses"])), f"{verb} {path}"
    assert "HTTPValidationError" not in json.dumps(openapi)


def test_every_schema_of_the_description_has_a_name_of_its_own(service: Service) -> None:
    """Where two classes share one, theirs become `sartor__room__schemas__Name`."""
    names = service.client.get("/openapi.json").json()["components"]["schemas"]
    assert "DatasetImageAnswer" in names
    assert not [name for name in names if not re.fullmatch("[A-Z][A-Za-z0-9]*", name)]


def test_the_description_says_bounds_in_words_of_json_schema(service: Service) -> None:
    openapi = service.client.get("/openapi.json").json()
    steps = openapi["components"]["schemas"]["ImageBody"]["properties"]["steps_num"]["anyOf"][0]
    assert (steps["minimum"], steps["maximum"]) == (20, 50)
    assert not re.findall(r'"(?:ge|le|gt|lt)": ', json.dumps(openapi))


def test_every_example_of_the_description_is_a_valid_body(service: Service) -> None:
    from sartor.generation.schemas import ImageBody, StructuredPromptBody

    for kind in (ImageBody, StructuredPromptBody):
        for example in kind.model_json_schema()["examples"]:
            kind.model_validate(example)


def test_the_reference_page_names_everything_and_needs_nothing(service: Service) -> None:
    page = service.client.get("/docs").text
    openapi = service.client.get("/openapi.json").json()
    for path in openapi["paths"]:
        assert path in page
    for field in openapi["components"]["schemas"]["ImageBody"]["properties"]:
        assert f"<code>{field}</code>" in page
    assert "<script" not in page
    head = page.split("<h1>")[0]
    assert "http" not in head.replace("http-", "")
    assert service.client.get(head.partition("rel='icon' href='")[2].partition("'")[0]).status_code == 200
