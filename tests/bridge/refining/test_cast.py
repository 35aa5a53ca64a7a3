"""Things that come, go and stand somewhere in a prompt that somebody wrote."""

from typing import Any

import pytest

from sartor.bridge import OfflineBridge
from sartor.vgl import parse, plain
from tests.bridge.scenes import BOAT, SAILOR, SUMMARY, WHO, changes

TOLD = str(SAILOR.short_description)
NEXT = "objects[0].relationship"


@pytest.mark.parametrize(
    ("instruction", "thing", "where"),
    [
        ("put a seagull on the pier", "seagull", "on the pier"),
        ("add a swan in the harbour", "swan", "in the harbour"),
        ("add a bird in the sky", "bird", "in the sky"),
        ("put a lemon on the table", "lemon", "on the table"),
        ("put a parrot on his shoulder", "parrot", "on his shoulder"),
        ("add a dog next to him", "dog", "next to the sailor"),
        ("add a dog next to the pier", "dog", "next to the pier"),
        ("put a dog behind the boat", "dog", "behind the boat"),
        ("put a cat on the boat", "cat", "on the boat"),
    ],
)
def test_a_new_thing_stands_where_it_is_put(bridge: OfflineBridge, instruction: str, thing: str, where: str) -> None:
    found = changes(bridge, SAILOR, instruction)
    assert set(found) == {"objects[2]", SUMMARY}
    assert found["objects[2]"]["description"] == thing
    assert found["objects[2]"]["relationship"] == where
    assert found[SUMMARY] == f"{TOLD}, with a {thing} {where}"


def test_it_is_near_whom_it_stands_next_to(bridge: OfflineBridge) -> None:
    dog = changes(bridge, SAILOR, "add a dog sitting next to him")["objects[2]"]
    assert dog["location"].endswith("left")
    assert dog["pose"] == "sitting"
    assert changes(bridge, SAILOR, "add a bird in the sky")["objects[2]"]["location"].startswith("top")


def test_a_hat_on_a_head_is_worn(bridge: OfflineBridge) -> None:
    assert list(changes(bridge, SAILOR, "put a red hat on his head")) == ["objects[0].clothing"]


@pytest.mark.parametrize(
    ("instruction", "field", "value"),
    [
        ("he is holding a fish", "action", "holding a fish"),
        ("make him hold a fish", "action", "holding a fish"),
        ("he should be holding a lantern", "action", "holding a lantern"),
        ("make him hold the boat", "action", "holding the boat"),
        ("make him jump into the water", "action", "jumping into the water"),
        ("make him walk along the pier", "action", "walking along the pier"),
    ],
)
def test_what_somebody_does(bridge: OfflineBridge, instruction: str, field: str, value: str) -> None:
    assert changes(bridge, SAILOR, instruction) == {f"objects[0].{field}": value}


def test_in_the_captions_words_what_is_held_is_drawn(bridge: OfflineBridge) -> None:
    objects = plain(bridge.refine(bridge.translate("a penguin").structured_prompt, "it is holding a fish")
                    .structured_prompt)["objects"]  # fmt: skip
    assert objects[0]["action"] == "holding a fish"
    assert [entry["description"] for entry in objects] == ["penguin", "fish"]


LIGHTHOUSE = {BOAT: "lighthouse", "objects[1].shape_and_color": None, NEXT: "next to the lighthouse"}


@pytest.mark.parametrize(
    "instruction",
    ["replace the boat with a lighthouse", "a lighthouse instead of the boat", "use a lighthouse rather than the boat",
     "make the boat a lighthouse", "replace the boat with a lighthouse and a seagull"],
)  # fmt: skip
def test_another_thing_in_its_place(bridge: OfflineBridge, instruction: str) -> None:
    found = changes(bridge, SAILOR, instruction)
    gull = found.pop("objects[2]", None)
    assert (gull is not None) == ("seagull" in instruction)
    summary = TOLD.replace("a red boat", "a lighthouse") + (", with a seagull" if gull else "")
    assert found == {**LIGHTHOUSE, SUMMARY: summary}


