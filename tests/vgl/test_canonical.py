import json

from hypothesis import given

from sartor.vgl import StructuredPrompt, canonical, parse
from tests.vgl.strategies import mapping, prompt


def test_field_order_separators_and_no_empties():
    value = {
        "wear": "x",
        "artistic_style": "flat",
        "lighting": {"shadows": None, "direction": "left"},
        "objects": [{"zest": 1, "location": "über", "description": "a fox"}],
        "age": None,
        "alpha": [1, {}],
    }
    assert canonical(parse(value)) == (
        '{"objects":[{"description":"a fox","location":"über","zest":1}],"lighting":{"direction":"left"},'
        '"artistic_style":"flat","alpha":[1],"wear":"x"}'
    )


def test_nothing_is_an_empty_object():
    assert canonical(StructuredPrompt()) == "{}"
    assert parse("{}") == StructuredPrompt()


def test_a_prompt_built_by_hand_is_normalised_too():
    assert canonical(StructuredPrompt(context="  hi ", objects=[])) == '{"context":"hi"}'


@given(prompt)
def test_reading_back_gives_the_same_prompt(vgl: StructuredPrompt):
    assert parse(canonical(vgl)) == vgl


@given(prompt)
def test_writing_again_gives_the_same_text(vgl: StructuredPrompt):
    assert canonical(parse(canonical(vgl))) == canonical(vgl)


@given(mapping)
def test_neither_key_order_nor_spacing_of_the_source_matters(value: dict):
    backwards = dict(reversed(value.items()))
    assert canonical(parse(json.dumps(backwards, indent=3))) == canonical(parse(value))
