"""Moderation over HTTP: which fields are checked and how, what a refusal says, and that nothing passes unchecked."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from sartor.app import create_app
from sartor.moderation.base import ModeratorUnavailable
from sartor.moderation.hosted import HostedModerator
from tests.conftest import Service, Tenant, make_settings, shared_bridge, wait_for
from tests.moderation.moderation_server import ModerationServer, failed, judged, moderation_server


@pytest.fixture(scope="module")
def server() -> Iterator[ModerationServer]:
    with moderation_server() as server:
        yield server


@pytest.fixture(scope="module")
def service(home: Path, server: ModerationServer) -> Iterator[Service]:
    """With a moderation model, whose address and key come from the environment as an operator gives them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OPENAI_API_KEY", "sk-test")
        patch.setenv("OPENAI_BASE_URL", server.address)
        settings = make_settings(home, text_moderation_model="openai/omni-moderation-latest")
        HostedModerator("openai/omni-moderation-latest").warm_up()  # seconds, and far more beside a polling test
        with TestClient(create_app(settings, bridge=shared_bridge)) as client:
            wait_for(lambda: True if client.get("/readyz").status_code == 200 else None, seconds=120)
            yield Service(client, client.app.state.parts)  # type: ignore[attr-defined]


@pytest.fixture(autouse=True)
def innocent(server: ModerationServer) -> None:
    server.answers = [(200, judged())]
    server.seen.clear()


def ask(tenant: Tenant, **values: Any) -> Any:
    return tenant.image({"prompt": "a red apple", "steps_num": 20, "sync": True} | values)


SCENE = json.dumps({"short_description": "an apple", "objects": [{"description": "a naked man", "location": "center"}]})


@pytest.mark.parametrize(
    ("values", "details"),
    [
        ({"prompt": "a naked man"}, "prompt was refused by content moderation; category: non_explicit_nudity"),
        (
            {"prompt": None, "structured_prompt": SCENE, "seed": 1},
            "structured_prompt was refused by content moderation; category: non_explicit_nudity",
        ),
        (
            {"negative_prompt": "text, clothes"},
            "negative_prompt was refused by content moderation; category: non_explicit_nudity",
        ),
    ],
)
def test_refused_fields(tenant: Tenant, values: dict[str, Any], details: str) -> None:
    answer = ask(tenant, **values)
    assert answer.status_code == 422
    assert answer.json()["error"]["message"] == "Content Moderated"
    assert answer.json()["error"]["details"].endswith(details)


def test_asynchronously_the_status_tells(tenant: Tenant) -> None:
    accepted = ask(tenant, prompt="two guns", sync=False)
    assert accepted.status_code == 202
    status = tenant.settled(accepted.json()["request_id"])
    assert status["status"] == "ERROR"
    assert status["error"]["code"] == 422
    assert status["error"]["details"].endswith("category: violence")


@pytest.mark.parametrize("negative", ["nudity, blood, guns", "nsfw, underwear", "no clothes", "modern clothing"])
def test_a_negative_prompt_may_name_what_it_keeps_out(tenant: Tenant, negative: str) -> None:
    assert ask(tenant, negative_prompt=negative).status_code == 200


def test_switched_off_nothing_is_checked(tenant: Tenant, server: ModerationServer) -> None:
    answer = ask(tenant, prompt="a naked man", negative_prompt="clothes", prompt_content_moderation=False)
    assert answer.status_code == 200
    assert server.seen == []


def test_the_model_is_asked_after_the_lists(tenant: Tenant, server: ModerationServer) -> None:
    server.answers = [(200, judged(sexual=0.93))]
    answer = ask(tenant, prompt="something that only a model understands", negative_prompt="blood")
    assert answer.status_code == 422
    assert answer.json()["error"]["details"].endswith("category: explicit")
    assert [sent["input"] for sent in server.seen] == ["something that only a model understands"]
    assert ask(tenant, prompt="a naked man").status_code == 422
    assert len(server.seen) == 1


def test_while_the_model_is_away_nothing_passes(tenant: Tenant, server: ModerationServer) -> None:
    server.answers = [(500, failed("server_error", "internal detail of theirs"))]
    answer = ask(tenant)
    assert answer.status_code == 503
    assert answer.json()["error"]["details"] == "The words could not be checked; try again later."
    server.answers = [(200, judged())]
    assert ask(tenant).status_code == 200


def test_a_model_that_is_not_installed_is_told_at_the_start(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sartor.moderation.hosted.importlib.util.find_spec", lambda name: None)
    with pytest.raises(ModeratorUnavailable, match=r"docs/moderation.md has how"):
        create_app(make_settings(home, text_moderation_model="openai/omni-moderation-latest"), bridge=shared_bridge)
