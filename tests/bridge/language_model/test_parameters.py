"""How much a model is told to think, what happens when it refuses that or is gone, and the form of its reply."""

import json
import logging
from typing import Any

import pytest

from sartor.bridge import BridgeUnavailable, GeminiBridge
from sartor.bridge.language_model import packages
from sartor.bridge.language_model.completion import DEFAULT_MODEL, SUCCESSOR
from sartor.bridge.language_model.parameters import THOUGHTS, least_thinking
from sartor.settings import Settings
from sartor.vgl import parse
from tests.bridge.language_model.gemini_replies import FOX, KEY, QUICK, bridge_at
from tests.bridge.language_model.gemini_server import (
    INVALID_ARGUMENT,
    UNKNOWN_MODEL,
    Answer,
    GeminiServer,
    failed,
    said,
    serving,
)

# litellm silences these itself; pytest undoes it.
pytestmark = pytest.mark.filterwarnings("ignore:.*`ReadOnly` qualifier:UserWarning")

NO_ZERO = failed(400, "INVALID_ARGUMENT", "Budget 0 is invalid. This model only works in thinking mode.")
TOLD = [f"/models/{name.removeprefix('gemini/')}:generateContent" for name in (DEFAULT_MODEL, SUCCESSOR)]


@pytest.fixture(autouse=True, scope="module")
def _loaded() -> None:
    """The libraries take seconds to import, and more on their first call: not within a test's time limits."""
    with serving() as server:
        server.answers = [said(FOX)]
        bridge_at(server, total=60.0, attempt=60.0).translate("a fox")


def configs(server: GeminiServer) -> list[dict[str, Any]]:
    return [request["generationConfig"] for request in server.requests]


def asking(server: GeminiServer, model: str) -> GeminiBridge:
    return GeminiBridge(model, key=KEY, address=server.address, patience=QUICK)


@pytest.mark.parametrize(
    ("model", "thinking"),
    [
        (DEFAULT_MODEL, {"thinkingBudget": 0}),
        ("gemini/gemini-2.5-flash-lite", {"thinkingBudget": 0}),
        ("vertex_ai/gemini-2.5-pro", {"thinkingBudget": 128}),
        ("gemini/gemini-2.0-flash", {}),
        (SUCCESSOR, {"thinkingLevel": "minimal"}),
        ("gemini/gemini-3.1-pro-preview", {"thinkingLevel": "low"}),
        ("gemini/gemini-3.7-flash", {"thinkingLevel": "low"}),
        ("gemini/gemini-flash-latest", {"thinkingLevel": "low"}),
        ("gemini/gemini-pro-latest", {"thinkingLevel": "low"}),
        ("gemini/gemma-3-27b-it", {}),
        ("vertex_ai/gemini/4711", {}),
    ],
)
def test_the_least_thinking_that_a_model_allows(model: str, thinking: dict[str, Any]) -> None:
    packages.load()
    assert least_thinking(model) == thinking


@pytest.mark.parametrize("model", ["gemini/gemini-2.5-pro", SUCCESSOR, "gemini/gemini-flash-latest"])
def test_a_model_that_thinks_may_reply_at_greater_length(gemini: GeminiServer, model: str) -> None:
    gemini.answers = [said(FOX)]
    asking(gemini, model).translate("a fox")
    (config,) = configs(gemini)
    assert config["max_output_tokens"] == 7_000 + THOUGHTS
    assert config["thinkingConfig"] == least_thinking(model)


def test_thinking_that_is_refused_is_not_spoken_of_again(gemini: GeminiServer) -> None:
    gemini.answers = [NO_ZERO, said(FOX)]
    bridge = bridge_at(gemini, attempts=1)
    bridge.translate("a fox")
    bridge.translate("a fox")
    assert [config.get("thinkingConfig") for config in configs(gemini)] == [{"thinkingBudget": 0}, None, None]
    assert [config["max_output_tokens"] for config in configs(gemini)] == [7_000, 7_000 + THOUGHTS, 7_000 + THOUGHTS]


def test_a_400_that_stays_is_not_put_down_to_thinking(gemini: GeminiServer) -> None:
    gemini.answers = [NO_ZERO]
    bridge = bridge_at(gemini)
    with pytest.raises(BridgeUnavailable, match="refuses the request"):
        bridge.translate("a fox")
    assert len(gemini.requests) == 2
    gemini.answers = [INVALID_ARGUMENT]
    with pytest.raises(BridgeUnavailable, match="refuses the request"):
        bridge.translate("a fox")
    assert [config.get("thinkingConfig") for config in configs(gemini)[2:]] == [{"thinkingBudget": 0}]


def test_the_default_model_has_a_successor(gemini: GeminiServer, caplog: pytest.LogCaptureFixture) -> None:
    assert Settings().bridge_model == DEFAULT_MODEL
    gemini.answers = [UNKNOWN_MODEL, NO_ZERO, said(FOX)]
    bridge = bridge_at(gemini, attempts=1)
    bridge.translate("a fox")
    bridge.translate("a fox")
    assert gemini.paths == [TOLD[0], TOLD[1], TOLD[1], TOLD[1]]
    warnings = [r.getMessage() for r in caplog.records if r.levelno == logging.WARNING and "instead" in r.getMessage()]
    (warning,) = warnings
    assert "SARTOR_BRIDGE_MODEL" in warning
    assert SUCCESSOR in warning


def test_a_default_model_that_goes_while_it_is_asked_without_a_limit(gemini: GeminiServer) -> None:
    gemini.answers = [NO_ZERO, UNKNOWN_MODEL, said(FOX)]
    bridge_at(gemini, attempts=1).translate("a fox")
    assert gemini.paths == [TOLD[0], TOLD[0], TOLD[1]]


@pytest.mark.parametrize(("model", "asked"), [(DEFAULT_MODEL, 2), ("gemini/gemini-2.5-pro", 1), (SUCCESSOR, 1)])
def test_a_model_that_is_not_there_names_the_setting(gemini: GeminiServer, model: str, asked: int) -> None:
    gemini.answers = [UNKNOWN_MODEL]
    with pytest.raises(BridgeUnavailable, match="no such model; SARTOR_BRIDGE_MODEL"):
        asking(gemini, model).translate("a fox")
    assert len(gemini.requests) == asked


def in_openais_words(text: dict[str, Any]) -> Answer:
    message = {"role": "assistant", "content": json.dumps(text)}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    usage = {"prompt_tokens": 900, "completion_tokens": 400, "total_tokens": 1300}
    return Answer(
        {"id": "c-1", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice], "usage": usage}
    )


@pytest.mark.parametrize(("model", "kind"), [("openai/gpt-4o", "json_schema"), ("openai/in-house", "json_object")])
def test_other_providers_are_given_the_schema_in_openais_form(gemini: GeminiServer, model: str, kind: str) -> None:
    """A model of which litellm does not know that it takes a schema is asked for JSON alone."""
    gemini.answers = [in_openais_words(FOX)]
    answer = asking(gemini, model).translate("a fox")
    assert answer.structured_prompt == parse(FOX)
    assert gemini.paths == ["/chat/completions"]
    form = gemini.requests[0]["response_format"]
    assert form["type"] == kind
    if kind == "json_object":
        assert form == {"type": kind}
        return
    assert set(form["json_schema"]) == {"name", "schema"}
    schema = form["json_schema"]["schema"]
    assert (schema["type"], schema["additionalProperties"]) == ("object", False)
    assert schema["properties"]["lighting"]["type"] == "object"
