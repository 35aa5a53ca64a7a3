"""What the pages stand on: the services that the API's endpoints call."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from fastapi import Request

from sartor.bridge.base import Bridge
from sartor.datasets.captions import Captions
from sartor.datasets.gallery import Gallery
from sartor.datasets.images import Images
from sartor.datasets.jobs import Recaptioning
from sartor.datasets.service import Datasets
from sartor.datasets.uploads import Uploads
from sartor.generation.service import Generation
from sartor.kit.storage import Address, Storage
from sartor.models.downloads import Downloads
from sartor.models.lifecycle import Lifecycle
from sartor.models.service import Models
from sartor.projects.service import Projects


@dataclass(frozen=True)
class Rooms:
    """``bridge`` gives the one bridge; ``address_of`` says how a request's client reaches this service."""

    generation: Generation
    models: Models
    lifecycle: Lifecycle
    downloads: Downloads
    projects: Projects
    datasets: Datasets
    images: Images
    gallery: Gallery
    uploads: Uploads
    captions: Captions
    recaptioning: Recaptioning
    storage: Storage
    bridge: Callable[[], Bridge]
    address_of: Callable[[Request], Address]
