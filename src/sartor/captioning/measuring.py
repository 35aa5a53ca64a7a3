"""The captioner that needs no key and no network: pictures are measured, and a small network names what it knows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PIL import Image

from sartor.captioning.base import CaptioningError, Finding, Subject
from sartor.captioning.sharing import share
from sartor.captioning.sight import Sight, look_at
from sartor.captioning.telling import Named, setting_of, tell
from sartor.vgl import StructuredPrompt, VisualSchema, parse, parse_visual_schema, plain

_CONTENT = ("short_description", "objects", "text_render")


class MeasuringCaptioner:
    """A Captioner. One may serve many threads; the same picture always reads the same."""

    def load(self) -> None:
        """Nothing to make ready."""

    def visual_schema(self, pictures: Sequence[Image.Image], *, subject: Subject = Subject()) -> Finding[VisualSchema]:
        """Raises CaptioningError for no pictures, or one that is too small."""
        if not pictures:
            raise CaptioningError("a visual schema is made from pictures, and there are none")
        sights = [_look(picture) for picture in pictures]
        told = [tell(sight, _named(sight), style=None, subject=subject) for sight in sights]
        values, notes = share(sights, told, style=None, subject=subject)
        return Finding(parse_visual_schema(values), notes)

    def caption(
        self, picture: Image.Image, *, visual_schema: VisualSchema | None, subject: Subject = Subject()
    ) -> Finding[StructuredPrompt]:
        """Raises CaptioningError for a picture that is too small."""
        sight = _look(picture)
        values = tell(sight, _named(sight), style=None, subject=subject)
        notes = [f"{len(sight.parts)} separate things before a {sight.ground.kind} background: {setting_of(sight)}"]
        if visual_schema is not None:
            values, more = frozen(values, plain(visual_schema))
            notes += more
        return Finding(parse(values), tuple(notes))


def frozen(values: dict[str, Any], schema: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """The caption with the schema's fields as they stand, and notes where it had said something else.

    The content stays the caption's; traits of the schema's one object are every object's. What the sentence says of the
    background follows the schema.
    """
    notes = []
    mixed = dict(values)
    for name, fixed in schema.items():
        if name in _CONTENT:
            continue
        own = values.get(name)
        mixed[name] = {**own, **fixed} if isinstance(own, dict) and isinstance(fixed, dict) else fixed
        if own is not None and mixed[name] != own:
            notes.append(f"{name} is the visual schema's: the picture alone would read {own!r}")
    before, after = values.get("background_setting"), mixed.get("background_setting")
    if before and after and before != after and "short_description" in mixed:
        mixed["short_description"] = mixed["short_description"].replace(before, after)
    traits: dict[str, Any] = next(iter(schema.get("objects", [])), {})
    if traits:
        mixed["objects"] = [entry | traits for entry in values.get("objects", [])] or [traits]
    order = list(StructuredPrompt.model_fields)
    return dict(sorted(mixed.items(), key=lambda item: order.index(item[0]) if item[0] in order else 99)), notes


def _look(picture: Image.Image) -> Sight:
    try:
        return look_at(picture.convert("RGB"))
    except ValueError as error:
        raise CaptioningError(str(error)) from None


def _named(sight: Sight) -> list[Named]:
    return [Named(part) for part in sight.parts]
