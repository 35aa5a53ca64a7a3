"""One of several that are alike, by its place, its order or its colour; and several at once."""

from typing import Any

import pytest

from sartor.bridge import OfflineBridge
from sartor.vgl import StructuredPrompt, plain


@pytest.fixture(scope="module")
def apples(bridge: OfflineBridge) -> StructuredPrompt:
    """Red top left, green bottom center, yellow top right."""
    return bridge.translate("a red apple, a green apple and a yellow apple").structured_prompt


def objects(bridge: OfflineBridge, prompt: StructuredPrompt, instruction: str) -> list[dict[str, Any]]:
    return list(plain(bridge.refine(prompt, instruction).structured_prompt)["objects"])


@pytest.mark.parametrize(
    ("which", "color"),
    [
        ("the left one", "red"),
        ("the middle one", "green"),
        ("the right one", "yellow"),
        ("the first one", "red"),
        ("the second one", "green"),
        ("the last apple", "yellow"),
        ("the green one", "green"),
        ("the green ones", "green"),
        ("the one on the left", "red"),
        ("the apple on the right", "yellow"),
        ("the bottom one", "green"),
    ],
)
def test_the_one_that_is_meant(bridge: OfflineBridge, apples: StructuredPrompt, which: str, color: str) -> None:
    kept = [entry["shape_and_color"] for entry in objects(bridge, apples, f"remove {which}")]
    assert kept == [other for other in ("red", "green", "yellow") if other != color]
    sizes = {entry["shape_and_color"]: entry["relative_size"] for entry in objects(bridge, apples, f"make {which} big")}
    assert sizes == {other: "large" if other == color else "small" for other in ("red", "green", "yellow")}


def test_from_one_place_to_another(bridge: OfflineBridge, apples: StructuredPrompt) -> None:
    moved = objects(bridge, apples, "move the apple on the left to the bottom")
    assert [entry["location"] for entry in moved] == ["bottom left", "bottom center", "top right"]


@pytest.mark.parametrize("which", ["the middle one", "one of them", "one of the apples", "the second apple"])
def test_one_of_a_group_becomes_a_thing_of_its_own(bridge: OfflineBridge, which: str) -> None:
    prompt = bridge.translate("three red apples").structured_prompt
    group, single = objects(bridge, prompt, f"make {which} green")
    assert (group["description"], group["number_of_objects"]) == ("red apples", 2)
    assert single["description"] == "green apple"
    assert [entry["number_of_objects"] for entry in objects(bridge, prompt, f"remove {which}")] == [2]


@pytest.mark.parametrize("both", ["both", "both of them", "the cat and the dog"])
def test_both(bridge: OfflineBridge, both: str) -> None:
    prompt = bridge.translate("a cat on the left and a dog on the right, on grass").structured_prompt
    moved = objects(bridge, prompt, f"move {both} to the top")
    assert [(entry["description"], entry["location"]) for entry in moved] == [("cat", "top left"), ("dog", "top right")]
    assert [entry["relative_size"] for entry in objects(bridge, prompt, f"make {both} bigger")] == ["large", "large"]


def test_one_word_means_a_kind_of_it_where_there_is_no_other(bridge: OfflineBridge) -> None:
    prompt = bridge.translate("a penguin on the left and a pine tree on the right").structured_prompt
    assert [entry["description"] for entry in objects(bridge, prompt, "remove the tree")] == ["penguin"]
    assert objects(bridge, prompt, "make the tree red")[1]["shape_and_color"] == "red"
    assert len(objects(bridge, prompt, "add a tree")) == 3
    prompt = bridge.translate("a tree on the left and a pine tree on the right").structured_prompt
    assert [entry["description"] for entry in objects(bridge, prompt, "remove the tree")] == ["pine tree"]
