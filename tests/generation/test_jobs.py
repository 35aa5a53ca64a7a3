"""The way through: progress, drafts, what is kept and what is not, and the end of things."""

import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from dbos import DBOS
from fastapi.testclient import TestClient

from sartor.app import create_app
from sartor.bridge.base import Translation
from sartor.errors import ModelNotReady
from sartor.generation.drawing import PlainEngine
from sartor.generation.keys import draft_key
from sartor.generation.tables import GenerationRequest
from sartor.kit.database import now
from sartor.kit.storage import StorageAway
from sartor.moderation.image import OpenNsfw
from tests.conftest import Service, Tenant, make_settings, shared_bridge, wait_for, write_test_brand


class SlowEngine(PlainEngine):
    """Fifty steps take two seconds and a half."""

    def __init__(self) -> None:
        super().__init__(pause=0.05)


@pytest.fixture(scope="module")
def service(home: Path) -> Iterator[Service]:
    app = create_app(make_settings(home), engine=SlowEngine, bridge=shared_bridge)
    with TestClient(app) as client:
        yield Service(client, app.state.parts)


def row_of(service: Service, request_id: str) -> GenerationRequest:
    with service.parts.database.transaction() as session:
        return session.get_one(GenerationRequest, request_id)


def files(service: Service) -> set[str]:
    folder = service.parts.settings.home / "storage"
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def assert_nothing_stays(service: Service, request_id: str) -> None:
    """Its files go after it has ended."""
    wait_for(lambda: None if any(request_id in file for file in files(service)) else True)


def submit(tenant: Tenant, **values: Any) -> str:
    answer = tenant.image({"prompt": "a red apple", "steps_num": 20} | values)
    assert answer.status_code == 202
    return str(answer.json()["request_id"])


def failing(function: Any, error: Exception, times: int, calls: list[str]) -> Any:
    """``function``, of a key first of all, which fails so often for each key; ``calls`` are all that there were."""

    def call(key: str, *arguments: Any, **named: Any) -> Any:
        calls.append(key)
        if calls.count(key) <= times:
            raise error
        return function(key, *arguments, **named)

    return call


