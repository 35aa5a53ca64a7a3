"""The training of a model as a durable job.

    begin -> (train to a checkpoint -> try it out) again and again -> end

One durable step reaches one checkpoint. Within it the trainer's own state is saved every few optimiser steps into
HOME/training, so a process that is killed goes on from there, to the same bytes; where that folder is not there (the
job went to another machine), the step begins at the beginning and comes to the same bytes too, only later.
Between two optimiser steps the training looks whether it is to stop, and makes way for images.
"""

from __future__ import annotations

import gc
import hashlib
import io
import shutil
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import structlog
from PIL import Image
from sqlalchemy.orm import Session

from sartor.datasets.training_set import TrainingSet, training_set
from sartor.errors import Conflict, PreconditionFailed, SartorError
from sartor.fibo.training_config import BaseWeights
from sartor.kit.database import Database, now
from sartor.kit.jobs import Job, Jobs, Queue
from sartor.kit.steps import interruptible_step, step
from sartor.kit.storage import Storage
from sartor.models.base import ServedBase
from sartor.models.failures import readable, record_of
from sartor.models.keys import adapter_key, job_id, model_of, samples_key
from sartor.models.recipes import Recipe, from_parameters
from sartor.models.records import Records, change
from sartor.models.restarts import begin_again, is_of_another_base
from sartor.models.samples import best_step, sample_captions, sample_steps, try_adapter
from sartor.models.tables import Model, ModelCheckpoint, checkpoints_of
from sartor.models.watch import Interrupted, StopAsked, Watch

if TYPE_CHECKING:
    from sartor.fibo import Checkpoint
    from sartor.fibo.training_data import Example

log = structlog.get_logger(__name__)

TRAINING = "training"
# A training fills its device; others wait for it.
TRAIN = Queue("train", window=1, per_tenant=1)
_STORAGE_ATTEMPTS = 4


@dataclass(frozen=True, eq=False)
class _Loaded:
    """What a training needs of memory, kept from one durable step to the next."""

    job: str
    checkpoint: Checkpoint
    examples: list[Example]


