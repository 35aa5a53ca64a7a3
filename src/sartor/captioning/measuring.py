"""The captioner that needs no key and no network: pictures are measured, and a small network names what it knows."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from sartor.captioning.base import CaptioningError, Finding, Subject
from sartor.captioning.freezing import frozen, parsed
from sartor.captioning.naming import WEIGHTS, Namer
from sartor.captioning.recognition import Named, certain_style, recognise, styles_of
from sartor.captioning.sharing import share
from sartor.captioning.sight import Sight, look_at
from sartor.captioning.telling import setting_of, tell
from sartor.vgl import StructuredPrompt, VisualSchema, parse_visual_schema, plain


class MeasuringCaptioner:
    """A Captioner. One may serve many threads; the same picture always reads the same."""

    def __init__(self, weights: Path = WEIGHTS) -> None:
        self._weights = weights
        self._lock = threading.Lock()
        self._namer: Namer | None = None

    def load(self) -> None:
        """Reads the network's weights. Raises FileNotFoundError where there are none."""
        self._loaded()

    def visual_schema(self, pictures: Sequence[Image.Image], *, subject: Subject = Subject()) -> Finding[VisualSchema]:
        """Raises CaptioningError for no pictures, or one that is too small."""
        if not pictures:
            raise CaptioningError("a visual schema is made from pictures, and there are none")
        seen = [self._look(picture) for picture in pictures]
        style = certain_style([styles_of(sight, named) for sight, named in seen])
        told = [tell(sight, named, style=style, subject=subject) for sight, named in seen]
        values, notes = share([sight for sight, _ in seen], told, style=style, subject=subject)
        return Finding(parse_visual_schema(values), notes)

    def caption(
        self, picture: Image.Image, *, visual_schema: VisualSchema | None, subject: Subject = Subject()
    ) -> Finding[StructuredPrompt]:
        """Raises CaptioningError for a picture that is too small, or a schema that leaves no room for what it shows."""
        sight, named = self._look(picture)
        style = certain_style([styles_of(sight, named)])
        values = tell(sight, named, style=style, subject=subject)
        notes = [
            f"{len(sight.parts)} separate things before a {sight.ground.kind} background: {setting_of(sight)}",
            *(f"{one.concept or 'a thing without a name'}: {one.sureness:.0%} sure" for one in named),
            f"drawn in the style {style}" if style else "drawn in a style without a name",
        ]
        if visual_schema is not None:
            recurring = subject.ip_type == "defined_character"
            values, more = frozen(values, plain(visual_schema), recurring=recurring)
            notes += more
        return Finding(parsed(values), tuple(notes))

    def _look(self, picture: Image.Image) -> tuple[Sight, list[Named]]:
        picture = picture.convert("RGB")
        try:
            sight = look_at(picture)
        except ValueError as error:
            raise CaptioningError(str(error)) from None
        return recognise(self._loaded(), picture, sight)

    def _loaded(self) -> Namer:
        with self._lock:
            if self._namer is None:
                self._namer = Namer.load(self._weights)
            return self._namer
