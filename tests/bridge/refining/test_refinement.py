"""What each instruction changes: the exact set of paths, and nothing else."""

import time

import pytest

from sartor.bridge import OfflineBridge
from sartor.bridge.base import MAX_PROMPT_CHARACTERS
from sartor.vgl import StructuredPrompt, canonical, diff, merge, parse, parse_visual_schema
from tests.bridge.scenes import SAILOR, changes

SCENES = {
    "apple": "a red apple",
    "two": "a cat on the left and a tree on the right, blue background, flat icon",
    "three": "a red apple, a car and a big tree, on grass",
    "walker": "an elephant facing right",
    "group": "four yellow stars",
}


@pytest.fixture(scope="module")
def scenes(bridge: OfflineBridge) -> dict[str, StructuredPrompt]:
    return {name: bridge.translate(prompt).structured_prompt for name, prompt in SCENES.items()}


PAINTED = "objects[0].description objects[0].shape_and_color"
COUNTED = "objects[0].description objects[0].number_of_objects objects[0].relationship objects[0].relative_size"
COLORS, LAYOUT, MOOD = "aesthetics.color_scheme", "aesthetics.composition", "aesthetics.mood_atmosphere"
BACK, STYLE = "background_setting", "style_medium artistic_style"

# scene | instruction | the paths that change (short_description aside) | a path and its new value
TABLE = [
    ("apple", "make the apple green", f"{PAINTED} {COLORS}", "objects[0].description", "green apple"),
    ("apple", "change the color of the apple to purple", f"{PAINTED} {COLORS}", "objects[0].shape_and_color", "purple"),
    ("apple", "a yellow apple", PAINTED, "objects[0].description", "yellow apple"),
    ("apple", "more blue", f"{PAINTED} {COLORS}", "objects[0].shape_and_color", "blue"),
    ("two", "the cat should be orange", PAINTED, "objects[0].description", "orange cat"),
    ("two", "make everything red", f"{PAINTED} objects[1].description objects[1].shape_and_color",
     "objects[1].description",
     "red tree"),
    ("apple", "smaller", f"objects[0].relative_size {LAYOUT}", "objects[0].relative_size", "medium"),
    ("apple", "tiny", f"objects[0].relative_size {LAYOUT}", "objects[0].relative_size", "small"),
    ("two", "make the tree bigger", "objects[1].relative_size", "objects[1].relative_size", "large"),
    ("apple", "bigger", "", None, None),
    ("apple", "three of them", f"{COUNTED} {LAYOUT}", "objects[0].number_of_objects", 3),
    ("apple", "add another apple", f"{COUNTED} {LAYOUT}", "objects[0].number_of_objects", 2),
    ("apple", "five apples", f"{COUNTED} {LAYOUT}", "objects[0].description", "red apples"),
    ("group", "remove one star", "objects[0].number_of_objects", "objects[0].number_of_objects", 3),
    ("group", "only one", f"{COUNTED} {LAYOUT}", "objects[0].number_of_objects", None),
    ("two", "move the cat to the top right",
     f"objects[0].location objects[0].relationship objects[1].relationship {LAYOUT}",
     "objects[0].location", "top right"),
    ("two", "move the cat up", "objects[0].location", "objects[0].location", "top left"),
    ("apple", "put it in the bottom left corner", f"objects[0].location {LAYOUT}", "objects[0].location",
     "bottom left"),
    ("two", "put the cat below the tree",
     f"objects[0].location objects[0].relationship objects[1].relationship {LAYOUT}",
     "objects[0].relationship", "below the tree"),
    ("two", "swap the cat and the tree",
     "objects[0].location objects[0].relationship objects[1].location objects[1].relationship", "objects[0].location",
     "center right"),
    ("two", "replace the cat with a dog", "objects[0].description objects[1].relationship", "objects[0].description",
     "dog"),
    ("apple", "turn it into a banana", f"{PAINTED} {COLORS}", "objects[0].description", "banana"),
    ("three", "swap the apple for a green pear",
     f"{PAINTED} objects[1].relationship objects[2].relationship", "objects[0].description", "green pear"),
    ("two", "remove the tree", f"objects[1] objects[0].relationship {LAYOUT}", "objects[0].relationship", "alone"),
    ("two", "without the cat", f"objects[0] objects[1].relationship {LAYOUT}", "objects[0]", None),
    ("two", "get rid of the cat and the tree", f"objects[0] objects[1] {LAYOUT}", "objects[1]", None),
    ("apple", "add a rocket on the left", f"objects[1] objects[0].relationship {LAYOUT} {COLORS}",
     "objects[0].relationship",
     "to the right of the rocket"),
    ("two", "add a red balloon above the cat", f"objects[2] {LAYOUT}", None, None),
    ("two", "turn the tree upside down", "objects[1].orientation", "objects[1].orientation", "upside down"),
    ("two", "tilt the tree to the right", "objects[1].orientation", "objects[1].orientation", "tilted to the right"),
    ("two", "make it face left", "objects[0].orientation", "objects[0].orientation", "facing left"),
    ("walker", "make it face left", "objects[0].orientation", None, None),
    ("walker", "upside down", "objects[0].orientation", "objects[0].orientation", "upside down, facing right"),
    ("apple", "on a yellow background", BACK, BACK, "plain yellow background"),
    ("two", "change the background to a gradient from pink to orange", BACK, BACK, "gradient from pink to orange"),
    ("three", "remove the background", f"{BACK}", BACK, "plain white background"),
    ("apple", "at night", f"{BACK} {COLORS} {MOOD}", BACK, "dark night sky with stars"),
    ("three", "on a table", BACK, BACK, "wooden table against a plain wall"),
    ("apple", "on a beach at sunset", f"{BACK} lighting.conditions {COLORS} {MOOD}", "lighting.conditions",
     "warm golden light"),
    ("apple", "in a forest", f"{BACK} {COLORS}", BACK, "forest"),
    ("apple", "make it warm golden light", f"lighting.conditions {MOOD}", "lighting.conditions", "warm golden light"),
    ("apple", "darker", f"lighting.conditions {MOOD}", "lighting.conditions", "dim light"),
    ("apple", "add a soft shadow", "lighting.direction lighting.shadows", "lighting.shadows", "soft shadow below"),
    ("apple", "no shadow", "", None, None),
    ("apple", "in a 3d style", STYLE, "style_medium", "3D render"),
    ("two", "change the style to cartoon", STYLE, "style_medium", "cartoon illustration"),
    ("two", "as a watercolor", STYLE, "style_medium", "watercolor painting"),
    ("apple", "blur the background", "photographic_characteristics.depth_of_field", None, None),
    ("apple", "a spooky mood", MOOD, MOOD, "spooky"),
    ("two", "make the cat sleepy", "objects[0].description", "objects[0].description", "sleepy cat"),
    ("two", "give the cat a red hat", "objects[0].clothing", "objects[0].clothing", "a red hat"),
    ("two", "make the cat sit", "objects[0].pose", "objects[0].pose", "sitting"),
    ("apple", 'add the text "SALE"', "text_render[0]", "text_render[0]", {"text": "SALE", "location": "center"}),
    ("two", "make the car green", "", None, None),
    ("two", "hocus pocus fidibus", "context", "context", "hocus pocus fidibus"),
    ("two", "make the cat black and the tree orange, then add a moon in the top right",
     f"{PAINTED} objects[1].description objects[1].shape_and_color objects[2] {LAYOUT}",
     "objects[1].shape_and_color", "orange"),
    ("three", "make the apple yellow, then remove the car. Put it on a beach",
     f"{PAINTED} objects[0].relationship objects[1] {BACK}", BACK, "sandy beach with the sea behind"),
]  # fmt: skip


