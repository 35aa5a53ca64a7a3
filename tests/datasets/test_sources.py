"""A picture as base64, large ones too: the event loop, on which everybody waits, has nothing to do with it."""

from __future__ import annotations

import asyncio
import base64
import threading
import time
from typing import Any

import pytest

from sartor.datasets.pictures import MAX_BYTES
from sartor.datasets.schemas import SchemaBody, UploadBody
from sartor.datasets.sources import read_source
from sartor.errors import BadRequest, Unprocessable
from sartor.kit.fetch import Fetcher

LARGEST = base64.b64encode(bytes(MAX_BYTES)).decode()


def test_the_largest_picture_is_validated_at_once() -> None:
    began = time.perf_counter()
    assert UploadBody.model_validate({"file": LARGEST}).file == LARGEST
    assert time.perf_counter() - began < 0.2


def test_ten_of_them_are_too() -> None:
    began = time.perf_counter()
    assert len(SchemaBody.model_validate({"images": [LARGEST] * 10}).images) == 10
    assert time.perf_counter() - began < 2


@pytest.mark.parametrize("head", ["", "data:image/png;base64,"])
def test_a_thread_decodes(monkeypatch: pytest.MonkeyPatch, head: str) -> None:
    threads: list[int] = []
    decode = base64.b64decode

    def spy(*given: Any, **named: Any) -> bytes:
        threads.append(threading.get_ident())
        return decode(*given, **named)

    monkeypatch.setattr(base64, "b64decode", spy)
    fetcher = Fetcher()
    assert asyncio.run(read_source(f"{head}QUJD", fetcher, unreachable=Unprocessable)) == b"ABC"
    fetcher.close()
    assert len(threads) == 1
    assert threads != [threading.get_ident()]


def test_what_is_wrong_is_said_as_before() -> None:
    fetcher = Fetcher()
    with pytest.raises(BadRequest, match="base64"):
        asyncio.run(read_source("no base64!", fetcher, unreachable=Unprocessable))
    fetcher.close()
