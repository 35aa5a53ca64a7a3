"""Whatever a process is killed in, its bytes go once they are old; of what somebody can still ask for, nothing does.

The processes are real ones, ``python -m tests.e2e.interrupted``, which kill themselves at the worst moment.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import uuid

import pytest
import sqlalchemy as sa

from sartor.accounts.tables import Organisation
from sartor.datasets.keys import archive_key, captions_key, image_key, thumbnail_key
from sartor.datasets.pictures import take_in
from sartor.generation import keys as request_keys
from sartor.kit.database import now
from sartor.kit.orphans import AGE
from sartor.models.keys import adapter_key, all_keys, imported_key, samples_key
from sartor.models.tables import Model, ModelCheckpoint
from tests.conftest import Service, Tenant
from tests.datasets.conftest import DATASETS, SCHEMA, new_dataset, picture
from tests.e2e.interrupted import LAST

MODELS = "/v1/tailored-gen/models"


def stored(service: Service) -> set[str]:
    folder = service.parts.settings.home / "storage"
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def weeks_pass(service: Service) -> None:
    """As if everything that is there now had been there for long."""
    written_at = time.time() - 3 * AGE.total_seconds()
    for key in stored(service):
        os.utime(service.parts.settings.home / "storage" / key, (written_at, written_at))
    with service.parts.database.transaction() as session:
        session.execute(sa.update(Organisation).values(created_at=now() - 4 * AGE))


def filled_dataset(service: Service, tenant: Tenant) -> int:
    """The id of an advanced one with one image."""
    dataset_id = new_dataset(tenant, upload_type="advanced")
    taken = take_in(picture(0), increase_resolution=False)
    service.parts.images.add(dataset_id, taken, name="fox", caption=SCHEMA, caption_source="automatic", entry=0)
    return dataset_id


def trained_model(service: Service, tenant: Tenant) -> int:
    """The id of one with a checkpoint, and all bytes that a training leaves."""
    with service.parts.database.transaction() as session:
        model = Model(organisation_id=tenant.organisation_id, name="Mine", status="Completed", training_mode="expert")
        session.add(model)
        session.flush()
        adapter, samples = adapter_key(model.id, 100), samples_key(model.id, 100)
        model.adapter, model.adapter_sha256 = adapter, "0" * 64
        session.add(
            ModelCheckpoint(
                model_id=model.id, step=100, adapter_key=adapter, adapter_sha256="0" * 64, samples_key=samples
            )
        )
    for key in all_keys(model.id, [100]):
        service.parts.storage.put(key, b"bytes")
    return model.id


def test_a_worker_does_it_by_itself(service: Service) -> None:
    assert "orphans" in {chore.name for chore in service.parts.jobs._chores}


@pytest.mark.parametrize("work", LAST)
def test_what_a_kill_between_bytes_and_row_leaves(service: Service, tenant: Tenant, work: str) -> None:
    dataset_id, parts = filled_dataset(service, tenant), service.parts
    named = stored(service)
    command = [sys.executable, "-m", "tests.e2e.interrupted"]
    killed = subprocess.run([*command, parts.database.url, parts.settings.storage, str(dataset_id), work], check=False)
    assert killed.returncode == -signal.SIGKILL
    left = stored(service) - named
    assert left
    assert parts.orphans.remove() == 0, "it may have been put by somebody who is about to commit"
    weeks_pass(service)
    assert parts.orphans.remove() == len(left)
    assert stored(service) == named


def test_nothing_goes_that_somebody_can_ask_for(service: Service, tenant: Tenant) -> None:
    request_id = tenant.image({"prompt": "a red apple", "steps_num": 20}).json()["request_id"]
    links = [tenant.settled(request_id)["result"]["image_url"]]
    dataset_id, model_id = filled_dataset(service, tenant), trained_model(service, tenant)
    clone = tenant.post(f"{DATASETS}/{dataset_id}/clone", {}).json()
    for some in (dataset_id, clone["id"]):
        (image,) = tenant.get(f"{DATASETS}/{some}/images").json()
        links += [image["image_url"], image["thumbnail_url"]]
    packed = tenant.get(f"/v1/datasets/{dataset_id}/download").json()
    links += [packed["download_url"], packed["captions_url"]]
    (bundled,) = (one["id"] for one in tenant.get(MODELS).json() if one["name"] == "Paper Garden")
    for some in (model_id, bundled):
        download = tenant.get(f"{MODELS}/{some}/download").json()
        links += [download["download_url"], download["model_card_url"]]
    model = tenant.get(f"{MODELS}/{model_id}").json()
    links += [model["samples_url"], model["loss_curve_url"], model["losses_url"]]

    everything = stored(service)
    lost, stranger = str(uuid.uuid4()), 10**8
    orphans = {
        request_keys.draft_key(lost),
        request_keys.draft_key(request_id),
        request_keys.image_key(lost),
        image_key(lost),
        thumbnail_key(lost),
        archive_key("a" * 64),
        captions_key(archive_key("a" * 64)),
        adapter_key(model_id, 200),
        samples_key(model_id, 200),
        imported_key("a" * 64, "0123456789abcdef"),
        *all_keys(stranger, [100]),
    }
    foreign = {"notes.txt", "images/logo.png", "datasets/mine.zip", f"models/{model_id}/notes.txt", "backup/images/a"}
    for key in orphans | foreign:
        service.parts.storage.put(key, b"bytes")
    weeks_pass(service)
    assert service.parts.orphans.remove() == len(orphans)
    assert stored(service) == everything | foreign
    assert [tenant.client.get(link).status_code for link in links] == [200] * len(links)
