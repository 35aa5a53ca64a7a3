"""The composition root: parts become a service.

app = create_app(settings)      ASGI; ``app.state.parts`` is what ``sartor.assembly`` made
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response, StreamingResponse
from starlette.concurrency import run_in_threadpool

import sartor.console.endpoints as console_endpoints
import sartor.datasets.bulk_endpoints as bulk_endpoints
import sartor.datasets.endpoints as datasets_endpoints
import sartor.datasets.image_endpoints as image_endpoints
import sartor.datasets.wording_endpoints as wording_endpoints
import sartor.generation.endpoints as generation_endpoints
import sartor.models.checkpoint_endpoints as checkpoint_endpoints
import sartor.models.endpoints as models_endpoints
import sartor.models.import_endpoints as import_endpoints
import sartor.projects.endpoints as projects_endpoints
from sartor.assembly import Parts, assemble
from sartor.assembly.factories import BridgeFactory, CaptionerFactory
from sartor.console.datasets import LARGEST_FORM
from sartor.console.pages import ICON
from sartor.console.rooms import Rooms
from sartor.datasets.gallery import Gallery
from sartor.errors import NotFound, Unavailable, install
from sartor.generation.device import FAILED
from sartor.generation.drawing import EngineFactory
from sartor.kit.database import AWAY
from sartor.kit.limits import Frame
from sartor.kit.metrics import MEDIA_TYPE
from sartor.kit.reference import reference_page
from sartor.kit.storage import FILES, PIECE_BYTES, Address, StorageAway
from sartor.models.schemas import ModelAnswer
from sartor.settings import Settings
from sartor.webhooks.service import FIRST_PAUSE

log = structlog.get_logger(__name__)

__version__ = version("sartor")

# Files up to here are sent in one piece, larger ones in such pieces: what is sent waits in memory for its reader.
_WHOLE_BYTES = PIECE_BYTES
_MEDIA_TYPES = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".json": "application/json",
    ".zip": "application/zip",
}

# By the ends of their paths: bodies that bring pictures or adapters.
_LARGER_BODIES = {
    "/models/import": import_endpoints.LARGEST_IMPORT,
    "/images": image_endpoints.LARGEST_UPLOAD,
    "/pictures": LARGEST_FORM,
    "/generate_visual_schema": wording_endpoints.LARGEST_BODY,
    "/refine_structured_prompt": wording_endpoints.LARGEST_BODY,
}

_DESCRIPTION = """
Tailored image generation: your brand's look as a small adapter over FIBO, every image described by a structured prompt
that can be read, edited and replayed to the byte.

