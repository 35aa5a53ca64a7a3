"""The picture's shape is the request's, not the scene's."""

import pytest

from sartor.bridge import OfflineBridge
from sartor.bridge.english.shape import without_shape
from tests.bridge.scenes import SAILOR, WHO, changes


@pytest.mark.parametrize(
    ("text", "rest"),
    [
        ("make it square", ""),
        ("Make the image 16:9.", ""),
        ("change the aspect ratio to 4:5", ""),
        ("make it square and add a hat", "add a hat"),
        ("use a square crop", ""),
        ("a fox, 9:16", "a fox"),
        ("a fox --ar 3:2", "a fox"),
        ("a fox in a square format on grass", "a fox on grass"),
    ],
)
def test_the_shape_is_left_out_and_noted(text: str, rest: str) -> None:
    left, notes = without_shape(text)
    assert left == rest
    assert len(notes) == 1
    assert "aspect_ratio" in notes[0]


@pytest.mark.parametrize(
    "text",
    ["make it a portrait", "a landscape with a tree", "make the box square", "add a box and make it square",
     'add the text "16:9"', "a clock showing 10:30", "a 3x3 grid of cats"],
)  # fmt: skip
def test_anything_else_stays(text: str) -> None:
    assert without_shape(text) == (text, [])


def test_it_is_no_thing_and_no_adjective(bridge: OfflineBridge) -> None:
    assert changes(bridge, SAILOR, "make it square") == {}
    assert list(changes(bridge, SAILOR, "make it 16:9 and make the sailor younger")) == ["short_description", WHO]
    translation = bridge.translate("a fox, 16:9")
    assert [entry.description for entry in translation.structured_prompt.objects] == ["fox"]
    assert any("aspect_ratio" in note for note in translation.notes)


def test_a_prompt_of_nothing_else_is_taken_as_it_is(bridge: OfflineBridge) -> None:
    assert bridge.translate("square format").structured_prompt.objects
