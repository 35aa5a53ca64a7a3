"""Prompts as people write them, also of things that the embedded model does not know."""

from typing import Any

import pytest

from sartor.bridge import OfflineBridge
from sartor.vgl import plain


def told(bridge: OfflineBridge, prompt: str) -> dict[str, Any]:
    return plain(bridge.translate(prompt).structured_prompt)


@pytest.mark.parametrize(
    ("prompt", "described"),
    [
        ("an elderly fisherman mending nets on a wooden pier, golden hour, photo", ["elderly fisherman"]),
        ("minimalist logo of a mountain", ["mountain"]),
        ("a red sports car driving along a coastal road, motion blur", ["red sports car"]),
        ("a bottle of perfume, product photography", ["bottle of perfume"]),
        ("portrait of a young woman with curly red hair and green eyes", ["young woman"]),
        ("a dragon made of flowers", ["dragon made of flowers"]),
        ("a castle built out of books", ["castle built out of books"]),
        ("a cat made of gold", ["yellow cat made of gold"]),
        ("a golden retriever puppy", ["golden retriever puppy"]),
        ("a neon sign of a flamingo", ["neon sign of a flamingo"]),
        ("a knight in shining armor", ["knight"]),
        ("a sports car made entirely of ice", ["sports car made entirely of ice"]),
        ("a vintage travel poster of a lighthouse", ["lighthouse"]),
        ("a set of kitchen icons: pan, knife", ["pan", "knife"]),
        ("a wooden bowl full of strawberries", ["wooden bowl", "strawberries"]),
        ("a rocket, clouds of smoke", ["rocket", "clouds of smoke"]),
        ("a squirrel holding an acorn in its paws", ["squirrel"]),
        ("an old man smoking a pipe, black and white", ["old man"]),
        (
            "a stylish living room with a green velvet armchair and a floor lamp",
            ["green velvet armchair", "floor lamp"],
        ),
        ("a running shoe, high speed photography", ["running shoe"]),
        ("lemon slices", ["lemon slices"]),
        ("draw me 5 icons: a camera, a heart", ["camera", "heart"]),
        ("a christmas campaign banner with a snowman and three gifts", ["snowman", "gifts"]),
        ("instagram post: two cupcakes", ["cupcakes"]),
        ("an app icon with a white rocket", ["white rocket"]),
        ("our mascot, a penguin, wearing a santa hat", ["penguin"]),
        ("a mascot: a friendly robot waving", ["friendly robot"]),
        ("a cup of hot chocolate", ["cup of hot chocolate"]),
        ("two reindeer", ["reindeer"]),
        ("an icon for a weather app: a sun behind a cloud", ["sun", "cloud"]),
        ("a panda doing yoga", ["panda"]),
        ("a penguin to the left of a bear, both wearing scarves", ["penguin", "bear"]),
        ("a camera, 45 degree angle", ["camera"]),
        ("a mountain logo with a sun", ["mountain", "sun"]),
        ("rose petals", ["rose petals"]),
        ("a pair of sunglasses", ["sunglasses"]),
        ("a pair of blue jeans", ["blue jeans"]),
        ("two pairs of sunglasses", ["pairs of sunglasses"]),
        ("a cabin in the snow, smoke rising from the chimney", ["cabin", "smoke"]),
    ],
)
def test_the_objects_are_the_things(bridge: OfflineBridge, prompt: str, described: list[str]) -> None:
    assert [entry["description"] for entry in told(bridge, prompt)["objects"]] == described


@pytest.mark.parametrize(
    ("prompt", "field", "text"),
    [
        ("two cats sleeping on a blue sofa", "action", "sleeping on a blue sofa"),
        ("a puppy playing with a ball", "action", "playing with a ball"),
        ("a fisherman mending nets", "action", "mending nets"),
        ("a family having a picnic in the park", "action", "having a picnic"),
        ("a woman with curly red hair and green eyes", "appearance_details", "with curly red hair and green eyes"),
        ("a man in a long coat and boots", "clothing", "a long coat and boots"),
        ("a knight in shining armor", "clothing", "shining armor"),
        ("a girl in a yellow raincoat", "clothing", "a yellow raincoat"),
        ("a balloon stuck in a bare oak", "action", "stuck in a bare oak"),
    ],
)
def test_what_is_said_of_a_thing_is_kept_whole(bridge: OfflineBridge, prompt: str, field: str, text: str) -> None:
    assert told(bridge, prompt)["objects"][0][field] == text


