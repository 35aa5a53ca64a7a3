"""Generation over HTTP: strangers, other tenants, wrong input, and then images."""

import io
import json
from typing import Any
from urllib.parse import urlsplit

import pytest
from PIL import Image

from sartor.models.tables import Model
from tests.conftest import BRAND, SCHEMA, Service, Tenant

IMAGE = "/v2/image/generate/tailored"
STRUCTURED = "/v2/structured_prompt/generate/tailored"
PROMPT = "a red apple on a yellow background"


def body(**values: Any) -> dict[str, Any]:
    return {"tailored_model_id": BRAND, "prompt": PROMPT} | values


def fetch(tenant: Tenant, address: str) -> Any:
    """The bytes behind an address, asked for by someone without a token."""
    split = urlsplit(address)
    return tenant.client.get(f"{split.path}?{split.query}")


def error_of(answer: Any, code: int) -> dict[str, Any]:
    """The error object, after the envelope has been looked at."""
    assert answer.status_code == code, answer.text
    envelope = answer.json()
    assert envelope["error"]["code"] == code
    assert envelope["request_id"] == answer.headers["x-request-id"]
    assert isinstance(envelope["error"]["message"], str)
    return dict(envelope["error"])


@pytest.mark.parametrize("path", [IMAGE, STRUCTURED])
def test_strangers(service: Service, path: str) -> None:
    error_of(service.client.post(path, json=body()), 401)


@pytest.mark.parametrize("path", [IMAGE, STRUCTURED])
def test_foreign_and_unknown_models_are_refused_alike(
    service: Service, tenant: Tenant, other_tenant: Tenant, path: str
) -> None:
    with service.parts.database.transaction() as session:
        row = Model(organisation_id=other_tenant.organisation_id, name="Theirs", status="Completed")
        session.add(row)
        session.flush()
        foreign = row.id
    refused = error_of(tenant.post(path, body(tailored_model_id=foreign)), 403)
    for unknown in ("999999", 999999, "no-such-model", "9" * 99, "-1", "1.5", "٣"):
        assert error_of(tenant.post(path, body(tailored_model_id=unknown)), 403) == refused
    assert other_tenant.post(path, body(tailored_model_id=foreign)).status_code == 202


def test_another_tenants_request_is_not_there(tenant: Tenant, other_tenant: Tenant) -> None:
    request_id = tenant.image({"prompt": PROMPT}).json()["request_id"]
    answer = other_tenant.get(f"/v2/status/{request_id}")
    error_of(answer, 404)
    assert answer.json()["status"] == "NOT_FOUND"
    assert tenant.settled(request_id)["status"] == "COMPLETED"


@pytest.mark.parametrize("request_id", ["unknown", "0" * 8 + "-0000" * 3 + "-" + "0" * 12, "x" * 101, "a%00b", "ü"])
def test_unknown_requests(tenant: Tenant, request_id: str) -> None:
    answer = tenant.get(f"/v2/status/{request_id}")
    error_of(answer, 404)
    assert answer.json()["status"] == "NOT_FOUND"


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"tailored_model_id": None}, "tailored_model_id"),
        ({"tailored_model_id": ""}, "tailored_model_id: string should have at least 1 character"),
        ({"prompt": None}, "give one of these"),
        ({"prompt": "x" * 8001}, "prompt: string should have at most 8000 characters"),
        ({"webhook_url": "x" * 2049}, "webhook_url: string should have at most 2048 characters"),
        ({"seed": "7"}, "seed"),
        ({"steps_num": 10}, "steps_num"),
        ({"guidance_scale": 9}, "guidance_scale"),
        ({"aspect_ratio": "2:1"}, "aspect_ratio"),
        ({"caching": "cached-4"}, "caching: input should be 'exact', 'cached-1.5', 'cached-2' or 'cached-3'"),
        ({"guidance_until": 1.5}, "guidance_until"),
        ({"tailored_model_influence": 2}, "tailored_model_influence"),
        ({"sync": "yes"}, "sync"),
        ({"structured_prompt": "{"}, "structured_prompt"),
        ({"structured_prompt": {"objects": [{"number_of_objects": "two"}]}}, "objects[0].number_of_objects"),
    ],
)
def test_wrong_fields_are_422_and_named(tenant: Tenant, given: dict[str, Any], named: str) -> None:
    assert named in error_of(tenant.post(IMAGE, body(**given)), 422)["details"]


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"5", b"null", b"\xff\xfe", b"[" * 100_000, b'{"prompt": NaN}'])
@pytest.mark.parametrize("media_type", ["application/json", "text/plain"])
def test_bodies_that_are_none(tenant: Tenant, content: bytes, media_type: str) -> None:
    answer = tenant.client.post(IMAGE, content=content, headers=tenant.headers | {"content-type": media_type})
    error_of(answer, 422)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('{"seed": ' + "7" * 5000 + "}", "body: holds a number of too many digits"),
        ("[" * 5000 + "]" * 5000, "body: is nested too deeply"),
        (b'"\xff"', "body: cannot be read as JSON"),
    ],
)
@pytest.mark.parametrize(
    ("path", "code"),
    [(IMAGE, 422), ("/v1/tailored-gen/projects", 400), ("/v1/tailored-gen/generate_visual_schema", 400)],
)
def test_json_that_is_not_read(tenant: Tenant, path: str, code: int, content: str | bytes, said: str) -> None:
    answer = tenant.client.post(path, content=content, headers=tenant.headers | {"content-type": "application/json"})
    assert error_of(answer, code)["details"] == said


