"""Things among each other: who wears what is added, which are the others, and how near they stand."""

from typing import Any

import pytest

from sartor.bridge import OfflineBridge
from sartor.vgl import StructuredPrompt, plain
from tests.bridge.scenes import SAILOR, changes


@pytest.fixture(scope="module")
def pair(bridge: OfflineBridge) -> StructuredPrompt:
    """A dog center left, a cat center right."""
    return bridge.translate("a dog and a cat").structured_prompt


def objects(bridge: OfflineBridge, prompt: StructuredPrompt, instruction: str) -> list[dict[str, Any]]:
    return list(plain(bridge.refine(prompt, instruction).structured_prompt)["objects"])


@pytest.mark.parametrize(("prompt", "worn"), [("a penguin", "a santa hat"), ("a robot", "sunglasses")])
def test_what_is_added_is_worn_by_the_only_one_who_can(bridge: OfflineBridge, prompt: str, worn: str) -> None:
    scene = bridge.translate(prompt).structured_prompt
    assert changes(bridge, scene, f"add {worn}") == {"objects[0].clothing": worn}


def test_the_sailor_wears_it_beside_his_boat(bridge: OfflineBridge) -> None:
    assert changes(bridge, SAILOR, "add sunglasses") == {
        "objects[0].clothing": "navy wool coat, white cap and heavy brown boots, sunglasses"}  # fmt: skip


@pytest.mark.parametrize(
    ("prompt", "instruction"),
    [("a penguin", "add a hat on the left"), ("a dog and a cat", "add a hat"), ("a table", "add a hat")],
)
def test_a_hat_that_nobody_is_to_wear(bridge: OfflineBridge, prompt: str, instruction: str) -> None:
    scene = bridge.translate(prompt).structured_prompt
    assert objects(bridge, scene, instruction)[-1]["description"] == "hat"


@pytest.mark.parametrize(
    "instruction", ["swap their places", "switch places", "swap them", "swap the positions of the dog and the cat"]
)
def test_places_are_swapped(bridge: OfflineBridge, pair: StructuredPrompt, instruction: str) -> None:
    places = [entry["location"] for entry in objects(bridge, pair, instruction)]
    assert places == ["center right", "center left"]


def test_one_that_is_there_is_put_on_another(bridge: OfflineBridge, pair: StructuredPrompt) -> None:
    dog, cat = objects(bridge, pair, "put the cat on the dog")
    assert (dog["relationship"], cat["relationship"]) == ("below the cat", "above the dog")


@pytest.mark.parametrize(
    ("which", "green"),
    [
        ("the others", [False, True, True]),
        ("the other two", [False, True, True]),
        ("the other dog", [False, False, True]),
    ],
)
def test_the_others(bridge: OfflineBridge, which: str, green: list[bool]) -> None:
    scene = bridge.translate("a cat, a small dog and a big dog").structured_prompt
    found = objects(bridge, scene, f"make the {'small dog' if 'dog' in which else 'cat'} red and {which} green")
    assert [entry.get("shape_and_color") == "green" for entry in found] == green


@pytest.mark.parametrize(
    ("instruction", "places"),
    [
        ("move them closer together", ["center", "center right"]),
        ("bring the dog and the cat closer together", ["center", "center right"]),
        ("move them further apart", ["center left", "center right"]),
    ],
)
def test_how_near_they_stand(
    bridge: OfflineBridge, pair: StructuredPrompt, instruction: str, places: list[str]
) -> None:
    found = objects(bridge, pair, instruction)
    assert [entry["location"] for entry in found] == places
    assert [entry["description"] for entry in found] == ["dog", "cat"]


def test_near_in_somebodys_own_words(bridge: OfflineBridge) -> None:
    sailor, boat = objects(bridge, SAILOR, "move them closer together")
    assert (sailor["relationship"], boat["relationship"]) == ("close to the boat", "close to the sailor")


def test_each_of_two_becomes_one(bridge: OfflineBridge, pair: StructuredPrompt) -> None:
    found = objects(bridge, pair, "replace both with rabbits")
    assert [(entry["description"], entry.get("number_of_objects")) for entry in found] == [("rabbit", None)] * 2


def test_what_is_put_on_one_of_several(bridge: OfflineBridge) -> None:
    scene = bridge.translate("three red apples").structured_prompt
    apples, apple, leaf = objects(bridge, scene, "put a leaf on the middle one")
    assert (apples["number_of_objects"], apple["description"]) == (2, "red apple")
    assert (leaf["description"], leaf["relationship"]) == ("leaf", "above the apple")
