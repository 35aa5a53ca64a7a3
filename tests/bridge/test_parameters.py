"""How much a model is told to think, and what happens when it refuses that, or is no longer there."""

import logging
from typing import Any

import pytest

from sartor.bridge import BridgeUnavailable, GeminiBridge, packages
from sartor.bridge.completion import DEFAULT_MODEL, SUCCESSOR
from sartor.bridge.parameters import THOUGHTS, least_thinking
from sartor.settings import Settings
from tests.bridge.gemini_replies import FOX, KEY, QUICK, bridge_at
from tests.bridge.gemini_server import INVALID_ARGUMENT, UNKNOWN_MODEL, GeminiServer, failed, said

# litellm silences these itself; pytest undoes it.
pytestmark = pytest.mark.filterwarnings("ignore:.*`ReadOnly` qualifier:UserWarning")

NO_ZERO = failed(400, "INVALID_ARGUMENT", "Budget 0 is invalid. This model only works in thinking mode.")
TOLD = [f"/models/{name.removeprefix('gemini/')}:generateContent" for name in (DEFAULT_MODEL, SUCCESSOR)]


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


@pytest.mark.parametrize(("model", "asked"), [(DEFAULT_MODEL, 2), ("gemini/gemini-2.5-pro", 1), (SUCCESSOR, 1)])
def test_a_model_that_is_not_there_names_the_setting(gemini: GeminiServer, model: str, asked: int) -> None:
    gemini.answers = [UNKNOWN_MODEL]
    with pytest.raises(BridgeUnavailable, match="no such model; SARTOR_BRIDGE_MODEL"):
        asking(gemini, model).translate("a fox")
    assert len(gemini.requests) == asked
