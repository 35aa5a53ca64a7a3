"""The composition root: settings become parts, parts become a service.

parts = assemble(settings)      everything with state, made once and owned here
app = create_app(settings)      the same, behind HTTP
"""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Any, Generic, TypeVar

import sqlalchemy as sa
import structlog
from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response, StreamingResponse
from sqlalchemy.orm import InstrumentedAttribute, Session
from starlette.concurrency import run_in_threadpool

import sartor.datasets.bulk_endpoints as bulk_endpoints
import sartor.datasets.endpoints as datasets_endpoints
import sartor.datasets.images as images_endpoints
import sartor.datasets.wording as wording_endpoints
import sartor.generation.endpoints as generation_endpoints
import sartor.models.endpoints as models_endpoints
import sartor.projects.endpoints as projects_endpoints
from sartor.accounts.endpoints import Door
from sartor.accounts.quotas import Quotas
from sartor.accounts.service import Accounts
from sartor.bridge import Bridge, GeminiBridge, OfflineBridge
from sartor.bridge.completion import Patience
from sartor.bridge.packages import installed
from sartor.captioning import Captioner, MeasuringCaptioner
from sartor.datasets.bulk import BulkUploads
from sartor.datasets.captions import Captions
from sartor.datasets.jobs import Recaptioning
from sartor.datasets.packing import Packing
from sartor.datasets.service import Datasets
from sartor.datasets.uploads import Uploads
from sartor.errors import NotFound, Unavailable, install
from sartor.generation.device import Device
from sartor.generation.drawing import DrawingEngine, EngineFactory, PlainEngine
from sartor.generation.jobs import Pipeline
from sartor.generation.service import Generation
from sartor.kit.database import AWAY, Database, now
from sartor.kit.fetch import Fetcher
from sartor.kit.jobs import Chore, Jobs
from sartor.kit.limits import Frame
from sartor.kit.metrics import MEDIA_TYPE, Metrics
from sartor.kit.rates import Rates, counter_for
from sartor.kit.reference import reference_page
from sartor.kit.storage import FILES, Address, Storage
from sartor.models.adapters import AdapterFiles
from sartor.models.base import ServedBase
from sartor.models.jobs import Trainings
from sartor.models.lifecycle import Lifecycle
from sartor.models.schemas import ModelAnswer
from sartor.models.service import Models
from sartor.models.tables import Model
from sartor.moderation.base import ImageModerator, InTurn
from sartor.moderation.hosted import HostedModerator
from sartor.moderation.image import OpenNsfw
from sartor.moderation.text import PhraseModerator
from sartor.projects.service import InTraining, Projects
from sartor.settings import Settings
from sartor.webhooks.jobs import FIRST_PAUSE, Deliverer
from sartor.webhooks.service import Webhooks

log = structlog.get_logger(__name__)

__version__ = version("sartor")

BridgeFactory = Callable[[], Bridge]
CaptionerFactory = Callable[[], Captioner]
T = TypeVar("T")

# At a quiet minute of every hour; which of several workers does it, the database decides.
_RETENTION_CRON = "17 * * * *"

# Files up to here are sent in one piece: images are; a dataset as a ZIP may have gigabytes.
_WHOLE_BYTES = 16 * 1024 * 1024
_MEDIA_TYPES = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".json": "application/json",
    ".zip": "application/zip",
}

# By the ends of their paths: bodies that bring pictures.
_LARGER_BODIES = {
    "/images": images_endpoints.LARGEST_UPLOAD,
    "/generate_visual_schema": wording_endpoints.LARGEST_BODY,
    "/refine_structured_prompt": wording_endpoints.LARGEST_BODY,
}

_DESCRIPTION = """
Tailored image generation: your brand's look as a small adapter over FIBO, every image described by a structured prompt
that can be read, edited and replayed to the byte.

Every request carries its token in the header `api_token`. Every answer that is not 2xx has the same shape:
`{"error": {"code", "message", "details"}, "request_id"}`.
""".strip()


