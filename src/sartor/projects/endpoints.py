"""``/v1/tailored-gen/projects``, also under ``/v2``."""

from typing import Annotated

from fastapi import APIRouter, Header, Path

from sartor.accounts.endpoints import CallerDependency, Door, guarded_router
from sartor.errors import describe
from sartor.kit.idempotency import HEADER, check_key
from sartor.kit.threads import slowly
from sartor.projects.schemas import ProjectAnswer, ProjectBody, ProjectChanges
from sartor.projects.service import LARGEST_ID, Projects

ProjectId = Annotated[int, Path(ge=1, le=LARGEST_ID)]
Key = Annotated[
    str | None,
    Header(
        alias=HEADER,
        description="1 to 255 printable ASCII characters of yours: sent again with the same body within a day, it "
        "gives the same answer instead of a second one; with another body, 422.",
    ),
]


def router(projects: Projects, door: Door) -> APIRouter:
    """The projects' routes; the app mounts them under each prefix."""
    routes = guarded_router(door, tag="Projects")

    @routes.post(
        "/tailored-gen/projects",
        operation_id="create_project",
        summary="Create a project",
        status_code=201,
        response_model_exclude_none=True,
        responses=describe(400, 401, 413, 422, 429, 500, 503),
    )
    def create_project(caller: CallerDependency, body: ProjectBody, idempotency_key: Key = None) -> ProjectAnswer:
        """A project keeps together the datasets and models of one thing: a character, a set of icons, a style."""
        return ProjectAnswer.of(projects.create(caller, body, idempotency_key=check_key(idempotency_key)))

    @routes.get(
        "/tailored-gen/projects",
        operation_id="list_projects",
        summary="List the projects",
        response_model_exclude_none=True,
        responses=describe(401, 429, 500, 503),
    )
    def list_projects(caller: CallerDependency) -> list[ProjectAnswer]:
        """The organisation's projects, newest first."""
        return [ProjectAnswer.of(project) for project in projects.all(caller)]

    @routes.get(
        "/tailored-gen/projects/{project_id}",
        operation_id="get_project",
        summary="Get a project",
        response_model_exclude_none=True,
        responses=describe(401, 404, 429, 500, 503),
    )
    def get_project(caller: CallerDependency, project_id: ProjectId) -> ProjectAnswer:
        """Everything about one project."""
        return ProjectAnswer.of(projects.get(caller, project_id))

    @routes.put(
        "/tailored-gen/projects/{project_id}",
        operation_id="update_project",
        summary="Change a project",
        response_model_exclude_none=True,
        responses=describe(400, 401, 404, 413, 429, 500, 503),
    )
    def update_project(caller: CallerDependency, project_id: ProjectId, body: ProjectChanges) -> ProjectAnswer:
        """Names and descriptions may change; type and medium may not. What is absent stays as it is."""
        return ProjectAnswer.of(projects.update(caller, project_id, body))

    @routes.delete(
        "/tailored-gen/projects/{project_id}",
        operation_id="delete_project",
        summary="Delete a project",
        status_code=204,
        responses=describe(401, 404, 409, 429, 500, 503),
    )
    async def delete_project(caller: CallerDependency, project_id: ProjectId) -> None:
        """Deletes it with its datasets, images and models, for ever. 409 while one of its models is in training."""
        await slowly(projects.delete, caller, project_id)

    return routes