@pytest.mark.parametrize(("scene", "instruction", "paths", "path", "value"), TABLE, ids=[row[1] for row in TABLE])
def test_only_what_was_asked_for_changes(bridge, scenes, scene, instruction, paths, path, value):
    before = scenes[scene]
    changes = {change.path: change for change in diff(before, bridge.refine(before, instruction).structured_prompt)}
    assert set(changes) - {"short_description"} == set(paths.split())
    if path is not None:
        assert changes[path].after == value


@pytest.mark.parametrize("scene", SCENES)
def test_a_refined_prompt_reads_like_a_new_one(bridge, scenes, scene):
    """Asking for the colour afterwards gives what asking at once gives."""
    refined = bridge.refine(scenes[scene], "make everything purple").structured_prompt
    again = bridge.refine(refined, "make everything purple")
    assert canonical(again.structured_prompt) == canonical(refined)
    assert "nothing changed" in again.notes


def test_at_once_or_afterwards(bridge):
    at_once = bridge.translate("a green pear on a yellow background, warm light").structured_prompt
    step = bridge.translate("a red pear").structured_prompt
    for instruction in ("make the pear green", "on a yellow background", "warm light"):
        step = bridge.refine(step, instruction).structured_prompt
    assert canonical(step) == canonical(at_once)


