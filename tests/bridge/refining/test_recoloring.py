"""A colour within somebody else's words: of the noun that was meant, and of nothing else."""

import pytest

from sartor.bridge import OfflineBridge
from sartor.bridge.refining.recoloring import colors_before, insert, recolor
from sartor.vgl import parse, plain

CAR = {
    "short_description": "A crimson vintage car on a quiet street",
    "objects": [
        {
            "description": "A crimson vintage car with chrome trim, white-walled tires and crimson doors",
            "location": "center",
            "relationship": "alone",
            "relative_size": "large",
            "shape_and_color": "rounded body, crimson paint",
            "orientation": "facing left",
        }
    ],
    "background_setting": "a quiet cobbled street",
    "aesthetics": {"color_scheme": "crimson, gray and cream"},
}


@pytest.mark.parametrize(
    ("text", "noun", "told"),
    [
        ("A crimson vintage car with white-walled tires", "car", "A blue vintage car with white-walled tires"),
        ("A red, shiny car", "car", "A blue, shiny car"),
        ("a red and white car", "car", "a blue car"),
        ("a red-and-white car", "car", "a blue car"),
        ("a dark green car", "car", "a blue car"),
        ("An orange car", "car", "A blue car"),
        ("an owl with orange feet", "owl", "a blue owl with orange feet"),
        ("a red penguin, a shiny car", "car", "a red penguin, a shiny blue car"),
        ("a fox in red and a car", "car", "a fox in red and a blue car"),
        ("red scarf, knitted hat", "hat", "red scarf, knitted blue hat"),
        ("red scarf and knitted hat", "hat", "red scarf and knitted blue hat"),
        ("a red carpet under a car", "car", "a red carpet under a blue car"),
        ("two red cars", "car", "two blue cars"),
        ("a lemon slice", "slice", "a lemon blue slice"),
        ("a golden brown loaf", "loaf", "a blue loaf"),
        ("a vintage car, painted in a deep crimson all over", "car", "a vintage car, painted in a blue all over"),
        ("a car painted red and white", "car", "a car painted blue"),
        ("something else", "car", "something else (blue)"),
    ],
)
def test_the_nouns_own_colour_is_another_one(text: str, noun: str, told: str) -> None:
    assert recolor(text, noun, "blue") == told


def test_the_article_fits_what_it_stands_before() -> None:
    assert recolor("a red car", "car", "orange") == "an orange car"
    assert insert("an owl", "owl", "fluffy") == "a fluffy owl"


def test_a_nouns_colours_are_those_of_its_own_phrase() -> None:
    assert colors_before("A Red and white car", "car") == ["red", "white"]
    assert colors_before("a red penguin with a car", "car") == []


@pytest.mark.parametrize("instruction", ["make the car blue", "make it blue", "paint the car blue"])
def test_a_long_description_is_recoloured_by_its_head_and_nothing_else(bridge: OfflineBridge, instruction: str) -> None:
    told = plain(bridge.refine(parse(CAR), instruction).structured_prompt)
    entry = told["objects"][0]
    assert entry["description"] == "A blue vintage car with chrome trim, white-walled tires and blue doors"
    assert entry["shape_and_color"] == "rounded body, blue paint"
    assert told["short_description"] == "A blue vintage car on a quiet street"
    assert told["aesthetics"]["color_scheme"] == "blue, gray and cream"


SAILOR = {
    "short_description": "An elderly sailor in a navy coat next to a red boat",
    "objects": [
        {
            "description": "An elderly sailor with a long white beard and a navy blue coat",
            "location": "left",
            "relationship": "next to the boat",
            "relative_size": "large",
            "clothing": "navy blue wool coat, white cap and heavy brown boots",
        },
        {
            "description": "A red wooden rowing boat with peeling paint and white trim",
            "location": "right",
            "relationship": "next to the sailor",
            "relative_size": "medium",
            "shape_and_color": "curved hull, red with white trim",
        },
    ],
    "background_setting": "a calm harbour",
}


def test_a_part_is_recoloured_wherever_it_is_told(bridge: OfflineBridge) -> None:
    told = plain(bridge.refine(parse(SAILOR), "make his coat red").structured_prompt)
    sailor, boat = told["objects"]
    assert sailor["description"] == "An elderly sailor with a long white beard and a red coat"
    assert sailor["clothing"] == "red wool coat, white cap and heavy brown boots"
    assert told["short_description"] == "An elderly sailor in a red coat next to a red boat"
    assert boat == SAILOR["objects"][1]


def test_two_colours_are_both_told(bridge: OfflineBridge) -> None:
    told = plain(bridge.refine(parse(SAILOR), "paint the boat yellow and blue").structured_prompt)
    boat = told["objects"][1]
    assert boat["description"] == "A yellow and blue wooden rowing boat with peeling paint and white trim"
    assert boat["shape_and_color"] == "curved hull, yellow and blue with white trim"
    assert told["short_description"].endswith("next to a yellow and blue boat")


@pytest.mark.parametrize(
    ("instruction", "color"), [("make the boat red and green", "red and green"), ("make the boat red", "red"),
                               ("make the boat blue", "blue")]
)  # fmt: skip
def test_the_second_colour_changes_as_the_first_does(bridge: OfflineBridge, instruction: str, color: str) -> None:
    boat = {
        "short_description": "A red and white rowing boat at sea",
        "objects": [
            {"description": "A red and white rowing boat with peeling paint", "shape_and_color": "curved hull"}
        ],
    }
    told = bridge.refine(parse(boat), instruction).structured_prompt
    assert told.short_description == f"A {color} rowing boat at sea"
    assert told.objects[0].description == f"A {color} rowing boat with peeling paint"


def test_a_colour_stands_before_the_whole_of_a_name(bridge: OfflineBridge) -> None:
    boat = {"short_description": "A rowing boat at sea", "objects": [{"description": "A rowing boat, peeling"}]}
    assert bridge.refine(parse(boat), "make it blue").structured_prompt.short_description == "A blue rowing boat at sea"