class Once(Generic[T]):
    """A value that is made on the first call, however many threads ask for it."""

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._lock = threading.Lock()
        self._made: list[T] = []

    def __call__(self) -> T:
        with self._lock:
            if not self._made:
                self._made.append(self._make())
            return self._made[0]


@dataclass(frozen=True)
class Parts:
    """Everything with state. ``start`` may take a second; the engine goes on loading in the background."""

    settings: Settings
    database: Database
    storage: Storage
    accounts: Accounts
    door: Door
    projects: Projects
    datasets: Datasets
    uploads: Uploads
    bulk_uploads: BulkUploads
    recaptioning: Recaptioning
    packing: Packing
    captions: Captions
    bridge: BridgeFactory
    image_moderator: ImageModerator
    models: Models
    lifecycle: Lifecycle
    jobs: Jobs
    generation: Generation
    fetcher: Fetcher
    webhooks: Webhooks
    device: Device
    metrics: Metrics
    warm_up: Callable[[], None]

    def start(self) -> None:
        """Tables, bundled brands, and, where this process works, the engine and the jobs."""
        self.database.migrate()
        self.models.seed()
        if self.settings.work:
            self.jobs.start()
            # Without an engine this process must not take work from others that have one.
            self.device.start(self.warm_up, otherwise=self.jobs.rest)
        else:
            self.jobs.prepare()

    def stop(self) -> None:
        """Interrupts running jobs, which go on at the next start, and lets go of everything."""
        self.jobs.stop()
        self.device.stop()
        self.fetcher.close()
        self.database.close()

    @property
    def ready(self) -> bool:
        return self.device.ready or not self.settings.work


def engine_factory(settings: Settings) -> EngineFactory:
    """What makes the engine that the settings ask for."""

    def load() -> DrawingEngine:
        if settings.checkpoint == "plain":
            return PlainEngine()
        from sartor.fibo import Engine

        return Engine.load(
            checkpoint_folder(settings),
            device=device_name(settings),
            threads=settings.threads,
            golden_file=settings.home / "golden.json",
        )

    return load


def device_name(settings: Settings) -> str:
    """The device that the settings name, or the best one that there is."""
    if settings.device != "auto":
        return settings.device
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


def checkpoint_folder(settings: Settings) -> str | Path:
    """The folder or hub id of the checkpoint that the settings name."""
    if settings.checkpoint == "embedded":
        return Path(__file__).parent / "nano" / "checkpoint"
    return settings.checkpoint


def served_base(settings: Settings) -> ServedBase:
    """What models are trained for. Where the plain engine draws, which reads no adapter, it is the embedded model."""
    embedded = settings.checkpoint in {"embedded", "plain"}
    folder = checkpoint_folder(settings.model_copy(update={"checkpoint": "embedded"}) if embedded else settings)
    return ServedBase(folder, device=lambda: device_name(settings), embedded=embedded)


def bridge_factory(settings: Settings) -> BridgeFactory:
    """What makes the bridge that the settings ask for. Raises BridgeUnavailable for one that is not installed."""
    key = settings.bridge_key.get_secret_value()
    if settings.bridge == "offline" or (settings.bridge == "auto" and not key):
        return OfflineBridge
    if settings.bridge == "auto" and not installed():
        log.warning('a key for a language model is set, but not the extra "gemini": the offline bridge is used')
        return OfflineBridge
    patience = Patience(total=settings.bridge_time_limit.total_seconds())
    bridge = GeminiBridge(settings.bridge_model, key=key, patience=patience)
    return lambda: bridge


def captioner_factory(settings: Settings) -> CaptionerFactory:
    """What makes the captioner that the settings ask for, by the rules that choose the bridge."""
    return MeasuringCaptioner


