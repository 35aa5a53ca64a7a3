"""What tests of datasets share: pictures, a captioner that measures them, and calls in short."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastapi import FastAPI
from PIL import Image, ImageDraw

from sartor.captioning.base import CaptioningUnavailable, Finding, PictureRefused, Subject
from sartor.vgl import StructuredPrompt, VisualSchema, merge, parse, parse_visual_schema
from tests.conftest import Tenant, make_settings, shared_bridge

PROJECTS = "/v1/tailored-gen/projects"
DATASETS = "/v1/tailored-gen/datasets"
SCHEMA = '{"style_medium":"paper collage"}'


class MeanColors:
    """A captioner that says how bright pictures are and which of red, green and blue is strongest in them."""

    def __init__(self) -> None:
        self.subjects: list[Subject] = []
        self.away = self.refuses = False

    def load(self) -> None:
        pass

    def visual_schema(self, pictures: Sequence[Image.Image], *, subject: Subject = Subject()) -> Finding[VisualSchema]:
        self._check(subject)
        looks = {self._strongest(picture) for picture in pictures}
        schema = parse_visual_schema({"aesthetics": {"color_scheme": " and ".join(sorted(looks))}})
        return Finding(schema, ("strongest channel of each picture's mean",))

    def caption(
        self, picture: Image.Image, *, visual_schema: VisualSchema | None, subject: Subject = Subject()
    ) -> Finding[StructuredPrompt]:
        self._check(subject)
        assert picture.mode == "RGB"
        assert max(picture.size) <= 1024
        name = subject.name or "a thing"
        return Finding(merge(visual_schema, parse({"short_description": f"{name}, {self._strongest(picture)}"})))

    def _check(self, subject: Subject) -> None:
        self.subjects.append(subject)
        if self.away:
            raise CaptioningUnavailable("nobody looks at pictures now")
        if self.refuses:
            raise PictureRefused("not this one")

    @staticmethod
    def _strongest(picture: Image.Image) -> str:
        assert picture.mode == "RGB"
        return ("red", "green", "blue")[int(np.asarray(picture, dtype=float).mean((0, 1)).argmax())]


@pytest.fixture(scope="module")
def the_captioner() -> MeanColors:
    return MeanColors()


@pytest.fixture
def captioner(the_captioner: MeanColors) -> Iterator[MeanColors]:
    yield the_captioner
    the_captioner.away = the_captioner.refuses = False
    the_captioner.subjects.clear()


@pytest.fixture(scope="module")
def app(home: Path, the_captioner: MeanColors) -> FastAPI:
    from sartor.app import create_app

    # The tests' server of pictures is on loopback.
    settings = make_settings(home, fetch_allow="127.0.0.0/8")
    return create_app(settings, bridge=shared_bridge, captioner=lambda: the_captioner)


def picture(number: int = 0, *, size: int = 1024, kind: str = "PNG") -> bytes:
    """A drawing: others for other numbers."""
    image = Image.new("RGB", (size, size), [(200, 60, 60), (60, 200, 60), (60, 60, 200)][number % 3])
    pen = ImageDraw.Draw(image)
    random = np.random.default_rng(number)
    for _ in range(6):
        x, y, reach = random.uniform(0, 1, 3) * size
        pen.rectangle((x, y, x + reach / 2, y + reach / 3), fill=tuple(int(c) for c in random.integers(0, 256, 3)))
    buffer = io.BytesIO()
    image.save(buffer, kind)
    return buffer.getvalue()


def as_base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def error_of(answer: Any, code: int) -> str:
    """The error's details, after the envelope has been looked at."""
    assert answer.status_code == code, answer.text
    error = answer.json()["error"]
    assert error["code"] == code
    assert answer.json()["request_id"] == answer.headers["x-request-id"]
    return str(error["details"])


def put(tenant: Tenant, path: str, body: Any) -> Any:
    return tenant.client.put(path, headers=tenant.headers, json=body)


def delete(tenant: Tenant, path: str) -> Any:
    return tenant.client.delete(path, headers=tenant.headers)


def new_project(tenant: Tenant, **values: Any) -> int:
    body = {"project_name": "Scenes", "ip_medium": "illustration", "ip_type": "stylized_scene"} | values
    answer = tenant.post(PROJECTS, body)
    assert answer.status_code == 201, answer.text
    return int(answer.json()["id"])


def new_dataset(tenant: Tenant, *, project_id: int | None = None, schema: str | None = None, **values: Any) -> int:
    body = {"project_id": project_id or new_project(tenant), "name": "Foxes"} | values
    answer = tenant.post(DATASETS, body)
    assert answer.status_code == 201, answer.text
    dataset_id = int(answer.json()["id"])
    if schema is not None:
        assert put(tenant, f"{DATASETS}/{dataset_id}", {"visual_schema": schema}).status_code == 200
    return dataset_id


def images_of(dataset_id: int) -> str:
    return f"{DATASETS}/{dataset_id}/images"


def stored(home: Path) -> set[str]:
    """The names of the files that the storage has of datasets."""
    return {path.name for path in (home / "storage" / "datasets").glob("*")}


def upload(tenant: Tenant, dataset_id: int, data: bytes, name: str = "fox.png", **fields: Any) -> Any:
    """As a form."""
    return tenant.client.post(
        f"{DATASETS}/{dataset_id}/images",
        headers=tenant.headers | fields.pop("headers", {}),
        files={"file": (name, data)},
        data=fields,
    )


def filled(tenant: Tenant, dataset_id: int, count: int) -> list[dict[str, Any]]:
    """Adds so many images and answers them."""
    answers = [upload(tenant, dataset_id, picture(number), f"{number}.png") for number in range(count)]
    assert [answer.status_code for answer in answers] == [201] * count, answers[-1].text
    return [answer.json() for answer in answers]