def test_one_in_the_place_of_two(bridge: OfflineBridge) -> None:
    refined = bridge.refine(SAILOR, "replace the sailor and the boat with a dog").structured_prompt
    assert [entry.description for entry in refined.objects] == ["dog"]
    assert refined.short_description == "A dog stands on a wooden pier at dusk"


@pytest.mark.parametrize(
    "instruction",
    ["remove the boat", "without the boat", "only the sailor", "just the sailor", "keep only the sailor",
     "nothing but the sailor", "remove everything but the sailor", "remove everything except the sailor"],
)  # fmt: skip
def test_the_sailor_alone(bridge: OfflineBridge, instruction: str) -> None:
    found = changes(bridge, SAILOR, instruction)
    assert found.pop("objects[1]", "there") is None
    assert found == {NEXT: "alone", SUMMARY: TOLD.replace(" next to a red boat", "")}


def test_everything_else(bridge: OfflineBridge) -> None:
    objects = bridge.refine(SAILOR, "make the boat blue and remove everything else").structured_prompt.objects
    assert [entry.description for entry in objects] == ["A blue wooden rowing boat with peeling paint"]


@pytest.mark.parametrize("instruction", ["keep the sailor", "only the boat should be blue", "just make the boat blue"])
def test_not_alone(bridge: OfflineBridge, instruction: str) -> None:
    assert len(bridge.refine(SAILOR, instruction).structured_prompt.objects) == 2


@pytest.mark.parametrize(
    ("instruction", "number"),
    [("two boats instead of one", 2), ("add a second boat", 2), ("add another boat", 2), ("another boat", 2),
     ("add one more boat", 2), ("three boats", 3)],
)  # fmt: skip
def test_more_of_the_same(bridge: OfflineBridge, instruction: str, number: int) -> None:
    word = {2: "two", 3: "three"}[number]
    assert changes(bridge, SAILOR, instruction) == {
        BOAT: "Red wooden rowing boats with peeling paint",
        "objects[1].number_of_objects": number,
        NEXT: "next to the boats",
        SUMMARY: TOLD.replace("a red boat", f"{word} red boats"),
    }


def test_more_than_one_sailor(bridge: OfflineBridge) -> None:
    found = changes(bridge, SAILOR, "add a second sailor")
    assert found["objects[0].number_of_objects"] == 2
    assert found[WHO] == "Old sailors with a weathered face and a long white beard"


def test_a_second_one_elsewhere_is_one_of_its_own(bridge: OfflineBridge) -> None:
    added: Any = changes(bridge, SAILOR, "add a second boat on the left")["objects[2]"]
    assert (added["description"], added["location"]) == ("boat", "bottom left")


def test_who_is_meant(bridge: OfflineBridge) -> None:
    prompt = parse({"objects": [{"description": "A red boat"}, {"description": "A tall man", "gender": "male"}]})
    assert list(changes(bridge, prompt, "give him a hat")) == ["objects[1].clothing"]


@pytest.mark.parametrize(
    ("instruction", "described", "who"),
    [
        ("make the sailor a woman", "An old female sailor with a weathered face", "An old female sailor"),
        ("turn him into a young woman", "A young female sailor with a weathered face", "A young female sailor"),
    ],
)
def test_the_same_person_of_another_gender(bridge: OfflineBridge, instruction: str, described: str, who: str) -> None:
    assert changes(bridge, SAILOR, instruction) == {
        WHO: described, "objects[0].gender": "female", SUMMARY: TOLD.replace("An old sailor", who)}  # fmt: skip


def test_a_man_becomes_a_woman(bridge: OfflineBridge) -> None:
    prompt = parse({"objects": [{"description": "A tall man in a gray suit", "gender": "male"},
                                {"description": "A red car", "relationship": "next to the man"}]})  # fmt: skip
    assert changes(bridge, prompt, "make the man a woman") == {
        WHO: "A tall woman in a gray suit", "objects[0].gender": "female",
        "objects[1].relationship": "next to the woman"}  # fmt: skip
