"""Projects in the console: a brand, the pictures that show it, and the models that learned it."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, get_args

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse
from starlette.concurrency import run_in_threadpool

from sartor.accounts.endpoints import CallerDependency
from sartor.accounts.service import Caller
from sartor.console.forms import body_of, idempotency_key, texts
from sartor.console.limits import LIMITS
from sartor.console.pages import SEE_OTHER, After, Pages
from sartor.console.rooms import Rooms
from sartor.console.session import PATH
from sartor.datasets.schemas import DatasetBody
from sartor.errors import SartorError
from sartor.kit.threads import slowly
from sartor.projects.endpoints import ProjectId
from sartor.projects.schemas import DESCRIBED, NAMED, IpType, Medium, ProjectBody, ProjectChanges
from sartor.projects.tables import Project

_FIELDS = ("project_name", "ip_type", "ip_medium", "ip_name", "ip_description")
_SHOWN = 6
_PROJECTS_OF_A_PAGE = 24
# What may be changed of a project: its field, and what the page calls it.
_WORDS = (
    ("project_name", "Name"),
    ("project_description", "Description"),
    ("ip_name", "The character's name"),
    ("ip_description", "What sets it apart, in some six words"),
)


class ProjectPages:
    """What the pages show, in plain values for the templates."""

    def __init__(self, rooms: Rooms) -> None:
        self._rooms = rooms

    def page(self, request: Request, caller: Caller, after: int | None) -> dict[str, Any]:
        """A page of the organisation's projects, newest first, each with some pictures of its newest dataset that has
        any."""
        projects, following = self._rooms.projects.page(caller, limit=_PROJECTS_OF_A_PAGE, after=after)
        newest = self._rooms.gallery.newest(caller, [project.id for project in projects])
        pictures = self._pictures(request, caller, list(newest.values()))
        shown = [{"project": project, "pictures": pictures.get(newest.get(project.id, 0), [])} for project in projects]
        return {"projects": shown, "after": after, "following": following}

    def one(self, request: Request, caller: Caller, project_id: int) -> dict[str, Any]:
        """A project with its datasets and models. Raises NotFound."""
        datasets = self._rooms.datasets.of_project(caller, project_id)
        pictures = self._pictures(request, caller, [dataset.id for dataset, _ in datasets])
        return {
            "project": self._rooms.projects.get(caller, project_id),
            "datasets": [
                {"dataset": dataset, "count": count, "pictures": pictures[dataset.id]} for dataset, count in datasets
            ],
            "models": self._rooms.models.of_project(caller, project_id),
        }

    def change(self, caller: Caller, project_id: int, given: dict[str, str]) -> None:
        """Takes the words of a form for the project's. Raises NotFound, Unprocessable, BadRequest."""
        words = {name: given[name] for name, _ in _WORDS if name in given}
        self._rooms.projects.update(caller, project_id, body_of(ProjectChanges, words, blank=True))

    def create(self, caller: Caller, given: dict[str, str]) -> int:
        """A project with a first, empty dataset; the dataset's id. The same form leads to the same two.

        Raises Unprocessable.
        """
        key = idempotency_key(given)
        body = body_of(ProjectBody, {name: given.get(name, "") for name in _FIELDS})
        project = self._rooms.projects.create(caller, body, idempotency_key=key)
        return self.add_dataset(caller, project.id, "Pictures", key and f"{key} dataset")

    def add_dataset(self, caller: Caller, project_id: int, name: str, key: str | None) -> int:
        """The new draft's id. Raises NotFound, Unprocessable."""
        body = body_of(DatasetBody, {"project_id": project_id, "name": name})
        return self._rooms.datasets.create(caller, body, idempotency_key=key).id

    def _pictures(self, request: Request, caller: Caller, dataset_ids: list[int]) -> dict[int, list[str]]:
        """Addresses of the first pictures' thumbnails, by dataset."""
        address, storage = self._rooms.address_of(request), self._rooms.storage
        return {
            dataset_id: [storage.link(one.thumbnail_key, address) for one in images]
            for dataset_id, images in self._rooms.gallery.first(caller, dataset_ids, _SHOWN).items()
        }