def in_training(column: InstrumentedAttribute[int | None]) -> InTraining:
    """Whether a model that names the id in ``column`` is in training: what rooms below the models' ask."""

    def ask(session: Session, identifier: int) -> bool:
        busy = sa.exists().where(column == identifier, Model.status.in_(("InProgress", "Stopping")))
        return bool(session.scalar(sa.select(busy)))

    return ask


def assemble(
    settings: Settings,
    *,
    engine: EngineFactory | None = None,
    bridge: BridgeFactory | None = None,
    captioner: CaptionerFactory | None = None,
    webhook_pause: timedelta = FIRST_PAUSE,
) -> Parts:
    """Makes the parts and connects them; nothing is started. The factories are called once each, in the background.

    ``webhook_pause`` is between the first two attempts of a webhook, and doubled from then on.
    """
    database = Database(settings.database)
    storage = Storage(settings.storage, key=settings.key)
    adapters = AdapterFiles(storage, settings.home / "adapters")
    models = Models(database, brand_folders=settings.brand_folders, bundled=settings.bundled_brands, adapters=adapters)
    jobs = Jobs(database, poll=settings.poll_interval, lease=settings.lease)
    device = Device(engine or engine_factory(settings))
    metrics = Metrics(ready=lambda: device.ready or not settings.work)
    accounts = Accounts(database, key=settings.key)
    webhooks = Webhooks(database, jobs)
    generation = Generation(database, storage, jobs, models, webhooks, outstanding_limit=settings.outstanding_limit)
    base = served_base(settings)
    lifecycle = Lifecycle(database, storage, jobs, models, base, adapters, in_use=generation.names_model)
    trainings = Trainings(
        database,
        storage,
        base,
        folder=settings.home / "training",
        busy=lambda: device.busy,
        threads=settings.threads,
    )
    trainings.register(jobs)
    datasets = Datasets(database, storage, in_training=in_training(Model.dataset_id))
    projects = Projects(
        database,
        in_training=in_training(Model.project_id),
        removals=[datasets.remove_project, lifecycle.remove_of_project],
    )
    captions = Captions(Once(captioner or captioner_factory(settings)))
    the_bridge = Once(bridge or bridge_factory(settings))
    # Where a model is named that is not installed, this is where it is said: nothing is to pass unchecked.
    hosted = [HostedModerator(settings.text_moderation_model)] if settings.text_moderation_model else []
    image_moderator = OpenNsfw()
    pipeline = Pipeline(
        database,
        storage,
        models,
        webhooks,
        device,
        metrics,
        bridge=the_bridge,
        text_moderator=InTurn([PhraseModerator(), *hosted]),
        image_moderator=image_moderator,
    )
    pipeline.register(jobs)
    fetcher = Fetcher(allowed=settings.fetch_networks)
    deliverer = Deliverer(
        database,
        accounts,
        webhooks,
        fetcher,
        metrics,
        answer=lambda request_id, base: generation.announcement(request_id, Address(base, settings.link_lifetime)),
        first_pause=webhook_pause,
    )
    deliverer.register(jobs)
    recaptioning = Recaptioning(database, storage, jobs, captions=captions)
    recaptioning.register(jobs)
    bulk_uploads = BulkUploads(
        database,
        jobs,
        fetcher,
        datasets,
        recaptioning,
        image_moderator=image_moderator,
        folder=settings.home / "uploads",
    )
    bulk_uploads.register(jobs)
    jobs.add_chore(Chore("retention", _RETENTION_CRON, lambda: generation.forget(now() - settings.retention)))
    jobs.add_chore(Chore("deleted models", _RETENTION_CRON, lifecycle.purge))

    rates = Rates(counter_for(settings.rate_limit_storage, database))
    quotas = Quotas(rates, work=settings.rate_limit, reading=settings.read_rate_limit)

    def warm_up() -> None:
        the_bridge().load()
        image_moderator.warm_up()
        for moderator in hosted:
            moderator.warm_up()

    return Parts(
        settings=settings,
        database=database,
        storage=storage,
        accounts=accounts,
        door=Door(accounts, quotas),
        projects=projects,
        datasets=datasets,
        uploads=Uploads(database, storage, datasets, captions, image_moderator),
        bulk_uploads=bulk_uploads,
        recaptioning=recaptioning,
        packing=Packing(database, storage),
        captions=captions,
        bridge=the_bridge,
        image_moderator=image_moderator,
        models=models,
        lifecycle=lifecycle,
        jobs=jobs,
        generation=generation,
        fetcher=fetcher,
        webhooks=webhooks,
        device=device,
        metrics=metrics,
        warm_up=warm_up,
    )


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
    )
    app.state.parts = parts
    app.add_middleware(Frame, body_limit=settings.body_limit, observe=parts.metrics.request, larger=_LARGER_BODIES)
    install(app, database_away=AWAY)
    _mount_api(app, parts)
    _mount_operations(app, parts)
    _mount_files(app, parts)
    return app


