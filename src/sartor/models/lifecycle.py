"""A model's life: created, changed, trained, stopped, deleted."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from sartor.accounts.service import Caller
from sartor.datasets.rows import find_dataset, hold
from sartor.datasets.training_set import TrainingSet, training_set
from sartor.errors import BadRequest, Conflict, NotFound, PreconditionFailed
from sartor.kit.database import Database, now
from sartor.kit.idempotency import at_once, claim, digest_of, forget, led_to
from sartor.kit.jobs import Jobs
from sartor.kit.storage import Storage
from sartor.models.adapters import AdapterFiles
from sartor.models.base import ServedBase, base_read
from sartor.models.jobs import TRAINING
from sartor.models.keys import all_keys, job_id, result_of, result_to
from sartor.models.recipes import Recipe, automated, expert
from sartor.models.schemas import DEFAULT_VERSION, ModelBody, ModelChanges, ProgressAnswer, TrainingBody
from sartor.models.service import find_model, hold_model, own_model
from sartor.models.tables import DELETED, IN_TRAINING, Model, ModelCheckpoint, checkpoints_of
from sartor.vgl import InvalidStructuredPrompt, parse_visual_schema, plain


class Lifecycle:
    """``in_use`` says whether a model is still named by what the rooms above keep."""

    def __init__(
        self,
        database: Database,
        storage: Storage,
        jobs: Jobs,
        base: ServedBase,
        adapters: AdapterFiles,
        *,
        in_use: Callable[[Session, int], bool],
    ) -> None:
        self._database = database
        self._storage = storage
        self._jobs = jobs
        self._base = base
        self._adapters = adapters
        self._in_use = in_use

    def create(self, caller: Caller, body: ModelBody, *, key: str | None = None) -> Model:
        """A new model, or the one that the same idempotency key led to.

        Raises NotFound for the dataset, and Unprocessable for a key of another body.
        """
        return at_once(key, lambda: self._create(caller, body, key))

    def _create(self, caller: Caller, body: ModelBody, key: str | None) -> Model:
        digest = digest_of("model", body.model_dump(mode="json"))
        tenant = str(caller.organisation_id)
        with self._database.transaction() as session:
            if key is not None and (earlier := led_to(session, tenant, key, digest)) is not None:
                return find_model(session, caller.organisation_id, result_to(earlier))  # its dataset may be gone
            find_dataset(session, caller, body.dataset_id)
            dataset = hold(session, body.dataset_id, changed=False)
            model = Model(
                organisation_id=caller.organisation_id,
                name=body.name,
                description=body.description or "",
                status="Created",
                training_mode=body.training_mode,
                project_id=dataset.project_id,
                dataset_id=dataset.id,
            )
            session.add(model)
            session.flush()
            if key is not None:
                own = result_of(model.id)
                claimed = claim(session, tenant, key, digest, own)
                if claimed != own:
                    session.delete(model)
                    session.flush()
                    return find_model(session, caller.organisation_id, result_to(claimed))
        return model

    def update(self, caller: Caller, model_id: int, changes: ModelChanges) -> Model:
        """Raises NotFound, Forbidden for a bundled model, and BadRequest for a version that it does not have."""
        with self._database.transaction() as session:
            model = hold_model(session, caller, model_id)
            if changes.name is not None:
                model.name = changes.name
            if changes.description is not None:
                model.description = changes.description
            version = changes.active_model_version
            if version is not None and version != model.active_model_version:
                if model.training_mode != "expert" or model.status != "Completed":
                    raise BadRequest("active_model_version: only a model trained in expert mode has several versions.")
                chosen = _version(session.scalars(checkpoints_of(model_id)).all(), version)
                if chosen is None:
                    raise BadRequest("active_model_version: the model has no such checkpoint.")
                model.active_model_version = version
                model.adapter, model.adapter_sha256 = chosen.adapter_key, chosen.adapter_sha256
            session.flush()
            session.refresh(model)
        return model

    def start(self, caller: Caller, model_id: int, body: TrainingBody, *, key: str | None = None) -> Model:
        """Puts the training into its queue. Repeated with the same idempotency key it answers as the first time.

        Raises NotFound, Forbidden, BadRequest for parameters outside of expert mode, Conflict where it was started
        before, PreconditionFailed where the dataset is not complete, Unavailable where the base cannot be read.
        """
        return at_once(key, lambda: self._start(caller, model_id, body, key))

    def _start(self, caller: Caller, model_id: int, body: TrainingBody, key: str | None) -> Model:
        with self._database.transaction() as session:
            model = own_model(session, caller, model_id)
            if _repeated(session, caller, key, f"start {model_id}", body.model_dump(mode="json")):
                return model
            if body.given and model.training_mode != "expert":
                raise BadRequest(f"{', '.join(sorted(body.given))}: only in training_mode expert")
            if model.status != "Created":
                raise Conflict(
                    f"The model's status is {model.status}: a model is trained once, and a stopped or failed training "
                    "cannot be resumed. Create another model."
                )
            dataset_id = model.dataset_id
            assert dataset_id is not None
            with suppress(NotFound):  # whoever deletes it waits, and finds the model in training
                hold(session, dataset_id, changed=False)
            model = hold_model(session, caller, model_id)
            found = training_set(session, caller.organisation_id, dataset_id)
            schema = _complete(found)
            assert found is not None
            recipe = self._recipe(model, body, found)
            started = session.execute(
                sa.update(Model)
                .where(Model.id == model_id, Model.status == "Created")
                .values(
                    status="InProgress",
                    training_parameters=recipe.parameters(),
                    visual_schema=schema,
                    progress=ProgressAnswer.before(recipe.config.steps).model_dump(),
                )
            )
            if not started.rowcount:  # type: ignore[attr-defined]
                raise Conflict("The training was started at this moment by another request.")
            self._jobs.enqueue(session, TRAINING, job_id(model), tenant=str(caller.organisation_id))
            session.refresh(model)
        return model

    def stop(self, caller: Caller, model_id: int, *, key: str | None = None) -> Model:
        """Stopped at once where it has not begun; else Stopping, and stopped after the current optimiser step.

        Raises NotFound, Forbidden, and Conflict where nothing is being trained.
        """
        return at_once(key, lambda: self._stop(caller, model_id, key))

    def _stop(self, caller: Caller, model_id: int, key: str | None) -> Model:
        with self._database.transaction() as session:
            model = hold_model(session, caller, model_id)
            if _repeated(session, caller, key, f"stop {model_id}", {}):
                return model
            in_progress = sa.update(Model).where(Model.id == model_id, Model.status == "InProgress")
            waiting = session.execute(
                in_progress.where(Model.started_at.is_(None)).values(status="Stopped", finished_at=now())
            )
            if not waiting.rowcount and not session.execute(in_progress.values(status="Stopping")).rowcount:  # type: ignore[attr-defined]
                raise Conflict(f"The model's status is {model.status}: there is no training to stop.")
            session.refresh(model)
        if model.status == "Stopped":
            self._jobs.cancel(job_id(model))
        return model

    def delete(self, caller: Caller, model_id: int) -> None:
        """Raises NotFound, Forbidden, and Conflict while it is in training."""
        with self._database.transaction() as session:
            model = hold_model(session, caller, model_id)
            deleted = session.execute(
                sa.update(Model).where(Model.id == model_id, Model.status.not_in(IN_TRAINING)).values(status=DELETED)
            )
            if not deleted.rowcount:  # type: ignore[attr-defined]
                raise Conflict("The model is in training; stop it first.")
        self._remove(model)

    def purge(self, stop: threading.Event | None = None) -> int:
        """Deletes the rows of deleted models that nothing names any more; how many there were.

        Once ``stop`` is set it leaves the rest for the next time.
        """
        with self._database.transaction() as session:
            rows = session.scalars(sa.select(Model).where(Model.status == DELETED)).all()
        return sum(self._remove(row) for row in rows if stop is None or not stop.is_set())

    def mark_of_project(self, session: Session, project_id: int) -> None:
        """Marks all models of a project that nobody trains as deleted."""
        idle = (Model.project_id == project_id, Model.status.not_in(IN_TRAINING))
        marked = sa.update(Model).where(*idle).values(status=DELETED)
        session.execute(marked, execution_options={"synchronize_session": False})

    def remove_of_project(self, project_id: int) -> None:
        """Deletes the models of a project that were marked so; done already is done."""
        query = sa.select(Model).where(Model.project_id == project_id, Model.status == DELETED)
        with self._database.transaction() as session:
            rows = session.scalars(query).all()
        for row in rows:
            self._remove(row)

    def check_base(self) -> int:
        """Whether there is a base to train for; the area of its pictures in pixels. Raises Unavailable."""
        with base_read():
            return self._base.training_area

    def _recipe(self, model: Model, body: TrainingBody, found: TrainingSet) -> Recipe:
        area = self.check_base()
        if model.training_mode == "expert":
            return expert(area, body.expert())
        return automated(area, ip_type=found.ip_type, medium=found.medium, images=len(found.pictures))

    def _remove(self, model: Model) -> bool:
        """Deletes everything of a model whose status is Deleted, the row last; whether that could go."""
        with self._database.transaction() as session:
            found = session.scalars(checkpoints_of(model.id)).all()
        for key in [*all_keys(model.id, (one.step for one in found)), model.adapter]:
            if key is not None:
                self._storage.delete(key)
        self._jobs.forget([job_id(model)])
        with self._database.transaction() as session:
            session.execute(sa.delete(ModelCheckpoint).where(ModelCheckpoint.model_id == model.id))
            gone = not self._in_use(session, model.id)
            if gone:
                session.execute(sa.delete(Model).where(Model.id == model.id))
            forget(session, [result_of(model.id)], beginnings=[f"start {model.id} ", f"stop {model.id} "])
        self._adapters.forget_unused([model.adapter_sha256, *(one.adapter_sha256 for one in found)])
        return gone


def _version(found: Sequence[ModelCheckpoint], version: str) -> ModelCheckpoint | None:
    """The checkpoint that a version names; `default` is the last one."""
    if version == DEFAULT_VERSION:
        return found[-1] if found else None
    return next((one for one in found if one.step == int(version)), None)


def _complete(found: TrainingSet | None) -> dict[str, Any]:
    """The visual schema of a set that can be trained on, as plain values. Raises PreconditionFailed."""
    if found is None:
        raise PreconditionFailed("The dataset was deleted.")
    if found.status != "completed":
        raise PreconditionFailed(f"The dataset's status is {found.status}; it has to be completed first.")
    if not found.visual_schema or not found.pictures:
        raise PreconditionFailed("The dataset has no visual schema, or no pictures.")
    if without := sum(picture.caption is None for picture in found.pictures):  # completed by an older Sartor
        raise PreconditionFailed(
            f"{without} of the dataset's pictures have no caption; clone it, and regenerate the captions of the copy."
        )
    try:
        return plain(parse_visual_schema(found.visual_schema))
    except InvalidStructuredPrompt as error:  # kept before there were these bounds
        raise PreconditionFailed(f"The dataset's visual schema cannot be used: {error}") from None


def _repeated(session: Session, caller: Caller, key: str | None, operation: str, body: Mapping[str, Any]) -> bool:
    """Whether this was done before under the same idempotency key. Raises Unprocessable for a key of another body."""
    if key is None:
        return False
    own = f"{operation} {secrets.token_hex(4)}"
    return claim(session, str(caller.organisation_id), key, digest_of(operation, body), own) != own
