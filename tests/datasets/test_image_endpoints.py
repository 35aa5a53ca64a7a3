"""``.../images`` one at a time: strangers, other tenants, what is taken from where, and what is refused."""

from __future__ import annotations

import io
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from sartor.moderation.base import Finding
from tests.conftest import Service, Tenant
from tests.datasets.conftest import (
    SCHEMA,
    as_base64,
    delete,
    error_of,
    filled,
    images_of,
    new_dataset,
    picture,
    put,
    stored,
    upload,
)
from tests.kit.server import Server

BODY = {"image_url": as_base64(picture())}


@pytest.fixture(scope="module")
def web() -> Iterator[Server]:
    """Pictures at addresses: ``/<number>.png``; ``/large`` has 13 MB, ``/text`` is none, anything else is 404."""

    def answer(connection: socket.socket, request: bytes) -> None:
        path = request.split(b" ")[1].decode()
        status, body = "200 OK", b"hello"
        if path == "/large":
            body = picture() + bytes(13 * 1024 * 1024)
        elif path.endswith(".png"):
            body = picture(int(path[1:-4]))
        elif path != "/text":
            status = "404 Not Found"
        head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        connection.sendall(head.encode() + body)

    server = Server(answer)
    yield server
    server.close()


def send(tenant: Tenant, dataset_id: int, **body: Any) -> Any:
    """As JSON."""
    return tenant.post(images_of(dataset_id), body)


@pytest.mark.parametrize(
    ("verb", "path", "body"),
    [
        ("POST", images_of(1), BODY),
        ("GET", images_of(1), None),
        ("GET", images_of(1) + "/1", None),
        ("PUT", images_of(1) + "/1", {"caption": SCHEMA}),
        ("DELETE", images_of(1) + "/1", None),
    ],
)
def test_strangers(service: Service, verb: str, path: str, body: Any) -> None:
    error_of(service.client.request(verb, path, json=body), 401)


def test_another_tenants_images_are_not_there(tenant: Tenant, other_tenant: Tenant) -> None:
    foreign = new_dataset(other_tenant)
    (image,) = filled(other_tenant, foreign, 1)
    mine = new_dataset(tenant)
    for dataset_id, image_id in ((foreign, image["id"]), (999_999, image["id"]), (mine, image["id"]), (mine, 999_999)):
        path = f"{images_of(dataset_id)}/{image_id}"
        for answer in (tenant.get(path), put(tenant, path, {"caption": SCHEMA}), delete(tenant, path)):
            error_of(answer, 404)
    for dataset_id in (foreign, 999_999):
        error_of(upload(tenant, dataset_id, picture()), 404)
        error_of(tenant.get(images_of(dataset_id)), 404)
    assert other_tenant.get(images_of(foreign)).json() == [
        {name: value for name, value in image.items() if name != "duplicate_of"}
    ]


def test_a_file(tenant: Tenant, home: Path) -> None:
    dataset_id = new_dataset(tenant)
    answer = upload(tenant, dataset_id, picture(kind="JPEG"), "C:\\pictures\\fox.jpg")
    assert answer.status_code == 201, answer.text
    image = answer.json()
    assert image == {
        "id": image["id"],
        "dataset_id": dataset_id,
        "caption": None,
        "caption_source": None,
        "upload_source_url": None,
        "image_name": "fox.jpg",
        "image_url": image["image_url"],
        "thumbnail_url": image["thumbnail_url"],
        "width": 1024,
        "height": 1024,
        "created_at": image["created_at"],
        "updated_at": image["updated_at"],
        "duplicate_of": [],
    }
    for address, kind, media_type in (
        (image["image_url"], "PNG", "image/png"),
        (image["thumbnail_url"], "JPEG", "image/jpeg"),
    ):
        assert address.startswith("http://testserver/files/")
        file = tenant.client.get(address)
        assert file.headers["content-type"] == media_type
        assert Image.open(io.BytesIO(file.content)).format == kind
    del image["duplicate_of"]
    assert tenant.get(f"{images_of(dataset_id)}/{image['id']}").json() == image
    assert tenant.get(images_of(dataset_id)).json() == [image]


@pytest.mark.parametrize("field", ["file", "image_url"])
@pytest.mark.parametrize("head", ["", "data:image/png;base64,", "DATA:;BASE64,"])
def test_base64(tenant: Tenant, field: str, head: str) -> None:
    answer = send(tenant, new_dataset(tenant), image_name="fox", **{field: head + as_base64(picture())})
    assert answer.status_code == 201, answer.text
    assert (answer.json()["image_name"], answer.json()["upload_source_url"]) == ("fox", None)


