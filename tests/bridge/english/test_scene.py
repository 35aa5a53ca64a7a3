import pytest

from sartor.bridge.english.draft import Draft, Piece
from sartor.bridge.english.scene import default_size, realise
from sartor.vgl import parse_visual_schema


@pytest.mark.parametrize(
    ("count", "things", "size"), [(1, 1, "large"), (2, 1, "medium"), (3, 1, "small"), (1, 2, "medium"), (1, 3, "small")]
)
def test_the_sizes_that_training_gave(count: int, things: int, size: str):
    assert default_size(count, things) == size


def test_alone_off_the_center_is_medium():
    assert default_size(1, 1, centered=False) == "medium"


def test_colours_that_nobody_named_are_not_guessed():
    vgl = realise(Draft([Piece("apple")]), None)
    assert vgl.objects[0].shape_and_color is None
    assert vgl.aesthetics.color_scheme is None


def test_a_background_alone():
    vgl = realise(Draft(), parse_visual_schema({"background_setting": "plain pink background"}))
    assert vgl.objects is None
    assert vgl.short_description == "Plain pink background"


def test_a_relation_that_no_two_places_show_is_said_in_words():
    house, bear = Piece("house"), Piece("bear")
    bear.relation = ("behind", house)
    vgl = realise(Draft([house, bear]), None)
    assert vgl.objects[1].relationship == "behind the house"