Every request carries its token in the header `api_token`. Every 4xx and 5xx has the same shape:
`{"error": {"code", "message", "details"}, "request_id"}`.
""".strip()


def create_app(
    settings: Settings,
    *,
    engine: EngineFactory | None = None,
    bridge: BridgeFactory | None = None,
    captioner: CaptionerFactory | None = None,
    webhook_pause: timedelta = FIRST_PAUSE,
) -> FastAPI:
    """The service as an ASGI application; ``app.state.parts`` has what it is made of."""
    parts = assemble(settings, engine=engine, bridge=bridge, captioner=captioner, webhook_pause=webhook_pause)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        # In threads: the job library adopts an event loop that it is started on, and is to have its own.
        await run_in_threadpool(parts.start)
        yield
        await run_in_threadpool(parts.stop)

    app = FastAPI(
        title="Sartor",
        version=__version__,
        description=_DESCRIPTION,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,  # to an address that is not ours to say: ``Frame`` takes the slash away
    )
    app.state.parts = parts
    app.add_middleware(
        Frame,
        body_limit=settings.body_limit,
        observe=parts.metrics.request,
        larger=_LARGER_BODIES,
        owner=lambda scope: getattr(scope.get("state", {}).get("caller"), "organisation_id", None),
    )
    install(app, away={"database": AWAY, "storage": [StorageAway]})
    _mount_api(app, parts)
    _mount_console(app, parts)
    _mount_operations(app, parts)
    _mount_files(app, parts)
    return app


def _addresses(settings: Settings) -> Callable[[Request], Address]:
    """How clients reach this service, as far as a request shows where the settings do not say."""

    def address_of(request: Request) -> Address:
        base = settings.public_url or str(request.base_url).rstrip("/")
        return Address(base, settings.link_lifetime)

    return address_of


def _mount_console(app: FastAPI, parts: Parts) -> None:
    rooms = Rooms(
        generation=parts.generation,
        models=parts.models,
        lifecycle=parts.lifecycle,
        downloads=parts.downloads,
        projects=parts.projects,
        datasets=parts.datasets,
        images=parts.images,
        gallery=Gallery(parts.database),
        uploads=parts.uploads,
        captions=parts.captions,
        recaptioning=parts.recaptioning,
        storage=parts.storage,
        bridge=parts.bridge,
        address_of=_addresses(parts.settings),
    )
    app.include_router(console_endpoints.router(rooms, parts.door))


def _mount_api(app: FastAPI, parts: Parts) -> None:
    address_of = _addresses(parts.settings)
    generation = generation_endpoints.router(
        parts.generation, parts.door, address_of=address_of, sync_wait=parts.settings.sync_wait
    )

    def models_of(organisation_id: int) -> list[dict[str, Any]]:
        own = (model for model in parts.models.visible(organisation_id) if model.organisation_id is not None)
        return [ModelAnswer.of(model, details=True).model_dump(mode="json", exclude_none=True) for model in own]

    life_cycle = [
        projects_endpoints.router(parts.projects, parts.door),
        datasets_endpoints.router(
            parts.datasets,
            parts.images,
            parts.packing,
            parts.storage,
            parts.door,
            address_of=address_of,
            models_of=models_of,
        ),
        image_endpoints.router(
            parts.images, parts.uploads, parts.storage, parts.sources, parts.door, address_of=address_of
        ),
        bulk_endpoints.router(parts.bulk_uploads, parts.recaptioning, parts.door),
        wording_endpoints.router(
            parts.datasets, parts.captions, parts.image_moderator, parts.sources, parts.door, bridge=parts.bridge
        ),
        models_endpoints.router(parts.models, parts.lifecycle, parts.downloads, parts.door, address_of=address_of),
        checkpoint_endpoints.router(parts.checkpoints, parts.door, address_of=address_of),
        import_endpoints.router(parts.imports, parts.door),
    ]
    app.include_router(generation, prefix="/v2")
    for routes in life_cycle:
        app.include_router(routes, prefix="/v1")
    # Second addresses of the same; the reference shows each route once.
    app.include_router(generation, include_in_schema=False)
    for routes in life_cycle:
        app.include_router(routes, prefix="/v2", include_in_schema=False)


def _mount_operations(app: FastAPI, parts: Parts) -> None:
    @app.api_route("/healthz", methods=["GET", "HEAD"], include_in_schema=False)
    async def healthz() -> dict[str, str]:
        """The process answers; on the event loop, for it has nothing to wait for."""
        return {"status": "ok"}

    @app.api_route("/readyz", methods=["GET", "HEAD"], include_in_schema=False)
    def readyz() -> dict[str, Any]:
        """Requests are worked on at once: the database answers, the engine is loaded and warm."""
        if parts.device.failed:
            raise Unavailable(FAILED)
        if not parts.ready:
            raise Unavailable("The model is being loaded.")
        try:
            parts.database.check()
        except Exception:
            log.exception("the database does not answer")
            raise Unavailable("The database does not answer.") from None
        return {"status": "ready", "version": __version__}

    @app.get("/metrics", include_in_schema=False)
    def metrics() -> Response:
        return Response(parts.metrics.text(), media_type=MEDIA_TYPE)

    @app.get("/openapi.json", include_in_schema=False)
    def openapi() -> JSONResponse:
        return JSONResponse(_description(app))

    @app.get("/docs", include_in_schema=False)
    def docs() -> HTMLResponse:
        return HTMLResponse(reference_page(_description(app), icon=ICON))


def _description(app: FastAPI) -> dict[str, Any]:
    """The API's description without the framework's own 422, which this service never answers."""
    described = app.openapi()
    for verbs in described["paths"].values():
        for operation in verbs.values():
            if "HTTPValidationError" in str(operation["responses"].get("422")):
                del operation["responses"]["422"]
    for name in ("HTTPValidationError", "ValidationError"):
        described["components"]["schemas"].pop(name, None)
    return described


def _mount_files(app: FastAPI, parts: Parts) -> None:
    @app.api_route(FILES + "{key:path}", methods=["GET", "HEAD"], include_in_schema=False)
    def read_file(request: Request, key: str, expires: str = "", signature: str = "") -> Response:
        """The bytes behind an address that this service signed; anything else is not there."""
        try:
            if not parts.storage.admits(key, expires, signature):
                raise KeyError(key)
            size, chunks = parts.storage.stream(key)
        except KeyError:
            raise NotFound("There is no such file, or its address has expired.") from None
        media_type = _MEDIA_TYPES.get(Path(key).suffix, "application/octet-stream")
        headers = {
            "Cache-Control": f"private, max-age={int(timedelta(hours=1).total_seconds())}, immutable",
            "Content-Length": str(size),
        }
        if request.method == "HEAD":
            return Response(media_type=media_type, headers=headers)
        if size <= _WHOLE_BYTES:
            return Response(b"".join(chunks), media_type=media_type, headers=headers)
        return StreamingResponse(chunks, media_type=media_type, headers=headers)
