"""``generate_visual_schema`` and ``refine_structured_prompt``: strangers, wrong input, and then words."""

from __future__ import annotations

import asyncio
import base64
import json
from typing import Any

import pytest
from PIL import Image

from sartor.bridge.base import BridgeUnavailable, ContentRefused
from sartor.captioning import CaptioningError, NotDescribed, PictureRefused
from sartor.datasets.tables import Dataset
from sartor.moderation.base import Finding
from tests.conftest import Service, Tenant, shared_bridge
from tests.datasets.conftest import SCHEMA, MeanColors, as_base64, error_of, new_dataset, picture

GENERATE = "/v1/tailored-gen/generate_visual_schema"
REFINE = "/v1/tailored-gen/refine_structured_prompt"
FIVE = [as_base64(picture(number, size=300)) for number in range(5)]


def refined(tenant: Tenant, dataset_id: int, structured_prompt: Any, instruction: str, **more: Any) -> Any:
    body = {"dataset_id": dataset_id, "structured_prompt": structured_prompt, "instruction": instruction}
    return tenant.post(REFINE, body | more)


@pytest.mark.parametrize("path", [GENERATE, REFINE])
def test_strangers(service: Service, path: str) -> None:
    error_of(service.client.post(path, json={"images": FIVE}), 401)


def test_what_pictures_share(tenant: Tenant, captioner: MeanColors) -> None:
    answer = tenant.post(GENERATE, {"images": [*FIVE[:-1], f"data:image/png;base64,{FIVE[-1]}"]})
    assert answer.status_code == 200, answer.text
    assert answer.json() == {"visual_schema": '{"aesthetics":{"color_scheme":"blue and green and red"}}'}
    only_red = [as_base64(picture(number, size=300)) for number in (0, 3, 6, 9, 12)]
    schema = tenant.post(GENERATE.replace("/v1/", "/v2/"), {"images": only_red}).json()["visual_schema"]
    assert json.loads(schema) == {"aesthetics": {"color_scheme": "red"}}


