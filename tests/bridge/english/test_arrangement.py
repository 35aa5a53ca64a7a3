import pytest

from sartor.bridge.english.arrangement import arrange, full_place
from sartor.bridge.english.draft import Piece
from sartor.bridge.english.lexicon import PartialPlace
from sartor.nano.vocabulary import PLACES


def pieces(count: int) -> list[Piece]:
    return [Piece(f"thing {index}") for index in range(count)]


@pytest.mark.parametrize(
    ("count", "places"),
    [(1, ["center"]), (2, ["center left", "center right"]), (3, ["top left", "bottom center", "top right"])],
)
def test_where_things_stand_that_nobody_placed(count: int, places: list[str]):
    assert arrange(pieces(count)) == places


def test_what_is_overhead_stands_above_what_is_not():
    house, sun, moon = Piece("house"), Piece("sun"), Piece("moon")
    assert arrange([house, sun]) == ["bottom left", "top right"]
    assert arrange([sun, moon]) == ["center left", "center right"]
    assert arrange([sun]) == ["center"]
    sun.place = PartialPlace("bottom", "right")
    assert arrange([house, sun]) == ["top left", "bottom right"]


def test_an_open_row_is_the_middle():
    (piece,) = pieces(1)
    piece.place = PartialPlace(None, "left")
    assert arrange([piece]) == ["center left"]
    assert full_place(PartialPlace("top", None), present="bottom right") == "top right"


def test_the_others_make_room_for_a_placed_thing():
    a, b = pieces(2)
    a.place = PartialPlace("top", "right")
    assert arrange([a, b]) == ["top right", "bottom left"]


@pytest.mark.parametrize(
    ("relation", "places"),
    [
        ("below", ["bottom center", "top center"]),
        ("above", ["top center", "bottom center"]),
        ("right of", ["center right", "center left"]),
        ("left of", ["center left", "center right"]),
        ("next to", ["center left", "center right"]),
    ],
)
def test_relations_are_shown(relation: str, places: list[str]):
    a, b = pieces(2)
    a.relation = (relation, b)
    assert arrange([a, b]) == places


@pytest.mark.parametrize("count", range(1, 10))
def test_up_to_nine_things_have_a_place_each(count: int):
    places = arrange(pieces(count))
    assert len(set(places)) == count
    assert set(places) <= set(PLACES)


def test_more_things_than_places_share():
    assert len(arrange(pieces(12))) == 12