def test_a_body_that_is_too_large(tenant: Tenant) -> None:
    error_of(tenant.post(IMAGE, body(prompt="x" * 1_100_000)), 413)


def test_a_model_that_is_not_trained(service: Service, tenant: Tenant) -> None:
    with service.parts.database.transaction() as session:
        row = Model(organisation_id=tenant.organisation_id, name="Mine", status="InProgress")
        session.add(row)
        session.flush()
        model_id = row.id
    assert "InProgress" in error_of(tenant.post(IMAGE, body(tailored_model_id=model_id)), 422)["details"]


def test_an_image_of_words(tenant: Tenant) -> None:
    answer = tenant.post(IMAGE, body(sync=True))
    assert answer.status_code == 200
    said = answer.json()
    assert said["result"] == {name: said[name] for name in ("image_url", "structured_prompt", "seed")}
    assert 0 <= said["seed"] < 2**31
    scene = json.loads(said["structured_prompt"])
    assert scene["objects"][0]["description"] == "red apple"
    assert scene["style_medium"] == SCHEMA["style_medium"], "the brand's schema decides the look"

    image = fetch(tenant, said["image_url"])
    assert image.headers["content-type"] == "image/png"
    with Image.open(io.BytesIO(image.content)) as opened:
        assert (opened.format, opened.size) == ("PNG", (512, 512))


def test_every_address_is_absolute_and_signed(tenant: Tenant) -> None:
    said = tenant.post(IMAGE, body(sync=True)).json()
    assert said["image_url"].startswith("http://testserver/files/images/")
    assert fetch(tenant, said["image_url"].replace("signature=", "signature=A")).status_code == 404
    assert fetch(tenant, said["image_url"].split("?")[0]).status_code == 404


def test_asynchronous(tenant: Tenant) -> None:
    answer = tenant.post(IMAGE, body())
    assert answer.status_code == 202
    accepted = answer.json()
    assert accepted == {
        "request_id": answer.headers["x-request-id"],
        "status_url": f"http://testserver/v2/status/{accepted['request_id']}",
    }
    status = tenant.settled(accepted["request_id"])
    assert status["status"] == "COMPLETED"
    assert status["request_id"] == accepted["request_id"]
    assert status["result"]["prompt"] == PROMPT
    assert isinstance(status["result"]["seed"], int)
    assert fetch(tenant, status["result"]["image_url"]).status_code == 200


def test_without_the_prefix_it_is_the_same(tenant: Tenant) -> None:
    accepted = tenant.post("/image/generate/tailored", body()).json()
    assert accepted["status_url"] == f"http://testserver/status/{accepted['request_id']}"
    assert tenant.settled(accepted["request_id"]) == tenant.get(f"/status/{accepted['request_id']}").json()


