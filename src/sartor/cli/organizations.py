"""``sartor organization delete``: an organisation and all that is its own, beside servers that run or without any.

First its tokens open nothing any more. Then what runs for it is stopped, and what it has is deleted by the same
services as over the API, bytes before rows. What a call that was let in earlier still adds is found in another round;
the organisation's row goes in a transaction in which nobody can add anything.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from contextlib import suppress

import sqlalchemy as sa
from sqlalchemy.orm import Session

from sartor.accounts.service import Caller, close_organisation
from sartor.accounts.tables import ApiToken, Organisation
from sartor.assembly import Parts, assemble
from sartor.datasets.tables import Dataset, DatasetImage
from sartor.errors import Conflict, NotFound
from sartor.generation.tables import IN_PROGRESS, GenerationRequest
from sartor.kit.database import now
from sartor.kit.idempotency import forget_tenant
from sartor.models.keys import job_id
from sartor.models.tables import IN_TRAINING, Model
from sartor.projects.tables import Project
from sartor.settings import Settings
from sartor.webhooks.tables import Delivery

# A job that is cancelled stops within about a second. Its bytes go later, so that it need not find them gone.
_SETTLING_SECONDS = 3.0
_GLANCE_SECONDS = 1.0
_ROUNDS = 5


class DeletionFailed(Exception):
    """The message says why, and whether the same command may go on."""


def delete(settings: Settings, name: str, *, confirm: Callable[[str], bool]) -> None:
    """Deletes the organisation of this name. ``confirm`` is told what will go, and says whether to begin; one whose
    deletion was interrupted goes on without asking.

    Raises DeletionFailed for an unknown name and where something could not be deleted, and what the database and the
    storage raise while they are away.
    """
    parts = assemble(settings)
    try:
        parts.database.migrate()
        parts.jobs.prepare()
        found = next((one for one in parts.accounts.organisations() if one.name == name.strip()), None)
        if found is None:
            raise DeletionFailed(f"There is no organisation {name!r}.")
        if not found.deleted and not confirm(_what_will_go(parts, found.id, found.name)):
            raise DeletionFailed("Nothing was deleted.")
        parts.accounts.shut(found.id)
        caller = Caller(found.id, 0)
        for _ in range(_ROUNDS):
            with suppress(Conflict, NotFound):  # a call that was let in earlier: the next round sees what it did
                _stop_work(parts, caller)
                _remove(parts, caller)
            if _remove_last(parts, caller):
                print(f"{found.name} is deleted.")
                return
        raise DeletionFailed("Something could not be deleted (the log above says what); run the same command again.")
    finally:
        parts.stop()


def _what_will_go(parts: Parts, organisation_id: int, name: str) -> str:
    pictures = sa.and_(GenerationRequest.organisation_id == organisation_id, GenerationRequest.image_key.is_not(None))
    of_datasets = sa.select(Dataset.id).where(Dataset.organisation_id == organisation_id)
    counted = {
        "projects": Project.organisation_id == organisation_id,
        "datasets": Dataset.organisation_id == organisation_id,
        "images of datasets": DatasetImage.dataset_id.in_(of_datasets),
        "models": Model.organisation_id == organisation_id,
        "requests": GenerationRequest.organisation_id == organisation_id,
        "generated pictures": pictures,
        "webhooks": Delivery.organisation_id == organisation_id,
        "tokens": ApiToken.organisation_id == organisation_id,
    }
    with parts.database.transaction() as session:
        lines = [f"  {_count(session, which)} {what}" for what, which in counted.items()]
        running = _count(
            session, GenerationRequest.organisation_id == organisation_id, GenerationRequest.status == IN_PROGRESS
        ) + _count(session, Model.organisation_id == organisation_id, Model.status.in_(IN_TRAINING))
    return "\n".join(
        [f"{name} has:", *lines, f"{running} of its requests and trainings are in progress, and are stopped."]
    )


def _count(session: Session, *which: sa.ColumnElement[bool]) -> int:
    return session.scalars(sa.select(sa.func.count()).where(*which)).one()


def _stop_work(parts: Parts, caller: Caller) -> None:
    """Ends what is in progress. Uploads and captions end by themselves once their dataset is gone."""
    own = (GenerationRequest.organisation_id == caller.organisation_id, GenerationRequest.status == IN_PROGRESS)
    with parts.database.transaction() as session:
        requests = session.scalars(sa.select(GenerationRequest.id).where(*own)).all()
    parts.webhooks.forget(requests)  # whoever leaves is not told of it a thousand times
    for request_id in requests:
        parts.generation.cancel(caller, request_id)
    for model in _in_training(parts, caller):
        with suppress(Conflict):  # asked already, or it has ended
            parts.lifecycle.stop(caller, model.id)
    if requests:
        time.sleep(_SETTLING_SECONDS)
    told = False
    while left := _in_training(parts, caller):
        if not parts.jobs.worked_on():
            _end_trainings(parts, left)
        elif not told:
            print("A training stops after its present step; waiting for it.", file=sys.stderr)
            told = True
        time.sleep(_GLANCE_SECONDS)


def _in_training(parts: Parts, caller: Caller) -> list[Model]:
    own = (Model.organisation_id == caller.organisation_id, Model.status.in_(IN_TRAINING))
    with parts.database.transaction() as session:
        return list(session.scalars(sa.select(Model).where(*own)))


def _end_trainings(parts: Parts, models: list[Model]) -> None:
    """Ends trainings that no process is at, nor will be: their jobs go first."""
    for model in models:
        parts.jobs.cancel(job_id(model))
    stopped = sa.update(Model).where(Model.id.in_([model.id for model in models]), Model.status.in_(IN_TRAINING))
    with parts.database.transaction() as session:
        session.execute(stopped.values(status="Stopped", finished_at=now()))


def _remove(parts: Parts, caller: Caller) -> None:
    """Requests first, as they name models; what was marked as deleted earlier is purged. Raises Conflict and NotFound
    where others are at it."""
    parts.generation.forget(now(), organisation_id=caller.organisation_id)
    for project in parts.projects.all(caller):
        parts.projects.delete(caller, project.id)
    for dataset, _ in parts.datasets.all(caller):
        parts.datasets.delete(caller, dataset.id)
    for model in parts.models.visible(caller.organisation_id):
        if model.organisation_id is not None:
            parts.lifecycle.delete(caller, model.id)
    for purge in (parts.projects.purge, parts.datasets.purge, parts.lifecycle.purge):
        purge()


def _remove_last(parts: Parts, caller: Caller) -> bool:
    """Deletes the organisation with its tokens and idempotency keys, where it has nothing else; whether it had not."""
    with parts.database.transaction() as session:
        close_organisation(session, caller.organisation_id)
        for table in (GenerationRequest, Project, Dataset, Model):
            if _count(session, table.organisation_id == caller.organisation_id):
                return False
        forget_tenant(session, str(caller.organisation_id))
        session.execute(sa.delete(Organisation).where(Organisation.id == caller.organisation_id))
    return True