def _mount_api(app: FastAPI, parts: Parts) -> None:
    def address_of(request: Request) -> Address:
        base = parts.settings.public_url or str(request.base_url).rstrip("/")
        return Address(base, parts.settings.link_lifetime)

    generation = generation_endpoints.router(
        parts.generation, parts.door, address_of=address_of, sync_wait=parts.settings.sync_wait
    )

    def models_of(organisation_id: int) -> list[dict[str, Any]]:
        own = (model for model in parts.models.visible(organisation_id) if model.organisation_id is not None)
        return [ModelAnswer.of(model, details=True).model_dump(mode="json", exclude_none=True) for model in own]

    life_cycle = [
        projects_endpoints.router(parts.projects, parts.door),
        datasets_endpoints.router(
            parts.datasets, parts.packing, parts.storage, parts.door, address_of=address_of, models_of=models_of
        ),
        images_endpoints.router(
            parts.datasets, parts.uploads, parts.storage, parts.fetcher, parts.door, address_of=address_of
        ),
        bulk_endpoints.router(parts.bulk_uploads, parts.recaptioning, parts.door),
        wording_endpoints.router(
            parts.datasets, parts.captions, parts.image_moderator, parts.fetcher, parts.door, bridge=parts.bridge
        ),
        models_endpoints.router(parts.models, parts.lifecycle, parts.door, address_of=address_of),
    ]
    app.include_router(generation, prefix="/v2")
    for routes in life_cycle:
        app.include_router(routes, prefix="/v1")
    # Second addresses of the same; the reference shows each route once.
    app.include_router(generation, include_in_schema=False)
    for routes in life_cycle:
        app.include_router(routes, prefix="/v2", include_in_schema=False)


def _mount_operations(app: FastAPI, parts: Parts) -> None:
    @app.get("/healthz", include_in_schema=False)
    def healthz() -> dict[str, str]:
        """The process answers."""
        return {"status": "ok"}

    @app.get("/readyz", include_in_schema=False)
    def readyz() -> dict[str, Any]:
        """Requests are worked on at once: the database answers, the engine is loaded and warm."""
        if parts.device.failed:
            raise Unavailable("The model could not be loaded; the log says why.")
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
        return HTMLResponse(reference_page(_description(app)))


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
    def read_file(key: str, expires: str = "", signature: str = "") -> Response:
        """The bytes behind an address that this service signed; anything else is not there."""
        try:
            if not parts.storage.admits(key, expires, signature):
                raise KeyError(key)
            size, chunks = parts.storage.stream(key)
        except KeyError:
            raise NotFound("There is no such file, or its address has expired.") from None
        media_type = _MEDIA_TYPES.get(Path(key).suffix, "application/octet-stream")
        headers = {"Cache-Control": f"private, max-age={int(timedelta(hours=1).total_seconds())}, immutable"}
        if size <= _WHOLE_BYTES:
            return Response(b"".join(chunks), media_type=media_type, headers=headers)
        return StreamingResponse(chunks, media_type=media_type, headers=headers | {"Content-Length": str(size)})
