"""A picture as base64, large ones too: the event loop, on which everybody waits, has nothing to do with it. And from
an address: what is in memory at once is bounded, however many ask."""

from __future__ import annotations

import asyncio
import base64
import gc
import io
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from sartor.datasets.pictures import MAX_BYTES
from sartor.datasets.schemas import SchemaBody, UploadBody
from sartor.datasets.sources import FETCHED_BYTES, OWN_BYTES, Sources, _Counted
from sartor.errors import BadRequest, BodyTooLarge, TooManyRequests, Unprocessable
from sartor.kit.fetch import Fetcher
from sartor.kit.networks import networks
from sartor.kit.storage import Address, Storage
from tests.conftest import Service, Tenant, wait_for
from tests.datasets.conftest import DATASETS, as_base64, error_of, filled, new_dataset, picture
from tests.kit.server import Server

LARGEST = base64.b64encode(bytes(MAX_BYTES)).decode()
GENERATE = "/v1/tailored-gen/generate_visual_schema"


class Web:
    """``/<n>`` sends n bytes of the 2,000 that it announces, and then nothing, until ``go_on`` is set; ``/picture``
    is one, and ``/none`` is 404, once four others have sent what they send at first."""

    def __init__(self) -> None:
        self.go_on = threading.Event()
        self.sent = threading.Semaphore(0)
        self.left = 0
        self.server = Server(self._answer)

    def url(self, path: object) -> str:
        return self.server.url(path=f"/{path}")

    def _answer(self, connection: socket.socket, request: bytes) -> None:
        path = request.split(b" ")[1][1:].decode()
        if path in ("none", "picture"):
            for _ in range(4 * (path == "none")):
                assert self.sent.acquire(timeout=20)
            body = picture() if path == "picture" else b""
            status = "200 OK" if body else "404 Not Found"
            head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
            connection.sendall(head.encode() + body)
            return
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2000\r\n\r\n" + bytes(int(path)))
        self.sent.release()
        connection.settimeout(0.01)
        while not self.go_on.is_set():
            try:
                if not connection.recv(1):
                    self.left += 1
                    return
            except TimeoutError:
                continue
        connection.sendall(bytes(2000 - int(path)))


@pytest.fixture
def storage(tmp_path: Path) -> Storage:
    return Storage((tmp_path / "storage").as_uri(), key=b"k" * 32)


@pytest.fixture
def web() -> Iterator[Web]:
    web = Web()
    yield web
    web.go_on.set()
    web.server.close()


@pytest.fixture
def fetcher() -> Iterator[Fetcher]:
    fetcher = Fetcher(allowed=networks("127.0.0.0/8"))
    yield fetcher
    fetcher.close()


async def read(sources: Sources, *given: str) -> list[bytes]:
    with sources.reading() as reading:
        return [await reading.read(source, unreachable=Unprocessable) for source in given]


def test_the_largest_picture_is_validated_at_once() -> None:
    began = time.perf_counter()
    assert UploadBody.model_validate({"file": LARGEST}).file == LARGEST
    assert time.perf_counter() - began < 0.2


def test_ten_of_them_are_too() -> None:
    began = time.perf_counter()
    assert len(SchemaBody.model_validate({"images": [LARGEST] * 10}).images) == 10
    assert time.perf_counter() - began < 2


@pytest.mark.parametrize("head", ["", "data:image/png;base64,"])
def test_a_thread_decodes(monkeypatch: pytest.MonkeyPatch, fetcher: Fetcher, storage: Storage, head: str) -> None:
    threads: list[int] = []
    decode = base64.b64decode

    def spy(*given: Any, **named: Any) -> bytes:
        threads.append(threading.get_ident())
        return decode(*given, **named)

    monkeypatch.setattr(base64, "b64decode", spy)
    assert asyncio.run(read(Sources(fetcher, storage), f"{head}QUJD")) == [b"ABC"]
    assert len(threads) == 1
    assert threads != [threading.get_ident()]


def test_what_is_wrong_is_said_as_before(fetcher: Fetcher, storage: Storage) -> None:
    with pytest.raises(BadRequest, match="base64"):
        asyncio.run(read(Sources(fetcher, storage), "no base64!"))


def test_what_is_held_together_is_bounded_and_given_back(fetcher: Fetcher, storage: Storage, web: Web) -> None:
    web.go_on.set()
    sources = Sources(fetcher, storage, fetched_bytes=5000)

    async def both() -> None:
        with sources.reading() as one, sources.reading() as other:
            for reading in (one, other):
                await reading.read(web.url(1), unreachable=Unprocessable)
            assert await one.read("QUJD", unreachable=Unprocessable) == b"ABC"  # that is of the body, which is counted
            with pytest.raises(TooManyRequests) as refused:
                await other.read(web.url(1), unreachable=Unprocessable)
            assert refused.value.retry_after == 5
        assert len(await read(sources, web.url(1), web.url(1))) == 2

    for _ in range(2):
        asyncio.run(both())


def test_as_little_as_has_come_is_counted(fetcher: Fetcher, storage: Storage, web: Web) -> None:
    """Whoever announces much and sends little keeps nobody out."""
    sources = Sources(fetcher, storage, fetched_bytes=len(picture()) + 200)

    async def stalled_and_other() -> None:
        stalled = [asyncio.create_task(read(sources, web.url(10))) for _ in range(20)]
        for _ in stalled:
            await asyncio.to_thread(web.sent.acquire)
        assert await read(sources, web.url("picture")) == [picture()]
        for one in stalled:
            one.cancel()
        await asyncio.gather(*stalled, return_exceptions=True)

    asyncio.run(stalled_and_other())


