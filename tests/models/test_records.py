"""What a training writes down, and what it asks."""

from pathlib import Path

import pytest

from sartor.kit.database import AWAY
from sartor.models.records import Records
from tests.models.test_jobs import Workshop


@pytest.fixture
def workshop(tmp_path: Path, tiny_checkpoint: Path) -> Workshop:
    return Workshop(tmp_path, tiny_checkpoint)


def test_a_database_that_is_away_stops_nothing(workshop: Workshop, tmp_path: Path) -> None:
    model, records = workshop.model(), Records(workshop.database, workshop.storage)
    assert not records.asked_to_stop(model.id)
    workshop.database.close()
    (tmp_path / "sartor.db").rename(tmp_path / "away.db")
    (tmp_path / "sartor.db").mkdir()
    with pytest.raises(AWAY):
        workshop.database.check()
    assert not records.asked_to_stop(model.id)
    records.tell(model.id, {"step": 1})