def test_the_summary_stays_true(bridge, scenes):
    refined = bridge.refine(scenes["two"], "replace the tree with three red mushrooms").structured_prompt
    assert refined.short_description == (
        "A cat in the center left and three red mushrooms in the center right on a plain blue background"
    )


def test_a_new_thing_does_not_cover_the_old_one(bridge, scenes):
    rocket = bridge.refine(scenes["apple"], "add a rocket").structured_prompt.objects[1]
    assert rocket.location != "center"
    assert rocket.relative_size == "small"


def test_what_is_missing_is_said_and_nothing_else_is_touched(bridge, scenes):
    answer = bridge.refine(scenes["two"], "make the car green and bigger")
    assert answer.structured_prompt == scenes["two"]
    assert "there is no car in the scene" in answer.notes


def test_which_of_several(bridge):
    balloons = bridge.translate("a red balloon on the left and a blue balloon on the right").structured_prompt
    for which in ("blue", "right", "second"):
        instruction = f"make the {which} balloon yellow"
        first, second = bridge.refine(balloons, instruction).structured_prompt.objects
        assert (first.description, second.description) == ("red balloon", "yellow balloon"), instruction


def test_the_schema_only_fills_what_is_open(bridge, scenes):
    schema = parse_visual_schema({"style_medium": "felt craft", "aesthetics": {"color_scheme": "pastel colors"}})
    styled = merge(schema, scenes["apple"])
    refined = bridge.refine(styled, "make the apple green", visual_schema=schema).structured_prompt
    assert {change.path for change in diff(styled, refined)} == {
        "short_description", "objects[0].description", "objects[0].shape_and_color"}  # fmt: skip
    edited = parse({"style_medium": "woodcut", "objects": [{"description": "apple"}]})
    assert bridge.refine(edited, "bigger", visual_schema=schema).structured_prompt.style_medium == "woodcut"


def test_an_empty_scene(bridge):
    vgl = bridge.refine(parse({}), "add a red apple on a yellow background").structured_prompt
    assert vgl.objects[0].description == "red apple"
    assert vgl.background_setting == "plain yellow background"
    assert bridge.refine(parse({}), "bigger").structured_prompt.objects is None


@pytest.mark.parametrize(
    ("instruction", "path", "expected"),
    [
        (r"replace the boat with a \s", "objects[1].description", r"\ s"),
        (r"make him look sad\sad", "objects[0].expression", r"sad\sad"),
        (r"make it heavy \s rain", "objects[0].description", "heavy \\"),
    ],
)
def test_a_backslash_is_a_character_as_any_other(bridge, instruction: str, path: str, expected: str):
    assert changes(bridge, SAILOR, instruction)[path] == expected


def test_several_of_a_thing_whose_name_begins_with_a_backslash(bridge):
    several = parse({"short_description": r"Seven \s", "objects": [{"description": r"\s", "number_of_objects": 7}]})
    refined = bridge.refine(several, "make it night").structured_prompt
    assert refined.short_description == r"Seven \s, in front of a dark night sky with stars"


@pytest.mark.parametrize(
    "instruction",
    ["make it mıdday", "make it a ſunny morning", "make it the early mornıng", "set style_medıum to clay"],
)
def test_letters_that_only_look_like_ours_are_unknown_words(bridge, instruction: str):
    assert bridge.refine(SAILOR, instruction).structured_prompt.objects


def test_the_longest_instruction_takes_no_time_by_the_square_of_its_length(bridge):
    began = time.process_time()
    bridge.refine(SAILOR, "a.b." * (MAX_PROMPT_CHARACTERS // 4))
    assert time.process_time() - began < 5
