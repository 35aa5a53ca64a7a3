"""Words for pictures, in the service's terms: captioners' findings as canonical JSON, their errors as answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import structlog
from PIL import Image

from sartor.captioning.base import Captioner, CaptioningError, CaptioningUnavailable, PictureRefused, Subject
from sartor.datasets.pictures import shown
from sartor.errors import Moderated, Unavailable, Unprocessable
from sartor.projects.tables import Project
from sartor.vgl import InvalidStructuredPrompt, canonical, parse_visual_schema

log = structlog.get_logger(__name__)


class Captions:
    """Safe to use from several threads. ``captioner`` gives the one captioner, and may take a while the first time."""

    def __init__(self, captioner: Callable[[], Captioner]) -> None:
        self._captioner = captioner

    def warm_up(self) -> None:
        """Makes the captioner ready, which the first picture would wait for otherwise."""
        self._captioner().load()

    def caption(self, image: Image.Image, *, visual_schema: str | None, subject: Subject) -> str:
        """What an RGB picture shows. ``visual_schema`` is JSON text. Raises Unavailable, Moderated, Unprocessable."""
        with _answered():
            schema = None if visual_schema is None else parse_visual_schema(visual_schema)
            found = self._captioner().caption(shown(image), visual_schema=schema, subject=subject)
        log.debug("caption", notes=found.notes)
        return canonical(found.value)

    def visual_schema(self, images: Sequence[Image.Image], *, subject: Subject = Subject()) -> str:
        """What 5 to 10 RGB pictures share. Raises Unavailable, Moderated, Unprocessable."""
        with _answered():
            found = self._captioner().visual_schema([shown(image) for image in images], subject=subject)
        log.info("visual schema", notes=found.notes)
        return canonical(found.value)


def subject_of(project: Project) -> Subject:
    """What a project says of its pictures."""
    return Subject(project.ip_type, project.ip_medium, project.ip_name, project.ip_description)


@contextmanager
def _answered() -> Iterator[None]:
    try:
        yield
    except CaptioningUnavailable as error:
        log.warning("captioner unavailable", reason=str(error))
        raise Unavailable(str(error)) from None
    except PictureRefused as error:
        image = "image" if error.number is None else f"image number {error.number}"
        raise Moderated(image, "refused by the provider of the model that looks at pictures") from None
    except CaptioningError as error:
        raise Unprocessable(str(error) if error.number is None else f"image number {error.number}: {error}") from None
    except InvalidStructuredPrompt as error:
        raise Unprocessable(str(error)) from None
