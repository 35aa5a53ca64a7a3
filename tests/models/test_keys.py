"""Which bytes of models are needed still."""

from __future__ import annotations

import pytest

from sartor.kit.database import Database
from sartor.models.keys import KEYSPACES, adapter_key, all_keys, card_key, imported_key, needed, samples_key
from sartor.models.tables import DELETED, Model, ModelCheckpoint

IMPORTED = imported_key("a" * 64, "0123456789abcdef")


def add(database: Database, *, steps: tuple[int, ...] = (), **values: str) -> int:
    """A model, with checkpoints after these steps."""
    with database.transaction() as session:
        row = Model(name="Mine", **values)
        session.add(row)
        session.flush()
        for step in steps:
            session.add(
                ModelCheckpoint(
                    model_id=row.id,
                    step=step,
                    adapter_key=adapter_key(row.id, step),
                    adapter_sha256="0" * 64,
                    samples_key=samples_key(row.id, step),
                )
            )
    return row.id


def kept(database: Database, keys: list[str]) -> list[str]:
    with database.transaction() as session:
        return [key for key in keys if key in needed(session, keys)]


@pytest.mark.parametrize("status", ["Completed", "Failed", "Stopped", DELETED])
def test_checkpoints_and_what_every_model_may_have(database: Database, status: str) -> None:
    model_id = add(database, status=status, steps=(100, 200))
    named = all_keys(model_id, (100, 200))
    unnamed = all_keys(model_id, (300,))[:2]
    assert kept(database, named + unnamed) == named
    assert kept(database, unnamed) == []


@pytest.mark.parametrize("status", ["InProgress", "Stopping"])
def test_everything_of_a_model_in_training(database: Database, status: str) -> None:
    """What was put before its row is put again, when the training is taken up."""
    in_training, other = add(database, status=status), add(database, status="Failed")
    assert kept(database, [adapter_key(in_training, 100), adapter_key(other, 100)]) == [adapter_key(in_training, 100)]


def test_adapters_that_a_model_draws_with(database: Database) -> None:
    add(database, status="Completed", adapter=IMPORTED)
    add(database, status="Completed", adapter="brand:inkwell")
    trained = add(database, status="Completed")
    drawn_with = add(database, status="Completed", adapter=adapter_key(trained, 50))
    keys = [IMPORTED, imported_key("a" * 64, "f" * 16), adapter_key(trained, 50), adapter_key(drawn_with, 50)]
    assert kept(database, keys) == [IMPORTED, adapter_key(trained, 50)]


def test_of_a_model_that_is_gone_nothing(database: Database) -> None:
    assert kept(database, all_keys(999, (100,))) == []


def test_only_what_is_written_here_can_go() -> None:
    (space,) = KEYSPACES
    assert all(space.pattern.fullmatch(key) for key in [*all_keys(7, (100,)), IMPORTED])
    for foreign in ("models/notes.txt", "models/7/notes.txt", "models/imported/mine.safetensors", card_key(10**9)):
        assert not space.pattern.fullmatch(foreign)
