import json

import pytest
from hypothesis import given

from sartor.vgl import InvalidStructuredPrompt, StructuredPrompt, parse, plain
from sartor.vgl.schema import MAX_CHARACTERS, MAX_DEPTH, MAX_ENTRIES
from tests.vgl.strategies import mapping


def in_lists(levels: int) -> dict:
    """A mapping, and lists in it."""
    value: object = "down"
    for _ in range(levels - 1):
        value = [value]
    return {"deep": value}


def nested(levels: int) -> dict:
    value: dict = {"deep": "down"}
    for _ in range(levels - 1):
        value = {"deep": value}
    return value


def test_the_public_field_names_and_their_order():
    from bria_vgl.model import VGL

    assert list(StructuredPrompt.model_fields) == list(VGL.model_fields)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("SceneObject", "ObjectDescription"),
        ("Lighting", "LightingDetails"),
        ("PhotographicCharacteristics", "PhotographicCharacteristicsDetails"),
        ("TextRender", "TextRender"),
    ],
)
def test_the_public_field_names_of_each_section(ours: str, theirs: str):
    import bria_vgl.model

    import sartor.vgl

    assert list(getattr(sartor.vgl, ours).model_fields) == list(getattr(bria_vgl.model, theirs).model_fields)


def test_a_mapping_and_its_json_text_are_the_same_prompt():
    value = {"short_description": "A fox.", "objects": [{"description": "a fox", "number_of_objects": 1}]}
    assert parse(value) == parse(json.dumps(value, indent=2))
    assert parse(value).objects[0].number_of_objects == 1


def test_unknown_fields_are_kept_at_every_level():
    value = {"aesthetics": {"preference_score": "high", "wear": "old"}, "objects": [{"sound": "loud"}], "made_by": 7}
    assert plain(parse(value)) == {"objects": [{"sound": "loud"}],
                                   "aesthetics": {"preference_score": "high", "wear": "old"}, "made_by": 7}  # fmt: skip


def test_white_space_and_empties_say_nothing():
    assert parse({"context": "  hi \n", "objects": [{}, None], "lighting": {"shadows": " "}, "x": [[]]}) == parse(
        {"context": "hi"}
    )


@pytest.mark.parametrize(
    ("value", "field", "words"),
    [
        ("{", "", "is not JSON"),
        ("[]", "", "must be a JSON object, not a list"),
        ('"a fox"', "", "must be a JSON object, not a string"),
        ("null", "", "must be a JSON object, not null"),
        ('{"seed": NaN}', "", "is not JSON"),
        ('{"seed": 1e999}', "seed", "is not a finite number"),
        ('{"seed": ' + "9" * 5000 + "}", "", "is not JSON"),
        ('{"seed": ' + "9" * 30 + "}", "seed", "too large a number"),
        ("[" * 100_000, "", "nested deeper"),
        ({"objects": "a fox"}, "objects", "must be a list"),
        ({"objects": ["a fox"]}, "objects[0]", "must be a JSON object"),
        ({"objects": [{"description": 3}]}, "objects[0].description", "must be a string"),
        ({"objects": [{"number_of_objects": "3"}]}, "objects[0].number_of_objects", "must be a whole number"),
        ({"objects": [{"number_of_objects": True}]}, "objects[0].number_of_objects", "must be a whole number"),
        ({"objects": [{"number_of_objects": -1}]}, "objects[0].number_of_objects", "greater than or equal to 0"),
        ({"lighting": "soft"}, "lighting", "must be a JSON object"),
        ({"lighting": {"shadows": ["none"]}}, "lighting.shadows", "must be a string"),
        ({"context": "\x00"}, "context", "NUL"),
        ('{"context": "\\ud800"}', "context", "surrogate"),
        ({"a b": {"c": {1: 2}}}, '["a b"].c', "field names must be strings"),
        ({"context": b"bytes"}, "context", "must be a JSON value, not bytes"),
        ({"context": "x" * (MAX_CHARACTERS + 1)}, "context", "longer than"),
        ({"context": "x" * (MAX_CHARACTERS - len("context") - 3)}, "context", "longer than"),
        ("{" + " " * 9 * MAX_CHARACTERS + "}", "", "longer than"),
        ({"objects": [{}] * (MAX_ENTRIES + 1)}, "objects", "more than"),
        (nested(MAX_DEPTH + 1), "deep" + ".deep" * (MAX_DEPTH - 1), "nested deeper"),
        (in_lists(MAX_DEPTH + 1), "deep" + "[0]" * (MAX_DEPTH - 1), "nested deeper"),
    ],
)
def test_what_is_refused_and_how_the_message_names_the_field(value: object, field: str, words: str):
    with pytest.raises(InvalidStructuredPrompt) as caught:
        parse(value)
    assert caught.value.field == field
    assert words in caught.value.reason
    assert str(caught.value).startswith(field)


def test_the_bounds_themselves_are_allowed():
    for deep in (nested(MAX_DEPTH), in_lists(MAX_DEPTH)):
        assert plain(parse(deep)) == deep
    assert parse({"context": "x" * (MAX_CHARACTERS - len("context") - 4)})
    assert len(parse({"objects": [{"pose": "up"}] * MAX_ENTRIES}).objects) == MAX_ENTRIES


@pytest.mark.parametrize(
    ("value", "characters"),
    [(1, 2), (-12.5, 6), (True, 5), (False, 6), (None, 5), ("", 1), ("ab", 3), ([], 3), ({}, 3), ({"a": 1}, 6)],
)
def test_every_value_is_counted(value: object, characters: int):
    """Not words alone: a thousand of each in an unknown field, and as many words as are left."""
    left = MAX_CHARACTERS - (1 + 2) - (1 + 1 + 2) - 10 * (1 + 2) - 1000 * characters - (len("context") + 1)
    filled = {"x": [[value] * 100] * 10}
    assert parse(filled | {"context": "x" * left})
    with pytest.raises(InvalidStructuredPrompt, match="longer than"):
        parse(filled | {"context": "x" * (left + 1)})


def test_what_could_be_parsed_can_be_written():
    """Fields that say nothing cost nothing."""
    objects = [{"description": "x" * 400}] * MAX_ENTRIES
    assert plain(parse({"objects": objects})) == {"objects": objects}


@given(mapping)
def test_parsing_what_was_parsed_changes_nothing(value: dict):
    assert parse(plain(parse(value))) == parse(value)
