"""What is tried again, what is not, how long it may take, and what a provider's errors become."""

import logging
import threading
import time
from contextlib import suppress

import pytest

from sartor.bridge import BridgeUnavailable, ContentRefused, NoUsableReply
from sartor.bridge.language_model import packages
from sartor.bridge.language_model.completion import LanguageModel, Patience
from tests.bridge.language_model.gemini_replies import FOX, KEY, bridge_at
from tests.bridge.language_model.gemini_server import (
    DENIED,
    EXPIRED_KEY,
    INTERNAL,
    INVALID_ARGUMENT,
    INVALID_KEY,
    NOT_FROM_HERE,
    OVERLOADED,
    Answer,
    GeminiServer,
    blocked,
    ended,
    exhausted,
    said,
    serving,
)

# litellm silences these itself; pytest undoes it.
pytestmark = pytest.mark.filterwarnings("ignore:.*`ReadOnly` qualifier:UserWarning")

PROMPT = "a secret fox"


@pytest.fixture(autouse=True, scope="module")
def _loaded() -> None:
    """The libraries take seconds to import, and more on their first call: not within a test's time limits."""
    with serving() as server:
        server.answers = [said(FOX)]
        bridge_at(server, total=60.0, attempt=60.0).translate(PROMPT)


@pytest.mark.parametrize(
    "answer",
    [
        exhausted(),
        exhausted("0.05s"),
        OVERLOADED,
        INTERNAL,
        Answer(b"<html>502 Bad Gateway</html>", 502),
        Answer(b"<html>a proxy's page</html>"),
        Answer({"candidates": [], "usageMetadata": {"promptTokenCount": 9, "totalTokenCount": 9}}),
        said(""),
        Answer({}, after=2.0),
    ],
    ids=["429", "429 RetryInfo", "503", "500", "502", "no JSON", "no candidates", "no text", "silence"],
)
def test_what_may_pass_is_tried_again(gemini: GeminiServer, answer: Answer) -> None:
    gemini.answers = [answer, said(FOX)]
    scene = bridge_at(gemini, attempt=1.0).translate(PROMPT).structured_prompt
    assert scene.short_description == FOX["short_description"]
    assert len(gemini.requests) == 2
    assert gemini.requests[0] == gemini.requests[1]


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (exhausted(), "quota is used up"),
        (OVERLOADED, "overloaded or cannot be reached"),
        (Answer({}, after=2.0), "did not answer within 0.8 s"),
    ],
    ids=["429", "503", "silence"],
)
def test_what_does_not_pass_ends_after_the_last_attempt(gemini: GeminiServer, answer: Answer, reason: str) -> None:
    gemini.answers = [answer]
    with pytest.raises(BridgeUnavailable, match=reason):
        bridge_at(gemini, attempt=0.8 if answer.after else 8.0).translate(PROMPT)
    assert len(gemini.requests) == 3


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (INVALID_KEY, "refuses the API key"),
        (EXPIRED_KEY, "refuses the API key"),
        (NOT_FROM_HERE, "not from here"),
        (DENIED, "refuses the API key"),
        (INVALID_ARGUMENT, "refuses the request"),
    ],
    ids=["400 key", "400 old key", "400 place", "403", "400"],
)
def test_what_cannot_pass_is_not_tried_again(gemini: GeminiServer, answer: Answer, reason: str) -> None:
    gemini.answers = [answer, said(FOX)]
    with pytest.raises(BridgeUnavailable, match=reason) as caught:
        bridge_at(gemini).translate(PROMPT)
    assert len(gemini.requests) == 1
    assert "secret" not in str(caught.value)
    assert KEY not in str(caught.value)


@pytest.mark.parametrize(
    "answer",
    [
        blocked("SAFETY"),
        blocked("PROHIBITED_CONTENT"),
        ended("SAFETY"),
        ended("PROHIBITED_CONTENT"),
        said('{"short', finish="SAFETY"),
    ],
    ids=["prompt", "prohibited prompt", "reply", "prohibited reply", "begun reply"],
)
def test_refused_content_is_not_tried_again(gemini: GeminiServer, answer: Answer) -> None:
    gemini.answers = [answer, said(FOX)]
    with pytest.raises(ContentRefused):
        bridge_at(gemini).translate(PROMPT)
    assert len(gemini.requests) == 1


@pytest.mark.parametrize("finish", ["RECITATION", "OTHER", "LANGUAGE", "MALFORMED_FUNCTION_CALL", "MALFORMED_RESPONSE"])
def test_a_reply_that_failed_is_no_refusal_and_asked_for_once_more(gemini: GeminiServer, finish: str) -> None:
    gemini.answers = [ended(finish), said(FOX)]
    scene = bridge_at(gemini).translate(PROMPT).structured_prompt
    assert scene.short_description == FOX["short_description"]
    assert f"the reply ended early ({finish})" in gemini.turn(turn=2)
    gemini.answers = [ended(finish)]
    gemini.requests.clear()
    with pytest.raises(NoUsableReply):
        bridge_at(gemini).translate(PROMPT)
    assert len(gemini.requests) == 2


