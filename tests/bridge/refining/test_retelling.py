"""A short description that someone else wrote: what nobody asked to change stays in it."""

from typing import Any

import pytest

from sartor.bridge import OfflineBridge
from sartor.vgl import parse, parse_visual_schema, plain

DOG = {"short_description": "a dog on grass"}
OWL: dict[str, Any] = {
    "short_description": "A fluffy owl on a branch beside a blue lamp, looking at us.",
    "objects": [
        {"description": "A wide-eyed, fluffy owl.", "location": "center"},
        {"description": "gnarled branch", "location": "bottom center"},
    ],
    "background_setting": "A dense wood",
}
SEA = {"short_description": "An evening by the sea. A child flies a kite.", "style_medium": "watercolor"}


@pytest.mark.parametrize(
    ("prompt", "instruction", "text"),
    [
        (DOG, "add a cat", "a dog on grass, with a cat"),
        (DOG, "add two red balloons and a tree", "a dog on grass, with two red balloons and a tree"),
        (DOG, "make the dog red", "a red dog on grass"),
        (DOG, "make it orange", "an orange dog on grass"),
        (DOG, "make the dog sleepy", "a sleepy dog on grass"),
        (DOG, "replace the dog with a red fox", "a red fox on grass"),
        (DOG, "turn the dog into an elephant", "an elephant on grass"),
        (DOG, "move it to the left", "a dog on grass"),
        (DOG, "warm light", "a dog on grass"),
        (DOG, "on a blue background", "a dog on a plain blue background"),
        (DOG, "add another dog", "Two dogs in front of a green meadow under a blue sky"),
        (OWL, "add a cat", "A fluffy owl on a branch beside a blue lamp, looking at us, with a cat."),
        (OWL, "make the owl red", "A fluffy red owl on a branch beside a blue lamp, looking at us."),
        (OWL, "replace the owl with a cat", "A cat on a branch beside a blue lamp, looking at us."),
        (OWL, "make the owl smaller", OWL["short_description"]),
        (OWL, "remove the branch", "A fluffy owl beside a blue lamp, looking at us."),
        (SEA, "add a cat", "An evening by the sea. A child flies a kite, with a cat."),
        ({"short_description": "un chien sur l'herbe"}, "add a cat", "un chien sur l'herbe, with a cat"),
    ],
)
def test_what_becomes_of_the_sentence(
    bridge: OfflineBridge, prompt: dict[str, Any], instruction: str, text: str
) -> None:
    assert bridge.refine(parse(prompt), instruction).structured_prompt.short_description == text


def test_a_colour_is_changed_where_it_stands(bridge: OfflineBridge) -> None:
    prompt = {"short_description": "A red dog barks at a blue car.", "objects": [{"description": "red dog"}]}
    refined = bridge.refine(parse(prompt), "make the dog green").structured_prompt
    assert refined.short_description == "A green dog barks at a blue car."


@pytest.mark.parametrize(
    ("instruction", "things"),
    [
        ("add a cat", ["dog", "cat"]),
        ("make the dog red", ["red dog"]),
        ("remove the dog", []),
        ("three of them", ["dogs"]),
        ("replace the dog with a fox", ["fox"]),
    ],
)
def test_what_only_the_sentence_names_can_be_refined(
    bridge: OfflineBridge, instruction: str, things: list[str]
) -> None:
    refined = bridge.refine(parse(DOG), instruction).structured_prompt
    assert [entry.description for entry in refined.objects or []] == things
    assert refined.background_setting == "green meadow under a blue sky"


@pytest.mark.parametrize("instruction", ["warm light", "bigger", "remove the cat", "make the car red"])
def test_what_is_not_asked_for_is_not_read_from_it(bridge: OfflineBridge, instruction: str) -> None:
    assert "objects" not in plain(bridge.refine(parse(DOG), instruction).structured_prompt)


def test_the_sentence_tells_the_background_that_the_schema_gives(bridge: OfflineBridge) -> None:
    schema = parse_visual_schema({"background_setting": "plain cream background"})
    prompt = {"short_description": "A dog on a plain cream background", "objects": [{"description": "dog"}]}
    refined = bridge.refine(parse(prompt), "make the dog red", visual_schema=schema).structured_prompt
    assert refined.short_description == "A red dog on a plain cream background"
    assert refined.background_setting == "plain cream background"


def test_surroundings_that_are_named_twice_give_way_once(bridge: OfflineBridge) -> None:
    prompt = parse(
        {
            "short_description": "A man on a wooden pier at dusk",
            "objects": [{"description": "A tall man"}],
            "background_setting": "a wooden pier, with boats along a wooden pier",
        }
    )
    refined = bridge.refine(prompt, "change the background to a beach").structured_prompt
    assert refined.short_description == "A man in front of a sandy beach with the sea behind at dusk"
