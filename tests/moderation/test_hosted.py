"""A hosted model: what is sent, whose categories become whose, and that nothing passes where it does not answer."""

import logging
from collections.abc import Iterator
from typing import Any

import pytest

from sartor.moderation.base import Finding, InTurn, ModeratorUnavailable
from sartor.moderation.hosted import HostedModerator
from sartor.moderation.text import PhraseModerator
from tests.moderation.moderation_server import ModerationServer, failed, judged, moderation_server

MODEL = "openai/omni-moderation-latest"


@pytest.fixture
def server() -> Iterator[ModerationServer]:
    with moderation_server() as server:
        yield server


def moderator(server: ModerationServer, **options: Any) -> HostedModerator:
    return HostedModerator(MODEL, key="sk-test", address=server.address, **options)


def test_what_is_sent(server: ModerationServer) -> None:
    assert moderator(server).check("a red apple") is None
    (sent,) = server.seen
    assert sent == {
        "path": "/v1/moderations",
        "authorization": "Bearer sk-test",
        "input": "a red apple",
        "model": "omni-moderation-latest",
    }


@pytest.mark.parametrize(
    ("scores", "category"),
    [
        ({"sexual": 0.98}, "explicit"),
        ({"sexual": 0.7, "sexual__minors": 0.9}, "explicit"),
        ({"violence": 0.9}, "violence"),
        ({"violence": 0.6, "violence__graphic": 0.97}, "disturbing"),
        ({"self_harm": 0.8}, "disturbing"),
        ({"self_harm__intent": 0.8}, "disturbing"),
        ({"hate": 0.8}, "hate"),
        ({"harassment__threatening": 0.8}, "hate"),
        ({"illicit": 0.8}, "substances"),
        ({"illicit__violent": 0.8}, "violence"),
    ],
)
def test_categories(server: ModerationServer, scores: dict[str, float], category: str) -> None:
    server.answers = [(200, judged(**scores))]
    finding = moderator(server).check("words")
    assert finding is not None
    assert finding.category == category


def test_a_flag_without_a_known_category_still_refuses(server: ModerationServer) -> None:
    body = judged()
    body["results"][0] |= {"flagged": True, "categories": {**body["results"][0]["categories"], "gambling": True}}
    server.answers = [(200, body)]
    assert moderator(server).check("words") is not None
    body = judged()
    body["results"][0]["flagged"] = True
    server.answers = [(200, body)]
    assert moderator(server).check("words") == Finding("disturbing", "flagged 0.00")


def test_what_passes_is_tried_again(server: ModerationServer) -> None:
    busy = failed("server_error", "The server is overloaded.")
    limited = failed("requests", "Rate limit reached.")
    server.answers = [(503, busy), (429, limited), (200, judged(sexual=0.9))]
    assert moderator(server).check("words") is not None
    assert len(server.seen) == 3


@pytest.mark.parametrize(
    ("status", "body", "attempts"),
    [
        (500, failed("server_error", "The server had an error."), 3),
        (429, failed("insufficient_quota", "You exceeded your current quota."), 3),
        (401, failed("invalid_request_error", "Incorrect API key provided: sk-test."), 1),
        (404, failed("invalid_request_error", "The model does not exist."), 1),
        (200, {"id": "modr-1", "model": "omni-moderation-latest", "results": []}, 1),
        (200, {"hello": "world"}, 1),
        (200, "not an object", 1),
    ],
)
def test_nothing_passes_unchecked(server: ModerationServer, status: int, body: Any, attempts: int) -> None:
    server.answers = [(status, body)]
    with pytest.raises(ModeratorUnavailable) as caught:
        moderator(server).check("words")
    assert "sk-test" not in str(caught.value)
    assert len(server.seen) == attempts


def test_silence_ends(server: ModerationServer) -> None:
    server.after = 2.0
    with pytest.raises(ModeratorUnavailable, match="Timeout"):
        moderator(server, attempt=0.2, attempts=2).check("words")


def test_nobody_there() -> None:
    with pytest.raises(ModeratorUnavailable, match="Connection"):
        HostedModerator(MODEL, key="sk-test", address="http://127.0.0.1:9/v1", attempts=1).check("words")


def test_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with pytest.raises(ModeratorUnavailable):
        HostedModerator(MODEL).check("words")


def test_key_and_address_come_from_the_environment(server: ModerationServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-environment")
    monkeypatch.setenv("OPENAI_BASE_URL", server.address)
    assert HostedModerator(MODEL).check("words") is None
    assert server.seen[0]["authorization"] == "Bearer sk-environment"


def test_no_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ModeratorUnavailable, match=r"docs/moderation.md"):
        HostedModerator(MODEL)


def test_words_stay_out_of_the_log(server: ModerationServer, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        moderator(server).check("a very private sentence")
        server.answers = [(401, failed("invalid_request_error", "Incorrect API key provided: sk-test."))]
        with pytest.raises(ModeratorUnavailable):
            moderator(server).check("a very private sentence")
    assert "private" not in caplog.text
    assert "sk-test" not in caplog.text


def test_in_turn_the_lists_come_first(server: ModerationServer) -> None:
    both = InTurn([PhraseModerator(), moderator(server)])
    found = both.check("a naked man")
    assert found is not None
    assert found.category == "non_explicit_nudity"
    assert server.seen == []
    assert both.check("a red apple") is None
    assert len(server.seen) == 1
