"""What a language model replies with, in full, and bridges that ask a server of these tests."""

from __future__ import annotations

import copy
import json
from typing import Any

from sartor.bridge import GeminiBridge
from sartor.bridge.language_model.completion import Patience
from tests.bridge.language_model.gemini_server import GeminiServer

KEY = "AIzaSyTest-0123456789abcdefghijklmnopqr"
QUICK = Patience(total=20.0, attempt=8.0, attempts=3, pause=0.01, longest_pause=0.5)

FOX: dict[str, Any] = {
    "short_description": "A red fox in fresh snow at dusk.",
    "objects": [
        {
            "description": "A red fox with a thick coat",
            "location": "center",
            "relationship": "stands in front of the birch",
            "relative_size": "medium",
            "shape_and_color": "slender, red",
            "texture": "furry",
            "appearance_details": None,
            "number_of_objects": None,
            "pose": "standing",
            "orientation": "facing left",
        },
        {
            "description": "A bare birch",
            "location": "right",
            "relationship": "behind the fox",
            "relative_size": "large",
            "shape_and_color": "tall, white",
            "texture": "rough",
        },
    ],
    "background_setting": "A snowy field with distant woods",
    "lighting": {"conditions": "dusk", "direction": "backlit", "shadows": "long, soft shadows"},
    "aesthetics": {"composition": "centered", "color_scheme": "cool blues", "mood_atmosphere": "serene"},
    "photographic_characteristics": {
        "depth_of_field": "shallow",
        "focus": "sharp focus on the fox",
        "camera_angle": "eye-level",
        "lens_focal_length": "telephoto",
    },
    "style_medium": "photograph",
    "text_render": [],
    "context": "A wildlife photograph.",
    "artistic_style": "realistic",
}


def bridge_at(server: GeminiServer, **patience: float) -> GeminiBridge:
    return GeminiBridge(key=KEY, address=server.address, patience=Patience(**{**vars(QUICK), **patience}))


def fox(**changes: Any) -> dict[str, Any]:
    """FOX with fields set by path: ``fox(**{"lighting.conditions": "noon", "objects.0.texture": "wet"})``."""
    reply = copy.deepcopy(FOX)
    for path, value in changes.items():
        target: Any = reply
        *way, last = path.split(".")
        for step in way:
            target = target[int(step)] if step.isdigit() else target[step]
        target[int(last) if last.isdigit() else last] = value
    return reply


def refined(claims: dict[str, str], **changes: Any) -> dict[str, Any]:
    """The reply to a refinement: ``claims`` are fields with the words that ask for their change."""
    return {"changed_fields": [{"field": name, "words": words} for name, words in claims.items()], **fox(**changes)}


def json_after(text: str, name: str) -> Any:
    """The JSON value after ``name = `` in a turn."""
    value, _ = json.JSONDecoder().raw_decode(text, text.index(f"{name} = ") + len(name) + 3)
    return value
