"""Seeding: rows follow the folders, and ids stay."""

import hashlib
import shutil
import threading
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from sartor.accounts.service import Accounts
from sartor.accounts.tables import Organisation
from sartor.errors import Forbidden, ModelNotReady
from sartor.kit.database import Database, now
from sartor.kit.storage import Storage
from sartor.models.adapters import AdapterFiles
from sartor.models.base import ServedBase
from sartor.models.leftovers import Leftovers
from sartor.models.service import Models
from sartor.models.tables import Model
from tests.conftest import BRAND, write_test_brand


@pytest.fixture
def models(tmp_path: Path, database: Database) -> Models:
    return Models(database, brand_folders=[tmp_path / "brands"])


def test_a_brand_that_goes_and_comes_back_keeps_its_id(tmp_path: Path, database: Database, models: Models) -> None:
    folder = write_test_brand(tmp_path)
    models.seed()
    with database.transaction() as session:
        first = models.usable(session, 1, BRAND).id
        assert models.look(session, first).adapter == folder / "pytorch_lora_weights.safetensors"

    shutil.move(folder, tmp_path / "elsewhere")
    models.seed()
    with database.transaction() as session:
        with pytest.raises(Forbidden):
            models.usable(session, 1, BRAND)
        with pytest.raises(ModelNotReady, match="no longer installed"):
            models.look(session, first)

    shutil.move(tmp_path / "elsewhere", folder)
    models.seed()
    with database.transaction() as session:
        assert models.usable(session, 1, str(first)).slug == BRAND


def test_a_changed_folder_changes_the_row(tmp_path: Path, database: Database, models: Models) -> None:
    shutil.rmtree(write_test_brand(tmp_path))
    write_test_brand(tmp_path, name="Renamed", visual_schema={"style_medium": "ink"})
    models.seed()
    with database.transaction() as session:
        model = models.usable(session, 1, BRAND)
        assert model.name == "Renamed"
        assert models.look(session, model.id).reference == BRAND, "the same bytes as under its old name"
        assert models.look(session, model.id).visual_schema.style_medium == "ink"


def test_a_schema_from_before_there_were_bounds(tmp_path: Path, database: Database, models: Models) -> None:
    write_test_brand(tmp_path)
    models.seed()
    with database.transaction() as session:
        model = models.usable(session, 1, BRAND)
        model.visual_schema = {"style_medium": "x" * 20_000}
        with pytest.raises(ModelNotReady, match="visual schema cannot be used: style_medium: longer"):
            models.look(session, model.id)


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"status": "InProgress"}, "status is InProgress"),
        ({"status": "Failed"}, "status is Failed"),
        ({"training_version": "max"}, "training_version 'fibo'"),
    ],
)
def test_models_that_cannot_draw(database: Database, models: Models, values: dict[str, str], reason: str) -> None:
    from sartor.accounts.service import Accounts

    accounts = Accounts(database, key=b"k")
    owner = accounts.authenticate(accounts.create_token("acme")).organisation_id
    with database.transaction() as session:
        row = Model(**({"organisation_id": owner, "name": "m", "status": "Completed"} | values))
        session.add(row)
        session.flush()
        with pytest.raises(ModelNotReady, match=reason):
            models.usable(session, owner, str(row.id))
        with pytest.raises(Forbidden):
            models.usable(session, owner + 1, str(row.id))


def test_a_model_without_an_adapter_is_the_base(database: Database, models: Models) -> None:
    with database.transaction() as session:
        row = Model(name="Base", status="Completed", slug="base-model")
        session.add(row)
        session.flush()
        assert models.look(session, row.id).adapter is None


def test_processes_that_start_at_once_seed_one_row(tmp_path: Path, database: Database) -> None:
    write_test_brand(tmp_path)
    failures: list[BaseException] = []

    def start() -> None:
        try:
            Models(database, brand_folders=[tmp_path / "brands"]).seed()
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=start) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    with database.transaction() as session:
        assert len(session.scalars(sa.select(Model).where(Model.slug == BRAND)).all()) == 1


def test_bundled_models_come_last_and_oldest_first(tmp_path: Path, database: Database, models: Models) -> None:
    write_test_brand(tmp_path, "aaa")
    models.seed()
    write_test_brand(tmp_path, "zzz")
    models.seed()
    slugs = [model.slug for model in models.visible(1) if model.slug in ("aaa", "zzz")]
    assert slugs == ["aaa", "zzz"]


@pytest.mark.parametrize(
    ("made_for", "refused"), [(None, False), ("the same", False), ("0" * 64, True)], ids=["unknown", "same", "another"]
)
def test_an_adapter_of_another_checkpoint_is_not_drawn_with(
    tmp_path: Path, database: Database, tiny_checkpoint: Path, made_for: str | None, refused: bool
) -> None:
    """Its shapes may fit all the same."""
    storage = Storage((tmp_path / "storage").as_uri(), key=b"k")
    storage.put("models/1/6.safetensors", b"adapter")
    base = ServedBase(tiny_checkpoint, device=lambda: "cpu", embedded=False)
    leftovers = Leftovers(database, adapters=tmp_path / "adapters", trainings=tmp_path / "training")
    files = AdapterFiles(database, storage, tmp_path / "adapters", leftovers=leftovers)
    models = Models(database, brand_folders=[], adapters=files, base=base)
    with database.transaction() as session:
        row = Model(
            name="Ink",
            status="Completed",
            adapter="models/1/6.safetensors",
            adapter_sha256=hashlib.sha256(b"adapter").hexdigest(),
            base_sha256=base.sha256 if made_for == "the same" else made_for,
        )
        session.add(row)
        session.flush()
        look = models.look(session, row.id)
    assert look.reference == str(row.id)
    if refused:
        with pytest.raises(ModelNotReady, match="another checkpoint"):
            _ = look.adapter
    else:
        assert look.adapter is not None
        assert look.adapter.read_bytes() == b"adapter"


def test_the_beginning_outlives_the_first_organisation(tmp_path: Path, database: Database, models: Models) -> None:
    """What was left over before the second one came is swept still."""
    write_test_brand(tmp_path)
    accounts = Accounts(database, key=b"k")
    models.seed()
    assert models.began() is None, "nobody has anything"
    start = now()
    accounts.create_token("acme")
    with database.transaction() as session:
        session.execute(sa.update(Model).values(created_at=start - timedelta(days=9)))
        session.execute(sa.update(Organisation).values(created_at=start - timedelta(days=10)))
    assert models.began() == start - timedelta(days=10)
    accounts.create_token("other")
    with database.transaction() as session:
        session.execute(sa.delete(Organisation).where(Organisation.name == "acme"))
    assert models.began() == start - timedelta(days=9)
