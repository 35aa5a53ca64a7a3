"""A training in progress whose base, settings or room change under it."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from sartor.kit.storage import StorageAway
from sartor.models.base import ServedBase
from sartor.models.jobs import Trainings
from sartor.models.keys import job_id
from tests.fibo.conftest import build_checkpoint
from tests.models.test_jobs import NEVER, Workshop, trained


@pytest.fixture
def workshop(tmp_path: Path, tiny_checkpoint: Path) -> Workshop:
    return Workshop(tmp_path, tiny_checkpoint)


@pytest.fixture(scope="module")
def other_base(tmp_path_factory: pytest.TempPathFactory) -> ServedBase:
    folder = build_checkpoint(tmp_path_factory.mktemp("other"), seed=1)
    return ServedBase(folder, device=lambda: "cpu", embedded=False)


@pytest.mark.parametrize("tried", [False, True], ids=["before it was tried out", "after that"])
def test_on_another_base_it_begins_again(workshop: Workshop, other_base: ServedBase, tried: bool) -> None:
    model = workshop.model()
    job = job_id(model)
    before = workshop.trainings()
    before.begin(job)
    assert before.advance(job, 2, stop=NEVER)
    if tried:
        assert before.try_out(job, 2, stop=NEVER)
    workshop.base = other_base
    after = workshop.trainings()
    if not tried:
        assert after.try_out(job, 2, stop=NEVER)
    for until in (4, 6):
        assert after.advance(job, until, stop=NEVER)
        assert after.try_out(job, until, stop=NEVER)
    after.end(job)
    assert [one.step for one in workshop.checkpoints(model)] == ([4, 6] if tried else [2, 4, 6])
    row = workshop.row(model)
    assert (row.status, row.base_sha256) == ("Completed", other_base.sha256)
    undisturbed = trained(workshop, workshop.trainings(), workshop.model())
    assert workshop.storage.get(workshop.checkpoints(model)[-1].adapter_key) == undisturbed[-1]


def of_weights(workshop: Workshop, weights: str) -> Trainings:
    trainings = workshop.trainings()
    trainings._base_weights = weights  # type: ignore[assignment]
    return trainings


def test_the_weights_stay_those_that_it_began_with(workshop: Workshop) -> None:
    model = workshop.model()
    job = job_id(model)
    of_weights(workshop, "full").begin(job)
    assert of_weights(workshop, "full").advance(job, 2, stop=NEVER)
    changed = of_weights(workshop, "fp8")
    changed.begin(job)  # taken up again before it was written down
    assert changed._recipe(workshop.row(model)).config.base_weights == "full"
    assert changed.advance(job, 4, stop=NEVER)


def test_one_of_an_earlier_version_begins_again_with_other_weights(workshop: Workshop) -> None:
    model = workshop.model()
    job = job_id(model)
    assert of_weights(workshop, "full").advance(job, 2, stop=NEVER)
    assert of_weights(workshop, "fp8").advance(job, 4, stop=NEVER)
    assert workshop.row(model).status == "InProgress"


def test_a_volume_without_room_costs_a_wait(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    model = workshop.model()
    job, trainings = job_id(model), workshop.trainings()
    assert trainings.advance(job, 2, stop=NEVER)

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("sartor.fibo.training_state._sync", full)
        with pytest.raises(StorageAway):
            trainings.advance(job, 4, stop=NEVER)
    assert (workshop.folder / job / "checkpoint-000002").is_dir()
    assert trainings.advance(job, 4, stop=NEVER)
