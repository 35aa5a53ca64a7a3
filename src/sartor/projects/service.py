"""Projects: made, found, changed, and deleted with all that belongs to them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session

from sartor.accounts.service import Caller
from sartor.errors import BadRequest, Conflict, NotFound
from sartor.kit.database import Database
from sartor.kit.idempotency import at_once, claim, digest_of, forget
from sartor.projects.schemas import ProjectBody, ProjectChanges, check_subject
from sartor.projects.tables import Project

# The largest id that the column holds; a larger number is no id, and must not reach the database.
LARGEST_ID = 2**31 - 1

# Whether something of the project with this id is in training.
InTraining = Callable[[Session, int], bool]
# Deletes what belongs to the project with this id, bytes first; done already is done.
Removal = Callable[[int], None]


class Projects:
    """``in_training`` and ``removals`` are of the rooms above, which this one knows nothing of."""

    def __init__(self, database: Database, *, in_training: InTraining, removals: Sequence[Removal] = ()) -> None:
        self._database = database
        self._in_training = in_training
        self._removals = tuple(removals)

    def create(self, caller: Caller, body: ProjectBody, *, idempotency_key: str | None = None) -> Project:
        """A new project, or the one that the same key led to. Raises Unprocessable for a key of another body."""
        return at_once(idempotency_key, lambda: self._create(caller, body, idempotency_key))

    def _create(self, caller: Caller, body: ProjectBody, idempotency_key: str | None) -> Project:
        with self._database.transaction() as session:
            project = Project(
                organisation_id=caller.organisation_id,
                name=body.project_name,
                description=body.project_description or "",
                ip_name=body.ip_name or None,
                ip_description=body.ip_description or None,
                ip_medium=body.ip_medium,
                ip_type=body.ip_type,
            )
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
        query = sa.select(Project).where(Project.organisation_id == caller.organisation_id).order_by(Project.id.desc())
        with self._database.transaction() as session:
            return list(session.scalars(query))

    def get(self, caller: Caller, project_id: int) -> Project:
        """Raises NotFound for an unknown one and for another organisation's alike."""
        with self._database.transaction() as session:
            return find_project(session, caller, project_id)

    def update(self, caller: Caller, project_id: int, changes: ProjectChanges) -> Project:
        """Raises NotFound, and BadRequest for a name or description that the project's type has none of."""
        with self._database.transaction() as session:
            project = find_project(session, caller, project_id)
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
            except ValueError as error:
                raise BadRequest(str(error)) from None
        return project

    def delete(self, caller: Caller, project_id: int) -> None:
        """Deletes the project with everything in it, stored bytes first. Raises NotFound, and Conflict while one of
        its models is in training."""
        with self._database.transaction() as session:
            find_project(session, caller, project_id)
            if self._in_training(session, project_id):
                raise Conflict("A model of this project is in training; stop it first.")
        for removal in self._removals:  # bytes first: a row that is left can be deleted again, forgotten bytes cannot
            removal(project_id)
        with self._database.transaction() as session:
            session.execute(sa.delete(Project).where(Project.id == project_id))
            forget(session, [_result(project_id)])


def find_project(session: Session, caller: Caller, project_id: int) -> Project:
    """Raises NotFound for an unknown one and for another organisation's alike."""
    query = sa.select(Project).where(Project.id == project_id, Project.organisation_id == caller.organisation_id)
    found = session.scalar(query)
    if found is None:
        raise NotFound("There is no such project.")
    return found


def _result(project_id: int | str) -> str:
    """How an idempotency key names a project."""
    return f"project:{project_id}"