@pytest.mark.usefixtures("captioner")
def test_large_pictures_are_made_smaller_one_by_one(
    service: Service, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[tuple[int, int]] = []
    describe = service.parts.captions.visual_schema

    def look(images: list[Image.Image]) -> str:
        sizes.extend(image.size for image in images)
        return describe(images)

    monkeypatch.setattr(service.parts.captions, "visual_schema", look)
    images = [as_base64(picture(number, size=1500)) for number in range(5)]
    assert tenant.post(GENERATE, {"images": images}).status_code == 200
    assert sizes == [(1024, 1024)] * 5


@pytest.mark.usefixtures("captioner")
def test_base64_is_not_decoded_on_the_event_loop(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    on_the_loop: list[bool] = []
    decode = base64.b64decode

    def spy(*given: Any, **named: Any) -> bytes:
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            on_the_loop.append(False)
        else:
            on_the_loop.append(True)
        return decode(*given, **named)

    monkeypatch.setattr(base64, "b64decode", spy)
    assert tenant.post(GENERATE, {"images": FIVE}).status_code == 200
    assert on_the_loop == [False] * 5


@pytest.mark.parametrize("images", [None, [], FIVE[:4], FIVE * 2 + FIVE[:1], "five", [*FIVE[:4], 7], [*FIVE[:4], ""]])
def test_wrong_numbers_and_kinds(tenant: Tenant, images: Any) -> None:
    assert error_of(tenant.post(GENERATE, {"images": images}), 400).startswith("images")


def test_pictures_that_are_none(tenant: Tenant) -> None:
    error_of(tenant.post(GENERATE, {"images": [*FIVE[:4], as_base64(b"GIF89a" + bytes(99))]}), 415)
    error_of(tenant.post(GENERATE, {"images": [*FIVE[:4], "no base64!"]}), 400)
    error_of(tenant.post(GENERATE, {"images": [*FIVE[:4], "http://169.254.169.254/fox.png"]}), 460)
    error_of(tenant.post(GENERATE, {"images": [*FIVE[:4], as_base64(bytes(13 * 1024 * 1024))]}), 413)


def test_moderation_where_it_is_asked_for(
    service: Service, tenant: Tenant, monkeypatch: pytest.MonkeyPatch, captioner: MeanColors
) -> None:
    finding = Finding("explicit", "for the test")
    monkeypatch.setattr(service.parts.image_moderator, "check", lambda png: finding)
    assert "explicit" in error_of(tenant.post(GENERATE, {"images": FIVE, "content_moderation": True}), 422)
    assert captioner.subjects == []
    assert tenant.post(GENERATE, {"images": FIVE}).status_code == 200


@pytest.mark.parametrize(("trouble", "code"), [("away", 503), ("refuses", 422)])
def test_where_nobody_looks(tenant: Tenant, captioner: MeanColors, trouble: str, code: int) -> None:
    setattr(captioner, trouble, True)
    error_of(tenant.post(GENERATE, {"images": FIVE}), code)


@pytest.mark.parametrize("kind", [PictureRefused, NotDescribed])
def test_which_of_the_images_it_was_is_said(
    tenant: Tenant, captioner: MeanColors, monkeypatch: pytest.MonkeyPatch, kind: type[CaptioningError]
) -> None:
    def look(*_: Any, **__: Any) -> None:
        error = kind("no")
        error.number = 3
        raise error

    monkeypatch.setattr(captioner, "visual_schema", look)
    assert "image number 3" in error_of(tenant.post(GENERATE, {"images": FIVE}), 422)


def test_ten_large_pictures_fit(tenant: Tenant) -> None:
    """Two megabytes and more: above what other bodies may have."""
    images = [as_base64(picture(number) + bytes(300_000)) for number in range(10)]
    assert sum(map(len, images)) > 2_000_000
    assert tenant.post(GENERATE, {"images": images}).status_code == 200


def test_a_schema_is_refined(tenant: Tenant) -> None:
    answer = refined(tenant, new_dataset(tenant), SCHEMA, "change the style to watercolor", context_images=FIVE[:1])
    assert answer.status_code == 200, answer.text
    schema = json.loads(answer.json()["structured_prompt"])
    assert "watercolor" in schema["style_medium"]
    assert not {"short_description", "objects"} & schema.keys()


def test_a_whole_number_may_have_a_point(tenant: Tenant) -> None:
    body = {"dataset_id": float(new_dataset(tenant)), "structured_prompt": SCHEMA, "instruction": "brighter"}
    assert tenant.post(REFINE, body).status_code == 200


def test_a_caption_is_refined(tenant: Tenant) -> None:
    caption = {
        "short_description": "A red apple on a plain white background",
        "objects": [{"description": "red apple", "location": "center", "shape_and_color": "red"}],
        "background_setting": "plain white background",
        "artistic_style": "flat",
    }
    answer = refined(tenant, new_dataset(tenant), caption, "make the apple green")
    changed = json.loads(answer.json()["structured_prompt"])
    assert changed["objects"][0]["shape_and_color"] == "green"
    assert (changed["background_setting"], changed["artistic_style"]) == ("plain white background", "flat")


def test_refining_changes_no_dataset(tenant: Tenant) -> None:
    dataset_id = new_dataset(tenant, schema=SCHEMA)
    assert refined(tenant, dataset_id, SCHEMA, "change the style to watercolor").status_code == 200
    assert tenant.get(f"/v1/tailored-gen/datasets/{dataset_id}").json()["visual_schema"] == SCHEMA


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"structured_prompt": "a fox"}, "structured_prompt"),
        ({"structured_prompt": "{}"}, "structured_prompt"),
        ({"structured_prompt": None}, "structured_prompt"),
        ({"instruction": " "}, "instruction"),
        ({"instruction": "x" * 8001}, "instruction"),
        ({"instruction": 7}, "instruction"),
        ({"dataset_id": None}, "dataset_id"),
        ({"dataset_id": "seven"}, "dataset_id"),
        ({"context_images": FIVE * 2 + FIVE[:1]}, "context_images"),
    ],
)
def test_wrong_fields(tenant: Tenant, given: dict[str, Any], named: str) -> None:
    body = {"dataset_id": new_dataset(tenant), "structured_prompt": SCHEMA, "instruction": "brighter"} | given
    body = {name: value for name, value in body.items() if value is not None}
    assert error_of(tenant.post(REFINE, body), 400).startswith(named)


def test_only_of_a_draft_of_ones_own(service: Service, tenant: Tenant, other_tenant: Tenant) -> None:
    for dataset_id in (new_dataset(other_tenant), 999_999):
        error_of(refined(tenant, dataset_id, SCHEMA, "brighter"), 404)
    mine = new_dataset(tenant)
    with service.parts.database.transaction() as session:
        session.get_one(Dataset, mine).status = "completed"
    assert "completed" in error_of(refined(tenant, mine, SCHEMA, "brighter"), 400)


@pytest.mark.parametrize(("error", "code"), [(ContentRefused("no"), 422), (BridgeUnavailable("away"), 503)])
def test_a_bridge_that_cannot(tenant: Tenant, monkeypatch: pytest.MonkeyPatch, error: Exception, code: int) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr(shared_bridge(), "refine", fail)
    error_of(refined(tenant, new_dataset(tenant), SCHEMA, "brighter"), code)
