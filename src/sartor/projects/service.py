"""Projects: made, found, changed, and deleted with all that belongs to them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session

from sartor.accounts.service import Caller
from sartor.errors import BadRequest, Conflict, NotFound, WrongField
from sartor.kit.database import Database, lock_rows, now
from sartor.kit.idempotency import at_once, claim, digest_of, forget
from sartor.kit.paging import page_of
from sartor.projects.schemas import ProjectBody, ProjectChanges, check_subject
from sartor.projects.tables import Project

# The largest id that the column holds; a larger number is no id, and must not reach the database.
LARGEST_ID = 2**31 - 1

# Whether something of the project with this id is in training.
InTraining = Callable[[Session, int], bool]
# Marks what belongs to the project with this id as deleted, in the transaction that marks the project.
Mark = Callable[[Session, int], None]
# Deletes what was marked so, bytes first; done already is done.
Removal = Callable[[int], None]


class Projects:
    """``in_training``, ``marks`` and ``removals`` are of the rooms above, which this one knows nothing of."""

    def __init__(
        self,
        database: Database,
        *,
        in_training: InTraining,
        marks: Sequence[Mark] = (),
        removals: Sequence[Removal] = (),
    ) -> None:
        self._database = database
        self._in_training = in_training
        self._marks = tuple(marks)
        self._removals = tuple(removals)

    def create(self, caller: Caller, body: ProjectBody, *, idempotency_key: str | None = None) -> Project:
        """A new project, or the one that the same key led to. Raises Unprocessable for a key of another body."""
        return at_once(idempotency_key, lambda: self._create(caller, body, idempotency_key))

    def _create(self, caller: Caller, body: ProjectBody, idempotency_key: str | None) -> Project:
        with self._database.transaction() as session:
            project = new_project(caller, body)
            session.add(project)
            session.flush()
            if idempotency_key is not None:
                digest = digest_of("project", body.model_dump(mode="json"))
                own = _result(project.id)
                claimed = claim(session, str(caller.organisation_id), idempotency_key, digest, own)
                if claimed != own:
                    session.delete(project)
                    session.flush()
                    return find_project(session, caller, int(claimed.removeprefix(_result(""))))
        return project

    def all(self, caller: Caller) -> list[Project]:
        """The organisation's projects, newest first."""
        with self._database.transaction() as session:
            return list(session.scalars(sa.select(Project).where(*_of(caller)).order_by(Project.id.desc())))

    def page(self, caller: Caller, *, limit: int, after: int | None = None) -> tuple[list[Project], int | None]:
        """A page of them, newest first, as `page_of` has it; a project's place is its id below zero."""
        with self._database.transaction() as session:
            return page_of(session, sa.select(Project).where(*_of(caller)), -Project.id, limit=limit, after=after)

    def get(self, caller: Caller, project_id: int) -> Project:
        """Raises NotFound for an unknown one and for another organisation's alike."""
        with self._database.transaction() as session:
            return find_project(session, caller, project_id)

    def update(self, caller: Caller, project_id: int, changes: ProjectChanges) -> Project:
        """Raises NotFound, and BadRequest for a name or description that the project's type has none of."""
        with self._database.transaction() as session:
            project = hold_project(session, caller, project_id)
            if changes.project_name is not None:
                project.name = changes.project_name
            if changes.project_description is not None:
                project.description = changes.project_description
            if changes.ip_name is not None:
                project.ip_name = changes.ip_name or None
            if changes.ip_description is not None:
                project.ip_description = changes.ip_description or None
            try:
                check_subject(project.ip_type, project.ip_medium, project.ip_name, project.ip_description)
            except WrongField as error:
                raise BadRequest(str(error)) from None
        return project

    def delete(self, caller: Caller, project_id: int) -> None:
        """Deletes the project with everything in it: at once for everybody who asks for it, then the stored bytes, the
        row last. One whose deletion broke off can be deleted again. Raises NotFound, and Conflict while one of its
        models is in training."""
        own = (Project.id == project_id, Project.organisation_id == caller.organisation_id)
        marked = sa.update(Project).where(*own).values(deleted_at=sa.func.coalesce(Project.deleted_at, now()))
        with self._database.transaction() as session:
            if not session.execute(marked).rowcount:  # type: ignore[attr-defined]
                raise _no_project()
            for mark in self._marks:
                mark(session, project_id)
            # Asked last: whoever starts a training holds its dataset, which was marked only when that had ended.
            if self._in_training(session, project_id):
                raise Conflict("A model of this project is in training; stop it first.")
        self._remove(project_id)

    def purge(self, stop: threading.Event | None = None) -> int:
        """Goes on with deletions that broke off; how many there were.

        Once ``stop`` is set it leaves the rest for the next time.
        """
        with self._database.transaction() as session:
            found = session.scalars(sa.select(Project.id).where(Project.deleted_at.is_not(None))).all()
        done = 0
        for project_id in found:
            if stop is not None and stop.is_set():
                break
            self._remove(project_id)
            done += 1
        return done

    def _remove(self, project_id: int) -> None:
        for removal in self._removals:  # bytes first: a row that is left can be deleted again, forgotten bytes cannot
            removal(project_id)
        with self._database.transaction() as session:
            session.execute(sa.delete(Project).where(Project.id == project_id))
            forget(session, [_result(project_id)])


def new_project(caller: Caller, body: ProjectBody) -> Project:
    """The row, not yet in the database."""
    return Project(
        organisation_id=caller.organisation_id,
        name=body.project_name,
        description=body.project_description or "",
        ip_name=body.ip_name or None,
        ip_description=body.ip_description or None,
        ip_medium=body.ip_medium,
        ip_type=body.ip_type,
    )


def find_project(session: Session, caller: Caller, project_id: int) -> Project:
    """Raises NotFound for an unknown one and for another organisation's alike."""
    found = session.scalar(sa.select(Project).where(*_own(caller, project_id)))
    if found is None:
        raise _no_project()
    return found


def hold_project(session: Session, caller: Caller, project_id: int) -> Project:
    """The project, which nobody else changes or deletes until the transaction ends. Raises NotFound."""
    lock_rows(session, Project.updated_at, *_own(caller, project_id))
    return find_project(session, caller, project_id)


def _own(caller: Caller, project_id: int) -> tuple[sa.ColumnElement[bool], ...]:
    return (Project.id == project_id, *_of(caller))


def _of(caller: Caller) -> tuple[sa.ColumnElement[bool], ...]:
    return (Project.organisation_id == caller.organisation_id, Project.deleted_at.is_(None))


def _no_project() -> NotFound:
    return NotFound("There is no such project.")


def _result(project_id: int | str) -> str:
    """How an idempotency key names a project."""
    return f"project:{project_id}"
