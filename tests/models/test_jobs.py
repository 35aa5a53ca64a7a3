"""The steps of a training's job, on a real if tiny checkpoint."""

from __future__ import annotations

import hashlib
import io
import shutil
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import sqlalchemy as sa
import torch
from PIL import Image
from safetensors.torch import load

from sartor.accounts.service import Accounts
from sartor.errors import SartorError
from sartor.fibo.training_data import bucket
from sartor.kit.database import Database
from sartor.kit.storage import Storage, StorageAway
from sartor.models.base import ServedBase
from sartor.models.jobs import Trainings, _Loaded
from sartor.models.keys import job_id
from sartor.models.recipes import Expert, expert
from sartor.models.tables import Model, ModelCheckpoint
from sartor.models.watch import Interrupted
from tests.conftest import SCHEMA
from tests.models.conftest import add_dataset

NEVER = threading.Event()


class Workshop:
    """The job's steps without the job library, and a model for them."""

    def __init__(self, folder: Path, checkpoint: Path) -> None:
        self.busy = False
        self.database = Database(f"sqlite:///{folder / 'sartor.db'}")
        self.database.migrate()
        self.storage = Storage((folder / "storage").as_uri(), key=b"k")
        self.folder = folder / "training"
        self.base = ServedBase(checkpoint, device=lambda: "cpu", embedded=False)
        accounts = Accounts(self.database, key=b"k")
        self.organisation_id = accounts.authenticate(accounts.create_token("acme")).organisation_id

    def trainings(self) -> Trainings:
        """As another process would have them: with nothing in memory."""
        return Trainings(
            self.database,
            self.storage,
            self.base,
            folder=self.folder,
            busy=lambda: self.busy,
            threads=1,
            steps_of_images=2,
        )

    def model(self, *, mode: str = "expert", **values: Any) -> Model:
        """One that has been started: six steps, a checkpoint every second."""
        dataset = add_dataset(self.database, self.storage, self.organisation_id, images=values.pop("images", 5))
        given = Expert(lr_scheduler="cosine", learning_rate=1e-3, total_training_steps=6, rank=4, checkpoint_interval=2)
        parameters = expert(self.base.training_area, given).parameters()
        with self.database.transaction() as session:
            row = Model(
                organisation_id=self.organisation_id,
                name="Brand",
                status="InProgress",
                training_mode=mode,
                training_parameters=parameters | values,
                visual_schema=SCHEMA,
                dataset_id=dataset.id,
            )
            session.add(row)
        return row

    def row(self, model: Model) -> Model:
        with self.database.transaction() as session:
            return session.get_one(Model, model.id)

    def set(self, model: Model, **values: Any) -> None:
        with self.database.transaction() as session:
            session.execute(sa.update(Model).where(Model.id == model.id).values(**values))

    def checkpoints(self, model: Model) -> list[ModelCheckpoint]:
        with self.database.transaction() as session:
            query = sa.select(ModelCheckpoint).where(ModelCheckpoint.model_id == model.id)
            return list(session.scalars(query.order_by(ModelCheckpoint.step)))


@pytest.fixture
def workshop(tmp_path: Path, tiny_checkpoint: Path) -> Workshop:
    return Workshop(tmp_path, tiny_checkpoint)


def trained(workshop: Workshop, trainings: Trainings, model: Model) -> list[bytes]:
    """The adapters of an undisturbed training, in order."""
    job = job_id(model)
    for until in trainings.begin(job):
        assert trainings.advance(job, until, stop=NEVER)
        assert trainings.try_out(job, until, stop=NEVER)
    return [workshop.storage.get(one.adapter_key) for one in workshop.checkpoints(model)]