def test_recreation_is_exact_and_bypasses_the_bridge(tenant: Tenant) -> None:
    first = tenant.post(IMAGE, body(sync=True)).json()
    again = {"prompt": None, "structured_prompt": first["structured_prompt"], "seed": first["seed"], "sync": True}
    for structured_prompt in (first["structured_prompt"], json.loads(first["structured_prompt"])):
        second = tenant.post(IMAGE, body(**(again | {"structured_prompt": structured_prompt}))).json()
        assert (second["structured_prompt"], second["seed"]) == (first["structured_prompt"], first["seed"])
        assert fetch(tenant, second["image_url"]).content == fetch(tenant, first["image_url"]).content
        assert second["image_url"] != first["image_url"]
    odd = '{"short_description":"no bridge would say it so","style_medium":"oil"}'
    third = tenant.post(IMAGE, body(**(again | {"structured_prompt": odd}))).json()
    assert third["structured_prompt"] == odd
    assert "prompt" not in tenant.get(f"/v2/status/{third['request_id']}").json()["result"]


def test_refinement_changes_what_the_words_ask_for(tenant: Tenant) -> None:
    first = tenant.post(IMAGE, body(sync=True)).json()
    refined = tenant.post(
        IMAGE, body(structured_prompt=first["structured_prompt"], prompt="make the apple green", sync=True)
    ).json()
    before, after = json.loads(first["structured_prompt"]), json.loads(refined["structured_prompt"])
    assert "green" in json.dumps(after["objects"])
    assert after["background_setting"] == before["background_setting"]


@pytest.mark.parametrize(
    "changed",
    [{"seed": 8}, {"steps_num": 30}, {"guidance_scale": 4}, {"negative_prompt": "blur"}, {"aspect_ratio": "16:9"},
     {"tailored_model_influence": 0.5}, {"caching": "cached-2"}, {"guidance_until": 0.6}],
    ids=lambda changed: next(iter(changed)),
)  # fmt: skip
def test_every_field_reaches_the_engine(tenant: Tenant, changed: dict[str, Any]) -> None:
    vgl = {"prompt": None, "structured_prompt": '{"short_description":"an apple"}', "seed": 7, "sync": True}
    images = [
        fetch(tenant, tenant.post(IMAGE, body(**(vgl | more))).json()["image_url"]).content for more in ({}, changed)
    ]
    assert images[0] != images[1]


def test_words_that_are_refused(tenant: Tenant) -> None:
    error = error_of(tenant.post(IMAGE, body(prompt="a naked man", sync=True)), 422)
    assert "non_explicit_nudity" in error["details"]
    request_id = tenant.post(IMAGE, body(prompt="a naked man")).json()["request_id"]
    status = tenant.settled(request_id)
    assert status == {"status": "ERROR", "request_id": request_id, "error": error}


@pytest.mark.parametrize(
    "given",
    [
        {"structured_prompt": {"objects": [{"description": "a naked man"}]}, "seed": 1, "prompt": None},
        {
            "structured_prompt": {"short_description": "an apple", "mine": {"deep": ["a naked man"]}},
            "seed": 1,
            "prompt": None,
        },
        {
            "structured_prompt": {"objects": [{"description": "person", "is a naked man": True}]},
            "seed": 1,
            "prompt": None,
        },
        {"negative_prompt": "all clothes"},
    ],
)
def test_every_word_is_looked_at(tenant: Tenant, given: dict[str, Any]) -> None:
    error_of(tenant.post(IMAGE, body(sync=True, **given)), 422)


def test_moderation_of_words_can_be_switched_off(tenant: Tenant) -> None:
    answer = tenant.post(IMAGE, body(prompt="a naked man", sync=True, prompt_content_moderation=False))
    assert answer.status_code == 200


def test_structured_prompts_alone(tenant: Tenant) -> None:
    said = tenant.post(STRUCTURED, body(sync=True)).json()
    assert said["result"] == {name: said[name] for name in ("structured_prompt", "seed")}
    assert json.loads(said["structured_prompt"])["style_medium"] == SCHEMA["style_medium"]
    accepted = tenant.post(STRUCTURED, body(structured_prompt=said["structured_prompt"], prompt="make it green"))
    assert accepted.status_code == 202
    result = tenant.settled(accepted.json()["request_id"])["result"]
    assert "image_url" not in result
    assert "green" in result["structured_prompt"]
    image = tenant.post(IMAGE, body(prompt=None, structured_prompt=said["structured_prompt"], seed=1, sync=True))
    assert image.json()["structured_prompt"] == said["structured_prompt"]
