"""Which bytes of datasets are needed still."""

from __future__ import annotations

import pytest

from sartor.accounts.tables import Organisation
from sartor.datasets.keys import (
    KEYSPACES,
    archive_key,
    captions_key,
    image_key,
    needed,
    new_stem,
    thumbnail_key,
)
from sartor.datasets.tables import BulkUpload, Dataset, DatasetImage
from sartor.kit.database import Database
from sartor.projects.tables import Project


def files_of(stem: str) -> list[str]:
    return [image_key(stem), thumbnail_key(stem)]


@pytest.fixture
def dataset(database: Database) -> Dataset:
    with database.transaction() as session:
        owner = Organisation(name="acme")
        session.add(owner)
        session.flush()
        project = Project(organisation_id=owner.id, name="Brand", ip_medium="illustration", ip_type="icons")
        session.add(project)
        session.flush()
        dataset = Dataset(
            organisation_id=owner.id, project_id=project.id, name="Foxes", archive_key=archive_key("a" * 64)
        )
        session.add(dataset)
    return dataset


def test_images_and_the_last_download(database: Database, dataset: Dataset) -> None:
    stem, other = new_stem(), new_stem()
    archive, former = archive_key("a" * 64), archive_key("b" * 64)
    with database.transaction() as session:
        session.add(
            DatasetImage(
                dataset_id=dataset.id,
                name="fox",
                image_key=image_key(stem),
                thumbnail_key=thumbnail_key(stem),
                width=1,
                height=1,
                perceptual_hash="0" * 16,
            )
        )
    named = [*files_of(stem), archive, captions_key(archive)]
    unnamed = [*files_of(other), former, captions_key(former)]
    with database.transaction() as session:
        assert needed(session, named + unnamed) == set(named)
        assert needed(session, named) == set(named)
        for key in named:
            assert key in needed(session, [key])
        assert needed(session, unnamed) == set()
    (space,) = KEYSPACES
    assert all(space.pattern.fullmatch(key) for key in named + unnamed)
    for foreign in ("datasets/fox.png", "datasets/7/0.png", f"datasets/{stem}.jpg", f"datasets/{stem}.png.bak"):
        assert not space.pattern.fullmatch(foreign)


@pytest.mark.parametrize(("status", "stays"), [("pending", True), ("processing", True), ("failed", False)])
def test_entries_of_an_upload_that_goes_on(database: Database, dataset: Dataset, status: str, stays: bool) -> None:
    """It may be taken up again after days, and then writes the same keys again."""
    with database.transaction() as session:
        session.add(BulkUpload(id="u", dataset_id=dataset.id, zip_url="", status=status, total=3))
    entries = [key for entry in range(3) for key in files_of(new_stem(dataset, entry))]
    beyond = files_of(new_stem(dataset, 3))
    with database.transaction() as session:
        assert needed(session, entries + beyond) == (set(entries) if stays else set())
