"""What settings and requests say of the engine reaches it; the checkpoint's hash is remembered for whoever asks."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from fastapi.testclient import TestClient
from safetensors.torch import save_file

from sartor.app import create_app
from sartor.assembly.factories import engine_factory, served_base
from sartor.fibo import Engine, read_recipe
from sartor.fibo.adapter_names import A, B
from sartor.fibo.adapters import adapter_targets
from sartor.fibo.integrity import LARGE
from sartor.generation.tables import GenerationRequest
from tests.conftest import Service, make_settings, shared_bridge, write_test_brand
from tests.fibo.conftest import build_checkpoint


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_checkpoint(tmp_path_factory.mktemp("tiny"))


def load(home: Path, checkpoint: Path, **values: Any) -> Engine:
    engine = engine_factory(make_settings(home, checkpoint=str(checkpoint), device="cpu", threads=1, **values))()
    assert isinstance(engine, Engine)
    return engine


def test_nothing_that_changes_a_picture_is_on_by_default(tmp_path: Path, checkpoint: Path) -> None:
    engine = load(tmp_path, checkpoint)
    assert (engine.fingerprint.mode, engine.fingerprint.linears) == ("eager", "full")
    assert engine.memory.name == "resident"


@pytest.mark.parametrize(
    ("given", "mode", "linears", "memory"),
    [
        ({"memory": "lean"}, "eager", "full", "lean"),
        ({"linears": "fp8"}, "eager", "fp8", "resident"),
        ({"compile": "on"}, "compiled", "full", "resident"),
        ({"compile": "off", "memory": "parts-on-host", "linears": "fp8"}, "eager", "fp8", "parts-on-host"),
    ],
)
def test_the_engine_is_what_the_settings_say(
    tmp_path: Path, checkpoint: Path, given: dict[str, str], mode: str, linears: str, memory: str
) -> None:
    engine = load(tmp_path, checkpoint, **given)
    assert (engine.fingerprint.mode, engine.fingerprint.linears) == (mode, linears)
    assert engine.memory.name == memory


def test_a_second_device_gets_a_transformer_of_its_own(
    tmp_path: Path, checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sartor.fibo.transformer import FiboTransformer

    devices: list[str] = []
    original = FiboTransformer.load

    def counted(*arguments: Any, **named: Any) -> FiboTransformer:
        devices.append(str(named["device"]))
        return original(*arguments, **named)

    monkeypatch.setattr(FiboTransformer, "load", counted)
    load(tmp_path, checkpoint)
    alone = len(devices)
    load(tmp_path, checkpoint, second_device="cpu")
    assert len(devices) == 2 * alone + 1


def test_a_picture_and_its_request_say_how_steps_were_saved(tmp_path: Path, checkpoint: Path) -> None:
    settings = make_settings(tmp_path, checkpoint=str(checkpoint), device="cpu", threads=1, caching="cached-3")
    generator = torch.Generator().manual_seed(0)
    tensors = {}
    for name, linear in adapter_targets(served_base(settings).blank).items():
        tensors[f"transformer.{name}{A}"] = torch.randn(2, linear.in_features, generator=generator)
        tensors[f"transformer.{name}{B}"] = torch.randn(linear.out_features, 2, generator=generator)
    save_file(tensors, write_test_brand(tmp_path) / "pytorch_lora_weights.safetensors")
    recipe = {"structured_prompt": '{"short_description":"a boat"}', "seed": 1, "steps_num": 20, "sync": True}
    with TestClient(create_app(settings, bridge=shared_bridge)) as client:
        service = Service(client, client.app.state.parts)  # type: ignore[attr-defined]
        tenant = service.tenant()
        pictures: dict[str, bytes] = {}
        for said in ({}, {"caching": "cached-3"}, {"caching": "exact"}):
            answer = tenant.image({"tailored_model_influence": 0.1} | recipe | said)
            assert answer.status_code == 200, answer.text
            caching = said.get("caching", "cached-3")
            png = client.get(answer.json()["image_url"]).content
            found = read_recipe(png)
            assert found.caching == found.fingerprint.caching == caching
            with service.parts.database.transaction() as session:
                row = session.get_one(GenerationRequest, answer.json()["request_id"])
            assert row.fingerprint is not None
            assert row.fingerprint["caching"] == row.options["caching"] == caching
            assert pictures.setdefault(caching, png) == png
        assert pictures["exact"] != pictures["cached-3"]


def test_large_weights_are_hashed_once_for_the_engine_and_for_trainings(tmp_path: Path) -> None:
    folder = build_checkpoint(tmp_path / "checkpoint")
    large = folder / "text_encoder" / "more.safetensors"
    with large.open("wb") as file:
        file.truncate(LARGE)
    settings = make_settings(tmp_path / "home", checkpoint=str(folder), device="cpu")
    found = served_base(settings).sha256
    memory = tmp_path / "home" / "hashes.json"
    known = json.loads(memory.read_text())
    assert list(known) == [str(large.resolve())]
    # What is remembered is believed: another service of this home answers by it.
    known[str(large.resolve())]["sha256"] = "0" * 64
    memory.write_text(json.dumps(known))
    assert served_base(settings).sha256 not in (None, found)
