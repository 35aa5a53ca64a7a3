"""Adapters that are fetched from an address: what fits is a model, in a project of its own where it names none."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.conftest import Service, Tenant
from tests.kit.server import Server
from tests.models.conftest import LIST

UPLOAD = f"{LIST}/upload_model"
PROJECTS = "/v1/tailored-gen/projects"
PARAMETERS = {"project_name": "Uploads", "ip_medium": "illustration"}


class Files:
    """What is at each path; anything else is 404."""

    def __init__(self) -> None:
        self.at: dict[str, bytes] = {}
        self.server = Server(self._answer)

    def put(self, path: str, data: bytes) -> str:
        self.at[path] = data
        return self.server.url(path=path)

    def _answer(self, connection: socket.socket, request: bytes) -> None:
        body = self.at.get(request.split(b" ")[1].decode())
        status = "404 Not Found" if body is None else "200 OK"
        connection.sendall(f"HTTP/1.1 {status}\r\nContent-Length: {len(body or b'')}\r\n\r\n".encode() + (body or b""))


@pytest.fixture
def files() -> Iterator[Files]:
    files = Files()
    yield files
    files.server.close()


def details(answer: Any, code: int) -> str:
    assert answer.status_code == code, answer.text
    return str(answer.json()["error"]["details"])


def test_what_fits_is_a_model(trainer: Service, owner: Tenant, files: Files, adapter: Callable[..., bytes]) -> None:
    url = files.put("/lora", adapter())
    headers = {"Idempotency-Key": "upload once"}
    body = {"model_url": url, "model_name": "Elsewhere", "project_parameters": PARAMETERS}
    answer = owner.post(UPLOAD, body, headers=headers)
    assert answer.status_code == 200, answer.text
    model = answer.json()
    assert (model["name"], model["status"], model["custom_metadata"]) == ("Elsewhere", "Completed", "")
    (project,) = owner.get(PROJECTS).json()
    assert (project["id"], project["project_name"], project["ip_type"]) == (model["project_id"], "Uploads", "other")
    link = owner.get(f"{LIST}/{model['id']}/download").json()["download_url"]
    assert owner.client.get(link).content == files.at["/lora"]
    files.at.clear()
    assert owner.post(UPLOAD, body, headers=headers).json() == model
    assert len(owner.get(PROJECTS).json()) == 1
    assert not list((trainer.parts.settings.home / "adapters").glob(".import-*"))


def test_it_goes_into_a_project(owner: Tenant, files: Files, adapter: Callable[..., bytes]) -> None:
    project = owner.post(PROJECTS, {**PARAMETERS, "ip_type": "other"}).json()
    body = {"model_url": files.put("/lora", adapter()), "project_id": project["id"]}
    assert owner.post(UPLOAD, body).json()["project_id"] == project["id"]
    assert [model["project_id"] for model in owner.get(f"{PROJECTS}/{project['id']}/models").json()] == [project["id"]]


def test_what_is_refused_leaves_nothing(trainer: Service, owner: Tenant, files: Files) -> None:
    stranger = trainer.tenant().post(PROJECTS, {**PARAMETERS, "ip_type": "other"}).json()["id"]
    pickled, too_large = files.put("/pickle", b"PK\x03\x04rest"), trainer.parts.imports.largest_file + 1
    new = {"project_parameters": PARAMETERS}
    for body, code, said in (
        ({"model_url": pickled}, 400, "project_parameters"),
        (new, 400, "model_url"),
        ({"model_url": pickled, "project_parameters": {"ip_medium": "oil"}}, 400, "project_parameters.project_name"),
        (
            {"model_url": pickled, "project_parameters": {**PARAMETERS, "ip_name": "Lo"}},
            400,
            "project_parameters.ip_name",
        ),
        ({"model_url": pickled, "project_id": stranger}, 404, ""),
        ({"model_url": pickled, **new}, 415, "model_url: is a PyTorch file"),
        ({"model_url": files.put("/text", b"no adapter"), **new}, 415, "model_url: is no safetensors"),
        ({"model_url": files.server.url(path="/nothing"), **new}, 422, "model_url: The address answered"),
        ({"model_url": "http://10.0.0.1/lora", **new}, 422, "model_url: "),
        ({"model_url": files.put("/large", bytes(too_large)), **new}, 413, "model_url: no adapter"),
    ):
        assert said in details(owner.post(UPLOAD, body), code)
    assert trainer.client.post(UPLOAD, json=new).status_code == 401
    assert owner.get(PROJECTS).json() == []
    assert not [model for model in owner.get(LIST).json() if "project_id" in model]
    assert not list((trainer.parts.settings.home / "adapters").glob(".import-*"))


def test_one_at_a_time(owner: Tenant, trainer: Service, files: Files, adapter: Callable[..., bytes]) -> None:
    body = {"model_url": files.put("/lora", adapter()), "project_parameters": PARAMETERS}
    fetching = trainer.parts.imports._fetching
    for busy in ({owner.organisation_id}, {-1, -2, -3, -4}):
        fetching.update(busy)
        answer = owner.post(UPLOAD, body)
        assert details(answer, 429) == "Too many models are being fetched at this moment."
        assert answer.headers["retry-after"] == "30"
        fetching.clear()
    assert owner.post(UPLOAD, body).status_code == 200
    assert fetching == set()
