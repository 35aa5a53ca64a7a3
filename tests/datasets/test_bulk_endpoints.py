"""``.../images/bulk-upload`` with its status, and all captions anew: who may, what is refused, what comes of it."""

from __future__ import annotations

import errno
import io
import os
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from PIL import Image

from sartor.datasets.tables import BulkUpload, Dataset, DatasetImage
from tests.conftest import Service, Tenant, wait_for
from tests.datasets.conftest import DATASETS, SCHEMA, MeanColors, error_of, filled, new_dataset, picture, put
from tests.kit.server import Server, says

Serve = Callable[..., str]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Answers everybody with a file; its address."""
    servers: list[Server] = []

    def start(body: bytes, head: str = "HTTP/1.1 200 OK|Content-Length: {}") -> str:
        servers.append(Server(says(head.format(len(body)), body)))
        return servers[-1].url(path="/pictures.zip")

    yield start
    for server in servers:
        server.close()


def zipped(entries: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    return file.getvalue()


def small() -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (1023, 2000)).save(file, "PNG")
    return file.getvalue()


def path(dataset_id: int, end: str = "") -> str:
    return f"{DATASETS}/{dataset_id}/images/bulk-upload{end}"


def advanced(tenant: Tenant, **values: Any) -> int:
    return new_dataset(tenant, upload_type="advanced", **values)


def start(tenant: Tenant, dataset_id: int, zip_url: str, headers: dict[str, str] | None = None, **fields: Any) -> Any:
    return tenant.post(path(dataset_id), {"zip_url": zip_url} | fields, headers=headers or {})


def ended(tenant: Tenant, dataset_id: int) -> dict[str, Any]:
    def probe() -> dict[str, Any] | None:
        answer = tenant.get(path(dataset_id, "/status"))
        assert answer.status_code == 200, answer.text
        status: dict[str, Any] = answer.json()
        return None if status["status"] in ("pending", "processing") else status

    found: dict[str, Any] = wait_for(probe, 60)
    return found


def images(tenant: Tenant, dataset_id: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = tenant.get(f"{DATASETS}/{dataset_id}/images").json()
    return found


def stored(home: Path) -> int:
    return sum(1 for found in (home / "storage" / "datasets").iterdir())


OPERATIONS = [("POST", "/images/bulk-upload"), ("GET", "/images/bulk-upload/status"), ("PUT", "/images")]


@pytest.mark.parametrize(("method", "end"), OPERATIONS)
def test_strangers(service: Service, method: str, end: str) -> None:
    answer = service.client.request(method, f"{DATASETS}/1{end}")
    error_of(answer, 401)


@pytest.mark.parametrize(("method", "end"), OPERATIONS)
def test_another_tenants_dataset_is_not_there(tenant: Tenant, other_tenant: Tenant, method: str, end: str) -> None:
    foreign = advanced(other_tenant)
    body = {"zip_url": "http://127.0.0.1:1/x.zip"} if method == "POST" else None
    answers = [
        tenant.client.request(method, f"{DATASETS}/{dataset_id}{end}", headers=tenant.headers, json=body)
        for dataset_id in (foreign, 999_999, "none", 0, 2**31)
    ]
    for answer in answers:
        error_of(answer, 404)
    assert answers[0].json()["error"] == answers[1].json()["error"]


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({}, "zip_url"),
        ({"zip_url": 5}, "zip_url"),
        ({"zip_url": ""}, "zip_url"),
        ({"zip_url": "x" * 2049}, "zip_url"),
        ({"zip_url": "https://example.com/a.zip", "content_moderation": "perhaps"}, "content_moderation"),
        ({"zip_url": "ftp://example.com/a.zip"}, "zip_url"),
        ({"zip_url": "pictures.zip"}, "zip_url"),
        ({"zip_url": "http://169.254.169.254/latest"}, "zip_url"),
        ({"zip_url": "http://10.0.0.1/a.zip"}, "zip_url"),
        ({"zip_url": "http://user:secret@127.0.0.1/a.zip"}, "zip_url"),
    ],
)
def test_bodies_that_are_refused_do_not_use_the_attempt_up(tenant: Tenant, body: dict[str, Any], named: str) -> None:
    dataset_id = advanced(tenant)
    assert error_of(tenant.post(path(dataset_id), body), 400).startswith(named)
    error_of(tenant.get(path(dataset_id, "/status")), 404)


def test_addresses_that_give_no_file_do_not_use_the_attempt_up(tenant: Tenant, serve: Serve) -> None:
    dataset_id = advanced(tenant)
    missing = serve(b"", "HTTP/1.1 404 Not Found|Content-Length: {}")
    assert "404" in error_of(start(tenant, dataset_id, missing), 400)
    inner = serve(b"", "HTTP/1.1 302 Found|Location: http://169.254.169.254/|Content-Length: {}")
    assert "not on the public internet" in error_of(start(tenant, dataset_id, inner), 400)
    large = serve(b"", "HTTP/1.1 200 OK|Content-Length: 5368709121")
    assert "5 GB" in error_of(start(tenant, dataset_id, large), 413)
    assert start(tenant, dataset_id, serve(zipped({"a.png": picture()}))).status_code == 202


def test_only_for_empty_advanced_datasets_and_once(service: Service, tenant: Tenant, serve: Serve) -> None:
    url = serve(zipped({"a.png": picture()}))
    basic = new_dataset(tenant)
    assert "advanced" in error_of(start(tenant, basic, url), 400)
    assert "advanced" in error_of(tenant.get(path(basic, "/status")), 400)
    with_images = new_dataset(tenant)
    filled(tenant, with_images, 1)
    with service.parts.database.transaction() as session:
        session.get_one(Dataset, with_images).upload_type = "advanced"
    assert "empty" in error_of(start(tenant, with_images, url), 400)
    dataset_id = advanced(tenant)
    assert start(tenant, dataset_id, url).status_code == 202
    assert "already" in error_of(start(tenant, dataset_id, url), 400)
    assert ended(tenant, dataset_id)["done"] == 1
    assert "already" in error_of(start(tenant, dataset_id, url), 400)


def test_an_attempt_that_failed_is_an_attempt(tenant: Tenant, serve: Serve, home: Path) -> None:
    dataset_id = advanced(tenant)
    url = serve(b"this is no archive")
    assert start(tenant, dataset_id, url).status_code == 202
    status = ended(tenant, dataset_id)
    assert status["status"] == "failed"
    assert status["error"]["code"] == 400
    assert "not a ZIP" in status["error"]["details"]
    assert "already" in error_of(start(tenant, dataset_id, url), 400)
    assert list((home / "uploads").iterdir()) == []


def test_a_zip_becomes_images_with_captions_and_failures_with_reasons(
    tenant: Tenant, serve: Serve, home: Path, captioner: MeanColors
) -> None:
    captioner.subjects.clear()
    dataset_id = advanced(tenant, schema=SCHEMA)
    before = stored(home) if (home / "storage" / "datasets").exists() else 0
    foxes = {f"set/fox {number}.png": picture(number) for number in range(6)}
    bad = {
        "small.png": small(),
        "readme.txt": b"hello",
        "inner.zip": zipped({"a.png": picture()}),
        "half.png": picture(7)[:2000],
        "../x.png": picture(8),
    }
    body = zipped({"set/": b""} | foxes | bad | {"__MACOSX/set/._fox 1.png": b"x", "set/.DS_Store": b"x"})
    answer = start(tenant, dataset_id, serve(body))
    assert answer.status_code == 202
    assert answer.json()["status"] in ("pending", "processing")
    status = ended(tenant, dataset_id)
    assert status["status"] == "completed", status
    failed = {one["filename"]: one["error_code"] for one in status["failed_images"]}
    assert failed == {"small.png": 412, "readme.txt": 415, "inner.zip": 415, "half.png": 415, "../x.png": 422}
    assert all(one["error_message"] for one in status["failed_images"])
    assert (status["total_processed"], status["done"], status["failed"]) == (11, 6, 5)
    assert status["progress_percentage"] == 100
    assert "error" not in status
    found = images(tenant, dataset_id)
    assert [image["image_name"] for image in found] == [f"fox {number}.png" for number in range(6)]
    assert {image["caption_source"] for image in found} == {"automatic"}
    assert all("paper collage" in image["caption"] for image in found)
    assert all(tenant.client.get(image["thumbnail_url"]).status_code == 200 for image in found)
    dataset = tenant.get(f"{DATASETS}/{dataset_id}").json()
    assert (dataset["captions_update_status"], dataset["images_count"]) == ("completed", 6)
    assert stored(home) - before == 12, "a picture and a thumbnail each, and nothing of what failed"
    assert list((home / "uploads").iterdir()) == []
    assert len(captioner.subjects) == 6


def test_without_a_schema_captions_wait_until_they_are_asked_for(
    tenant: Tenant, serve: Serve, captioner: MeanColors
) -> None:
    captioner.subjects.clear()
    dataset_id = advanced(tenant)
    start(tenant, dataset_id, serve(zipped({"a.png": picture(), "b.jpg": picture(1, kind="JPEG")})))
    assert ended(tenant, dataset_id)["done"] == 2
    assert {(image["caption"], image["caption_source"]) for image in images(tenant, dataset_id)} == {(None, None)}
    assert captioner.subjects == []
    assert put(tenant, f"{DATASETS}/{dataset_id}", {"visual_schema": SCHEMA}).status_code == 200
    answer = put(tenant, f"{DATASETS}/{dataset_id}/images", None)
    assert answer.status_code == 202
    assert answer.json()["id"] == dataset_id
    assert answer.json()["captions_update_status"] == "in_progress"
    assert recaptioned(tenant, dataset_id) == "completed"
    assert {image["caption_source"] for image in images(tenant, dataset_id)} == {"automatic"}


def recaptioned(tenant: Tenant, dataset_id: int) -> str:
    def probe() -> str | None:
        status: str = tenant.get(f"{DATASETS}/{dataset_id}").json()["captions_update_status"]
        return None if status == "in_progress" else status

    found: str = wait_for(probe)
    return found


def test_all_captions_anew_replaces_manual_ones_and_leaves_completed_datasets_alone(tenant: Tenant) -> None:
    dataset_id = new_dataset(tenant, schema=SCHEMA)
    added = filled(tenant, dataset_id, 5)
    by_hand = {"caption": '{"short_description":"by hand"}'}
    assert put(tenant, f"{DATASETS}/{dataset_id}/images/{added[0]['id']}", by_hand).status_code == 200
    assert put(tenant, f"{DATASETS}/{dataset_id}/images", None).status_code == 202
    assert recaptioned(tenant, dataset_id) == "completed"
    assert [image["caption"] for image in images(tenant, dataset_id)] == [image["caption"] for image in added]
    assert put(tenant, f"{DATASETS}/{dataset_id}", {"status": "completed"}).status_code == 200
    before = images(tenant, dataset_id)
    assert "completed" in error_of(put(tenant, f"{DATASETS}/{dataset_id}/images", None), 409)
    assert images(tenant, dataset_id) == before


def test_the_same_key_is_the_same_upload(tenant: Tenant, serve: Serve) -> None:
    dataset_id, url = advanced(tenant), serve(zipped({"a.png": picture()}))
    key = {"Idempotency-Key": "order 1"}
    assert start(tenant, dataset_id, url, key).status_code == 202
    assert start(tenant, dataset_id, url, key).status_code == 202
    error_of(start(tenant, dataset_id, url, key, content_moderation=True), 422)
    error_of(start(tenant, dataset_id, url, {"Idempotency-Key": "order 2"}), 400)
    assert ended(tenant, dataset_id)["done"] == 1
    assert len(images(tenant, dataset_id)) == 1
    assert start(tenant, dataset_id, url, key).json()["status"] == "completed"


def test_two_at_once_are_one_upload(service: Service, tenant: Tenant, serve: Serve) -> None:
    dataset_id, url = advanced(tenant), serve(zipped({"a.png": picture()}))
    codes: list[int] = []
    askers = [
        threading.Thread(target=lambda: codes.append(start(tenant, dataset_id, url).status_code)) for _ in range(4)
    ]
    for asker in askers:
        asker.start()
    for asker in askers:
        asker.join()
    assert sorted(codes) == [202, 400, 400, 400]
    ended(tenant, dataset_id)
    with service.parts.database.transaction() as session:
        count = sa.select(sa.func.count()).where(BulkUpload.dataset_id == dataset_id)
        assert session.scalars(count).one() == 1


def test_a_zip_of_which_nothing_can_be_used_has_failed(tenant: Tenant, serve: Serve) -> None:
    dataset_id = advanced(tenant)
    start(tenant, dataset_id, serve(zipped({"a.png": small(), "b.txt": b"b"})))
    status = ended(tenant, dataset_id)
    assert (status["status"], status["done"], status["failed"]) == ("failed", 0, 2)
    assert status["error"]["code"] == 400
    assert status["progress_percentage"] < 100


def test_moderation_is_per_file_and_only_when_asked_for(
    service: Service, tenant: Tenant, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the model of the check thinks is tested elsewhere; here its threshold is set so that all is refused."""
    import sartor.moderation.image

    monkeypatch.setattr(sartor.moderation.image, "_REFUSED_FROM", 0.0)
    url = serve(zipped({"a.png": picture(), "b.png": picture(1)}))
    checked, unchecked = advanced(tenant), advanced(tenant)
    start(tenant, checked, url, content_moderation=True)
    start(tenant, unchecked, url)
    status = ended(tenant, checked)
    assert [one["error_code"] for one in status["failed_images"]] == [422, 422]
    assert "explicit" in status["failed_images"][0]["error_message"]
    assert ended(tenant, unchecked)["done"] == 2
    assert images(tenant, checked) == []


