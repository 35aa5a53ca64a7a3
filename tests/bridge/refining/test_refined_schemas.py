"""Instructions for a visual schema, which has no things, and words that ask for nothing."""

from typing import Any

import pytest

from sartor.bridge import OfflineBridge
from sartor.vgl import diff, parse

SCHEMA = {
    "objects": [{"texture": "grainy"}],
    "background_setting": "plain blue background",
    "lighting": {"conditions": "warm golden light"},
    "style_medium": "ink",
    "artistic_style": "bold",
}


@pytest.mark.parametrize(
    ("instruction", "changes"),
    [
        ("Remove references to blue background", {"background_setting": None}),
        ("remove the background", {"background_setting": None}),
        ("no blue background", {"background_setting": None}),
        ("Remove references to green background", {}),
        ("no warm light", {"lighting": None}),
        ("on a green background", {"background_setting": "plain green background"}),
        ("Character's name is Lucy", {"context": "Character's name is Lucy"}),
        ("The hero is called Lucy McCoy", {"context": "The hero is called Lucy McCoy"}),
        ("change nothing", {}),
        ("nothing", {}),
    ],
)
def test_what_changes_in_a_schema(bridge: OfflineBridge, instruction: str, changes: dict[str, Any]) -> None:
    schema = parse(SCHEMA)
    refined = bridge.refine(schema, instruction).structured_prompt
    assert {change.path: change.after for change in diff(schema, refined)} == changes


def test_a_scene_keeps_a_background(bridge: OfflineBridge) -> None:
    scene = bridge.translate("a red apple on grass").structured_prompt
    assert (
        bridge.refine(scene, "remove the background").structured_prompt.background_setting == "plain white background"
    )


@pytest.mark.parametrize("prompt", ["no cat", "no cats, no dogs", "without a cat"])
def test_a_first_prompt_of_what_is_not_there(bridge: OfflineBridge, prompt: str) -> None:
    answer = bridge.translate(prompt)
    assert answer.structured_prompt.objects is None
    assert any("left out" in note for note in answer.notes)
