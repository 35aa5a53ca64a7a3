import pytest
from hypothesis import given

from sartor.vgl import Change, StructuredPrompt, apply, canonical, diff, parse
from tests.vgl.strategies import prompt

FOX = {"description": "a fox", "location": "left", "relative_size": "small"}
CAT = {"description": "a cat", "location": "center", "relative_size": "large"}
OWL = {"description": "an owl", "location": "right", "relative_size": "small"}


def paths(a: dict, b: dict) -> list[str]:
    return [change.path for change in diff(parse(a), parse(b))]


def test_one_field():
    changes = diff(parse({"objects": [FOX], "context": "x"}), parse({"objects": [FOX | {"location": "top"}]}))
    assert changes == [Change("objects[0].location", "left", "top"), Change("context", "x", None)]
    assert str(changes[0]) == 'objects[0].location: "left" -> "top"'


def test_a_removed_object_is_one_change():
    three, two = parse({"objects": [FOX, CAT, OWL]}), parse({"objects": [CAT, OWL]})
    assert diff(three, two) == [Change("objects[0]", FOX, None)]


def test_an_added_object_is_one_change():
    two, three = parse({"objects": [FOX, OWL]}), parse({"objects": [FOX, CAT, OWL]})
    assert diff(two, three) == [Change("objects[1]", None, CAT)]
    assert diff(parse({}), parse({"objects": [CAT]})) == [Change("objects[0]", None, CAT)]


def test_an_edited_object_is_not_a_removal_and_an_addition():
    assert paths({"objects": [FOX, CAT]}, {"objects": [FOX | {"description": "a dog", "location": "top"}, CAT]}) == [
        "objects[0].description",
        "objects[0].location",
    ]


def test_removal_and_edit_together():
    assert paths({"objects": [FOX, CAT, OWL]}, {"objects": [CAT, OWL | {"pose": "asleep"}]}) == [
        "objects[0]",
        "objects[2].pose",
    ]


def test_numbers_and_booleans_that_python_calls_equal_differ():
    assert paths({"x": 1}, {"x": True}) == ["x"]
    assert paths({"x": 1}, {"x": 1.0}) == ["x"]


def test_applying_what_does_not_fit_is_an_error():
    with pytest.raises(LookupError):
        apply(parse({"objects": [FOX]}), [Change("objects[4].pose", "a", "b")])
    with pytest.raises(LookupError):
        apply(parse({}), [Change("!", "a", "b")])


@given(prompt)
def test_no_difference_to_itself(vgl: StructuredPrompt):
    assert diff(vgl, vgl) == []


@given(prompt, prompt)
def test_the_changes_explain_the_whole_difference(a: StructuredPrompt, b: StructuredPrompt):
    changes = diff(a, b)
    assert canonical(apply(a, changes)) == canonical(b)
    assert (changes == []) == (canonical(a) == canonical(b))


@given(prompt, prompt)
def test_no_field_is_named_twice(a: StructuredPrompt, b: StructuredPrompt):
    changes = diff(a, b)
    assert len({(change.path, change.before is None) for change in changes}) == len(changes)
