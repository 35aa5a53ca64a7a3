"""Downloads: an advanced dataset as a ZIP that holds what the dataset holds, packed once."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from sartor.datasets.packing import file_names
from sartor.datasets.pictures import take_in
from sartor.datasets.tables import Dataset
from tests.conftest import Service, Tenant
from tests.datasets.conftest import DATASETS, SCHEMA, delete, error_of, new_dataset, picture, put, stored


def download(tenant: Tenant, dataset_id: int) -> Any:
    return tenant.get(f"/v1/datasets/{dataset_id}/download")


def add(service: Service, dataset_id: int, number: int, name: str, caption: str | None = SCHEMA) -> None:
    """As an upload of a ZIP does."""
    taken = take_in(picture(number), increase_resolution=True)
    source = None if caption is None else "automatic"
    service.parts.images.add(dataset_id, taken, name=name, caption=caption, caption_source=source, entry=number)


def test_basic_ones_cannot_be_downloaded(tenant: Tenant) -> None:
    assert "advanced" in error_of(download(tenant, new_dataset(tenant)), 409)


def test_the_zip_holds_images_and_captions(service: Service, tenant: Tenant) -> None:
    dataset_id = new_dataset(tenant, upload_type="advanced")
    add(service, dataset_id, 0, "../../fox one.JPG")
    add(service, dataset_id, 1, "fox.png")
    answer = download(tenant, dataset_id)
    assert answer.status_code == 200, answer.text
    found = tenant.client.get(answer.json()["download_url"])
    assert found.headers["content-type"] == "application/zip"
    images = tenant.get(f"{DATASETS}/{dataset_id}/images").json()
    with zipfile.ZipFile(io.BytesIO(found.content)) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == ["captions.json", "images/1-fox-one.png", "images/2-fox.png"]
        captions = json.loads(archive.read("captions.json"))
        assert captions == {"1-fox-one.png": SCHEMA, "2-fox.png": SCHEMA}
        for image, name in zip(images, captions, strict=True):
            assert archive.read(f"images/{name}") == tenant.client.get(image["image_url"]).content
    assert tenant.client.get(answer.json()["captions_url"]).json() == captions
    assert tenant.get(f"/v2/datasets/{dataset_id}/download").status_code == 200


def test_who_asks_again_while_it_is_packed_waits(
    service: Service, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset_id = new_dataset(tenant, upload_type="advanced")
    add(service, dataset_id, 0, "fox")
    packing = service.parts.packing
    write, again = packing._write, []

    def slow(*given: Any) -> None:
        again.append(download(tenant, dataset_id))
        write(*given)

    monkeypatch.setattr(packing, "_write", slow)
    assert download(tenant, dataset_id).status_code == 200
    assert "packed already" in error_of(again[0], 429)
    assert int(again[0].headers["Retry-After"]) > 0
    assert download(tenant, dataset_id).status_code == 200
    assert len(again) == 1, "packed once"


def test_a_large_zip_is_sent_piece_by_piece(service: Service, tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset_id = new_dataset(tenant, upload_type="advanced")
    add(service, dataset_id, 0, "one")
    address = download(tenant, dataset_id).json()["download_url"]
    whole = tenant.client.get(address)
    monkeypatch.setattr("sartor.app._WHOLE_BYTES", 1000)
    for verb in ("GET", "HEAD"):
        pieces = tenant.client.request(verb, address)
        assert pieces.status_code == 200
        assert pieces.headers["content-length"] == str(len(whole.content))
        assert pieces.headers["cache-control"] == whole.headers["cache-control"]
        assert pieces.content == (whole.content if verb == "GET" else b"")


def test_captions_alone_only_where_all_are_automatic(service: Service, tenant: Tenant) -> None:
    dataset_id = new_dataset(tenant, upload_type="advanced")
    assert "captions_url" not in download(tenant, dataset_id).json()
    add(service, dataset_id, 0, "one")
    assert "captions_url" in download(tenant, dataset_id).json()
    (image,) = tenant.get(f"{DATASETS}/{dataset_id}/images").json()
    put(tenant, f"{DATASETS}/{dataset_id}/images/{image['id']}", {"caption": '{"context":"mine"}'})
    assert "captions_url" not in download(tenant, dataset_id).json()
    add(service, dataset_id, 1, "two", caption=None)
    with zipfile.ZipFile(
        io.BytesIO(tenant.client.get(download(tenant, dataset_id).json()["download_url"]).content)
    ) as z:
        assert json.loads(z.read("captions.json")) == {"1-one.png": '{"context":"mine"}'}


def test_packed_once_and_anew_after_a_change(
    service: Service, tenant: Tenant, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = stored(home)
    dataset_id = new_dataset(tenant, upload_type="advanced")
    add(service, dataset_id, 0, "one")
    images = stored(home)
    changed_at = tenant.get(f"{DATASETS}/{dataset_id}").json()["updated_at"]
    download(tenant, dataset_id)
    packed = stored(home) - images
    assert len(packed) == 2
    assert tenant.get(f"{DATASETS}/{dataset_id}").json()["updated_at"] == changed_at

    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("packed again, though nothing changed")

    with monkeypatch.context() as context:
        context.setattr(service.parts.storage, "put_stream", refuse)
        assert download(tenant, dataset_id).status_code == 200
    add(service, dataset_id, 1, "two")
    assert download(tenant, dataset_id).status_code == 200
    assert not packed & stored(home)
    assert delete(tenant, f"{DATASETS}/{dataset_id}").status_code == 204
    assert stored(home) == before


def test_one_of_which_a_part_is_gone_is_packed_again(service: Service, tenant: Tenant, home: Path) -> None:
    dataset_id = new_dataset(tenant, upload_type="advanced")
    add(service, dataset_id, 0, "fox")
    images = stored(home)
    whole = download(tenant, dataset_id).json()
    packed = stored(home) - images
    for name in packed:
        (home / "storage" / "datasets" / name).unlink()
        assert download(tenant, dataset_id).json() == whole
        assert stored(home) - images == packed


def test_bytes_that_are_gone_meanwhile(service: Service, tenant: Tenant, home: Path) -> None:
    dataset_id = new_dataset(tenant, upload_type="advanced")
    before = stored(home)
    add(service, dataset_id, 0, "one")
    for name in stored(home) - before:
        (home / "storage" / "datasets" / name).unlink()
    error_of(download(tenant, dataset_id), 409)
    with service.parts.database.transaction() as session:
        assert session.get_one(Dataset, dataset_id).archive_key is None


def test_an_entry_is_added_once(service: Service, tenant: Tenant, home: Path) -> None:
    dataset_id = new_dataset(tenant, upload_type="advanced")
    before = stored(home)
    add(service, dataset_id, 0, "one")
    add(service, dataset_id, 0, "one")
    assert len(tenant.get(f"{DATASETS}/{dataset_id}/images").json()) == 1
    assert len(stored(home) - before) == 2


def test_file_names_are_plain_and_different() -> None:
    names = ["fox.png", "fox.PNG", "../a/b", "ü é", "", "x" * 300, "con:1.webp", *["same"] * 4]
    plain = file_names(names)
    assert len(set(plain)) == len(names)
    assert plain[0] == "01-fox.png"
    assert all(len(name) < 100 and name.isascii() and "/" not in name and ".." not in name for name in plain)