@pytest.mark.parametrize("refused", [2, 3])
def test_a_zip_that_finds_no_room_waits_for_it(
    service: Service, tenant: Tenant, serve: Serve, home: Path, monkeypatch: pytest.MonkeyPatch, refused: int
) -> None:
    """And does not take it from others meanwhile."""
    left, waits = refused, (timedelta(0), timedelta(0))

    def full(_descriptor: int) -> None:
        nonlocal left
        left -= 1
        if left >= 0:
            raise OSError(errno.ENOSPC, "No space left on device")

    async def wait(_: timedelta) -> None:
        assert list((home / "uploads").iterdir()) == []

    monkeypatch.setattr(service.parts.bulk_uploads, "_pauses", waits)
    monkeypatch.setattr("sartor.datasets.bulk.pause", wait)
    monkeypatch.setattr("sartor.kit.fetch.os.fsync", full)
    dataset_id = advanced(tenant)
    assert start(tenant, dataset_id, serve(zipped({"a.png": picture()}))).status_code == 202
    status = ended(tenant, dataset_id)
    assert list((home / "uploads").iterdir()) == []
    if refused > len(waits):
        assert status["error"]["code"] == 503
        assert "no room" in status["error"]["details"]
    else:
        assert (status["status"], status["done"]) == ("completed", 1)


