"""What is said of how the whole is drawn changes the whole, and no thing."""

from __future__ import annotations

import pytest

from sartor.bridge import OfflineBridge
from sartor.vgl import diff, parse

STYLE, COLORS = "artistic_style", "aesthetics.color_scheme"
FOX = parse(
    {
        "short_description": "A curious red fox sits on a mossy log in a misty forest while a small owl watches it",
        "objects": [
            {
                "description": "A curious red fox with amber eyes and a bushy tail",
                "location": "center left",
                "relationship": "on the mossy log",
                "relative_size": "large within frame",
                "expression": "curious and alert",
                "appearance_details": "black-tipped ears, a small blue logo on the chest",
            },
            {
                "description": "A small brown owl with round yellow eyes",
                "location": "top right",
                "relationship": "above the fox",
                "relative_size": "small",
            },
        ],
        "background_setting": "A misty autumn forest with tall birch trees",
        "lighting": {"conditions": "soft morning light", "direction": "from the left", "shadows": "long"},
        "aesthetics": {"composition": "the fox is centered", "color_scheme": "warm browns with muted greens"},
        "style_medium": "digital illustration",
        "artistic_style": "storybook, detailed",
    }
)


@pytest.mark.parametrize(
    ("instruction", "path", "text"),
    [
        ("make it simpler", STYLE, "storybook, simple"),
        ("simplify it", STYLE, "storybook, simple"),
        ("less detail", STYLE, "storybook, simple"),
        ("make it look more realistic", STYLE, "storybook, detailed, realistic"),
        ("make the lines thicker", STYLE, "storybook, detailed, thicker lines"),
        ("smoother lines", STYLE, "storybook, detailed, smoother lines"),
        ("make it more colorful", COLORS, "colorful, warm browns with greens"),
        ("make the picture less colorful", COLORS, "muted colors, warm browns with muted greens"),
        ("make everything else black and white", COLORS, "black and white, except for the fox"),
        ("more space around it", "aesthetics.composition", "the fox is centered, more space around the fox"),
        (
            "make the background a bit lighter",
            "background_setting",
            "A misty autumn forest with tall birch trees, in lighter tones",
        ),
        ("put it on a table", "objects[0].relationship", "on a table"),
        ("put it in a box", "objects[0].relationship", "in a box"),
        ("give it a bigger smile", "objects[0].expression", "a bigger smile"),
        ("remove the logo from the fox", "objects[0].appearance_details", "black-tipped ears"),
        ("remove the fox's logo", "objects[0].appearance_details", "black-tipped ears"),
        (
            "make the logo less visible",
            "objects[0].appearance_details",
            "black-tipped ears, a less visible small blue logo on the chest",
        ),
        (
            "make the logo red and the ears white",
            "objects[0].appearance_details",
            "black-tipped white ears, a small red logo on the chest",
        ),
        ("make the owl a little bigger", "objects[1].relative_size", "medium"),
    ],
)
def test_one_field_changes_and_nothing_else(bridge: OfflineBridge, instruction: str, path: str, text: str) -> None:
    changes = diff(FOX, bridge.refine(FOX, instruction).structured_prompt)

    assert [(change.path, change.after) for change in changes] == [(path, text)]


@pytest.mark.parametrize(
    "instruction", ["change its colour to match our brand", "remove the poster from the owl", "remove the fox's hat"]
)
def test_things_stay_where_there_is_nothing_to_change(bridge: OfflineBridge, instruction: str) -> None:
    refined = bridge.refine(FOX, instruction)

    assert refined.structured_prompt.objects == FOX.objects
    assert refined.notes


def test_what_is_named_before_is_meant(bridge: OfflineBridge) -> None:
    refined = bridge.refine(FOX, "make the owl red and make it simpler").structured_prompt

    assert refined.artistic_style == FOX.artistic_style


def test_what_is_not_there_leaves_the_light(bridge: OfflineBridge) -> None:
    assert bridge.refine(FOX, "make the counter darker").structured_prompt.lighting == FOX.lighting


def test_the_rider_is_put_on_what_comes(bridge: OfflineBridge) -> None:
    refined = bridge.refine(FOX, "put him on a horse").structured_prompt

    assert [thing.relationship for thing in refined.objects] == ["on a horse", "above the fox", "under the fox"]


def test_one_is_bigger_than_the_other(bridge: OfflineBridge) -> None:
    refined = bridge.refine(FOX, "make the owl bigger than the fox").structured_prompt

    assert [thing.relative_size for thing in refined.objects] == ["medium", "large"]


@pytest.mark.parametrize(
    ("background", "instruction", "shade"),
    [("blue", "make the background darker", "navy blue"), ("gray", "a lighter background", "light gray")],
)
def test_a_plain_background_is_a_shade_lighter_or_darker(
    bridge: OfflineBridge, background: str, instruction: str, shade: str
) -> None:
    scene = bridge.translate(f"a fox on a {background} background").structured_prompt

    refined = bridge.refine(scene, instruction).structured_prompt

    assert refined.background_setting == f"plain {shade} background"
    assert refined.lighting == scene.lighting


@pytest.mark.parametrize("instruction", ["a lighter background", "more space around the whale"])
def test_a_landscape_stays(bridge: OfflineBridge, instruction: str) -> None:
    scene = bridge.translate("a cat and a dog on a beach").structured_prompt

    refined = bridge.refine(scene, instruction).structured_prompt

    assert (refined.background_setting, refined.objects) == (scene.background_setting, scene.objects)


def test_space_around_a_thing_in_the_captions_wording_is_its_size(bridge: OfflineBridge) -> None:
    scene = bridge.translate("a fox on a blue background").structured_prompt

    assert bridge.refine(scene, "more space around it").structured_prompt.objects[0].relative_size == "medium"
