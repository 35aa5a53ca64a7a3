"""Objects that say something, but not what they are."""

from typing import Any

import pytest

from sartor.bridge import OfflineBridge
from sartor.vgl import parse, plain

FIELDS: dict[str, Any] = {
    "description": "penguin",
    "location": "center",
    "relationship": "alone",
    "relative_size": "large",
    "shape_and_color": "round, red",
    "texture": "grainy paper",
    "appearance_details": "worn edges",
    "number_of_objects": 2,
    "orientation": "upright",
    "pose": "sitting",
    "expression": "calm",
    "clothing": "coat",
    "action": "running",
    "gender": "female",
    "skin_tone_and_texture": "smooth",
}
INSTRUCTIONS = """
make it blue | make it green | make everything blue | make them angry | three of them | five penguins | bigger | smaller
make it a dog | turn it into two cats | remove it | remove everything | move it to the left | up | facing left
rotate it | upside down | add a cat | add a cat next to it | replace it with a red car | give it a hat | make it sit
make it wear a coat | make it happy | at night | on a blue background | no shadow | as pixel art
make the first one red | paint them
double it | swap it for a tree | put it below a tree | make the thing pink | don't move it | make its texture rough
""".replace("\n", "|").split("|")  # fmt: skip


@pytest.mark.parametrize("name", FIELDS)
def test_any_single_field_can_be_refined(bridge: OfflineBridge, name: str) -> None:
    for others in ([], [{}], [{"description": "old sailor"}]):
        prompt = parse({"short_description": "a scene", "objects": [{name: FIELDS[name]}, *others]})
        for instruction in filter(str.strip, INSTRUCTIONS):
            bridge.refine(prompt, instruction)


@pytest.mark.parametrize("instruction", ["make it blue", "make everything blue", "make them angry", "three of them"])
@pytest.mark.parametrize("name", [name for name in FIELDS if name != "description"])
def test_a_missing_description_stays_missing(bridge: OfflineBridge, name: str, instruction: str) -> None:
    refined = bridge.refine(parse({"objects": [{name: FIELDS[name]}]}), instruction).structured_prompt
    assert "description" not in plain(refined)["objects"][0]


@pytest.mark.parametrize(
    ("entry", "instruction", "field", "value"),
    [
        ({"texture": "grainy"}, "make it blue", "shape_and_color", "blue"),
        ({"shape_and_color": "round, red"}, "make it green", "shape_and_color", "round, green"),
        ({"texture": "grainy"}, "make them angry", "appearance_details", "angry"),
        ({"texture": "grainy"}, "three of them", "number_of_objects", 3),
        ({"texture": "grainy"}, "turn it into a cat", "description", "cat"),
    ],
)
def test_what_is_said_goes_to_the_other_fields(
    bridge: OfflineBridge, entry: dict[str, str], instruction: str, field: str, value: Any
) -> None:
    refined = bridge.refine(parse({"objects": [entry]}), instruction).structured_prompt
    assert plain(refined)["objects"][0][field] == value