@pytest.mark.parametrize(
    ("prompt", "setting", "ending"),
    [
        ("an old bicycle leaning against a yellow wall", "yellow wall", "in front of a yellow wall"),
        ("a fisherman on a wooden pier", "wooden pier", "in front of a wooden pier"),
        ("a red car driving along a coastal road", "coastal road", "in front of a coastal road"),
        ("kids playing football in the rain", "rain", "in the rain"),
        ("a girl in Paris", "Paris", "in front of Paris"),
        (
            "a penguin on the left, in front of a snowy hill",
            "snowy field under a pale sky",
            "in front of a snowy field under a pale sky",
        ),
        ("an empty white room with a red chair", "empty white room", "in front of an empty white room"),
        ("a red balloon against a gray sky", "plain gray background", "on a plain gray background"),
        ("three penguins in a row", "plain white background", "on a plain white background"),
    ],
)
def test_what_something_stands_on_or_before_is_the_background(
    bridge: OfflineBridge, prompt: str, setting: str, ending: str
) -> None:
    prompted = told(bridge, prompt)
    assert prompted["background_setting"] == setting
    assert prompted["short_description"].endswith(ending)


@pytest.mark.parametrize(
    ("prompt", "light"),
    [
        ("a cat, golden hour", "warm golden light"),
        ("a cat at blue hour", "cool bluish light"),
        ("a wizard casting a spell, glowing blue light", "glowing blue light"),
        ("a portrait of a woman, soft studio light", "soft studio light"),
    ],
)
def test_the_hour_and_what_light_is_like_are_light(bridge: OfflineBridge, prompt: str, light: str) -> None:
    assert told(bridge, prompt)["lighting"]["conditions"] == light


def test_how_several_stand_and_the_hour_are_kept(bridge: OfflineBridge) -> None:
    assert told(bridge, "three penguins in a row")["context"] == "in a row"
    assert told(bridge, "a teddy bear sitting in a window on a rainy day")["context"] == "rainy day"


def test_black_and_white_at_the_end_is_of_the_whole(bridge: OfflineBridge) -> None:
    assert told(bridge, "an old man smoking a pipe, black and white")["aesthetics"]["color_scheme"] == "black and white"
    assert told(bridge, "a cat, black and white and fluffy")["objects"][0]["shape_and_color"] == "black and white"


@pytest.mark.parametrize(
    ("prompt", "colors"),
    [("a cat, black and white and red", "black and white"), ("a balloon, red, white and blue", "red and white"),
     ("a red car, blue and white", "red"), ("a mug, blue", "blue")],
)  # fmt: skip
def test_colors_after_a_comma(bridge: OfflineBridge, prompt: str, colors: str) -> None:
    assert told(bridge, prompt)["objects"][0]["shape_and_color"] == colors


@pytest.mark.parametrize(
    ("prompt", "number"), [("a pair of scissors", None), ("sunglasses", None), ("a pair of cats", 2)]
)
def test_a_pair_of_what_is_a_pair_is_one(bridge: OfflineBridge, prompt: str, number: int | None) -> None:
    assert told(bridge, prompt)["objects"][0].get("number_of_objects") == number


@pytest.mark.parametrize(
    ("prompt", "scheme"),
    [("a cute ghost, pastel colors", "pastel colors"), ("a snowman, red and green colors", "red and green colors")],
)
def test_colors_of_the_whole_are_no_things(bridge: OfflineBridge, prompt: str, scheme: str) -> None:
    described = told(bridge, prompt)
    assert len(described["objects"]) == 1
    assert described["aesthetics"]["color_scheme"] == scheme


@pytest.mark.parametrize(("prompt", "mood"), [("a mug, winter vibes", "winter"), ("a fox, cozy winter vibes", "cozy")])
def test_a_feeling_is_the_mood(bridge: OfflineBridge, prompt: str, mood: str) -> None:
    described = told(bridge, prompt)
    assert len(described["objects"]) == 1
    assert described["aesthetics"]["mood_atmosphere"] == mood


@pytest.mark.parametrize("manner", ["minimal", "retro", "vintage"])
def test_a_manner_by_itself_is_the_style(bridge: OfflineBridge, manner: str) -> None:
    described = told(bridge, f"a fox, {manner}")
    assert described["artistic_style"] == manner
    assert [entry["description"] for entry in described["objects"]] == ["fox"]
    assert "context" not in described
    assert told(bridge, f"a {manner} car")["objects"][0]["description"] == f"{manner} car"