def _words(project: Project) -> list[tuple[tuple[str, str], str]]:
    """The fields that a project of its type has, each with what is in it."""
    values = (project.name, project.description, project.ip_name, project.ip_description)
    has = (True, True, project.ip_type in NAMED, project.ip_type in DESCRIBED)
    return [(field, value or "") for field, value, there in zip(_WORDS, values, has, strict=True) if there]


def mount(routes: APIRouter, pages: Pages, rooms: Rooms) -> None:
    """Adds the pages."""
    console = ProjectPages(rooms)

    def form_page(
        request: Request,
        caller: Caller,
        given: dict[str, str],
        error: SartorError | None = None,
        after: int | None = None,
    ) -> Response:
        """A page of the projects, and the form for another, with what was written into it."""
        return pages.answer(
            "projects.html",
            error.code if error else 200,
            error.headers() if error else None,
            **console.page(request, caller, after),
            kinds=get_args(IpType),
            media=get_args(Medium),
            given={**dict.fromkeys(_FIELDS, ""), "form": secrets.token_hex(8), **given},
            told=error.details if error else "",
        )

    @routes.get("/projects")
    def projects(request: Request, caller: CallerDependency, after: After = None) -> Response:
        return form_page(request, caller, {}, after=after)

    @routes.post("/projects")
    async def create(request: Request, caller: CallerDependency) -> Response:
        given = texts(await request.form())
        try:
            dataset_id = await run_in_threadpool(console.create, caller, given)
        except SartorError as error:  # nothing that was written is lost
            return await run_in_threadpool(form_page, request, caller, given, error)
        return RedirectResponse(f"{PATH}/datasets/{dataset_id}", SEE_OTHER)

    def one_page(
        request: Request,
        caller: Caller,
        project_id: int,
        given: Mapping[str, str] = MappingProxyType({}),
        error: SartorError | None = None,
    ) -> Response:
        """A project, with what was written into one of its forms and what was wrong with it."""
        shown = console.one(request, caller, project_id)
        return pages.answer(
            "project.html",
            error.code if error else 200,
            error.headers() if error else None,
            **shown,
            form=secrets.token_hex(8),
            name=given.get("name", ""),
            fields=[
                (name, label, given.get(name, value), LIMITS[name].characters)
                for (name, label), value in _words(shown["project"])
            ],
            told=error.details if error else "",
        )

    @routes.get("/projects/{project_id}")
    def project(request: Request, caller: CallerDependency, project_id: ProjectId) -> Response:
        return one_page(request, caller, project_id)

    @routes.post("/projects/{project_id}/datasets")
    async def add_dataset(request: Request, caller: CallerDependency, project_id: ProjectId) -> Response:
        given = texts(await request.form())
        name, key = given.get("name", ""), idempotency_key(given)
        try:
            dataset_id = await run_in_threadpool(console.add_dataset, caller, project_id, name, key)
        except SartorError as error:
            return await run_in_threadpool(one_page, request, caller, project_id, given, error)
        return RedirectResponse(f"{PATH}/datasets/{dataset_id}", SEE_OTHER)

    @routes.post("/projects/{project_id}/words")
    async def change(request: Request, caller: CallerDependency, project_id: ProjectId) -> Response:
        given = texts(await request.form())
        try:
            await run_in_threadpool(console.change, caller, project_id, given)
        except SartorError as error:  # nothing that was written is lost
            return await run_in_threadpool(one_page, request, caller, project_id, given, error)
        return RedirectResponse(f"{PATH}/projects/{project_id}", SEE_OTHER)

    @routes.post("/projects/{project_id}/delete")
    async def delete(caller: CallerDependency, project_id: ProjectId) -> Response:
        await slowly(rooms.projects.delete, caller, project_id)
        return RedirectResponse(f"{PATH}/projects", SEE_OTHER)
