"""``/v1/tailored-gen/generate_visual_schema`` and ``/refine_structured_prompt``, also under ``/v2``: words for a whole
dataset, made of pictures and changed by instructions. Nothing is kept."""

import asyncio
from collections.abc import Callable, Sequence

from fastapi import APIRouter, Request
from PIL import Image
from starlette.concurrency import run_in_threadpool

from sartor.accounts.endpoints import CallerDependency, Door, guarded_router
from sartor.bridge.base import Bridge
from sartor.datasets.bodies import described, read_json
from sartor.datasets.captions import Captions
from sartor.datasets.pictures import MAX_BYTES, read_picture, room_for_one
from sartor.datasets.schemas import RefinementAnswer, RefinementBody, SchemaAnswer, SchemaBody
from sartor.datasets.service import Datasets
from sartor.datasets.sources import Reading, Sources, decoded, is_address
from sartor.datasets.wording import refine
from sartor.errors import BadRequest, Moderated, PictureNotFetched, describe
from sartor.kit.threads import slowly
from sartor.moderation.base import ImageModerator

# What base64 makes of ten of the largest pictures, and room for the other fields.
LARGEST_BODY = 10 * (MAX_BYTES * 4 // 3) + 100_000


def router(
    datasets: Datasets,
    captions: Captions,
    moderator: ImageModerator,
    sources: Sources,
    door: Door,
    *,
    bridge: Callable[[], Bridge],
) -> APIRouter:
    """The two routes; the app mounts them under each prefix. ``bridge`` gives the one bridge."""
    routes = guarded_router(door, tag="Datasets")

    def look(pictures: Sequence[str | bytes], moderate: bool) -> str:
        return captions.visual_schema([look_at(picture, moderate) for picture in pictures])

    def look_at(picture: str | bytes, moderate: bool) -> Image.Image:
        with room_for_one():
            data = decoded(picture) if isinstance(picture, str) else picture
            image = read_picture(data, max_bytes=None)
            if moderate and (finding := moderator.check(data)):
                raise Moderated("image", finding.category)
        return image

    async def fetched(images: Sequence[str], reading: Reading) -> list[str | bytes]:
        """What is at the addresses, all at once, until one fails; base64 as it is, to be decoded by the thread that
        looks, one picture at a time."""
        pictures: list[str | bytes] = list(images)

        async def fetch(place: int) -> None:
            pictures[place] = await reading.read(images[place], unreachable=PictureNotFetched)

        try:
            async with asyncio.TaskGroup() as group:
                for place, source in enumerate(images):
                    if is_address(source):
                        group.create_task(fetch(place))
        except ExceptionGroup as failed:
            pictures.clear()  # the error's frames would keep them for a while
            raise failed.exceptions[0] from None
        return pictures

    @routes.post(
        "/tailored-gen/generate_visual_schema",
        operation_id="generate_visual_schema",
        summary="Generate a visual schema",
        responses=describe(400, 401, 413, 415, 422, 429, 460, 500, 503),
        openapi_extra=described(SchemaBody),
    )
    async def generate_visual_schema(request: Request, caller: CallerDependency) -> SchemaAnswer:
        """What 5 to 10 typical pictures share: medium, style, colours, light. Read it, change what is wrong, and give
        it to the dataset: captions and images are then made by it."""
        body = await read_json(request, SchemaBody)
        with sources.reading() as reading:
            pictures = await fetched(body.images, reading)
            return SchemaAnswer(visual_schema=await slowly(look, pictures, body.content_moderation))

    @routes.post(
        "/tailored-gen/refine_structured_prompt",
        operation_id="refine_structured_prompt",
        summary="Refine a visual schema or a caption",
        responses=describe(400, 401, 404, 413, 422, 429, 500, 503),
        openapi_extra=described(RefinementBody),
    )
    async def refine_structured_prompt(request: Request, caller: CallerDependency) -> RefinementAnswer:
        """Changes what the instruction asks for, and nothing else. The dataset must be a draft of yours; it is not
        changed: give the answer to it, or to an image, if it is what you meant."""
        body = await read_json(request, RefinementBody)
        dataset, _ = await run_in_threadpool(datasets.get, caller, body.dataset_id)
        if dataset.status != "draft":
            raise BadRequest("dataset_id: the dataset is completed; clone it to go on.")
        refined = await slowly(lambda: refine(bridge(), body.structured_prompt, body.instruction))
        return RefinementAnswer(structured_prompt=refined)

    return routes
