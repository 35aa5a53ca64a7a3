"""Adapters from elsewhere: what fits is a model at once, everything else is refused with its reason."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import os
import pickle
import zipfile
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
import torch
from PIL import Image
from safetensors.torch import load
from sqlalchemy.exc import IntegrityError

from sartor.assembly.factories import served_base
from sartor.fibo.adapter_names import B
from sartor.kit.idempotency import claim
from sartor.models.base import ServedBase
from sartor.models.tables import DELETED, Model
from tests.conftest import Service, Tenant
from tests.models.conftest import LIST

IMPORT = f"{LIST}/import"
SCENE = {"structured_prompt": '{"short_description":"a boat"}', "seed": 1, "steps_num": 20, "sync": True}


def sent(tenant: Tenant, data: bytes, **fields: str) -> Any:
    return tenant.client.post(IMPORT, headers=tenant.headers, files={"file": ("lora.safetensors", data)}, data=fields)


def test_strangers(trainer: Service) -> None:
    assert trainer.client.post(IMPORT, files={"file": b"x"}).status_code == 401


@pytest.mark.parametrize("verb", ["GET", "PUT", "DELETE"])
def test_it_is_no_model(owner: Tenant, verb: str) -> None:
    assert owner.client.request(verb, IMPORT, headers=owner.headers).status_code == 405


def test_what_fits_is_drawn_with(trainer: Service, owner: Tenant, adapter: Callable[..., bytes]) -> None:
    data = adapter()
    answer = sent(owner, data, name="Elsewhere", visual_schema='{"style_medium":"ink"}')
    assert answer.status_code == 201, answer.text
    model = answer.json()
    assert (model["name"], model["status"], model["training_parameters"]["rank"]) == ("Elsewhere", "Completed", 4)
    base = {"tailored_model_influence": 0.0} | SCENE | {"tailored_model_id": str(model["id"])}
    pictures = []
    for influence in (0.0, 1.0):
        drawn = owner.post("/v2/image/generate/tailored", base | {"tailored_model_influence": influence})
        assert drawn.status_code == 200, drawn.text
        pictures.append(owner.client.get(drawn.json()["image_url"]).content)
    assert pictures[0] != pictures[1]
    link = owner.get(f"{LIST}/{model['id']}/download").json()["download_url"]
    assert owner.client.get(link).content == data
    assert owner.get(f"{LIST}/{model['id']}/checkpoints").json()["checkpoints"] == []
    with trainer.parts.database.transaction() as session:
        assert trainer.parts.models.look(session, model["id"]).visual_schema.style_medium == "ink"


def kohya(tensors: dict[str, torch.Tensor]) -> None:
    """The same tensors under kohya's names."""
    for name in list(tensors):
        layer, _, end = name.removeprefix("transformer.").partition(".lora_")
        place = f"lora_unet_{layer.replace('.', '_')}"
        tensors[f"{place}.lora_{'down' if end[0] == 'A' else 'up'}.weight"] = tensors.pop(name)
        tensors[f"{place}.alpha"] = torch.tensor(4.0)


def peft(tensors: dict[str, torch.Tensor]) -> None:
    for name in list(tensors):
        renamed = name.replace("transformer.", "base_model.model.", 1).replace(".weight", ".default.weight")
        tensors[renamed] = tensors.pop(name)


@pytest.mark.parametrize("spoken", [kohya, peft])
def test_another_trainers_names_become_diffusers(
    trainer: Service, owner: Tenant, adapter: Callable[..., bytes], spoken: Callable[[dict[str, torch.Tensor]], None]
) -> None:
    pictures, files = [], []
    headers = owner.headers | {"Idempotency-Key": "import once"}
    for change in (None, spoken):
        sending = {"file": adapter(change=change)}
        key = headers if change else owner.headers
        answer = owner.client.post(IMPORT, headers=key, files=sending)
        assert answer.status_code == 201, answer.text
        model = answer.json()
        assert model["training_parameters"]["rank"] == 4
        drawn = owner.post("/v2/image/generate/tailored", SCENE | {"tailored_model_id": str(model["id"])})
        pictures.append(pixels(owner.client.get(drawn.json()["image_url"]).content))
        link = owner.get(f"{LIST}/{model['id']}/download").json()["download_url"]
        files.append(load(owner.client.get(link).content))
    assert owner.client.post(IMPORT, headers=headers, files=sending).json() == model
    assert pictures[0] == pictures[1]
    assert files[0].keys() == {name for name in files[1] if not name.endswith(".alpha")}
    assert all(torch.equal(files[1][name], tensor) for name, tensor in files[0].items())
    assert not list((trainer.parts.settings.home / "adapters").glob(".import-*"))


def pixels(png: bytes) -> bytes:
    with Image.open(io.BytesIO(png)) as image:
        return image.tobytes()


