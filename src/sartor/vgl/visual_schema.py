"""What a brand fixes: a structured prompt with only the fields that stay the same from picture to picture."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sartor.vgl.schema import StructuredPrompt, parse, parse_as, plain

# What a picture shows. A schema never overrules it.
_CONTENT = frozenset({"short_description", "objects", "text_render"})
# Used where the prompt leaves them open: words may well name a background.
_FALLBACK = frozenset({"background_setting", "context"})


class VisualSchema(StructuredPrompt):
    """A partial structured prompt. ``objects``, if set, holds one entry: traits that every object shares."""


def parse_visual_schema(value: str | Mapping[str, Any]) -> VisualSchema:
    """A visual schema from JSON text or a mapping; the same rules and errors as ``parse``."""
    return parse_as(VisualSchema, value)


def merge(schema: VisualSchema | None, vgl: StructuredPrompt) -> StructuredPrompt:
    """The prompt in the brand's look.

    The schema decides every look field that it sets (lighting, aesthetics, photographic characteristics, medium,
    style, and fields unknown here); background and context it only fills in; the content stays the prompt's.
    Traits of the schema's first object, other than its description, fill in what the prompt's objects leave open.
    ``merge(schema, merge(schema, vgl)) == merge(schema, vgl)``.
    """
    return _combine(schema, vgl, schema_wins=True)


def complete(vgl: StructuredPrompt, schema: VisualSchema | None) -> StructuredPrompt:
    """The prompt with the schema used only where the prompt says nothing: nothing that it says is changed."""
    return _combine(schema, vgl, schema_wins=False)


def _combine(schema: VisualSchema | None, vgl: StructuredPrompt, *, schema_wins: bool) -> StructuredPrompt:
    values = plain(vgl)
    if schema is None:
        return parse(values)
    fixed = plain(schema)
    traits = next((entry for entry in fixed.get("objects", []) if isinstance(entry, dict)), {})
    for entry in values.get("objects", []):
        for name, trait in traits.items():
            if name != "description":
                entry.setdefault(name, trait)
    for name, value in fixed.items():
        if name in _CONTENT:
            continue
        own = values.get(name)
        if isinstance(value, dict) and isinstance(own, dict):
            values[name] = own | value if schema_wins else value | own
        elif own is None or (schema_wins and name not in _FALLBACK):
            values[name] = value
    return parse(values)