def test_a_captioner_that_is_away_does_not_fail_the_upload(tenant: Tenant, serve: Serve, captioner: MeanColors) -> None:
    captioner.subjects.clear()
    captioner.away = True
    dataset_id = advanced(tenant, schema=SCHEMA)
    start(tenant, dataset_id, serve(zipped({"a.png": picture()})))

    def waits() -> bool | None:
        return True if captioner.subjects else None

    wait_for(waits)
    status = tenant.get(path(dataset_id, "/status")).json()
    assert (status["status"], status["done"], status["progress_percentage"]) == ("processing", 1, 50)
    assert [image["caption_source"] for image in images(tenant, dataset_id)] == ["pending"]
    captioner.away = False
    assert ended(tenant, dataset_id)["status"] == "completed"  # 10 s later it is asked again
    assert [image["caption_source"] for image in images(tenant, dataset_id)] == ["automatic"]


def test_a_dataset_that_is_deleted_meanwhile_ends_its_upload(
    service: Service, tenant: Tenant, serve: Serve, home: Path
) -> None:
    dataset_id = advanced(tenant)
    start(tenant, dataset_id, serve(zipped({f"{number}.png": picture(number) for number in range(12)})))
    wait_for(lambda: True if images(tenant, dataset_id) else None)
    answer = tenant.client.delete(f"{DATASETS}/{dataset_id}", headers=tenant.headers)
    assert answer.status_code == 204
    wait_for(lambda: None if list((home / "uploads").iterdir()) else True)
    with service.parts.database.transaction() as session:
        assert session.scalars(sa.select(DatasetImage).where(DatasetImage.dataset_id == dataset_id)).all() == []


def test_archives_that_were_left_over_are_removed(tenant: Tenant, serve: Serve, home: Path) -> None:
    old, new = home / "uploads" / "gone.zip.part", home / "uploads" / "young.zip"
    old.parent.mkdir(exist_ok=True)
    for left in (old, new):
        left.write_bytes(b"x")
    long_ago = time.time() - 7200
    os.utime(old, (long_ago, long_ago))
    dataset_id = advanced(tenant)
    start(tenant, dataset_id, serve(zipped({"a.png": picture()})))
    ended(tenant, dataset_id)
    assert not old.exists()
    assert new.exists()
    new.unlink()


def test_both_prefixes_answer_alike(tenant: Tenant, serve: Serve) -> None:
    dataset_id = advanced(tenant)
    start(tenant, dataset_id, serve(zipped({"a.png": picture()})))
    ended(tenant, dataset_id)
    first, second = (
        tenant.get(f"/{version}/tailored-gen/datasets/{dataset_id}/images/bulk-upload/status").json()
        for version in ("v1", "v2")
    )
    assert first == second == first | {"status": "completed", "progress_percentage": 100}