def test_large_pictures_are_kept_as_small_as_they_are_trained_on(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = workshop.model()
    data = io.BytesIO()
    Image.effect_noise((1500, 1000), 90).save(data, "PNG")
    monkeypatch.setattr(workshop.storage, "get", lambda key: data.getvalue())
    trainings = workshop.trainings()
    loaded = trainings._load(workshop.row(model), job_id(model))
    assert {one.image.size for one in loaded.examples} == {bucket(1500, 1000, workshop.base.training_area)}


def test_a_lost_device_is_no_fault_of_the_training(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    told, stop, ended = threading.Event(), threading.Event(), []
    model, trainings = workshop.model(), workshop.trainings()
    monkeypatch.setattr(trainings, "_on_lost_device", told.set)

    def broken() -> None:
        raise torch.AcceleratorError("CUDA error: an illegal memory access was encountered")

    monkeypatch.setattr(workshop.base, "load", broken)

    def advance() -> None:
        try:
            trainings.advance(job_id(model), 2, stop=stop)
        except Interrupted:
            ended.append("interrupted")

    trainings.begin(job_id(model))
    thread = threading.Thread(target=advance)
    thread.start()
    assert told.wait(20)
    assert ended == [], "it waits until the process has let go of its jobs"
    stop.set()
    thread.join(20)
    assert ended == ["interrupted"]
    assert workshop.row(model).status == "InProgress"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "empty_cache", broken)
    trainings._loaded = _Loaded(job_id(model), None, [])  # type: ignore[arg-type]
    trainings._unload(job_id(model))  # what it raised would end the job
    monkeypatch.undo()
    assert workshop.trainings().advance(job_id(model), 2, stop=NEVER), "another process goes on"


def test_step_by_step(workshop: Workshop) -> None:
    model = workshop.model()
    adapters = trained(workshop, workshop.trainings(), model)
    found = workshop.checkpoints(model)
    assert [one.step for one in found] == [2, 4, 6]
    assert [one.adapter_sha256 for one in found] == [hashlib.sha256(data).hexdigest() for data in adapters]
    assert len(set(adapters)) == 3
    assert all(load(data) for data in adapters)
    assert all(one.score is not None and one.score > 0 for one in found)
    for one in found:
        assert one.samples_key is not None
        sheet = Image.open(io.BytesIO(workshop.storage.get(one.samples_key)))
        assert sheet.width > 4 * 256
        assert sheet.height > 2 * 256, "three captions and five things that none names"
    row = workshop.row(model)
    assert row.checkpoint_steps == ["2", "4", "6"]
    assert row.base_sha256 == workshop.base.sha256
    assert row.progress is not None
    assert (row.progress["step"], row.progress["steps"]) == (6, 6)
    workshop.trainings().end(job_id(model))
    row = workshop.row(model)
    assert (row.status, row.adapter_sha256) == ("Completed", found[-1].adapter_sha256)
    assert not (workshop.folder / job_id(model)).exists()


@pytest.mark.parametrize("lost", [False, True], ids=["killed", "on another machine"])
def test_interrupted_anywhere_it_ends_with_the_same_bytes(workshop: Workshop, lost: bool) -> None:
    undisturbed = trained(workshop, workshop.trainings(), workshop.model())
    model = workshop.model()
    job = job_id(model)
    plan = workshop.trainings().begin(job)

    def die() -> bool:
        """In the middle of the second interval."""
        progress = workshop.row(model).progress
        if progress is not None and progress["step"] == 3:
            raise MemoryError
        return False

    for until in plan:
        trainings = workshop.trainings()
        if until == 4:
            broken = workshop.trainings()
            broken._busy = die
            broken._records.tell = lambda model_id, shown: workshop.set(model, progress=shown)  # type: ignore[method-assign]
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr("sartor.models.watch._PROGRESS_PACE", 0.0)
                with pytest.raises(MemoryError):
                    broken.advance(job, until, stop=NEVER)
            if lost:
                shutil.rmtree(workshop.folder)
        assert trainings.advance(job, until, stop=NEVER)
        assert workshop.trainings().try_out(job, until, stop=NEVER)
    found = [workshop.storage.get(one.adapter_key) for one in workshop.checkpoints(model)]
    assert found == undisturbed


def test_trying_out_where_the_folder_is_gone_trains_again(workshop: Workshop) -> None:
    undisturbed = trained(workshop, workshop.trainings(), workshop.model())
    model = workshop.model()
    job = job_id(model)
    assert workshop.trainings().advance(job, 2, stop=NEVER)
    shutil.rmtree(workshop.folder)
    assert workshop.trainings().try_out(job, 2, stop=NEVER)
    assert workshop.storage.get(workshop.checkpoints(model)[0].adapter_key) == undisturbed[0]


def test_a_step_that_is_done_again_changes_nothing(workshop: Workshop) -> None:
    model = workshop.model()
    adapters = trained(workshop, workshop.trainings(), model)
    before = [(one.step, one.score, one.adapter_sha256) for one in workshop.checkpoints(model)]
    assert workshop.trainings().advance(job_id(model), 6, stop=NEVER)
    assert workshop.trainings().try_out(job_id(model), 6, stop=NEVER)
    assert [(one.step, one.score, one.adapter_sha256) for one in workshop.checkpoints(model)] == before
    assert workshop.storage.get(workshop.checkpoints(model)[-1].adapter_key) == adapters[-1]


def test_the_best_checkpoint_is_chosen_and_the_others_go(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    model = workshop.model(mode="fully_automated")
    trained(workshop, workshop.trainings(), model)
    found = workshop.checkpoints(model)
    with workshop.database.transaction() as session:
        for one, score in zip(found, (0.5, 0.3, 0.4), strict=True):
            session.execute(sa.update(ModelCheckpoint).where(ModelCheckpoint.id == one.id).values(score=score))

    def away(_key: str) -> None:
        workshop.set(model, name="Nobody waits for the storage who wants the model")
        raise StorageAway("the storage is away")

    with monkeypatch.context() as patch:
        patch.setattr(workshop.storage, "delete", away)
        with pytest.raises(StorageAway):
            workshop.trainings().end(job_id(model))
    workshop.trainings().end(job_id(model))
    row = workshop.row(model)
    assert (row.status, row.adapter, row.checkpoint_steps) == ("Completed", found[1].adapter_key, [])
    assert [one.step for one in workshop.checkpoints(model)] == [4]
    assert [workshop.storage.exists(one.adapter_key) for one in found] == [False, True, False]


def test_it_stops_between_two_optimiser_steps(workshop: Workshop) -> None:
    model = workshop.model()
    trainings, job = workshop.trainings(), job_id(model)
    told: list[int] = []

    def tell(_model_id: int, shown: dict[str, Any]) -> None:
        told.append(shown["step"])
        if shown["step"] == 1:
            workshop.set(model, status="Stopping")

    trainings._records.tell = tell  # type: ignore[method-assign]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sartor.models.watch._PROGRESS_PACE", 0.0)
        assert trainings.advance(job, 2, stop=NEVER) is False
    assert told == [1]
    trainings.end(job)
    row = workshop.row(model)
    assert (row.status, row.adapter) == ("Stopped", None)
    assert not (workshop.folder / job).exists()


def test_asked_to_stop_it_neither_begins_nor_tries_out(workshop: Workshop) -> None:
    model = workshop.model()
    trainings, job = workshop.trainings(), job_id(model)
    assert trainings.advance(job, 2, stop=NEVER)
    workshop.set(model, status="Stopping")
    assert trainings.try_out(job, 2, stop=NEVER) is False
    assert trainings.advance(job, 4, stop=NEVER) is False
    assert trainings.begin(job) == []
    assert workshop.checkpoints(model) == []


def test_a_process_that_ends_leaves_the_step_undone(workshop: Workshop) -> None:
    model = workshop.model()
    stop = threading.Event()
    stop.set()
    with pytest.raises(Interrupted):
        workshop.trainings().advance(job_id(model), 2, stop=stop)
    assert workshop.row(model).status == "InProgress"


def test_it_waits_while_an_image_is_drawn(workshop: Workshop) -> None:
    model = workshop.model()
    trainings = workshop.trainings()
    workshop.busy = True
    done = threading.Event()

    def advance() -> None:
        trainings.advance(job_id(model), 2, stop=NEVER)
        done.set()

    threading.Thread(target=advance, daemon=True).start()
    assert not done.wait(1)
    assert workshop.row(model).progress is None
    workshop.busy = False
    assert done.wait(60)


def test_waiting_for_images_it_can_still_be_stopped(workshop: Workshop) -> None:
    model = workshop.model()
    workshop.busy = True
    threading.Timer(0.3, lambda: workshop.set(model, status="Stopping")).start()
    assert workshop.trainings().advance(job_id(model), 2, stop=NEVER) is False


def test_a_picture_that_is_gone_ends_it_with_a_reason(workshop: Workshop) -> None:
    model = workshop.model()
    workshop.storage.delete(f"datasets/{model.dataset_id}/0.png")
    with pytest.raises(SartorError, match="no longer there") as caught:
        workshop.trainings().advance(job_id(model), 2, stop=NEVER)
    workshop.trainings().fail(job_id(model), caught.value.record())
    row = workshop.row(model)
    assert row.status == "Failed"
    assert row.error == caught.value.record()


def test_divergence_is_said(workshop: Workshop) -> None:
    model = workshop.model(learning_rate=1e30)
    with pytest.raises(SartorError, match="diverged at step"):
        workshop.trainings().advance(job_id(model), 6, stop=NEVER)


def test_captions_without_room_end_it_with_a_reason(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sartor.fibo.training.free_host_bytes", lambda: 0)
    monkeypatch.setattr("shutil.disk_usage", lambda path: SimpleNamespace(free=1000))
    with pytest.raises(SartorError, match="no room: the captions, encoded, take") as caught:
        workshop.trainings().advance(job_id(workshop.model()), 2, stop=NEVER)
    assert caught.value.code == 422


def test_a_lost_job_fails_and_one_that_was_to_stop_is_stopped(workshop: Workshop) -> None:
    first, second, third = workshop.model(), workshop.model(), workshop.model()
    workshop.set(second, status="Stopping")
    workshop.set(third, status="Completed")
    for model in (first, second, third):
        workshop.trainings().give_up(job_id(model))
    assert [workshop.row(model).status for model in (first, second, third)] == ["Failed", "Stopped", "Completed"]


def test_a_model_that_was_made_anew_under_the_same_id_is_another_job(workshop: Workshop) -> None:
    model = workshop.model()
    with pytest.raises(SartorError, match="deleted"):
        workshop.trainings().advance(f"training-{model.id}-1", 2, stop=NEVER)
