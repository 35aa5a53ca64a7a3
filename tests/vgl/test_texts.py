"""What a JSON value says."""

from sartor.vgl import said, texts

SCENE = {
    "short_description": "an apple",
    "objects": [{"description": "apple", "worm": True, "number_of_objects": 2}, {"and so on": {"more": "pears"}}],
    "lighting": {"conditions": "bright"},
}


def test_texts_are_values() -> None:
    assert list(texts(SCENE)) == ["an apple", "apple", "pears", "bright"]
    assert list(texts("a")) == ["a"]
    assert list(texts(None)) == []


def test_names_that_are_no_fields_say_something_too() -> None:
    assert list(said(SCENE)) == ["an apple", "apple", "worm", "and so on", "more", "pears", "bright"]
