"""The look that pictures have in common, as far as their captions say so: a visual schema without a vision model."""

from __future__ import annotations

from collections.abc import Sequence

from sartor.vgl import StructuredPrompt, VisualSchema, parse_visual_schema, plain

_LOOK = ("lighting", "aesthetics", "photographic_characteristics", "style_medium", "artistic_style")


def common_look(captions: Sequence[StructuredPrompt]) -> VisualSchema:
    """The look fields that all captions agree on; what the pictures show is never part of it."""
    values = [plain(caption) for caption in captions]
    shared: dict[str, object] = {}
    for name in _LOOK:
        entries = [value.get(name) for value in values]
        first = entries[0] if entries else None
        if isinstance(first, dict):
            sections = [entry if isinstance(entry, dict) else {} for entry in entries]
            agreed = {key: part for key, part in first.items() if all(section.get(key) == part for section in sections)}
            if agreed:
                shared[name] = agreed
        elif first is not None and all(entry == first for entry in entries):
            shared[name] = first
    return parse_visual_schema(shared)
