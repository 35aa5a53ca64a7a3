"""What the samples of a training show: things that it has seen, and things that it has not, in the brand's look."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sartor.vgl import canonical, merge, parse, parse_visual_schema, plain

_SEEN = 3
_UNSEEN = 2
# Everyday things that the embedded model knows too; the first two that no caption speaks of are drawn.
_CONCEPTS = ("bicycle", "teapot", "butterfly", "lighthouse", "pear", "chair", "sailboat", "hat", "clock", "dog")


def sample_captions(captions: Sequence[str], visual_schema: Mapping[str, Any]) -> list[tuple[str, str]]:
    """(label, canonical JSON): three of the captions, spread over them, then two things that none of them names."""
    count = min(_SEEN, len(captions))
    seen = [captions[index * len(captions) // count] for index in range(count)]
    words = " ".join(captions).lower()
    schema = parse_visual_schema(visual_schema)
    unseen = [concept for concept in _CONCEPTS if concept not in words][:_UNSEEN]
    return [
        *((_label(caption), caption) for caption in seen),
        *((f"unseen: {concept}", canonical(merge(schema, parse(_scene(concept))))) for concept in unseen),
    ]


def _label(caption: str) -> str:
    return str(plain(parse(caption)).get("short_description") or "a training caption")


def _scene(concept: str) -> dict[str, Any]:
    return {
        "short_description": f"a {concept}",
        "objects": [{"description": f"a {concept}", "location": "center", "relative_size": "large"}],
    }
