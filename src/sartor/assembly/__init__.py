"""Settings become parts: everything with state is made here, once, and connected.

parts = assemble(settings)      nothing is started yet: ``parts.start()``
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from sartor.accounts.endpoints import Door
from sartor.accounts.quotas import Quotas
from sartor.accounts.service import Accounts
from sartor.assembly.factories import (
    BridgeFactory,
    CaptionerFactory,
    Once,
    bridge_factory,
    captioner_factory,
    engine_factory,
    served_base,
)
from sartor.datasets import keys as dataset_keys
from sartor.datasets.bulk import BulkUploads
from sartor.datasets.captions import Captions
from sartor.datasets.images import Images
from sartor.datasets.jobs import Recaptioning
from sartor.datasets.packing import Packing
from sartor.datasets.service import Datasets
from sartor.datasets.sources import Sources
from sartor.datasets.uploads import Uploads
from sartor.generation import keys as request_keys
from sartor.generation.device import Device
from sartor.generation.drawing import EngineFactory
from sartor.generation.jobs import Pipeline
from sartor.generation.service import Generation
from sartor.kit.database import Database, now
from sartor.kit.fetch import Fetcher
from sartor.kit.jobs import Chore, Jobs
from sartor.kit.metrics import Metrics
from sartor.kit.orphans import Orphans
from sartor.kit.rates import Rates, counter_for
from sartor.kit.storage import Address, Storage
from sartor.models import keys as model_keys
from sartor.models.adapters import AdapterFiles
from sartor.models.checkpoints import Checkpoints
from sartor.models.downloads import Downloads
from sartor.models.importing import Imports
from sartor.models.jobs import Trainings
from sartor.models.leftovers import Leftovers
from sartor.models.lifecycle import Lifecycle
from sartor.models.service import Models, in_training
from sartor.models.tables import Model
from sartor.moderation.base import ImageModerator, InTurn
from sartor.moderation.hosted import HostedModerator
from sartor.moderation.image import OpenNsfw
from sartor.moderation.text import PhraseModerator
from sartor.projects.service import Projects
from sartor.settings import Settings
from sartor.webhooks.jobs import Deliverer
from sartor.webhooks.service import FIRST_PAUSE, Webhooks

# At a quiet minute of every hour; which of several workers does it, the database decides.
_RETENTION_CRON = "17 * * * *"
# Rarely, because the whole storage is listed; not once a day, so that a service which runs by day only does it, too.
_ORPHANS_CRON = "37 */6 * * *"


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
    images: Images
    uploads: Uploads
    bulk_uploads: BulkUploads
    recaptioning: Recaptioning
    packing: Packing
    captions: Captions
    bridge: BridgeFactory
    image_moderator: ImageModerator
    models: Models
    lifecycle: Lifecycle
    checkpoints: Checkpoints
    downloads: Downloads
    imports: Imports
    leftovers: Leftovers
    orphans: Orphans
    jobs: Jobs
    generation: Generation
    fetcher: Fetcher
    sources: Sources
    webhooks: Webhooks
    device: Device
    metrics: Metrics
    warm_up: Callable[[], None]

    def start(self) -> None:
        """Tables, bundled brands, and, where this process works, the engine and the jobs."""
        self.database.migrate()
        self.models.seed()
        self.leftovers.tidy()
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
    copies, training = settings.home / "adapters", settings.home / "training"
    leftovers = Leftovers(database, adapters=copies, trainings=training)
    adapters = AdapterFiles(database, storage, copies, leftovers=leftovers)
    base = served_base(settings)
    models = Models(
        database,
        brand_folders=settings.brand_folders,
        bundled=settings.bundled_brands,
        adapters=adapters,
        base=base,
    )
    device = Device(engine or engine_factory(settings))
    metrics = Metrics(ready=lambda: device.ready or not settings.work)
    jobs = Jobs(database, poll=settings.poll_interval, lease=settings.lease, observe=metrics.run)
    accounts = Accounts(database, key=settings.key)
    webhooks = Webhooks(database, jobs, first_pause=webhook_pause)
    generation = Generation(
        database,
        storage,
        jobs,
        models,
        webhooks,
        outstanding_limit=settings.outstanding_limit,
        defaults={
            "steps_num": settings.steps_num,
            "guidance_scale": settings.guidance_scale,
            "caching": settings.caching,
            "guidance_until": settings.guidance_until,
        },
    )
    lifecycle = Lifecycle(database, storage, jobs, base, adapters, in_use=generation.names_model)
    trainings = Trainings(
        database,
        storage,
        base,
        folder=training,
        busy=lambda: device.busy,
        on_lost_device=device.lose,
        threads=settings.threads,
        steps_of_images=settings.steps_num,
        sample_guidance=settings.guidance_scale,
        base_weights=settings.base_weights,
    )
    trainings.register(jobs)
    images = Images(database, storage)
    datasets = Datasets(database, storage, in_training=in_training(Model.dataset_id))
    projects = Projects(
        database,
        in_training=in_training(Model.project_id),
        marks=[datasets.mark_project, lifecycle.mark_of_project],
        removals=[datasets.remove_project, lifecycle.remove_of_project],
    )
    the_bridge = Once(bridge or bridge_factory(settings))
    captions = Captions(Once(captioner or captioner_factory(settings)))
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
    )
    deliverer.register(jobs)
    recaptioning = Recaptioning(database, storage, jobs, captions=captions)
    recaptioning.register(jobs)
    bulk_uploads = BulkUploads(
        database,
        jobs,
        fetcher,
        images,
        recaptioning,
        image_moderator=image_moderator,
        folder=settings.home / "uploads",
    )
    bulk_uploads.register(jobs)
    retention = Chore("retention", _RETENTION_CRON, lambda stop: generation.forget(now() - settings.retention, stop))
    jobs.add_chore(retention)
    jobs.add_chore(Chore("deleted projects", _RETENTION_CRON, projects.purge))
    jobs.add_chore(Chore("deleted datasets", _RETENTION_CRON, datasets.purge))
    jobs.add_chore(Chore("deleted models", _RETENTION_CRON, lifecycle.purge))
    keyspaces = (*request_keys.KEYSPACES, *dataset_keys.KEYSPACES, *model_keys.KEYSPACES)
    orphans = Orphans(database, storage, keyspaces, began=models.began)
    jobs.add_chore(Chore("orphans", _ORPHANS_CRON, orphans.remove))

    rates = Rates(counter_for(settings.rate_limit_storage, database))
    quotas = Quotas(rates, work=settings.rate_limit, reading=settings.read_rate_limit)

    def warm_up() -> None:
        the_bridge().load()
        captions.warm_up()
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
        images=images,
        uploads=Uploads(database, storage, images, captions, image_moderator),
        bulk_uploads=bulk_uploads,
        recaptioning=recaptioning,
        packing=Packing(database, storage),
        captions=captions,
        bridge=the_bridge,
        image_moderator=image_moderator,
        models=models,
        lifecycle=lifecycle,
        checkpoints=Checkpoints(database, storage, adapters),
        downloads=Downloads(database, storage, models, base),
        imports=Imports(database, storage, base, leftovers, fetcher, folder=copies),
        leftovers=leftovers,
        orphans=orphans,
        jobs=jobs,
        generation=generation,
        fetcher=fetcher,
        sources=Sources(fetcher, storage),
        webhooks=webhooks,
        device=device,
        metrics=metrics,
        warm_up=warm_up,
    )