def test_progress_is_told_while_it_draws(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    """It goes on after these steps once they were seen, however slowly the client looks."""
    generate = SlowEngine.generate
    seen: list[dict[str, Any]] = []

    def draw(self: SlowEngine, spec: Any, *, on_step: Any, stop: Any) -> Any:
        def told(done: int, of: int) -> None:
            on_step(done, of)
            if done in (5, 10, 15):
                wait_for(lambda: True if {"stage": "drawing", "step": done, "of": of} in seen else None)

        return generate(self, spec, on_step=told, stop=stop)

    def look() -> dict[str, Any] | None:
        status: dict[str, Any] = tenant.get(f"/v2/status/{request_id}").json()
        if status["status"] == "IN_PROGRESS":
            seen.append(status["progress"])
            return None
        return status

    monkeypatch.setattr("sartor.generation.jobs._PROGRESS_PACE", 0.0)
    monkeypatch.setattr(SlowEngine, "generate", draw)
    request_id = submit(tenant)
    assert wait_for(look)["status"] == "COMPLETED"
    drawing = [progress["step"] for progress in seen if progress["stage"] == "drawing"]
    assert drawing == sorted(drawing)
    assert set(drawing) >= {5, 10, 15}


def test_a_storage_that_fails_for_a_moment_costs_no_image(
    service: Service, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage, device = service.parts.storage, service.parts.device
    draw = device.draw
    puts: list[str] = []
    gets: list[str] = []
    drawn: list[int] = []

    def drawing(spec: Any, **named: Any) -> Any:
        drawn.append(spec.seed)
        return draw(spec, **named)

    monkeypatch.setattr(storage, "put", failing(storage.put, OSError("Too many open files"), 1, puts))
    monkeypatch.setattr(storage, "get", failing(storage.get, OSError("Too many open files"), 1, gets))
    monkeypatch.setattr(device, "draw", drawing)
    request_id = submit(tenant, seed=1001, visual_output_content_moderation=True)
    answer = tenant.settled(request_id)
    assert answer["status"] == "COMPLETED", answer
    draft = draft_key(request_id)
    assert (puts.count(draft), gets.count(draft), drawn.count(1001)) == (2, 2, 1), "it is drawn once"


def test_an_answer_that_comes_late_changes_nothing(
    service: Service, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker that was stopped asked the language model; while it waits, another one is answered, and draws."""
    pipeline: Any = service.parts.jobs._jobs["image"].on_lost.__self__  # type: ignore[attr-defined]
    generate = SlowEngine.generate
    drawn: list[str] = []
    ids: list[str] = []

    def say(thing: str) -> Translation:
        return Translation({"short_description": thing}, notes=(thing,))

    class Stopped:
        def translate(self, prompt: str, **_: Any) -> Translation:
            monkeypatch.setattr(pipeline, "_bridge", Answered)
            pipeline.write_prompt(ids[0])
            return say("a pear")

    class Answered:
        def translate(self, prompt: str, **_: Any) -> Translation:
            return say("an apple")

    def bridge() -> Any:
        ids.append(row_in_progress())
        return Stopped()

    def row_in_progress() -> str:
        return str(tenant.get("/v2/requests", params={"status": "IN_PROGRESS"}).json()["requests"][0]["request_id"])

    def draw(self: SlowEngine, spec: Any, **arguments: Any) -> Any:
        drawn.append(spec.prompt)
        return generate(self, spec, **arguments)

    monkeypatch.setattr(pipeline, "_bridge", bridge)
    monkeypatch.setattr(SlowEngine, "generate", draw)
    status = tenant.settled(submit(tenant))
    assert [status["result"]["structured_prompt"]] == drawn
    assert "apple" in drawn[0]
    assert row_of(service, ids[0]).notes == ["an apple"]


def test_a_storage_that_is_full_for_a_while_costs_no_image(
    service: Service, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage, device = service.parts.storage, service.parts.device
    draw, away = device.draw, StorageAway("No space left on device")
    puts: list[str] = []
    moves: list[str] = []
    drawn: list[int] = []

    def drawing(spec: Any, **named: Any) -> Any:
        drawn.append(spec.seed)
        return draw(spec, **named)

    monkeypatch.setattr("sartor.generation.jobs._LONGEST_PAUSE", 0.01)
    monkeypatch.setattr("sartor.kit.steps._AWAY_PAUSE", 0.01)
    monkeypatch.setattr("sartor.kit.steps._LONGEST_AWAY_PAUSE", 0.01)
    # Seven times: more than a storage's other errors may come.
    monkeypatch.setattr(storage, "put", failing(storage.put, away, 7, puts))
    monkeypatch.setattr(storage, "move", failing(storage.move, away, 7, moves))
    monkeypatch.setattr(device, "draw", drawing)
    request_id = submit(tenant, seed=1002)
    answer = tenant.settled(request_id)
    assert answer["status"] == "COMPLETED", answer
    draft = draft_key(request_id)
    assert (puts.count(draft), moves.count(draft), drawn.count(1002)) == (8, 8, 1)


def test_a_refusal_does_not_wait_for_the_storage(
    service: Service, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(key: str) -> None:
        raise StorageAway("no answer")

    def deleted(session: Any, model_id: int) -> Any:
        raise ModelNotReady("tailored_model_id: the model was deleted.")

    monkeypatch.setattr("sartor.kit.steps._LONGEST_AWAY_PAUSE", 0.05)
    with monkeypatch.context() as patch:
        patch.setattr(service.parts.storage, "delete", away)
        patch.setattr(service.parts.models, "look", deleted)
        answer = tenant.settled(submit(tenant))
    assert answer["status"] == "ERROR", answer
    assert "was deleted" in answer["error"]["details"]


def test_a_storage_that_does_not_delete_holds_nobody_up_for_long(
    service: Service, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An ended request's place in the window is wanted by others; and where nothing was drawn, nothing is deleted."""

    def refuse(key: str) -> None:
        raise StorageAway("403: may put, may not delete")

    def ends(request_id: str) -> None:
        wait_for(lambda: True if DBOS.list_workflows(workflow_ids=[request_id], status="SUCCESS") else None)

    delete = service.parts.storage.delete
    monkeypatch.setattr(service.parts.storage, "delete", refuse)
    unwelcome = tenant.image({"prompt": "a naked man"}).json()["request_id"]
    assert tenant.settled(unwelcome)["error"]["code"] == 422
    ends(unwelcome)

    monkeypatch.setattr(OpenNsfw, "score", lambda self, png: 0.97)
    monkeypatch.setattr("sartor.kit.steps._LONGEST_AWAY_PAUSE", 0.05)
    refused = submit(tenant)
    assert tenant.settled(refused)["error"]["code"] == 422
    time.sleep(0.2)
    assert DBOS.list_workflows(workflow_ids=[refused], status="PENDING"), "it is tried again"
    monkeypatch.setattr("sartor.generation.jobs._DELETING", timedelta(0))
    ends(refused)
    delete(draft_key(refused))


def test_what_is_kept_of_an_image(service: Service, tenant: Tenant) -> None:
    request_id = submit(tenant)
    tenant.settled(request_id)
    row = row_of(service, request_id)
    assert row.image_key == f"images/{request_id}.png"
    assert row.image_key in files(service)
    assert draft_key(request_id) not in files(service)
    assert row.fingerprint == PlainEngine().generate(_any_spec()).fingerprint.to_dict()
    assert row.created_at <= row.started_at <= row.finished_at  # type: ignore[operator]


def test_a_moderated_image_is_not_kept(service: Service, tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    """Such a picture is nothing to keep in this repository: the score alone is put in its place."""
    monkeypatch.setattr(OpenNsfw, "score", lambda self, png: 0.97)
    refused = submit(tenant)
    status = tenant.settled(refused)
    assert status["error"]["code"] == 422
    assert status["error"]["details"].endswith("category: explicit")
    assert_nothing_stays(service, refused)
    assert row_of(service, refused).image_key is None

    unchecked = submit(tenant, visual_output_content_moderation=False)
    assert tenant.settled(unchecked)["status"] == "COMPLETED"


def test_a_bug_is_told_as_500_without_its_cause(
    service: Service, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(self: OpenNsfw, png: bytes) -> float:
        raise RuntimeError("a secret in a stack trace")

    monkeypatch.setattr(OpenNsfw, "score", broken)
    request_id = submit(tenant)
    status = tenant.settled(request_id)
    assert status["status"] == "ERROR"
    assert status["error"]["code"] == 500
    assert "secret" not in str(status)
    assert_nothing_stays(service, request_id)


@pytest.mark.parametrize("deleted", [False, True])
def test_an_adapter_that_goes_while_an_image_waits(
    service: Service, tenant: Tenant, monkeypatch: pytest.MonkeyPatch, deleted: bool
) -> None:
    """Another version became the active one: the image is of that. The model was deleted: the client is told so."""
    first = iter([True])
    draw, look = PlainEngine.generate, service.parts.models.look

    def gone(self: PlainEngine, spec: Any, **arguments: Any) -> Any:
        if next(first, False):
            raise FileNotFoundError(spec.adapter)
        return draw(self, spec, **arguments)

    looks: list[int] = []

    def again(session: Any, model_id: int) -> Any:
        looks.append(model_id)
        if deleted and len(looks) == 3:  # for the words, for the picture, and once more
            raise ModelNotReady("tailored_model_id: the model was deleted.")
        return look(session, model_id)

    monkeypatch.setattr(PlainEngine, "generate", gone)
    monkeypatch.setattr(service.parts.models, "look", again)
    status = tenant.settled(submit(tenant))
    assert len(looks) == 3
    if deleted:
        assert status["error"]["code"] == 422
        assert "was deleted" in status["error"]["details"]
    else:
        assert status["status"] == "COMPLETED"


def test_the_end_comes_once(service: Service, tenant: Tenant) -> None:
    request_id = submit(tenant)
    status = tenant.settled(request_id)
    service.parts.jobs._jobs["image"].on_lost(request_id)
    assert tenant.get(f"/v2/status/{request_id}").json() == status


def test_a_lost_job_ends_its_request(service: Service, tenant: Tenant) -> None:
    request_id = submit(tenant, steps_num=50)
    wait_for(lambda: True if row_of(service, request_id).stage == "drawing" else None)
    service.parts.jobs.cancel(request_id)
    assert tenant.settled(request_id)["error"]["code"] == 500


def test_finished_requests_are_forgotten_with_their_images(service: Service, tenant: Tenant) -> None:
    old, new = submit(tenant), submit(tenant)
    for request_id in (old, new):
        tenant.settled(request_id)
    with service.parts.database.transaction() as session:
        aged = sa.update(GenerationRequest).where(GenerationRequest.id == old)
        session.execute(aged.values(finished_at=now() - timedelta(days=31)))
    assert service.parts.generation.forget(now() - timedelta(days=30)) == 1
    assert tenant.get(f"/v2/status/{old}").status_code == 404
    assert tenant.get(f"/v2/status/{new}").status_code == 200
    assert not any(old in file for file in files(service))
    assert any(new in file for file in files(service))
    with service.parts.database.engine.connect() as connection:
        jobs = connection.execute(sa.text("SELECT workflow_uuid FROM workflow_status")).scalars().all()
    assert old not in jobs
    assert new in jobs


def test_an_image_that_cannot_be_deleted_keeps_its_own_request_only(
    service: Service, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = sorted(submit(tenant) for _ in range(3))
    for request_id in ids:
        tenant.settled(request_id)
    with service.parts.database.transaction() as session:
        aged = sa.update(GenerationRequest).where(GenerationRequest.id.in_(ids))
        session.execute(aged.values(finished_at=now() - timedelta(days=31)))
    delete = service.parts.storage.delete

    def refused(key: str) -> None:
        if ids[0] in key:
            raise PermissionError(key)
        delete(key)

    monkeypatch.setattr(service.parts.storage, "delete", refused)
    monkeypatch.setattr("sartor.generation.service._FORGET_AT_ONCE", 1)
    assert service.parts.generation.forget(now() - timedelta(days=30)) == 2
    assert [tenant.get(f"/v2/status/{one}").status_code for one in ids] == [200, 404, 404]
    monkeypatch.undo()
    assert service.parts.generation.forget(now() - timedelta(days=30)) == 1


def test_an_unfinished_request_is_never_forgotten(service: Service, tenant: Tenant) -> None:
    request_id = submit(tenant, steps_num=50)
    service.parts.generation.forget(now() + timedelta(days=1))
    assert tenant.settled(request_id)["status"] == "COMPLETED"


def test_same_request_same_bytes_under_load(service: Service, tenant: Tenant) -> None:
    """Six at once, two recipes, two adapters: each recipe's bytes are always the same."""
    write_test_brand(service.parts.settings.home, "second-brand")
    service.parts.models.seed()
    recipe = {"prompt": None, "structured_prompt": '{"short_description":"an apple"}', "seed": 5}
    ids = [submit(tenant, tailored_model_id=model, **recipe) for model in ["paper-garden", "second-brand"] * 3]
    for request_id in ids:
        assert tenant.settled(request_id)["status"] == "COMPLETED"
    pictures = [service.parts.storage.get(f"images/{request_id}.png") for request_id in ids]
    assert len(set(pictures[0::2])) == len(set(pictures[1::2])) == 1
    assert pictures[0] != pictures[1]


def _any_spec() -> Any:
    from sartor.fibo import Spec

    return Spec(prompt="{}", seed=1, steps=1)
