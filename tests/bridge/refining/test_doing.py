"""What somebody does, becomes, is given and is drawn as, in the ways that people ask for it."""

from typing import Any

import pytest

from sartor.bridge import OfflineBridge
from sartor.vgl import StructuredPrompt
from tests.bridge.scenes import BOAT, SAILOR, SETTING, SUMMARY, WHO, changes

LOOKS, ACTION, CLOTHING = "objects[0].appearance_details", "objects[0].action", "objects[0].clothing"
TOLD = str(SAILOR.short_description)
GREEN = {
    BOAT: "A green wooden rowing boat with peeling paint",
    "objects[1].shape_and_color": "curved hull, green",
    "aesthetics.color_scheme": "muted navy, green and gray",
    SUMMARY: TOLD.replace("red", "green"),
}


@pytest.mark.parametrize(
    ("instruction", "expected"),
    [
        ("let him hold hands with a child", {ACTION: "holding hands with a child"}),
        ("the sailor holds a rope in both hands", {ACTION: "holding a rope in both hands"}),
        ("he should carry a fishing rod", {ACTION: "carrying a fishing rod"}),
        ("add a beard to the sailor", {LOOKS: "a beard"}),
        ("he should have a beard", {LOOKS: "with a beard"}),
        ("make the sailor look up at the sky", {ACTION: "looking up at the sky"}),
        ("make the man smile", {"objects[0].expression": "smiling"}),
        ("the boat is on fire", {"objects[1].appearance_details": "on fire"}),
        ("put him in the boat", {"objects[0].relationship": "in the boat"}),
        ("make the sailor's hat black", {}),
        (
            "make his coat and cap red",
            {CLOTHING: "red wool coat, red cap and heavy brown boots", SUMMARY: TOLD.replace("navy", "red")},
        ),
        ("change red to green", GREEN),
        ("let's make the boat green", GREEN),
        ("change yellow to green", {}),
        ("same but in black and white", {"aesthetics.color_scheme": "black and white"}),
        ("everything in shades of blue", {"aesthetics.color_scheme": "shades of blue"}),
        ("as a children's book illustration", {"style_medium": "children's book illustration"}),
        ("increase the size of the boat", {"objects[1].relative_size": "large"}),
        ("reduce the size of the boat", {"objects[1].relative_size": "small"}),
        ("focus on the boat", {"photographic_characteristics.focus": "sharp on the boat"}),
        (
            "make the pier and the harbour darker",
            {
                SETTING: "a darker wooden pier above a darker calm harbour at dusk",
                SUMMARY: TOLD.replace("a wooden", "a darker wooden"),
            },
        ),
    ],
)
def test_what_changes(bridge: OfflineBridge, instruction: str, expected: dict[str, Any]) -> None:
    assert changes(bridge, SAILOR, instruction) == expected


def test_a_pose_by_its_name(bridge: OfflineBridge) -> None:
    assert changes(bridge, SAILOR, "change his pose to sitting") == {
        "objects[0].pose": "sitting", SUMMARY: TOLD.replace("stands", "sits")}  # fmt: skip


@pytest.mark.parametrize(
    ("instruction", "who", "clothing"),
    [
        ("the sailor is a robot", "robot", None),
        ("the sailor should be a robot", "robot", None),
        ("replace the old sailor by a fisherman", "fisherman", None),
        ("replace the sailor with a young girl in a yellow dress", "young girl", "a yellow dress"),
    ],
)
def test_somebody_else(bridge: OfflineBridge, instruction: str, who: str, clothing: str | None) -> None:
    found = changes(bridge, SAILOR, instruction)
    assert (found[WHO], found[CLOTHING]) == (who, clothing)
    assert "objects[2]" not in found


def test_the_moon_is_no_background(bridge: OfflineBridge) -> None:
    found = changes(bridge, SAILOR, "let's have a full moon in the sky")
    assert set(found) == {"objects[2]", SUMMARY}
    assert found["objects[2]"]["relationship"] == "in the sky"


def test_in_the_captions_words_a_forest_is_the_background(bridge: OfflineBridge) -> None:
    prompt: StructuredPrompt = bridge.translate("a cat on grass").structured_prompt
    refined = bridge.refine(prompt, "make the cat sit in a forest").structured_prompt
    assert (refined.objects[0].pose, refined.background_setting) == ("sitting", "forest")