def test_as_json(owner: Tenant, adapter: Callable[..., bytes]) -> None:
    body = {"file": base64.b64encode(adapter()).decode(), "name": "J", "visual_schema": {"style_medium": "ink"}}
    assert owner.post(IMPORT, body).status_code == 201
    assert owner.post(IMPORT, body | {"file": "%%"}).status_code == 400
    assert owner.post(IMPORT, body | {"file": 5}).status_code == 400
    assert owner.post(IMPORT, ["file"]).status_code == 400


def test_one_key_one_model(owner: Tenant, adapter: Callable[..., bytes], trainer: Service) -> None:
    headers = owner.headers | {"Idempotency-Key": "import once"}

    def again(rank: int) -> Any:
        return owner.client.post(IMPORT, headers=headers, files={"file": adapter(rank=rank)})

    first = again(4)
    assert again(4).json() == first.json()
    assert again(8).status_code == 422
    stored = trainer.parts.settings.home / "storage" / "models" / "imported"
    model = owner.get(f"{LIST}/{first.json()['id']}/download").json()
    assert [path.name for path in stored.iterdir() if path.name in model["download_url"]] != []


def stored(service: Service) -> set[str]:
    """The names of the imported adapters that the storage keeps."""
    folder = service.parts.settings.home / "storage" / "models" / "imported"
    return {path.name for path in folder.iterdir()} if folder.is_dir() else set()


@pytest.mark.parametrize(("rank", "status", "code"), [(4, "Completed", 201), (8, "Completed", 422), (4, DELETED, 404)])
def test_what_became_no_model_leaves_nothing_in_the_storage(
    owner: Tenant, adapter: Callable[..., bytes], trainer: Service, rank: int, status: str, code: int
) -> None:
    headers = owner.headers | {"Idempotency-Key": "import once"}
    first = owner.client.post(IMPORT, headers=headers, files={"file": adapter()}).json()
    with trainer.parts.database.transaction() as session:
        session.get_one(Model, first["id"]).status = status
    before = stored(trainer)
    assert owner.client.post(IMPORT, headers=headers, files={"file": adapter(rank=rank)}).status_code == code
    assert stored(trainer) == before


def test_one_that_another_import_was_faster_than_is_stored_once(
    owner: Tenant, adapter: Callable[..., bytes], trainer: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    faster = iter([IntegrityError("INSERT", {}, Exception("UNIQUE"))])

    def contested(*arguments: Any) -> str:
        for error in faster:
            raise error
        return claim(*arguments)

    monkeypatch.setattr("sartor.models.importing.claim", contested)
    before = stored(trainer)
    headers = owner.headers | {"Idempotency-Key": "import once"}
    answer = owner.client.post(IMPORT, headers=headers, files={"file": adapter()})
    assert answer.status_code == 201
    assert len(stored(trainer) - before) == 1
    link = owner.get(f"{LIST}/{answer.json()['id']}/download").json()["download_url"]
    assert owner.client.get(link).content == adapter()


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda tensors: tensors.pop(next(name for name in tensors if name.endswith(B))), "missing"),
        (lambda tensors: tensors.update({"unet.x.lora_A.weight": torch.zeros(4, 4)}), "unknown"),
        (lambda tensors: tensors.update({next(iter(tensors)): torch.zeros(4, 3)}), "mis-shaped"),
        (lambda tensors: tensors.update({next(iter(tensors)): next(iter(tensors.values())).long()}), "dtype"),
        (lambda tensors: tensors.update({next(iter(tensors)): next(iter(tensors.values())) / 0}), "not finite"),
        (lambda tensors: tensors.clear(), "no tensors"),
    ],
)
def test_what_does_not_fit(owner: Tenant, adapter: Callable[..., bytes], spoil: Callable[..., Any], said: str) -> None:
    answer = sent(owner, adapter(change=spoil))
    assert answer.status_code == 422
    assert said in answer.json()["error"]["details"]


def test_one_that_was_trained_on_another_checkpoint(owner: Tenant, adapter: Callable[..., bytes]) -> None:
    answer = sent(owner, adapter(header={"sartor.base": "0" * 64}))
    assert answer.status_code == 422
    assert "another checkpoint" in answer.json()["error"]["details"]


@pytest.mark.parametrize("pattern", [5, {"attn.to_q": None}, {"attn.to_q": 10**400}])
def test_a_header_that_cannot_be_followed(owner: Tenant, adapter: Callable[..., bytes], pattern: object) -> None:
    answer = sent(owner, adapter(header={"transformer.alpha_pattern": pattern}))
    assert answer.status_code == 422
    assert "alpha_pattern" in answer.json()["error"]["details"]


def test_a_header_that_says_null_of_itself(owner: Tenant, adapter: Callable[..., bytes]) -> None:
    """As much as saying nothing; it is read, and written anew with other names."""
    data = adapter(change=kohya)
    answer = sent(owner, with_metadata(data, b"null"))
    assert answer.status_code == 201, answer.text


