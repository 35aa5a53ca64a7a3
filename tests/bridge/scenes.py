"""Prompts that a language model or a person wrote, and what an instruction changes in them."""

from __future__ import annotations

from typing import Any

from sartor.bridge import OfflineBridge
from sartor.vgl import StructuredPrompt, diff, parse

SAILOR = parse(
    {
        "short_description": "An old sailor in a navy coat stands on a wooden pier next to a red boat at dusk",
        "objects": [
            {
                "description": "An old sailor with a weathered face and a long white beard",
                "location": "left",
                "relationship": "next to the boat",
                "relative_size": "large",
                "clothing": "navy wool coat, white cap and heavy brown boots",
                "pose": "standing, hands in pockets",
                "expression": "stern",
                "gender": "male",
                "shape_and_color": "tall figure in navy",
            },
            {
                "description": "A red wooden rowing boat with peeling paint",
                "location": "right",
                "relationship": "next to the sailor",
                "relative_size": "medium",
                "shape_and_color": "curved hull, red",
            },
        ],
        "background_setting": "a wooden pier above a calm harbour at dusk",
        "lighting": {
            "conditions": "soft dusk light",
            "direction": "from the left",
            "shadows": "long soft shadows",
        },
        "aesthetics": {
            "composition": "rule of thirds",
            "color_scheme": "muted navy, red and gray",
            "mood_atmosphere": "melancholic",
        },
        "photographic_characteristics": {
            "depth_of_field": "shallow",
            "camera_angle": "eye level",
            "lens_focal_length": "50mm",
            "focus": "sharp on the sailor",
        },
        "style_medium": "photograph",
        "artistic_style": "realistic, cinematic",
    }
)
WHO, BOAT = "objects[0].description", "objects[1].description"
SUMMARY, SETTING, LIGHT = "short_description", "background_setting", "lighting.conditions"


def changes(bridge: OfflineBridge, prompt: StructuredPrompt, instruction: str) -> dict[str, Any]:
    """The new value of every field that differs, by its path."""
    refined = bridge.refine(prompt, instruction).structured_prompt
    return {change.path: change.after for change in diff(prompt, refined)}


def told(text: str) -> str:
    """The sailor's summary with another sentence about him: "{} in a navy coat ..."."""
    return f"{text} in a navy coat stands on a wooden pier next to a red boat at dusk"
