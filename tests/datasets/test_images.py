"""Images that are there: near-duplicates, captions, deletion, and when no more may come."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from sartor.datasets.tables import Dataset, DatasetImage
from tests.conftest import Service, Tenant
from tests.datasets.conftest import (
    DATASETS,
    SCHEMA,
    MeanColors,
    delete,
    error_of,
    filled,
    images_of,
    new_dataset,
    new_project,
    picture,
    put,
    stored,
    upload,
)


def complete(service: Service, dataset_id: int) -> None:
    with service.parts.database.transaction() as session:
        session.get_one(Dataset, dataset_id).status = "completed"


def test_near_duplicates_are_told_and_kept(tenant: Tenant) -> None:
    dataset_id = new_dataset(tenant)
    first = upload(tenant, dataset_id, picture(1)).json()
    other = upload(tenant, dataset_id, picture(2)).json()
    again = upload(tenant, dataset_id, picture(1, kind="JPEG")).json()
    assert (first["duplicate_of"], other["duplicate_of"], again["duplicate_of"]) == ([], [], [first["id"]])
    assert len(tenant.get(images_of(dataset_id)).json()) == 3


def test_with_a_schema_a_caption_is_written(tenant: Tenant, captioner: MeanColors) -> None:
    project_id = new_project(tenant, ip_type="defined_character", ip_name="Lora", ip_description="a fox")
    dataset_id = new_dataset(tenant, project_id=project_id, schema=SCHEMA)
    image = upload(tenant, dataset_id, picture(0)).json()
    assert image["caption_source"] == "automatic"
    assert json.loads(image["caption"]) == {"short_description": "Lora, red", "style_medium": "paper collage"}
    (subject,) = captioner.subjects
    assert (subject.ip_type, subject.medium, subject.description) == ("defined_character", "illustration", "a fox")
    assert tenant.get(f"{DATASETS}/{dataset_id}").json()["captions_update_status"] == "completed"


@pytest.mark.parametrize("trouble", ["away", "refuses"])
def test_an_image_is_kept_where_no_caption_can_be_written(tenant: Tenant, captioner: MeanColors, trouble: str) -> None:
    setattr(captioner, trouble, True)
    dataset_id = new_dataset(tenant, schema=SCHEMA)
    image = upload(tenant, dataset_id, picture()).json()
    assert (image["caption"], image["caption_source"]) == (None, "pending")
    path = f"{images_of(dataset_id)}/{image['id']}"
    error_of(put(tenant, path, {"regenerate_caption": True}), 503 if trouble == "away" else 422)
    setattr(captioner, trouble, False)
    assert put(tenant, path, {"regenerate_caption": True}).json()["caption_source"] == "automatic"


def test_captions_by_hand_and_written_anew(tenant: Tenant, captioner: MeanColors) -> None:
    dataset_id = new_dataset(tenant)
    (image,) = filled(tenant, dataset_id, 1)
    path = f"{images_of(dataset_id)}/{image['id']}"
    answer = put(tenant, path, {"caption": ' {"subject": "character", "action": "standing"} '})
    assert answer.status_code == 200
    manual = answer.json()
    assert (manual["caption"], manual["caption_source"]) == ('{"action":"standing","subject":"character"}', "manual")
    assert manual == tenant.get(path).json()
    assert put(tenant, path, {"caption": {"context": "a card"}}).json()["caption"] == '{"context":"a card"}'
    anew = put(tenant, path, {"regenerate_caption": True}).json()
    assert (json.loads(anew["caption"]), anew["caption_source"]) == ({"short_description": "a thing, red"}, "automatic")


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({}, "one of caption"),
        ({"regenerate_caption": False}, "one of caption"),
        ({"caption": SCHEMA, "regenerate_caption": True}, "one of caption"),
        ({"caption": "a fox"}, "caption: is not JSON"),
        ({"caption": "{}"}, "caption"),
        ({"caption": '{"objects": 1}'}, "caption: objects"),
        ({"caption": 7}, "caption"),
    ],
)
def test_captions_that_are_none(tenant: Tenant, body: dict[str, Any], named: str) -> None:
    dataset_id = new_dataset(tenant)
    (image,) = filled(tenant, dataset_id, 1)
    assert named in error_of(put(tenant, f"{images_of(dataset_id)}/{image['id']}", body), 400)


def test_deleted_with_its_bytes(tenant: Tenant, home: Path) -> None:
    dataset_id = new_dataset(tenant)
    before = stored(home)
    (image,) = filled(tenant, dataset_id, 1)
    path = f"{images_of(dataset_id)}/{image['id']}"
    answer = delete(tenant, path)
    assert (answer.status_code, answer.content) == (204, b"")
    assert stored(home) == before
    error_of(tenant.get(path), 404)
    error_of(delete(tenant, path), 404)
    assert tenant.client.get(image["image_url"]).status_code == 404


def test_completed_datasets_refuse_changes(service: Service, tenant: Tenant) -> None:
    dataset_id = new_dataset(tenant)
    (image,) = filled(tenant, dataset_id, 1)
    complete(service, dataset_id)
    path = f"{images_of(dataset_id)}/{image['id']}"
    for answer in (
        upload(tenant, dataset_id, picture(1)),
        put(tenant, path, {"caption": SCHEMA}),
        put(tenant, path, {"regenerate_caption": True}),
        delete(tenant, path),
    ):
        assert "completed" in error_of(answer, 409)
    assert tenant.get(path).json()["caption"] is None


def test_advanced_datasets_take_no_single_images(tenant: Tenant) -> None:
    assert "basic" in error_of(upload(tenant, new_dataset(tenant, upload_type="advanced"), picture()), 400)


def test_no_more_than_200(service: Service, tenant: Tenant) -> None:
    dataset_id = new_dataset(tenant)
    with service.parts.database.transaction() as session:
        for number in range(199):
            values = {"image_key": f"{number}", "thumbnail_key": f"{number}", "width": 1, "height": 1}
            session.add(DatasetImage(dataset_id=dataset_id, name="x", perceptual_hash=f"{number:016x}", **values))
    assert upload(tenant, dataset_id, picture()).status_code == 201
    assert "200" in error_of(upload(tenant, dataset_id, picture(1)), 409)


def test_a_commit_whose_answer_is_lost_keeps_the_pictures_bytes(
    service: Service, tenant: Tenant, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    images, dataset_id = service.parts.images, new_dataset(tenant)
    add, before = images.add_stored, stored(home)

    def lost(*given: Any, **named: Any) -> Any:
        add(*given, **named)
        raise OperationalError("COMMIT", {}, OSError("connection reset"))

    with monkeypatch.context() as context:
        context.setattr(images, "add_stored", lost)
        error_of(upload(tenant, dataset_id, picture()), 503)
    (image,) = tenant.get(images_of(dataset_id)).json()
    assert len(stored(home)) == len(before) + 2
    assert tenant.client.get(image["image_url"]).status_code == 200


def test_the_same_key_adds_one_image(tenant: Tenant, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset_id = new_dataset(tenant)
    key = {"Idempotency-Key": "a key"}
    first = upload(tenant, dataset_id, picture(), headers=key)
    before = stored(home)
    with monkeypatch.context() as context:
        context.setattr("sartor.datasets.uploads.take_in", None)  # what was done is not done again
        again = upload(tenant, dataset_id, picture(), headers=key)
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json() == first.json()
    assert (len(tenant.get(images_of(dataset_id)).json()), stored(home)) == (1, before)
    error_of(upload(tenant, dataset_id, picture(1), headers=key), 422)
    assert stored(home) == before
    assert delete(tenant, f"{images_of(dataset_id)}/{first.json()['id']}").status_code == 204
    assert upload(tenant, dataset_id, picture(), headers=key).status_code == 201