def test_a_header_that_would_take_long_to_read(
    owner: Tenant, adapter: Callable[..., bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sartor.models.importing._LARGEST_HEADER", 300_000)
    assert sent(owner, with_metadata(adapter(), b'{"x":"%s"}' % (b"x" * 200_000))).status_code == 201
    answer = sent(owner, with_metadata(adapter(), b'{"x":"%s"}' % (b"x" * 300_000)))
    assert answer.status_code == 415
    assert "header" in answer.json()["error"]["details"]


def with_metadata(data: bytes, metadata: bytes) -> bytes:
    """The file with this as the metadata in its header."""
    end = 8 + int.from_bytes(data[:8], "little")
    header = b'{"__metadata__":%s,%s' % (metadata, data[9:end])
    return len(header).to_bytes(8, "little") + header + data[end:]


def torch_file() -> bytes:
    buffer = io.BytesIO()
    torch.save({"x": torch.zeros(1)}, buffer)
    return buffer.getvalue()


def archive() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        file.writestr("lora.safetensors", b"x")
    return buffer.getvalue()


@pytest.mark.parametrize(
    "data",
    [torch_file(), pickle.dumps({"x": 1}), archive(), b"", b"\xff" * 100, b"\x08\0\0\0\0\0\0\0{}", b"\x89PNG\r\n"],
    ids=["torch", "pickle", "zip", "empty", "noise", "cut", "png"],
)
def test_what_is_no_safetensors_file(owner: Tenant, data: bytes) -> None:
    assert sent(owner, data).status_code == 415


def test_size_is_bounded(owner: Tenant, trainer: Service) -> None:
    answer = sent(owner, b"\0" * (served_base(trainer.parts.settings).largest_adapter + 1))
    assert answer.status_code == 413


def streamed(tenant: Tenant, megabytes: int, **headers: str) -> tuple[httpx.Response, int]:
    """The answer to a form whose file is that large, and how many bytes of it were taken before."""
    taken, edge = 0, "----edge"
    form = {"content-type": f"multipart/form-data; boundary={edge}"}

    async def body() -> AsyncIterator[bytes]:
        nonlocal taken
        yield f'--{edge}\r\ncontent-disposition: form-data; name="file"; filename="x"\r\n\r\n'.encode()
        for _ in range(megabytes):
            taken += 1 << 20
            yield bytes(1 << 20)
        yield f"\r\n--{edge}--\r\n".encode()

    async def post() -> httpx.Response:
        transport = httpx.ASGITransport(tenant.client.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as client:
            return await client.post(IMPORT, headers=tenant.headers | form | headers, content=body())

    return asyncio.run(post()), taken


def test_what_is_too_large_is_refused_before_the_rest_arrives(owner: Tenant, trainer: Service) -> None:
    limit = trainer.parts.imports.largest_file
    answer, taken = streamed(owner, (limit >> 20) + 64)
    assert answer.status_code == 413
    assert f"{limit:,} bytes" in answer.json()["error"]["details"]
    assert limit < taken < limit + (20 << 20)
    answer, taken = streamed(owner, 1, **{"content-length": str(limit + (20 << 20))})
    assert (answer.status_code, taken) == (413, 0)


def test_nothing_is_read_where_the_base_cannot_be(
    owner: Tenant, trainer: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trainer.parts.imports, "_base", ServedBase(tmp_path, device=lambda: "cpu", embedded=False))
    answer, taken = streamed(owner, 1)
    assert (answer.status_code, taken) == (503, 0)


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"visual_schema": "{"}, 400),
        ({"visual_schema": '{"lighting": 5}'}, 400),
        ({"visual_schema": json.dumps({"style_medium": "x" * 20_000})}, 400),
        ({"name": ""}, 400),
        ({"name": "x" * 201}, 400),
        ({"project_id": "abc"}, 400),
        ({"project_id": "999999"}, 404),
    ],
)
def test_fields(owner: Tenant, adapter: Callable[..., bytes], fields: dict[str, str], code: int) -> None:
    answer = sent(owner, adapter(), **fields)
    assert answer.status_code == code
    if code == 400:
        assert answer.json()["error"]["details"].startswith(next(iter(fields)))


def test_other_bodies(owner: Tenant) -> None:
    post = owner.client.post
    assert post(IMPORT, headers=owner.headers, content=b"x").status_code == 415
    assert post(IMPORT, headers=owner.headers, data={"name": "x"}, files={"other": b"x"}).status_code == 400
    broken = owner.headers | {"content-type": "multipart/form-data"}
    assert post(IMPORT, headers=broken, content=b"x").status_code == 400


def test_nothing_stays_behind(trainer: Service) -> None:
    assert not list((trainer.parts.settings.home / "adapters").glob(".import-*"))


def test_what_a_process_that_was_killed_left_behind_goes_with_the_next_import(
    trainer: Service, owner: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = trainer.parts.settings.home / "adapters" / ".import-x.safetensors"
    left.parent.mkdir(exist_ok=True)
    left.write_bytes(b"x")
    os.utime(left, (0, 0))
    monkeypatch.setattr(trainer.parts.leftovers, "_due", 0.0)
    sent(owner, b"")
    assert not left.exists()
