"""``/v1/tailored-gen/models``: the models, their trainings and downloads; also under ``/v2``."""

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from starlette.convertors import Convertor, register_url_convertor

from sartor.accounts.endpoints import CallerDependency, Door, guarded_router
from sartor.errors import describe
from sartor.kit.idempotency import check_key
from sartor.kit.storage import Address
from sartor.kit.threads import slowly
from sartor.models.downloads import Downloads
from sartor.models.lifecycle import Lifecycle
from sartor.models.schemas import LARGEST_ID, ModelAnswer, ModelBody, ModelChanges, ModelDownloadAnswer, TrainingBody
from sartor.models.service import Models
from sartor.projects.endpoints import Key

ModelId = Annotated[int, Path(ge=1, le=LARGEST_ID)]
# Digits alone, so that it is not taken for `import` or `upload_model`.
_ONE = "/tailored-gen/models/{model_id:id}"
Details = Annotated[bool, Query(description="Also show how each one was trained.")]


class _Digits(Convertor[int]):
    """As many digits as an id may have. The framework's own `int` takes any number of them, and fails at thousands."""

    regex = "[0-9]{1,10}"

    def convert(self, value: str) -> int:
        return int(value)

    def to_string(self, value: int) -> str:
        return str(value)


def router(
    models: Models,
    lifecycle: Lifecycle,
    downloads: Downloads,
    door: Door,
    *,
    address_of: Callable[[Request], Address],
) -> APIRouter:
    """The models' routes; the app mounts them under each prefix."""
    register_url_convertor("id", _Digits())
    routes = guarded_router(door, tag="Models")

    @routes.post(
        "/tailored-gen/models",
        operation_id="create_model",
        summary="Create a model",
        status_code=201,
        response_model_exclude_none=True,
        responses=describe(400, 401, 404, 413, 422, 429, 500, 503),
    )
    def create_model(caller: CallerDependency, body: ModelBody, idempotency_key: Key = None) -> ModelAnswer:
        """A model that is to learn from a dataset. Training is started separately."""
        return ModelAnswer.of(lifecycle.create(caller, body, key=check_key(idempotency_key)), details=True)

    @routes.get(
        "/tailored-gen/models",
        operation_id="list_models",
        summary="List the models",
        response_model_exclude_none=True,
        responses=describe(400, 401, 429, 500, 503),
    )
    def list_models(caller: CallerDependency, include_training_parameters: Details = False) -> list[ModelAnswer]:
        """The organisation's models, newest first, and the bundled ones that everybody may use."""
        found = models.visible(caller.organisation_id)
        return [ModelAnswer.of(model, details=include_training_parameters) for model in found]

    @routes.get(
        "/tailored-gen/projects/{project_id}/models",
        operation_id="list_models_of_project",
        summary="List a project's models",
        response_model_exclude_none=True,
        responses=describe(400, 401, 404, 429, 500, 503),
    )
    def list_models_of_project(
        caller: CallerDependency,
        project_id: Annotated[int, Path(ge=1, le=LARGEST_ID)],
        include_training_parameters: Details = False,
    ) -> list[ModelAnswer]:
        """The project's models, newest first."""
        found = models.of_project(caller, project_id)
        return [ModelAnswer.of(model, details=include_training_parameters) for model in found]

    @routes.get(
        _ONE,
        operation_id="get_model",
        summary="Get a model",
        response_model_exclude_none=True,
        responses=describe(401, 404, 429, 500, 503),
    )
    def get_model(request: Request, caller: CallerDependency, model_id: ModelId) -> ModelAnswer:
        """Everything about one model: how far its training is, and what it looks like."""
        model = models.get(caller.organisation_id, model_id)
        return ModelAnswer.of(model, details=True, links=downloads.links(model, address_of(request)))

    @routes.put(
        _ONE,
        operation_id="update_model",
        summary="Update a model",
        response_model_exclude_none=True,
        responses=describe(400, 401, 403, 404, 413, 429, 500, 503),
    )
    def update_model(caller: CallerDependency, model_id: ModelId, body: ModelChanges) -> ModelAnswer:
        """Changes its name, its description, or which of its checkpoints is drawn with."""
        return ModelAnswer.of(lifecycle.update(caller, model_id, body), details=True)

    @routes.delete(
        _ONE,
        operation_id="delete_model",
        summary="Delete a model",
        status_code=204,
        responses=describe(401, 403, 404, 409, 429, 500, 503),
    )
    async def delete_model(caller: CallerDependency, model_id: ModelId) -> None:
        """Deletes it with its checkpoints and samples. Images that it has drawn stay; one in training has to be
        stopped first."""
        await slowly(lifecycle.delete, caller, model_id)

    @routes.get(
        "/tailored-gen/models/{model_id}/download",
        operation_id="download_model",
        summary="Download a model",
        responses=describe(400, 401, 403, 404, 429, 500, 503),
    )
    async def download_model(request: Request, caller: CallerDependency, model_id: ModelId) -> ModelDownloadAnswer:
        """Addresses of its adapter, a diffusers LoRA of the active version, and of its card."""
        return await slowly(downloads.download, caller, model_id, address_of(request))

    @routes.post(
        "/tailored-gen/models/{model_id}/start_training",
        operation_id="start_training",
        summary="Start a training",
        response_model_exclude_none=True,
        responses=describe(400, 401, 403, 404, 409, 412, 413, 422, 429, 500, 503),
    )
    def start_training(
        caller: CallerDependency, model_id: ModelId, body: TrainingBody | None = None, idempotency_key: Key = None
    ) -> ModelAnswer:
        """Starts its one training. The dataset has to be completed; parameters are for `expert` mode alone."""
        started = lifecycle.start(caller, model_id, body or TrainingBody(), key=check_key(idempotency_key))
        return ModelAnswer.of(started, details=True)

    @routes.post(
        "/tailored-gen/models/{model_id}/stop_training",
        operation_id="stop_training",
        summary="Stop a training",
        response_model_exclude_none=True,
        responses=describe(401, 403, 404, 409, 422, 429, 500, 503),
    )
    def stop_training(caller: CallerDependency, model_id: ModelId, idempotency_key: Key = None) -> ModelAnswer:
        """Stops it for good after the current optimiser step; a stopped training cannot be resumed."""
        return ModelAnswer.of(lifecycle.stop(caller, model_id, key=check_key(idempotency_key)), details=True)

    return routes
