"""The documented training process, step by step over HTTP against a live process with the embedded model: from fifteen
PNG files to a picture in their look. Takes minutes: it trains."""

import base64
import io
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image

from sartor.captioning.likeness import style_distance
from sartor.captioning.naming import Namer
from sartor.captioning.sight import look_at
from sartor.models.brands import find_brands
from tests.e2e.conftest import Server

MARGIN = 2.0  # with the model, pictures are nearer to its training pictures by this factor than without
RECOGNISED = 3  # of the four: their name is among the attribute network's first five of 186
UNSEEN = ("penguin", "cactus", "butterfly", "strawberry")
TRAINING_SECONDS = 2700

pytestmark = pytest.mark.skipif(not find_brands([]), reason="this checkout has no bundled brand to take pictures from")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("home"), CHECKPOINT="embedded", THREADS="1", LEASE="30")
    yield server
    server.kill()


@pytest.fixture(scope="module")
def client(server: Server) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.base, headers={"api_token": server.token()}, timeout=300) as client:
        yield client


def drawn(client: httpx.Client, model_id: int, prompt: str, influence: float) -> tuple[Image.Image, dict[str, Any]]:
    body = {
        "tailored_model_id": model_id,
        "prompt": prompt,
        "seed": 11,
        "steps_num": 20,
        "tailored_model_influence": influence,
        "sync": True,
    }
    answer = client.post("/v2/image/generate/tailored", json=body)
    assert answer.status_code == 200, answer.text
    with Image.open(io.BytesIO(httpx.get(answer.json()["image_url"]).content)) as picture:
        return picture.convert("RGB"), json.loads(answer.json()["structured_prompt"])


def done(answer: httpx.Response, code: int = 200) -> Any:
    assert answer.status_code == code, answer.text
    return answer.json() if answer.content else None


def test_from_fifteen_files_to_a_picture_in_their_look(client: httpx.Client) -> None:
    files = sorted((find_brands([])[0].folder / "images").glob("*.png"))
    assert len(files) == 15

    # 1, 2: a project, and a dataset in it
    project = done(
        client.post(
            "/v1/tailored-gen/projects",
            json={"project_name": "Ink", "ip_medium": "illustration", "ip_type": "multi_object_set"},
        ),
        201,
    )
    dataset = done(client.post("/v1/tailored-gen/datasets", json={"project_id": project["id"], "name": "v1"}), 201)
    at = f"/v1/tailored-gen/datasets/{dataset['id']}"

    # 3: the visual schema, generated from eight of them, refined, applied
    samples = [base64.b64encode(file.read_bytes()).decode() for file in files[:8]]
    found = done(client.post("/v1/tailored-gen/generate_visual_schema", json={"images": samples}))["visual_schema"]
    assert "cream" in json.loads(found)["background_setting"]
    refined = done(
        client.post(
            "/v1/tailored-gen/refine_structured_prompt",
            json={"dataset_id": dataset["id"], "structured_prompt": found, "instruction": "make the style a linocut"},
        )
    )["structured_prompt"]
    schema = done(client.put(at, json={"visual_schema": refined}))["visual_schema"]
    assert json.loads(schema) == json.loads(refined)

    # 4: the pictures, each captioned as it comes
    for file in files:
        image = done(client.post(f"{at}/images", files={"file": (file.name, file.read_bytes(), "image/png")}), 201)
        assert image["caption_source"] == "automatic"
    images = done(client.get(f"{at}/images"))
    assert len(images) == 15
    for image in images:
        caption = json.loads(image["caption"])
        for field, value in json.loads(schema).items():
            if isinstance(value, str):
                assert caption[field] == value
        assert caption["objects"]

    # 5: one caption mended, the dataset completed
    first = images[0]
    mended = done(
        client.post(
            "/v1/tailored-gen/refine_structured_prompt",
            json={"dataset_id": dataset["id"], "structured_prompt": first["caption"], "instruction": "it is large"},
        )
    )["structured_prompt"]
    assert done(client.put(f"{at}/images/{first['id']}", json={"caption": mended}))["caption_source"] == "manual"
    assert done(client.put(at, json={"status": "completed"}))["status"] == "completed"

    # 6, 7, 8: a model, its training, and how it goes
    model = done(client.post("/v1/tailored-gen/models", json={"name": "Ink", "dataset_id": dataset["id"]}), 201)
    assert model["status"] == "Created"
    address = f"/v1/tailored-gen/models/{model['id']}"
    refused = client.post(
        "/v2/image/generate/tailored", json={"tailored_model_id": model["id"], "prompt": "a penguin", "sync": True}
    )
    assert refused.status_code == 422
    assert done(client.post(f"{address}/start_training"))["status"] == "InProgress"
    began = time.monotonic()
    while (model := done(client.get(address)))["status"] == "InProgress":
        assert time.monotonic() - began < TRAINING_SECONDS, model
        time.sleep(2)
    assert model["status"] == "Completed", model

    # 9: things that no training picture shows, with the model and without
    with_model, without = [], []
    for thing in UNSEEN:
        picture, said = drawn(client, model["id"], f"a {thing}", 1.0)
        assert said["objects"][0]["description"] == thing
        with_model.append(picture)
        without.append(drawn(client, model["id"], f"a {thing}", 0.0)[0])
    training = [Image.open(file).convert("RGB") for file in files]
    near, far = style_distance(with_model, training), style_distance(without, training)
    assert far > MARGIN * near, (near, far)
    namer = Namer.load()
    guesses = [ranking(namer, picture) for picture in with_model]
    recognised = [thing in names[:5] for thing, names in zip(UNSEEN, guesses, strict=True)]
    assert sum(recognised) >= RECOGNISED, [names[:5] for names in guesses]


def ranking(namer: Namer, picture: Image.Image) -> list[str]:
    """The names of what a picture's largest part may be, the likeliest first."""
    part = max(look_at(picture).parts, key=lambda one: one.length)
    things = namer.guess(picture, part).things
    return sorted(things, key=lambda name: -things[name])


def test_the_adapter_is_one_that_the_field_reads(client: httpx.Client, tmp_path: Path) -> None:
    model = done(client.get("/v1/tailored-gen/models"))[0]
    download = done(client.get(f"/v1/tailored-gen/models/{model['id']}/download"))
    file = tmp_path / "pytorch_lora_weights.safetensors"
    file.write_bytes(httpx.get(download["download_url"]).content)
    from safetensors import safe_open

    with safe_open(file, "pt") as weights:
        assert all(name.startswith("transformer.") for name in weights.keys())  # noqa: SIM118
