"""``/v1/tailored-gen/models/{model_id}/checkpoints``, also under ``/v2``."""

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Path, Request

from sartor.accounts.endpoints import CallerDependency, Door, guarded_router
from sartor.errors import describe
from sartor.kit.storage import Address
from sartor.kit.threads import slowly
from sartor.models.checkpoints import Checkpoints
from sartor.models.endpoints import ModelId
from sartor.models.schemas import LARGEST_ID, CheckpointAnswer, CheckpointsAnswer

Step = Annotated[int, Path(ge=0, le=LARGEST_ID, description="Of the training, as in `checkpoint_steps`.")]


def router(checkpoints: Checkpoints, door: Door, *, address_of: Callable[[Request], Address]) -> APIRouter:
    """The routes of checkpoints; the app mounts them under each prefix."""
    routes = guarded_router(door, tag="Models")

    @routes.get(
        "/tailored-gen/models/{model_id}/checkpoints",
        operation_id="list_checkpoints",
        summary="List a model's checkpoints",
        response_model_exclude_none=True,
        responses=describe(400, 401, 404, 429, 500, 503),
    )
    def list_checkpoints(request: Request, caller: CallerDependency, model_id: ModelId) -> CheckpointsAnswer:
        """What the training had come to at each interval. Of models trained in `expert` mode alone."""
        found, active = checkpoints.of_model(caller, model_id, address_of(request))
        return CheckpointsAnswer(checkpoints=found, active_model_version=active)

    @routes.get(
        "/tailored-gen/models/{model_id}/checkpoints/{checkpoint_step}",
        operation_id="get_checkpoint",
        summary="Get a checkpoint",
        response_model_exclude_none=True,
        responses=describe(400, 401, 404, 429, 500, 503),
    )
    def get_checkpoint(
        request: Request, caller: CallerDependency, model_id: ModelId, checkpoint_step: Step
    ) -> CheckpointAnswer:
        """One checkpoint."""
        return checkpoints.get(caller, model_id, checkpoint_step, address_of(request))

    @routes.delete(
        "/tailored-gen/models/{model_id}/checkpoints/{checkpoint_step}",
        operation_id="delete_checkpoint",
        summary="Delete a checkpoint",
        status_code=204,
        responses=describe(400, 401, 403, 404, 429, 500, 503),
    )
    async def delete_checkpoint(caller: CallerDependency, model_id: ModelId, checkpoint_step: Step) -> None:
        """Deletes it for good. The one that is drawn with stays."""
        await slowly(checkpoints.delete, caller, model_id, checkpoint_step)

    return routes
