"""Uploads at once: how much of them is in memory, and what stays where one fails."""

from __future__ import annotations

import threading
import time
import weakref
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from sartor.datasets.pictures import Picture, take_in
from sartor.datasets.rows import LIMITS
from sartor.datasets.tables import Dataset
from tests.conftest import Service, Tenant
from tests.datasets.conftest import DATASETS, SCHEMA, MeanColors, error_of, new_dataset, picture, stored, upload


class Watch:
    """Takes pictures in, and knows how many of them are still in memory."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.alive = self.most = 0

    def take_in(self, data: bytes, **named: Any) -> Picture:
        taken = take_in(data, **named)
        with self._lock:
            self.alive += 1
            self.most = max(self.most, self.alive)
        weakref.finalize(taken, self._gone)
        return taken

    def _gone(self) -> None:
        with self._lock:
            self.alive -= 1


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch) -> Watch:
    watch = Watch()
    monkeypatch.setattr("sartor.datasets.uploads.take_in", watch.take_in)
    return watch


def before_captions(monkeypatch: pytest.MonkeyPatch, captioner: MeanColors, do: Callable[[], object]) -> None:
    write = captioner.caption

    def caption(*given: Any, **named: Any) -> Any:
        do()
        return write(*given, **named)

    monkeypatch.setattr(captioner, "caption", caption)


def at_once(tenant: Tenant, dataset_id: int, *numbers: int, **fields: Any) -> list[Any]:
    with ThreadPoolExecutor(len(numbers)) as hands:
        return list(hands.map(lambda number: upload(tenant, dataset_id, picture(number), **fields), numbers))


def test_two_whole_pictures_are_in_memory_until_they_are_stored(
    service: Service, tenant: Tenant, monkeypatch: pytest.MonkeyPatch, watch: Watch
) -> None:
    put = service.parts.storage.put

    def slowly(*given: Any, **named: Any) -> None:
        time.sleep(0.2)
        put(*given, **named)

    monkeypatch.setattr(service.parts.storage, "put", slowly)
    answers = at_once(tenant, new_dataset(tenant), *range(6))
    assert [answer.status_code for answer in answers] == [201] * 6
    assert (watch.most, watch.alive) == (2, 0)


def test_captions_are_waited_for_without_them(
    tenant: Tenant, captioner: MeanColors, monkeypatch: pytest.MonkeyPatch, watch: Watch
) -> None:
    """However long a model takes, uploads beside it go on: three at once are described here."""
    together = threading.Barrier(3)
    alive: list[int] = []

    def wait() -> None:
        together.wait(20)
        alive.append(watch.alive)
        together.wait(20)

    before_captions(monkeypatch, captioner, wait)
    answers = at_once(tenant, new_dataset(tenant, schema=SCHEMA), *range(3))
    assert [answer.json()["caption_source"] for answer in answers] == ["automatic"] * 3
    assert alive == [0, 0, 0]


def test_the_same_key_at_once_adds_one_image(
    tenant: Tenant, home: Path, captioner: MeanColors, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset_id = new_dataset(tenant, schema=SCHEMA)
    before = stored(home)
    together = threading.Barrier(2)
    before_captions(monkeypatch, captioner, lambda: together.wait(20))
    first, second = at_once(tenant, dataset_id, 5, 5, headers={"Idempotency-Key": "a key"})
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json()["id"] == second.json()["id"]
    assert len(tenant.get(f"{DATASETS}/{dataset_id}/images").json()) == 1
    assert len(stored(home) - before) == 2


@pytest.mark.parametrize("end", ["full", "completed"])
def test_the_same_key_again_when_nothing_more_may_come(
    service: Service, tenant: Tenant, home: Path, monkeypatch: pytest.MonkeyPatch, end: str
) -> None:
    dataset_id, key = new_dataset(tenant), {"Idempotency-Key": "a key"}
    monkeypatch.setitem(LIMITS, "basic", 2 if end == "full" else 200)
    upload(tenant, dataset_id, picture(1))
    first = upload(tenant, dataset_id, picture(2), headers=key)
    if end == "completed":
        with service.parts.database.transaction() as session:
            session.get_one(Dataset, dataset_id).status = "completed"
    before = stored(home)
    again = upload(tenant, dataset_id, picture(2), headers=key)
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json() == first.json()
    error_of(upload(tenant, dataset_id, picture(3), headers=key), 422)
    error_of(upload(tenant, dataset_id, picture(2), headers={"Idempotency-Key": "another"}), 409)
    error_of(upload(tenant, dataset_id, picture(2)), 409)
    assert stored(home) == before


def test_the_same_key_at_once_for_the_last_place(
    tenant: Tenant, home: Path, captioner: MeanColors, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset_id, before = new_dataset(tenant, schema=SCHEMA), stored(home)
    monkeypatch.setitem(LIMITS, "basic", 1)
    together = threading.Barrier(2)
    before_captions(monkeypatch, captioner, lambda: together.wait(20))
    first, second = at_once(tenant, dataset_id, 5, 5, headers={"Idempotency-Key": "a key"})
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json()["id"] == second.json()["id"]
    assert len(stored(home) - before) == 2


def test_nothing_is_left_of_one_that_fails_after_it_was_stored(
    tenant: Tenant, home: Path, captioner: MeanColors, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset_id = new_dataset(tenant, schema=SCHEMA)
    before = stored(home)
    seen: list[int] = []

    def fail() -> None:
        seen.append(len(stored(home) - before))
        raise ZeroDivisionError

    before_captions(monkeypatch, captioner, fail)
    error_of(upload(tenant, dataset_id, picture()), 500)
    assert seen == [2]
    assert stored(home) == before
    assert tenant.get(f"{DATASETS}/{dataset_id}/images").json() == []
