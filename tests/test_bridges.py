"""Which bridge a service has, and a request's way through the one that asks a language model."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from pydantic import ValidationError
from structlog.testing import CapturingLogger
from typer.testing import CliRunner

from sartor.app import create_app
from sartor.assembly.factories import bridge_factory
from sartor.bridge.language_model import packages
from sartor.cli import app as command
from sartor.generation.drawing import PlainEngine
from sartor.settings import Settings
from tests.bridge.language_model.gemini_replies import FOX, KEY, bridge_at, refined
from tests.bridge.language_model.gemini_server import (
    INVALID_KEY,
    OVERLOADED,
    GeminiServer,
    blocked,
    exhausted,
    said,
    serving,
)
from tests.conftest import SCHEMA, Service, Tenant, make_settings

pytestmark = pytest.mark.filterwarnings("ignore:.*`ReadOnly` qualifier:UserWarning")


@pytest.mark.parametrize(
    ("environment", "name"),
    [
        ({}, "offline"),
        ({"GEMINI_API_KEY": KEY}, "gemini"),
        ({"GOOGLE_API_KEY": KEY}, "gemini"),
        ({"SARTOR_BRIDGE_KEY": KEY}, "gemini"),
        ({"SARTOR_BRIDGE_KEY": KEY, "SARTOR_BRIDGE": "offline"}, "offline"),
        ({"GEMINI_API_KEY": KEY, "SARTOR_BRIDGE": "gemini"}, "gemini"),
        ({"GEMINI_API_KEY": KEY, "SARTOR_BRIDGE_MODEL": "openai/gpt-4o"}, "offline"),
        ({"SARTOR_BRIDGE_KEY": KEY, "SARTOR_BRIDGE_MODEL": "openai/gpt-4o"}, "gemini"),
        ({"SARTOR_BRIDGE": "gemini", "SARTOR_BRIDGE_MODEL": "bedrock/claude"}, "gemini"),
    ],
)
def test_the_bridge_that_is_chosen(monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], name: str) -> None:
    for variable, value in environment.items():
        monkeypatch.setenv(variable, value)
    settings = Settings()
    assert bridge_factory(settings)().name == name
    assert KEY not in repr(settings)


def test_a_forced_bridge_without_a_key_is_refused_at_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SARTOR_BRIDGE", "gemini")
    with pytest.raises(ValidationError, match="bridge_key"):
        Settings()
    answer = CliRunner().invoke(command, ["serve"])
    assert answer.exit_code == 1
    assert "SARTOR_BRIDGE_KEY: Value error, SARTOR_BRIDGE=gemini needs a key here, in GEMINI_API_KEY" in answer.output


def test_without_the_extra_a_key_alone_changes_nothing_and_a_forced_bridge_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(packages, "_NAMES", ("no_such_package_at_all",))
    monkeypatch.setenv("GEMINI_API_KEY", KEY)
    log = CapturingLogger()
    monkeypatch.setattr("sartor.assembly.factories.log", log)
    assert bridge_factory(Settings())().name == "offline"
    (call,) = log.calls
    assert call.method_name == "warning"
    assert 'extra "gemini"' in call.args[0]
    assert KEY not in str(call)

    program = """
import sys
from sartor.bridge.language_model import packages
from sartor.cli import main
packages._NAMES = ("no_such_package_at_all",)
sys.argv = ["sartor", "serve", "--port", "0"]
main()
"""
    environment = os.environ | {"SARTOR_BRIDGE": "gemini", "SARTOR_HOME": str(tmp_path)}
    run = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, timeout=240, check=False
    )
    assert run.returncode == 1
    assert run.stderr == 'SARTOR_BRIDGE: language models need the extra "gemini": docs/bridge.md has how\n'


@pytest.fixture(scope="module")
def model() -> Iterator[GeminiServer]:
    with serving() as server:
        yield server


@pytest.fixture(scope="module")
def service(home: Path, model: GeminiServer) -> Iterator[Service]:
    bridge = bridge_at(model, attempt=60.0, total=120.0)
    model.answers = [said(FOX)]
    bridge.translate("a fox")  # its libraries take seconds to load, and more on their first call

    with TestClient(create_app(make_settings(home), engine=PlainEngine, bridge=lambda: bridge)) as client:
        yield Service(client, client.app.state.parts)  # type: ignore[attr-defined]


@pytest.fixture
def tenant(service: Service, model: GeminiServer) -> Tenant:
    model.requests.clear()
    return service.tenant()


def ended(tenant: Tenant, **body: Any) -> dict[str, Any]:
    answer = tenant.image({"prompt": "a fox at dusk", "steps_num": 20} | body)
    assert answer.status_code == 202, answer.text
    return tenant.settled(answer.json()["request_id"])


def test_a_request_in_the_brands_look(model: GeminiServer, tenant: Tenant) -> None:
    model.answers = [said(FOX)]
    status = ended(tenant)
    assert status["status"] == "COMPLETED"
    scene = json.loads(status["result"]["structured_prompt"])
    assert scene["style_medium"] == SCHEMA["style_medium"]
    assert scene["objects"][0]["description"] == FOX["objects"][0]["description"]
    assert len(model.requests) == 1, "nothing is asked to warm up"


def test_a_refinement(model: GeminiServer, tenant: Tenant) -> None:
    before = {"short_description": "A fox", "lighting": {"conditions": "dusk"}, "mine": 1}
    model.answers = [said(refined({"lighting.conditions": "noon"}, **{"lighting.conditions": "noon"}))]
    status = ended(tenant, prompt="noon", structured_prompt=json.dumps(before))
    scene = json.loads(status["result"]["structured_prompt"])
    assert (scene["lighting"], scene["mine"]) == ({"conditions": "noon"}, 1)


def test_refused_content_is_422(model: GeminiServer, tenant: Tenant) -> None:
    model.answers = [blocked("PROHIBITED_CONTENT")]
    error = ended(tenant)["error"]
    assert (error["code"], error["message"]) == (422, "Content Moderated")
    assert "provider" in error["details"]
    assert len(model.requests) == 1


@pytest.mark.parametrize(
    ("answer", "reason", "asked"),
    [
        (exhausted(), "its quota is used up", 6),
        (OVERLOADED, "it is overloaded or cannot be reached", 6),
        (INVALID_KEY, "it refuses the API key", 2),
    ],
    ids=["429", "503", "key"],
)
def test_an_outage_is_tried_again_and_ends_as_an_error(
    model: GeminiServer, tenant: Tenant, answer: Any, reason: str, asked: int
) -> None:
    model.answers = [answer]
    status = ended(tenant)
    assert status["status"] == "ERROR"
    assert "result" not in status
    assert status["error"]["code"] == 503
    assert reason in status["error"]["details"]
    assert KEY not in str(status)
    assert len(model.requests) == asked


def test_an_outage_that_ends_between_two_attempts_of_the_job(model: GeminiServer, tenant: Tenant) -> None:
    model.answers = [OVERLOADED, OVERLOADED, OVERLOADED, said(FOX)]
    assert ended(tenant)["status"] == "COMPLETED"