class Trainings:
    """The steps of the job. ``busy`` says whether the device is wanted for an image; ``threads`` are the CPU's.

    ``on_lost_device`` is told of an accelerator that answers nothing any more, within the handler of its error: no
    fault of the training's, which waits for the process to rest, and goes on in another one or after a restart.
    """

    def __init__(
        self,
        database: Database,
        storage: Storage,
        base: ServedBase,
        *,
        folder: Path,
        busy: Callable[[], bool],
        on_lost_device: Callable[[], None] = lambda: None,
        threads: int | None = None,
        steps_of_images: int = 50,
        sample_guidance: float = 5.0,
        base_weights: BaseWeights = "full",
    ) -> None:
        self._database = database
        self._storage = storage
        self._records = Records(database, storage)
        self._base = base
        self._folder = folder
        self._busy = busy
        self._on_lost_device = on_lost_device
        self._threads = threads
        self._sample_steps = sample_steps(steps_of_images)
        self._sample_guidance = sample_guidance
        self._base_weights = base_weights
        self._loaded: _Loaded | None = None

    def register(self, jobs: Jobs) -> None:
        """Makes the job known to ``jobs``."""
        jobs.add(Job(TRAINING, TRAIN, self.train, on_lost=self.give_up))

    async def train(self, job: str) -> None:
        """The job behind ``start_training``."""
        try:
            for until in await step("begin", self.begin, job):
                if not await interruptible_step(f"train_{until}", self.advance, job, until):
                    break
                if not await interruptible_step(f"try_{until}", self.try_out, job, until):
                    break
            await step("end", self.end, job, attempts=_STORAGE_ATTEMPTS)
        except Exception as error:
            await step("fail", self.fail, job, record_of(error, job))
        finally:
            self._unload(job)

    def begin(self, job: str) -> list[int]:
        """The steps at which there is a checkpoint; none where the training was stopped before it began.

        The setting that decides the numbers is the one of now, however long the training lasts.
        """
        parameters = {"base_weights": self._base_weights} | self._row(job).training_parameters
        with self._database.transaction() as session:
            if not change(session, model_of(job), "InProgress", started_at=now(), training_parameters=parameters):
                return []
        return self._recipe(self._row(job)).checkpoint_steps()

    def advance(self, job: str, until: int, *, stop: threading.Event) -> bool:
        """Trains up to the checkpoint at step ``until``; False where it was asked to stop."""
        from sartor.fibo import Cancelled, TrainingMismatch
        from sartor.fibo.training import train_lora

        row = self._row(job)
        watch = Watch(self._records, row.id, stop, busy=self._busy)
        try:
            watch.glance()
            recipe = self._recipe(row)
            with self._on_a_working_device(stop), readable():
                loaded = self._load(row, job)
                train = partial(
                    train_lora,
                    loaded.checkpoint,
                    loaded.examples,
                    recipe.config,
                    self._directory(job),
                    until=until,
                    on_progress=watch.tell,
                    stop=watch,
                )
                try:
                    result = train()
                except TrainingMismatch as error:
                    log.warning("the training's folder is of another one", model=row.id, reason=str(error))
                    begin_again(self._database, self._storage, row.id, self._directory(job))
                    result = train()
        except (StopAsked, Cancelled):
            if stop.is_set():
                raise Interrupted from None
            return False
        if stop.is_set():
            raise Interrupted
        return result.step >= until

    def try_out(self, job: str, until: int, *, stop: threading.Event) -> bool:
        """Keeps the checkpoint at ``until`` with its score and its samples; False where it was asked to stop."""
        from sartor.fibo.lora import FILE_NAME
        from sartor.fibo.training_state import checkpoint_name

        row = self._row(job)
        with self._on_a_working_device(stop):
            loaded = self._load(row, job)
        adapter = self._directory(job) / checkpoint_name(until) / FILE_NAME
        if not adapter.is_file() and not self.advance(job, until, stop=stop):  # on another machine
            return False
        watch = Watch(self._records, row.id, stop, busy=self._busy)
        captions = sample_captions([example.caption for example in loaded.examples], row.visual_schema)
        try:
            with self._on_a_working_device(stop), readable():
                trial = try_adapter(
                    loaded.checkpoint,
                    adapter,
                    captions,
                    [example.image for example in loaded.examples],
                    steps=self._sample_steps,
                    guidance_scale=self._sample_guidance,
                    between=watch.glance,
                )
        except StopAsked:
            return False
        data = adapter.read_bytes()
        self._storage.put(adapter_key(row.id, until), data)
        self._storage.put(samples_key(row.id, until), trial.sheet, media_type="image/png")
        self._records.add_checkpoint(
            row, until, hashlib.sha256(data).hexdigest(), trial.score, loaded.checkpoint.learned_sha256
        )
        self._records.show_losses(row.id, self._directory(job))
        return True

    def end(self, job: str) -> None:
        """Completed with the best checkpoint, or with the last in expert mode; Stopped where that was asked."""
        row = self._row(job)
        with self._database.transaction() as session:
            found = list(session.scalars(checkpoints_of(row.id)))
            chosen = _choose(found, row.training_mode)
            whole = bool(found) and found[-1].step == self._recipe(row).config.steps
            if not (chosen and whole and _complete(session, row.id, chosen)):
                change(session, row.id, "Stopping", status="Stopped", finished_at=now())
        if row.training_mode == "fully_automated":
            self._records.keep_only_the_chosen(row.id)
        log.info("training ended", model=row.id, step=chosen.step if chosen else None)
        shutil.rmtree(self._directory(job), ignore_errors=True)

    def fail(self, job: str, error: dict[str, Any]) -> None:
        """Ends the training with ``error``, once; what was asked to stop is stopped, whatever else went wrong."""
        with self._database.transaction() as session:
            if not change(session, model_of(job), "InProgress", status="Failed", error=error, finished_at=now()):
                change(session, model_of(job), "Stopping", status="Stopped", finished_at=now())
        shutil.rmtree(self._directory(job), ignore_errors=True)

    def give_up(self, job: str) -> None:
        """Ends a training whose job ended without doing so."""
        self.fail(job, SartorError("The training failed repeatedly and was given up.").record())

    @contextmanager
    def _on_a_working_device(self, stop: threading.Event) -> Iterator[None]:
        """Raises Interrupted, once the process rests, where the device was lost within the block."""
        import torch

        try:
            yield
        except torch.AcceleratorError:
            self._on_lost_device()
            stop.wait()
            raise Interrupted from None

    def _directory(self, job: str) -> Path:
        return self._folder / job

    def _row(self, job: str) -> Model:
        with self._database.transaction() as session:
            found = session.get(Model, model_of(job))
        if found is None or job_id(found) != job:
            raise Conflict("The model was deleted.")
        return found

    def _recipe(self, row: Model) -> Recipe:
        recipe = from_parameters(self._base.training_area, row.training_parameters)
        weights = row.training_parameters.get("base_weights", self._base_weights)  # an earlier version kept none
        return replace(recipe, config=replace(recipe.config, base_weights=weights))

    def _load(self, row: Model, job: str) -> _Loaded:
        """The checkpoint and the pictures, from memory where the step before has left them there. Of a training that
        went on with another base nothing is left afterwards."""
        import torch

        torch.set_num_threads(self._threads or torch.get_num_threads())  # of the thread that this step runs in
        if self._loaded is None or self._loaded.job != job:
            self._loaded = None
            assert row.organisation_id is not None
            assert row.dataset_id is not None
            with self._database.transaction() as session:
                found = training_set(session, row.organisation_id, row.dataset_id)
            if found is None:
                raise PreconditionFailed("The dataset was deleted.")
            examples = self._examples(found)
            with readable():
                checkpoint = self._base.load()
            self._loaded = _Loaded(job, checkpoint, examples)
        if is_of_another_base(row, self._directory(job), self._loaded.checkpoint.learned_sha256):
            begin_again(self._database, self._storage, row.id, self._directory(job))
        return self._loaded

    def _examples(self, found: TrainingSet) -> list[Example]:
        """The pictures as they are trained on: photographs of full size would fill the memory."""
        from sartor.fibo.training_data import Example, fitted

        examples = []
        for picture in found.pictures:
            try:
                with Image.open(io.BytesIO(self._storage.get(picture.key))) as image:
                    small = fitted(image, self._base.training_area)
            except KeyError:
                raise PreconditionFailed("A picture of the dataset is no longer there.") from None
            assert picture.caption is not None
            examples.append(Example(small, picture.caption))
        return examples

    def _unload(self, job: str) -> None:
        if self._loaded is not None and self._loaded.job == job:
            self._loaded = None
            gc.collect()
            import torch

            from sartor.fibo.memory import give_back

            give_back()
            # A device that was lost cannot give memory back, and an error here would end the job that is to go on.
            with suppress(torch.AcceleratorError):
                if torch.cuda.is_available():
                    torch.cuda.empty_cache()


def _choose(found: Sequence[ModelCheckpoint], mode: str) -> ModelCheckpoint | None:
    """The best one where that is the service's choice, else the last."""
    if not found:
        return None
    if mode == "expert":
        return found[-1]
    best = best_step({checkpoint.step: checkpoint.score or 0.0 for checkpoint in found})
    return next(checkpoint for checkpoint in found if checkpoint.step == best)


def _complete(session: Session, model_id: int, chosen: ModelCheckpoint) -> bool:
    """Whether the model was still in training, and now draws with this checkpoint."""
    adapter = {"adapter": chosen.adapter_key, "adapter_sha256": chosen.adapter_sha256}
    return change(session, model_id, "InProgress", status="Completed", finished_at=now(), **adapter)
