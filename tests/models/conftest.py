"""Datasets to train on, and a service whose model is so small that a training takes seconds."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from fastapi.testclient import TestClient
from PIL import Image
from safetensors.torch import save

from sartor.app import create_app
from sartor.assembly.factories import served_base
from sartor.datasets.tables import Dataset, DatasetImage
from sartor.fibo.adapter_names import METADATA, A, B
from sartor.fibo.adapters import adapter_targets
from sartor.kit.database import Database
from sartor.kit.storage import Storage
from sartor.models.tables import Model, ModelCheckpoint
from sartor.projects.tables import Project
from tests.conftest import SCHEMA, Service, Tenant, make_settings, shared_bridge, wait_for, write_test_brand
from tests.fibo.conftest import build_checkpoint

LIST = "/v1/tailored-gen/models"
THINGS = ("apple", "cat", "rocket", "tulip", "house", "cup", "fish", "star", "car", "owl", "key", "tree")


def picture(number: int) -> bytes:
    """A PNG of a few soft colours, another one for each number."""
    colours = torch.randint(0, 255, (3, 3, 3), generator=torch.Generator().manual_seed(number), dtype=torch.uint8)
    buffer = io.BytesIO()
    Image.fromarray(colours.numpy()).resize((96, 80), Image.Resampling.BICUBIC).save(buffer, "PNG")
    return buffer.getvalue()


def add_dataset(
    database: Database, storage: Storage, organisation_id: int, *, images: int = 5, **values: Any
) -> Dataset:
    """A completed dataset in a project of its own, as the datasets' own service leaves one behind."""
    uncaptioned = values.pop("uncaptioned", 0)
    with database.transaction() as session:
        project = Project(
            organisation_id=organisation_id,
            name="Brand",
            ip_medium="illustration",
            ip_type=values.pop("ip_type", "icons"),
        )
        session.add(project)
        session.flush()
        defaults = {"name": "Set", "status": "completed", "visual_schema": json.dumps(SCHEMA)}
        dataset = Dataset(organisation_id=organisation_id, project_id=project.id, **(defaults | values))
        session.add(dataset)
        session.flush()
        for number in range(images):
            key = f"datasets/{dataset.id}/{number}.png"
            storage.put(key, picture(number))
            caption = json.dumps({"short_description": f"a {THINGS[number % len(THINGS)]} {number}"})
            session.add(
                DatasetImage(
                    dataset_id=dataset.id,
                    name=f"{number}.png",
                    caption=None if number < uncaptioned else caption,
                    image_key=key,
                    thumbnail_key=key,
                    width=96,
                    height=80,
                    perceptual_hash=f"{number:016x}",
                )
            )
    return dataset


def dataset_of(service: Service, tenant: Tenant, **values: Any) -> Dataset:
    return add_dataset(service.parts.database, service.parts.storage, tenant.organisation_id, **values)


def own_model(service: Service, tenant: Tenant, **values: Any) -> int:
    defaults = {"name": "Mine", "status": "Completed", "training_parameters": {"rank": 8}, "checkpoint_steps": ["100"]}
    with service.parts.database.transaction() as session:
        row = Model(organisation_id=tenant.organisation_id, **(defaults | values))
        session.add(row)
        session.flush()
        return row.id


def with_checkpoints(service: Service, tenant: Tenant, **values: Any) -> int:
    """A model that was trained in expert mode, with three checkpoints whose bytes are in the storage."""
    defaults = {"training_mode": "expert", "checkpoint_steps": ["100", "200", "250"]}
    model_id = own_model(service, tenant, **(defaults | values))
    with service.parts.database.transaction() as session:
        for step in (100, 200, 250):
            data = f"adapter {model_id} {step}".encode()
            keys = f"models/{model_id}/{step}.safetensors", f"models/{model_id}/{step}.png"
            for key in keys:
                service.parts.storage.put(key, data)
            sha256 = hashlib.sha256(data).hexdigest()
            session.add(
                ModelCheckpoint(
                    model_id=model_id,
                    step=step,
                    adapter_key=keys[0],
                    adapter_sha256=sha256,
                    samples_key=keys[1],
                    score=0.5,
                )
            )
        if values.get("status", "Completed") == "Completed":
            row = session.get_one(Model, model_id)
            row.adapter, row.adapter_sha256 = keys[0], sha256
    return model_id


def put(tenant: Tenant, model_id: int, body: Any) -> Any:
    return tenant.client.put(f"{LIST}/{model_id}", headers=tenant.headers, json=body)


def delete(tenant: Tenant, path: str) -> int:
    return int(tenant.client.delete(LIST + path, headers=tenant.headers).status_code)


def downloaded(tenant: Tenant, model_id: int) -> bytes:
    link = tenant.get(f"{LIST}/{model_id}/download").json()["download_url"]
    return bytes(tenant.client.get(link).content)


def bundled(tenant: Tenant) -> dict[str, Any]:
    return next(model for model in tenant.get(LIST).json() if model["name"] == "Paper Garden")


@pytest.fixture(scope="session")
def tiny_checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """FIBO's architecture with 100,000 random weights: read only."""
    return build_checkpoint(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="module")
def trainer(tmp_path_factory: pytest.TempPathFactory, tiny_checkpoint: Path) -> Iterator[Service]:
    """The app with the real engine and the real trainer on the tiny checkpoint."""
    home = tmp_path_factory.mktemp("trainer")
    write_test_brand(home)
    app = create_app(
        make_settings(home, checkpoint=str(tiny_checkpoint), threads=1, fetch_allow="127.0.0.0/8"), bridge=shared_bridge
    )
    with TestClient(app) as client:
        wait_for(lambda: True if client.get("/readyz").status_code == 200 else None, 300)
        yield Service(client, app.state.parts)


@pytest.fixture
def owner(trainer: Service) -> Tenant:
    return trainer.tenant()


@pytest.fixture
def adapter(trainer: Service) -> Callable[..., bytes]:
    """A LoRA file for the served checkpoint; ``change`` may spoil its tensors."""

    def make(
        *, rank: int = 4, header: object = None, change: Callable[[dict[str, torch.Tensor]], Any] | None = None
    ) -> bytes:
        generator = torch.Generator().manual_seed(rank)
        tensors = {}
        for name, linear in adapter_targets(served_base(trainer.parts.settings).blank).items():
            tensors[f"transformer.{name}{A}"] = torch.randn(rank, linear.in_features, generator=generator)
            tensors[f"transformer.{name}{B}"] = torch.randn(linear.out_features, rank, generator=generator)
        if change is not None:
            change(tensors)
        return save(tensors, metadata={METADATA: json.dumps(header)} if header else None)

    return make
