"""What stands for a model that looks at pictures over a network: it says which colour a picture has, at once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from PIL import Image

from sartor.captioning.base import Finding, Subject
from sartor.vgl import StructuredPrompt, VisualSchema, merge, parse, parse_visual_schema


def colour_of(picture: Image.Image) -> str:
    red, green, blue = picture.convert("RGB").resize((1, 1)).tobytes()
    return f"#{red:02x}{green:02x}{blue:02x}"


class ColourCaptioner:
    """``before`` is called with the colour of each picture first: to wait, or to raise."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.subjects: list[Subject] = []
        self.before: Callable[[str], None] = lambda colour: None
        self._lock = threading.Lock()

    def load(self) -> None:
        pass

    def visual_schema(self, pictures: Sequence[Image.Image], *, subject: Subject = Subject()) -> Finding[VisualSchema]:
        return Finding(parse_visual_schema({"style_medium": "colour"}))

    def caption(
        self, picture: Image.Image, *, visual_schema: VisualSchema | None, subject: Subject = Subject()
    ) -> Finding[StructuredPrompt]:
        colour = colour_of(picture)
        self.before(colour)
        with self._lock:
            self.seen.append(colour)
            self.subjects.append(subject)
        return Finding(merge(visual_schema, parse({"short_description": f"a picture in {colour}"})))