def test_the_wait_that_a_provider_asks_for_is_kept(gemini: GeminiServer) -> None:
    gemini.answers = [exhausted("0.3s"), said(FOX)]
    started = time.monotonic()
    bridge_at(gemini).translate(PROMPT)
    assert time.monotonic() - started >= 0.3


def test_a_wait_beyond_the_bound_is_not(gemini: GeminiServer) -> None:
    gemini.answers = [exhausted("3.5s"), said(FOX)]
    started = time.monotonic()
    with pytest.raises(BridgeUnavailable, match="quota is used up; it asks to wait"):
        bridge_at(gemini, total=60.0).translate(PROMPT)
    assert time.monotonic() - started < 2
    assert len(gemini.requests) == 1


def test_a_reply_that_drips_is_cut_off(gemini: GeminiServer) -> None:
    """Every byte comes in time; the whole would take minutes."""
    gemini.answers = [Answer(said(FOX).body, drip=0.05)]
    started = time.monotonic()
    with pytest.raises(BridgeUnavailable, match="did not answer within"):
        bridge_at(gemini, attempt=0.4, attempts=1).translate(PROMPT)
    assert time.monotonic() - started < 1.5
    deadline = time.monotonic() + 3
    while time.monotonic() < deadline and (gemini.dripping or "language-model" in _threads()):
        time.sleep(0.02)
    assert gemini.dripping == 0, "the connection goes on"
    assert "language-model" not in _threads()


def _threads() -> set[str]:
    return {thread.name for thread in threading.enumerate()}


def test_all_attempts_together_keep_to_the_time(gemini: GeminiServer) -> None:
    gemini.answers = [Answer({}, after=0.5)]
    started = time.monotonic()
    with pytest.raises(BridgeUnavailable):
        bridge_at(gemini, attempt=0.3, attempts=100, total=0.8).translate(PROMPT)
    assert time.monotonic() - started < 1.5
    assert len(gemini.requests) <= 3


def test_nobody_listens() -> None:
    nowhere = GeminiServer(address="http://127.0.0.1:9")
    with pytest.raises(BridgeUnavailable, match="cannot be reached"):
        bridge_at(nowhere).translate(PROMPT)


def test_pauses_grow_and_differ() -> None:
    model = LanguageModel("openai/any", patience=Patience(pause=1.0))
    first, third = {model._pause(1, None) for _ in range(50)}, {model._pause(3, None) for _ in range(50)}
    assert len(first) == 50
    assert all(0.5 <= pause <= 1.5 for pause in first)
    assert all(2.0 <= pause <= 6.0 for pause in third)
    assert all(7.0 <= model._pause(1, 7.0) <= 7.7 for _ in range(50))
    assert model._pause(20, None) == Patience().longest_pause


def test_what_is_missing_is_said_when_it_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BridgeUnavailable, match="needs an API key"):
        LanguageModel("gemini/gemini-2.5-flash", patience=Patience())
    monkeypatch.setattr(packages, "_NAMES", ("no_such_package_at_all",))
    with pytest.raises(BridgeUnavailable, match=r'extra "gemini": docs/bridge.md has how'):
        LanguageModel("gemini/gemini-2.5-flash", key=KEY, patience=Patience())


@pytest.mark.parametrize("answer", [said(FOX), INVALID_KEY, INVALID_ARGUMENT, exhausted(), blocked("SAFETY")])
def test_neither_prompt_nor_key_is_logged(
    gemini: GeminiServer, answer: Answer, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    gemini.answers = [answer]
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.DEBUG, logger="sartor")
    with suppress(BridgeUnavailable, ContentRefused):
        bridge_at(gemini).translate(PROMPT)
    assert any("secret" in record.getMessage() for record in caplog.records), "the prompt is there for debugging"
    assert [r for r in caplog.records if r.levelno > logging.DEBUG and "secret" in r.getMessage()] == []
    assert [r for r in caplog.records if KEY in r.getMessage()] == []
    assert [r for r in caplog.records if "secret" in r.getMessage() and not r.name.startswith("sartor")] == []
    printed = capfd.readouterr()
    assert printed.out == ""
    assert KEY not in printed.err


def test_the_key_goes_into_a_header_alone(gemini: GeminiServer) -> None:
    gemini.answers = [said(FOX)]
    bridge = bridge_at(gemini)
    bridge.translate(PROMPT)
    assert gemini.keys == [KEY]
    assert gemini.paths == ["/models/gemini-2.5-flash:generateContent"]
    assert KEY not in str(gemini.requests)
    assert KEY not in repr(bridge) + repr(bridge._model)
