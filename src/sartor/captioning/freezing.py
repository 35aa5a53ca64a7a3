"""A visual schema put into a caption, word for word."""

from __future__ import annotations

from typing import Any

from sartor.captioning.base import CaptioningError
from sartor.vgl import InvalidStructuredPrompt, StructuredPrompt, parse

_CONTENT = ("short_description", "objects", "text_render")


def frozen(
    values: dict[str, Any], schema: dict[str, Any], *, recurring: bool = False
) -> tuple[dict[str, Any], list[str]]:
    """The caption with the schema's fields as they stand, and notes where it had said something else.

    The content stays the caption's; traits of the schema's one object are every object's, its description only the
    first one's, and only where one subject is `recurring`. What the sentence says of the background follows the schema.
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
    if traits := next(iter(schema.get("objects", [])), None):
        mixed["objects"] = _with_traits(values.get("objects", []), traits, recurring=recurring)
    order = list(StructuredPrompt.model_fields)
    return dict(sorted(mixed.items(), key=lambda item: order.index(item[0]) if item[0] in order else 99)), notes


def parsed(values: dict[str, Any]) -> StructuredPrompt:
    """What `frozen` made. Raises CaptioningError where it is more than a structured prompt can hold."""
    try:
        return parse(values)
    except InvalidStructuredPrompt as error:
        raise CaptioningError(f"with the visual schema in it the caption is no structured prompt: {error}") from None


def _with_traits(objects: list[dict[str, Any]], traits: dict[str, Any], *, recurring: bool) -> list[dict[str, Any]]:
    shared = {name: value for name, value in traits.items() if name != "description"}
    entries = [entry | shared for entry in objects]
    if recurring and "description" in traits:
        entries[:1] = [(entries[0] if entries else shared) | {"description": traits["description"]}]
    return entries
