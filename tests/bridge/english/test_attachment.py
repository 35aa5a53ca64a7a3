import pytest

from sartor.bridge.english.attachment import attach, gerund
from sartor.bridge.english.draft import Draft
from sartor.bridge.english.grammar import analyse


def draft(bridge, text: str) -> Draft:
    return attach(analyse(bridge._tagger.tag(text)))


@pytest.mark.parametrize(
    ("text", "subject", "relation", "anchor"),
    [
        ("a cat next to a tree", 0, "next to", 1),
        ("a cat under a tree", 0, "below", 1),
        ("under the tree is a cat", 1, "below", 0),
        ("a tree with a cat under it", 1, "below", 0),
        ("a panda with a balloon", 1, "next to", 0),
        ("a bee on a sunflower", 0, "above", 1),
        ("a dog in a car", 0, "inside", 1),
        ("a moon at the top of the house", 0, "above", 1),
        ("a bear behind the house", 0, "behind", 1),
    ],
)
def test_how_two_things_stand(bridge, text: str, subject: int, relation: str, anchor: int):
    pieces = draft(bridge, text).pieces
    assert len(pieces) == 2
    assert pieces[subject].relation == (relation, pieces[anchor])
    assert pieces[anchor].relation is None


def test_the_same_thing_named_again_is_one_thing(bridge):
    pieces = draft(bridge, "A dog is on the left. The dog is brown and the dog is small.").pieces
    assert [(piece.noun, piece.colors, piece.size) for piece in pieces] == [("dog", ["brown"], "small")]


def test_two_of_a_kind_stay_two(bridge):
    assert [piece.colors for piece in draft(bridge, "a red apple and a green apple").pieces] == [["red"], ["green"]]


def test_what_is_left_out(bridge):
    found = draft(bridge, "a house without people")
    assert [piece.noun for piece in found.pieces] == ["house"]
    assert found.notes == ["left out, as asked: people"]


@pytest.mark.parametrize(
    ("verb", "form"),
    [
        ("fly", "flying"),
        ("ride", "riding"),
        ("run", "running"),
        ("eat", "eating"),
        ("see", "seeing"),
        ("sleep", "sleeping"),
    ],
)
def test_gerunds(verb: str, form: str):
    assert gerund(verb) == form
