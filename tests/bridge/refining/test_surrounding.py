"""What only the background names, what belongs to the manner of the whole, and things that are meant together."""

from typing import Any

import pytest

from sartor.bridge import OfflineBridge
from sartor.vgl import StructuredPrompt, parse
from tests.bridge.scenes import SAILOR, SETTING, SUMMARY, changes

BOTTLE = parse(
    {
        "short_description": "An amber perfume bottle stands on a marble table, surrounded by scattered rose petals.",
        "objects": [
            {
                "description": "A rectangular amber glass perfume bottle with a gold cap and a cream label",
                "location": "center",
                "relationship": "stands among the petals",
                "shape_and_color": "rectangular, amber with gold accents",
            },
            {
                "description": "Scattered pink rose petals",
                "location": "bottom",
                "relationship": "lie around the bottle",
                "number_of_objects": 7,
            },
        ],
        "background_setting": "A marble table in front of a blurred beige wall. A window is on the left.",
        "lighting": {"conditions": "Soft window light", "shadows": "Gentle shadows"},
        "photographic_characteristics": {"depth_of_field": "shallow"},
        "artistic_style": "realistic, minimalist",
    }
)
LOGO = parse(
    {
        "short_description": "A round logo of a fox head on green",
        "objects": [{"description": "A stylized orange fox head with pointed ears", "location": "center"}],
        "artistic_style": "flat",
    }
)
WHAT, PETALS = "objects[0].description", "objects[1].description"


@pytest.mark.parametrize(
    ("instruction", "expected"),
    [
        ("make the wall pink", {SETTING: "A marble table in front of a blurred pink wall. A window is on the left."}),
        ("remove the wall", {SETTING: "A marble table. A window is on the left."}),
        (
            "replace the wall with a velvet curtain",
            {SETTING: "A marble table in front of a velvet curtain. A window is on the left."},
        ),
        (
            "make the table darker",
            {
                SETTING: str(BOTTLE.background_setting).replace("A marble", "A darker marble"),
                SUMMARY: str(BOTTLE.short_description).replace("a marble", "a darker marble"),
            },
        ),
        ("make the label black with white text",
         {WHAT: "A rectangular amber glass perfume bottle with a gold cap and a black label with white text"}),
        ("remove the cap", {WHAT: "A rectangular amber glass perfume bottle with a cream label"}),
        ("harder shadows", {"lighting.shadows": "harder shadows"}),
        ("blurrier background", {"photographic_characteristics.depth_of_field": "blurred background"}),
        ("make it look more expensive", {"artistic_style": "realistic, minimalist, expensive"}),
        ("make it Christmas themed", {"artistic_style": "realistic, minimalist, christmas themed"}),
        ("more petals", {"objects[1].number_of_objects": 10}),
        ("fewer petals", {"objects[1].number_of_objects": 5}),
        (
            "replace the petals with leaves",
            {PETALS: "maple leaves", SUMMARY: str(BOTTLE.short_description).replace("scattered rose petals",
                                                                                     "maple leaves")},
        ),
        (
            "make the bottle blue",
            {
                WHAT: "A rectangular blue glass perfume bottle with a gold cap and a cream label",
                "objects[0].shape_and_color": "rectangular, blue with gold accents",
                SUMMARY: str(BOTTLE.short_description).replace("An amber", "A blue"),
            },
        ),
    ],
)  # fmt: skip
def test_a_product(bridge: OfflineBridge, instruction: str, expected: dict[str, Any]) -> None:
    found = changes(bridge, BOTTLE, instruction)
    found.pop("objects[0].relationship", None)
    assert found == expected


@pytest.mark.parametrize(
    ("instruction", "expected"),
    [
        (
            "replace the fox with a wolf",
            {WHAT: "A stylized orange wolf head with pointed ears", SUMMARY: "A round logo of a wolf head on green"},
        ),
        ("make the fox face left", {"objects[0].orientation": "facing left"}),
        ("make the fox wink", {"objects[0].expression": "winking"}),
        ("make the logo simpler", {"artistic_style": "flat, simple"}),
        ("make it look vintage", {"artistic_style": "flat, vintage"}),
    ],
)
def test_a_thing_by_a_word_of_its_name(bridge: OfflineBridge, instruction: str, expected: dict[str, Any]) -> None:
    assert changes(bridge, LOGO, instruction) == expected


@pytest.mark.parametrize(
    ("instruction", "where"),
    [
        ("move the sailor closer to the boat", "close to the boat"),
        ("put the sailor at the end of the pier", "next to the boat"),
    ],
)
def test_he_moves(bridge: OfflineBridge, instruction: str, where: str) -> None:
    assert bridge.refine(SAILOR, instruction).structured_prompt.objects[0].relationship == where


@pytest.mark.parametrize(
    ("instruction", "where"),
    [("add some seagulls in the background", "in the background"), ("add a lantern in his left hand",
                                                                    "in his left hand")],
)  # fmt: skip
def test_where_new_things_are(bridge: OfflineBridge, instruction: str, where: str) -> None:
    assert bridge.refine(SAILOR, instruction).structured_prompt.objects[2].relationship == where


def test_the_sky_is_the_weather(bridge: OfflineBridge) -> None:
    setting = bridge.refine(SAILOR, "make the sky stormy").structured_prompt.background_setting
    assert setting == "a wooden pier above a calm harbour at dusk, in a storm"


@pytest.mark.parametrize(
    ("instruction", "mood", "light"),
    [
        ("make the scene more cheerful and brighter", "cheerful", "bright even light"),
        ("darker and moodier", "moody", "dim light"),
    ],
)
def test_mood_and_light_at_once(bridge: OfflineBridge, instruction: str, mood: str, light: str) -> None:
    assert changes(bridge, SAILOR, instruction) == {
        "aesthetics.mood_atmosphere": mood, "lighting.conditions": light}  # fmt: skip


def test_a_darker_boat_is_not_a_darker_picture(bridge: OfflineBridge) -> None:
    found = changes(bridge, SAILOR, "make the boat darker")
    assert set(found) == {"objects[1].description", SUMMARY}


@pytest.fixture(scope="module")
def animals(bridge: OfflineBridge) -> StructuredPrompt:
    return bridge.translate("a cat, a dog and a rabbit on grass").structured_prompt


@pytest.mark.parametrize(
    ("instruction", "field", "values"),
    [
        ("make the cat and the dog orange", "shape_and_color", ["orange", "orange", None]),
        ("make the cat and the dog bigger", "relative_size", ["medium", "medium", "small"]),
        ("make them all smile", "expression", ["smiling"] * 3),
        ("make the dog and the rabbit smile", "expression", [None, "smiling", "smiling"]),
        ("have the dog chase the cat", "action", [None, "chasing the cat", None]),
        ("remove all animals except the cat", "description", ["cat"]),
        ("remove everything except the dog and the cat", "description", ["cat", "dog"]),
        ("put the dog between the cat and the rabbit", "location", ["top left", "top center", "top right"]),
    ],
)
def test_things_that_are_meant_together(
    bridge: OfflineBridge, animals: StructuredPrompt, instruction: str, field: str, values: list[str | None]
) -> None:
    objects = bridge.refine(animals, instruction).structured_prompt.objects
    assert [getattr(entry, field, None) for entry in objects] == values
