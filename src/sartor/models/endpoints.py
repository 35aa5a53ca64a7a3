"""``/v1/tailored-gen/models``, also under ``/v2``."""

from typing import Annotated

from fastapi import APIRouter, Path, Query

from sartor.accounts.endpoints import CallerDependency, Door, guarded_router
from sartor.errors import describe
from sartor.models.schemas import ModelAnswer
from sartor.models.service import LARGEST_ID, Models


def router(models: Models, door: Door) -> APIRouter:
    """The life cycle's routes; the app mounts them under each prefix."""
    routes = guarded_router(door, tag="Models")

    @routes.get(
        "/tailored-gen/models",
        summary="List the models",
        response_model_exclude_none=True,
        responses=describe(400, 401, 429, 500, 503),
    )
    def list_models(
        caller: CallerDependency,
        include_training_parameters: Annotated[bool, Query(description="Also show how each one was trained.")] = False,
    ) -> list[ModelAnswer]:
        """The organisation's models, newest first, and the bundled ones that everybody may use."""
        found = models.visible(caller.organisation_id)
        return [ModelAnswer.of(model, details=include_training_parameters) for model in found]

    @routes.get(
        "/tailored-gen/models/{model_id}",
        summary="Get a model",
        response_model_exclude_none=True,
        responses=describe(401, 404, 429, 500, 503),
    )
    def get_model(caller: CallerDependency, model_id: Annotated[int, Path(ge=1, le=LARGEST_ID)]) -> ModelAnswer:
        """Everything about one model."""
        return ModelAnswer.of(models.get(caller.organisation_id, model_id), details=True)

    return routes
