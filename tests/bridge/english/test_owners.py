"""What belongs to a thing and is none of its own, who does what is said, and which of two is bigger."""

from typing import Any

import pytest

from sartor.bridge import OfflineBridge
from sartor.vgl import plain


def told(bridge: OfflineBridge, prompt: str) -> dict[str, Any]:
    return dict(plain(bridge.translate(prompt).structured_prompt))


@pytest.mark.parametrize("name", ["lion's head", "dog's paw", "cat's bell"])
def test_a_thing_and_its_owner_are_one(bridge: OfflineBridge, name: str) -> None:
    assert [entry["description"] for entry in told(bridge, f"a {name}")["objects"]] == [name]


def test_who_walks_has_the_umbrella(bridge: OfflineBridge) -> None:
    girl, umbrella = told(bridge, "a girl with a red umbrella walking in the rain")["objects"]
    assert girl["action"] == "walking in the rain"
    assert "action" not in umbrella


def test_of_two_who_live_the_last_one_runs(bridge: OfflineBridge) -> None:
    assert [entry.get("action") for entry in told(bridge, "a girl with a dog running")["objects"]] == [None, "running"]


def test_a_heading_is_no_thing(bridge: OfflineBridge) -> None:
    described = told(bridge, "back to school: a backpack and a pencil")
    assert [entry["description"] for entry in described["objects"]] == ["backpack", "pencil"]
    assert described["context"] == "back to school"
    assert told(bridge, "a girl: long hair")["objects"][0]["description"] == "girl"


def test_what_is_everywhere_is_a_thing(bridge: OfflineBridge) -> None:
    turtle, confetti = told(bridge, "a turtle with a party hat, confetti everywhere")["objects"]
    assert "action" not in turtle
    assert confetti["description"] == "confetti"


@pytest.mark.parametrize(
    ("prompt", "looks"),
    [
        ("a house with a blue roof, white walls", "with a blue roof, white walls"),
        ("a house, blue roof, white walls", "blue roof, white walls"),
        ("a plant in a white pot", "in a white pot"),
    ],
)
def test_parts_are_no_things_and_no_background(bridge: OfflineBridge, prompt: str, looks: str) -> None:
    described = told(bridge, prompt)
    assert [entry["appearance_details"] for entry in described["objects"]] == [looks]
    assert described["background_setting"] == "plain white background"


@pytest.mark.parametrize(
    ("prompt", "sizes"),
    [
        ("a cat bigger than a house", ["large", "small"]),
        ("a mouse smaller than the cheese", ["small", "large"]),
        ("a tree taller than the house", ["large", "small"]),
        ("a bigger cat and a house", ["medium", "medium"]),
    ],
)
def test_which_of_two_is_bigger(bridge: OfflineBridge, prompt: str, sizes: list[str]) -> None:
    assert [entry["relative_size"] for entry in told(bridge, prompt)["objects"]] == sizes


@pytest.mark.parametrize(
    "prompt",
    ["seamless pattern of lemons and leaves", "a collage of stars, hearts and flowers", "a basket of apples and pears"],
)
def test_what_shows_several_kinds_is_one_thing(bridge: OfflineBridge, prompt: str) -> None:
    (thing,) = bridge.translate(prompt).structured_prompt.objects

    assert thing.description == prompt.removeprefix("a ")


def test_an_occasion_is_no_color(bridge: OfflineBridge) -> None:
    scene = bridge.translate("Black Friday banner with shopping bags").structured_prompt

    assert [thing.description for thing in scene.objects] == ["shopping bags"]
    assert scene.context == "black friday"


def test_a_particle_is_part_of_its_verb(bridge: OfflineBridge) -> None:
    (rocket,) = bridge.translate("a rocket taking off").structured_prompt.objects

    assert rocket.action == "taking off"
