import time

import pytest

from sartor.bridge.english.grammar import Ground, analyse
from sartor.bridge.english.lexicon import PartialPlace
from sartor.bridge.english.tagging import Item


def analysed(bridge, text: str):
    return analyse(bridge._tagger.tag(text))


@pytest.mark.parametrize(
    ("text", "ground"),
    [
        ("on a yellow background", Ground("plain", ("yellow",))),
        ("against a plain light blue backdrop", Ground("plain", ("light blue",))),
        ("the background is green", Ground("plain", ("green",))),
        ("background: pink", Ground("plain", ("pink",))),
        ("on white", Ground("plain", ("white",))),
        ("on a dark background", Ground("plain", ("black",))),
        ("on a transparent background", Ground("plain", ("white",), "transparent")),
        ("a blue to pink gradient background", Ground("gradient", ("blue", "pink"))),
        ("gradient from red to orange", Ground("gradient", ("red", "orange"))),
        ("in the snow", Ground("snow")),
        ("on green grass", Ground("meadow")),
        ("at sea", Ground("sea")),
        ("at night", Ground("night")),
        ("under the stars", Ground("night")),
        ("on a wooden table", Ground("table")),
        ("in the desert", Ground("desert")),
        ("a sunset", Ground("sunset")),
        ("in the sky", Ground("plain", ("sky blue",))),
        ("on a city skyline background", Ground("free", text="city skyline background")),
    ],
)
def test_backgrounds(bridge, text: str, ground: Ground):
    assert [(item.code, item.value) for item in analysed(bridge, text)] == [("B", ground)]


@pytest.mark.parametrize("text", ["a table", "a beach ball", "a snow globe", "next to a table", "a background check"])
def test_what_is_no_background(bridge, text: str):
    assert "B" not in {item.code for item in analysed(bridge, text)}


@pytest.mark.parametrize(
    ("text", "row", "column"),
    [
        ("on the left", None, "left"),
        ("in the top right corner", "top", "right"),
        ("at the bottom of the picture", "bottom", None),
        ("to the left of the frame", None, "left"),
        ("in the upper left hand corner of the image", "top", "left"),
        ("in the middle", "center", "center"),
        ("on the right side", None, "right"),
    ],
)
def test_places(bridge, text: str, row: str | None, column: str | None):
    assert [(item.code, item.value) for item in analysed(bridge, text)] == [("L", PartialPlace(row, column))]


def test_a_noun_group_with_everything(bridge):
    (item,) = analysed(bridge, "the two big, shiny red and white upside-down umbrellas")
    group = item.value
    assert (group.noun, group.concept.name, group.count, group.size) == ("umbrella", "umbrella", 2, "large")
    assert (group.colors, group.adjectives, group.orientation) == (("red", "white"), ("shiny",), "upside down")
    assert group.definite
    assert group.plural


def test_what_is_made_of_what(bridge):
    (item,) = analysed(bridge, "a crate of apples")
    assert (item.value.noun, item.value.concept.name) == ("crate of apples", "apple")


def test_the_top_of_a_thing_is_no_place_but_a_relation(bridge):
    codes = [(item.code, item.value) for item in analysed(bridge, "at the top of the house")]
    assert codes[0] == ("R", "above")


@pytest.mark.parametrize(
    ("text", "code", "value"),
    [
        ("in a flat style", "Y", "flat"),
        ("a 3D render of", "Y", "soft3d"),
        ("as a realistic drawing", "Y", ("medium", "photograph")),
        ("in a retro style", "Y", ("manner", "retro style")),
        ("line art", "Y", "lineart"),
        ("pixel art", "Y", "pixelart"),
        ("in watercolor", "Y", ("medium", "watercolor painting")),
        ("in the style of van gogh", "Y", ("manner", "in the style of van gogh")),
        ("warm light", "I", "warm"),
        ("with dramatic lighting", "I", ("free", "dramatic lighting")),
        ("without a shadow", "H", "none"),
        ("a hard shadow to the left", "H", "left"),
        ("a mysterious mood", "M", "mysterious"),
        ("with a blurred background", "b", True),
        ("bird's eye view", "c", (("photographic_characteristics", "camera_angle"), "high angle")),
    ],
)
def test_the_look(bridge, text: str, code: str, value: object):
    assert [(item.code, item.value) for item in analysed(bridge, text)] == [(code, value)]


def test_a_common_word_alone_is_no_style(bridge):
    assert [item.code for item in analysed(bridge, "a realistic house")] == ["@"]


def test_thousands_of_adverbs_take_no_minutes():
    began = time.process_time()
    assert analyse([Item("a", None, "so")] * 2_500) == []
    assert time.process_time() - began < 8