def test_an_address(tenant: Tenant, web: Server) -> None:
    dataset_id = new_dataset(tenant)
    address = web.url(path="/3.png")
    answer = send(tenant, dataset_id, image_url=address)
    assert answer.status_code == 201, answer.text
    assert (answer.json()["image_name"], answer.json()["upload_source_url"]) == ("3.png", address)
    as_form = tenant.client.post(
        images_of(dataset_id), headers=tenant.headers, data={"image_url": web.url(path="/4.png")}
    )
    assert as_form.status_code == 201


@pytest.mark.parametrize(
    "address",
    ["/nothing", "http://169.254.169.254/latest/meta-data", "http://10.0.0.1/fox.png", "http://no-such-name.invalid/"],
)
def test_addresses_that_give_no_file(tenant: Tenant, web: Server, address: str) -> None:
    address = web.url(path=address) if address.startswith("/") else address
    assert "could not be fetched" in error_of(send(tenant, new_dataset(tenant), image_url=address), 422)


def test_addresses_of_other_files(tenant: Tenant, web: Server) -> None:
    dataset_id = new_dataset(tenant)
    error_of(send(tenant, dataset_id, image_url=web.url(path="/text")), 415)
    assert "12 MB" in error_of(send(tenant, dataset_id, image_url=web.url(path="/large")), 413)
    assert tenant.get(images_of(dataset_id)).json() == []


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({}, "one of file and image_url"),
        ({"image_url": "a", "file": "a"}, "one of file and image_url"),
        ({"image_url": 7}, "image_url"),
        ({"image_url": ""}, "image_url"),
        ({"image_url": "ftp://example.com/fox.png"}, "base64"),
        ({"file": "not base64!"}, "base64"),
        ({"file": "data:image/png,abc"}, "base64"),
        (BODY | {"image_name": "x" * 201}, "image_name"),
        (BODY | {"increase_resolution": "perhaps"}, "increase_resolution"),
        (BODY | {"content_moderation": []}, "content_moderation"),
    ],
)
def test_wrong_fields(tenant: Tenant, body: dict[str, Any], named: str) -> None:
    dataset_id = new_dataset(tenant)
    assert named in error_of(tenant.post(images_of(dataset_id), body), 400)
    assert tenant.get(images_of(dataset_id)).json() == []


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        ("application/json", b"{"),
        ("application/json", b"\xff\xfe"),
        ("application/json", b"[" * 100_000),
        ("application/json", b"[]"),
        ("text/plain", b"a fox"),
        ("multipart/form-data; boundary=x", b"no parts"),
        ("multipart/form-data", b""),
        ("application/x-www-form-urlencoded", b"%"),
    ],
)
def test_bodies_that_are_none(tenant: Tenant, kind: str, content: bytes) -> None:
    headers = tenant.headers | {"content-type": kind}
    error_of(tenant.client.post(images_of(new_dataset(tenant)), headers=headers, content=content), 400)


def test_pictures_that_are_refused(tenant: Tenant, home: Path) -> None:
    dataset_id = new_dataset(tenant)
    before = stored(home)
    error_of(upload(tenant, dataset_id, b"GIF89a" + bytes(99)), 415)
    error_of(upload(tenant, dataset_id, picture(size=200)), 412)
    assert "1024" in error_of(upload(tenant, dataset_id, picture(size=600), increase_resolution="false"), 412)
    error_of(upload(tenant, dataset_id, picture() + bytes(12 * 1024 * 1024)), 413)
    error_of(upload(tenant, dataset_id, bytes(20 * 1024 * 1024)), 413)
    assert tenant.get(images_of(dataset_id)).json() == []
    assert stored(home) == before


def test_small_ones_are_enlarged(tenant: Tenant) -> None:
    image = upload(tenant, new_dataset(tenant), picture(size=256), increase_resolution="true").json()
    assert (image["width"], image["height"]) == (1024, 1024)


def test_moderation_where_it_is_asked_for(
    service: Service, tenant: Tenant, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[bytes] = []

    def refuse(png: bytes) -> Finding:
        seen.append(png)
        return Finding("explicit", "for the test")

    dataset_id = new_dataset(tenant)
    before = stored(home)
    monkeypatch.setattr(service.parts.image_moderator, "check", refuse)
    assert "explicit" in error_of(upload(tenant, dataset_id, picture(), content_moderation="true"), 422)
    assert (len(seen), stored(home)) == (1, before)
    assert upload(tenant, dataset_id, picture()).status_code == 201
    monkeypatch.undo()
    assert upload(tenant, dataset_id, picture(2), content_moderation="true").status_code == 201


def test_both_prefixes_answer_alike(tenant: Tenant) -> None:
    path = images_of(new_dataset(tenant))
    assert tenant.post(path.replace("/v1/", "/v2/"), BODY).status_code == 201
    assert tenant.get(path).json() == tenant.get(path.replace("/v1/", "/v2/")).json()