def test_only_as_many_are_refused_as_have_no_room(fetcher: Fetcher, storage: Storage) -> None:
    """What a refused request holds is the others' at once: of five that come evenly, two are done."""
    sources = Sources(fetcher, storage, fetched_bytes=4000)
    with ExitStack() as stack:
        five = [stack.enter_context(sources.reading()) for _ in range(5)]
        for reading in five:
            reading.hold(700)
        refused = []
        for reading in five:
            with suppress(TooManyRequests):
                reading.hold(1300)
                continue
            refused.append(five.index(reading))
        assert refused == [0, 1, 3]
        with pytest.raises(TooManyRequests):  # it is refused as a whole
            five[0].hold(0)


def test_nothing_is_kept_of_what_was_refused(tenant: Tenant, web: Web) -> None:
    """Not even until the garbage is collected."""
    gc.collect()
    gc.disable()
    try:
        error_of(tenant.post(GENERATE, {"images": [*[web.url(9)] * 4, web.url("none")]}), 460)
        kept = [one for one in gc.get_objects() if type(one) is _Counted and not one.closed]
    finally:
        gc.enable()
    assert not kept


def test_ten_of_the_largest_fit_at_any_time_when_nothing_else_is_fetched() -> None:
    assert FETCHED_BYTES >= 3 * 10 * MAX_BYTES


def test_one_that_cannot_be_fetched_ends_the_others(tenant: Tenant, web: Web) -> None:
    began = time.perf_counter()
    answer = tenant.post(GENERATE, {"images": [*[web.url(9)] * 4, web.url("none")]})
    assert "404" in error_of(answer, 460)
    wait_for(lambda: True if web.left == 4 else None, 10)
    assert time.perf_counter() - began < 15


def test_where_there_is_no_room(service: Service, tenant: Tenant, web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service.parts.sources._room, "left", len(picture()) * 3 // 2)
    images = f"{DATASETS}/{new_dataset(tenant)}/images"
    address = web.url("picture")
    answer = tenant.post(GENERATE, {"images": [address] * 5})
    assert "fetched" in error_of(answer, 429)
    assert answer.headers["retry-after"] == "5"
    for _ in range(3):  # what was fetched is forgotten each time
        assert tenant.post(images, {"image_url": address}).status_code == 201
    with service.parts.sources.reading() as other:
        other.hold(len(picture()))
        error_of(tenant.post(images, {"image_url": address}), 429)
        assert tenant.post(images, {"image_url": as_base64(picture())}).status_code == 201
    assert tenant.post(GENERATE, {"images": [address] + [as_base64(picture(n)) for n in range(4)]}).status_code == 200


def test_its_own_addresses_are_read_from_the_storage(service: Service, tenant: Tenant, other_tenant: Tenant) -> None:
    """Nothing can be fetched from the name under which the service is asked here."""
    dataset_id = new_dataset(tenant)
    images = filled(tenant, dataset_id, 5)
    urls = [image["image_url"] for image in images]
    assert tenant.post(GENERATE, {"images": urls}).status_code == 200
    assert other_tenant.post(GENERATE, {"images": urls}).status_code == 200, "whoever has the address may read it"
    copy = tenant.post(f"{DATASETS}/{new_dataset(tenant)}/images", {"image_url": urls[0]})
    assert copy.status_code == 201, copy.text
    stored = [tenant.client.get(image["image_url"]).content for image in (images[0], copy.json())]
    assert stored[0] == stored[1]
    forged = urls[0].replace("signature=", "signature=x")
    error_of(tenant.post(GENERATE, {"images": [*urls[1:], forged]}), 460)
    tenant.client.delete(f"{DATASETS}/{dataset_id}/images/{images[0]['id']}", headers=tenant.headers)
    assert "deleted" in error_of(tenant.post(GENERATE, {"images": urls}), 460)


def test_a_large_picture_of_its_own_is_taken(service: Service, tenant: Tenant) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (2100, 2100, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(noise).save(buffer, "PNG", compress_level=0)
    assert len(buffer.getvalue()) > MAX_BYTES
    service.parts.storage.put("images/noise.png", buffer.getvalue())
    url = service.parts.storage.link("images/noise.png", Address("http://here", timedelta(hours=1)))
    images = f"{DATASETS}/{new_dataset(tenant)}/images"
    assert tenant.post(images, {"image_url": url}).status_code == 201
    assert tenant.post(GENERATE, {"images": [url] + [as_base64(picture(n)) for n in range(4)]}).status_code == 200
    error_of(tenant.post(images, {"file": as_base64(buffer.getvalue())}), 413)


@pytest.mark.parametrize(("name", "limit"), [("large.png", OWN_BYTES), ("large.zip", MAX_BYTES)])
def test_its_own_files_have_a_limit(fetcher: Fetcher, storage: Storage, name: str, limit: int) -> None:
    address = storage.link(name, Address("http://here/behind", timedelta(hours=1)))
    storage.put(name, bytes(limit))
    assert [len(data) for data in asyncio.run(read(Sources(fetcher, storage), address))] == [limit]
    storage.put(name, bytes(limit + 1))
    with pytest.raises(BodyTooLarge, match=f"{limit >> 20} MB"):
        asyncio.run(read(Sources(fetcher, storage), address))


def test_its_own_files_need_room_as_others_do(fetcher: Fetcher, storage: Storage) -> None:
    address = storage.link("large.png", Address("http://here/behind", timedelta(hours=1)))
    storage.put("large.png", bytes(2000))
    with pytest.raises(TooManyRequests):
        asyncio.run(read(Sources(fetcher, storage, fetched_bytes=1000), address))
