import pytest

from sartor.bridge.english.colors import background_color, color_names, nearest, replace_hex, thing_color
from sartor.nano.vocabulary import BACKGROUND_COLORS, COLORS


def test_every_colour_word_is_a_colour_of_the_model():
    for name in color_names():
        assert thing_color(name) in COLORS
        assert background_color(name) in BACKGROUND_COLORS


@pytest.mark.parametrize(
    ("word", "thing", "background"),
    [
        ("red", "red", "red"),
        ("crimson", "red", "red"),
        ("turquoise", "green", "turquoise"),
        ("navy", "blue", "navy blue"),
        ("dark red", "red", "red"),
        ("light green", "green", "mint green"),
        ("mint green", "green", "mint green"),
        ("hotpink", "pink", "pink"),
        ("burgundy", "red", "red"),
        ("cream", "white", "cream"),
        ("off-white", "white", "white"),
        ("Sky Blue", "blue", "sky blue"),
    ],
)
def test_what_is_meant_for_a_thing_and_for_a_background(word: str, thing: str, background: str):
    assert thing_color(word) == thing
    assert background_color(word) == background


def test_an_unknown_word_is_no_colour():
    with pytest.raises(KeyError):
        thing_color("wobbly")


@pytest.mark.parametrize(
    ("code", "name"), [("#ff0000", "red"), ("#fff", "white"), ("#000000", "black"), ("#00F", "blue")]
)
def test_hex_codes_become_words(code: str, name: str):
    assert replace_hex(f"a {code} car") == f"a {name} car"


def test_a_hash_that_is_no_colour_stays():
    assert replace_hex("room #12345") == "room #12345"


def test_a_table_entry_is_nearest_to_itself():
    assert [nearest(rgb, BACKGROUND_COLORS) for rgb in BACKGROUND_COLORS.values()] == list(BACKGROUND_COLORS)
