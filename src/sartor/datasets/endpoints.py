"""``/v1/tailored-gen/datasets`` and a project's; ``/v1/datasets/{id}/download``; also under ``/v2``."""

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request

from sartor.accounts.endpoints import CallerDependency, Door, guarded_router
from sartor.datasets.images import Images
from sartor.datasets.packing import Packing
from sartor.datasets.schemas import (
    CloneBody,
    DatasetAnswer,
    DatasetBody,
    DatasetChanges,
    DatasetDownloadAnswer,
    DatasetOfProjectAnswer,
    FullDatasetAnswer,
    dataset_answer,
    full_answer,
)
from sartor.datasets.service import Datasets
from sartor.errors import describe
from sartor.kit.idempotency import check_key
from sartor.kit.storage import Address, Storage
from sartor.kit.threads import slowly
from sartor.projects.endpoints import Key, ProjectId
from sartor.projects.service import LARGEST_ID

DatasetId = Annotated[int, Path(ge=1, le=LARGEST_ID)]

# The models of an organisation as they are on the wire: the room above knows how.
ModelsOf = Callable[[int], list[dict[str, Any]]]


def router(
    datasets: Datasets,
    images: Images,
    packing: Packing,
    storage: Storage,
    door: Door,
    *,
    address_of: Callable[[Request], Address],
    models_of: ModelsOf,
) -> APIRouter:
    """The routes of whole datasets; the app mounts them under each prefix."""
    routes = guarded_router(door, tag="Datasets")

    @routes.post(
        "/tailored-gen/datasets",
        operation_id="create_dataset",
        summary="Create a dataset",
        status_code=201,
        responses=describe(400, 401, 404, 413, 422, 429, 500, 503),
    )
    def create_dataset(caller: CallerDependency, body: DatasetBody, idempotency_key: Key = None) -> DatasetAnswer:
        """A draft without images. Complete it once it has 5 or more, with captions, and a visual schema."""
        return dataset_answer(datasets.create(caller, body, idempotency_key=check_key(idempotency_key)), 0)

    @routes.get(
        "/tailored-gen/datasets",
        operation_id="list_datasets",
        summary="List the datasets",
        responses=describe(401, 429, 500, 503),
    )
    def list_datasets(caller: CallerDependency) -> list[DatasetAnswer]:
        """The organisation's datasets, newest first."""
        return [dataset_answer(dataset, count) for dataset, count in datasets.all(caller)]

    @routes.get(
        "/tailored-gen/projects/{project_id}/datasets",
        operation_id="list_datasets_of_project",
        summary="List the datasets of a project",
        response_model_exclude_unset=True,
        responses=describe(400, 401, 404, 429, 500, 503),
    )
    def list_datasets_of_project(
        caller: CallerDependency,
        project_id: ProjectId,
        include_models: Annotated[bool, Query(description="Also show the models of each dataset.")] = False,
        include_models_ids: Annotated[bool, Query(description="Also show the ids of those models.")] = False,
    ) -> list[DatasetOfProjectAnswer]:
        """The project's datasets, newest first."""
        found = datasets.of_project(caller, project_id)
        models = models_of(caller.organisation_id) if found and (include_models or include_models_ids) else []
        answers = []
        for dataset, count in found:
            values = dataset_answer(dataset, count).model_dump()
            own = [model for model in models if model.get("dataset_id") == dataset.id]
            if include_models:
                values["models"] = own
            if include_models_ids:
                values["model_ids"] = [str(model["id"]) for model in own]
            answers.append(DatasetOfProjectAnswer(**values))
        return answers

    @routes.get(
        "/tailored-gen/datasets/{dataset_id}",
        operation_id="get_dataset",
        summary="Get a dataset",
        responses=describe(400, 401, 404, 429, 500, 503),
    )
    def get_dataset(
        request: Request,
        caller: CallerDependency,
        dataset_id: DatasetId,
        max_images: Annotated[int, Query(ge=1, le=200, description="Images to show at most.")] = 200,
    ) -> FullDatasetAnswer:
        """The dataset with its images, those that came first."""
        dataset, count = datasets.get(caller, dataset_id)
        shown = images.of_dataset(caller, dataset_id, limit=max_images)
        return full_answer(dataset, count, shown, storage, address_of(request))

    @routes.put(
        "/tailored-gen/datasets/{dataset_id}",
        operation_id="update_dataset",
        summary="Change a dataset",
        responses=describe(400, 401, 404, 409, 413, 429, 500, 503),
    )
    def update_dataset(caller: CallerDependency, dataset_id: DatasetId, body: DatasetChanges) -> DatasetAnswer:
        """What is absent stays as it is. The visual schema changes only in a draft; captions that were written for
        another one stay until they are regenerated."""
        return dataset_answer(*datasets.update(caller, dataset_id, body))

    @routes.delete(
        "/tailored-gen/datasets/{dataset_id}",
        operation_id="delete_dataset",
        summary="Delete a dataset",
        status_code=204,
        responses=describe(401, 404, 409, 429, 500, 503),
    )
    async def delete_dataset(caller: CallerDependency, dataset_id: DatasetId) -> None:
        """Deletes it with its images, for ever. 409 while a model is trained on it."""
        await slowly(datasets.delete, caller, dataset_id)

    @routes.post(
        "/tailored-gen/datasets/{dataset_id}/clone",
        operation_id="clone_dataset",
        summary="Clone a dataset",
        status_code=201,
        responses=describe(400, 401, 404, 409, 413, 422, 429, 500, 503),
    )
    async def clone_dataset(
        request: Request,
        caller: CallerDependency,
        dataset_id: DatasetId,
        body: CloneBody | None = None,
        idempotency_key: Key = None,
    ) -> FullDatasetAnswer:
        """A draft with the same visual schema, and copies of the images and captions: how a completed one goes on."""
        key = check_key(idempotency_key)
        dataset, copies = await slowly(datasets.clone, caller, dataset_id, body or CloneBody(), idempotency_key=key)
        return full_answer(dataset, len(copies), copies, storage, address_of(request))

    @routes.get(
        "/datasets/{dataset_id}/download",
        operation_id="download_dataset",
        summary="Download a dataset",
        response_model_exclude_none=True,
        responses=describe(401, 404, 409, 429, 500, 503),
    )
    async def download_dataset(
        request: Request, caller: CallerDependency, dataset_id: DatasetId
    ) -> DatasetDownloadAnswer:
        """Where an advanced dataset can be had as a ZIP. The first time after a change it is packed, which takes a
        second for some hundred images."""
        archive, captions = await slowly(packing.pack, caller, dataset_id)
        address = address_of(request)
        return DatasetDownloadAnswer(
            download_url=storage.link(archive, address),
            captions_url=None if captions is None else storage.link(captions, address),
        )

    return routes
