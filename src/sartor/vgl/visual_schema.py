"""What a brand fixes: a structured prompt with only the fields that stay the same from picture to picture."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sartor.vgl.schema import InvalidStructuredPrompt, StructuredPrompt, parse, parse_as, plain

# Of a structured prompt's 65,536 characters and 128 entries: what is merged with a schema needs the rest.
MAX_CHARACTERS = 16_384
MAX_ENTRIES = 64
# Every object gets the traits: 16 of them take half of a structured prompt.
MAX_TRAIT_CHARACTERS = 2048

# What a picture shows. A schema never overrules it.
_CONTENT = frozenset({"short_description", "objects", "text_render"})
# Used where the prompt leaves them open: words may well name a background.
_FALLBACK = frozenset({"background_setting", "context"})


class VisualSchema(StructuredPrompt):
    """A partial structured prompt. ``objects``, if set, holds one entry: traits that every object shares."""


def parse_visual_schema(value: str | Mapping[str, Any]) -> VisualSchema:
    """A visual schema from JSON text or a mapping; the same rules and errors as ``parse``, within smaller bounds."""
    schema = parse_as(VisualSchema, value, characters=MAX_CHARACTERS, entries=MAX_ENTRIES)
    if schema.objects and _size(_traits(plain(schema))) > MAX_TRAIT_CHARACTERS:
        reason = f"traits that every object shares are longer than {MAX_TRAIT_CHARACTERS} characters in all"
        raise InvalidStructuredPrompt(reason, "objects[0]")
    return schema


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
    for entry in values.get("objects", []):
        for name, trait in _traits(fixed).items():
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


def _traits(schema: Mapping[str, Any]) -> dict[str, Any]:
    """What every object gets that does not say otherwise."""
    first = next((entry for entry in schema.get("objects", []) if isinstance(entry, dict)), {})
    return {name: trait for name, trait in first.items() if name != "description"}


def _size(value: Any) -> int:
    """The characters of a value, as the bound on a whole prompt counts them (schema.py)."""
    if isinstance(value, dict):
        return 3 + sum(len(name) + _size(entry) for name, entry in value.items())
    if isinstance(value, list):
        return 3 + sum(map(_size, value))
    return 1 + len(value if isinstance(value, str) else str(value))
