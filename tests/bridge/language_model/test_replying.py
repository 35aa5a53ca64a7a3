"""Replies that say more, less or other than was asked for."""

import json
from typing import Any

import pytest

from sartor.bridge.language_model.replying import LONGEST_FIELD, UnusableReply, read_partial, read_reply, read_scene
from sartor.vgl import plain, texts
from sartor.vgl.schema import MAX_ENTRIES
from tests.bridge.language_model.gemini_replies import FOX, fox

TEXT = {"type": "STRING"}
SECTION = {"type": "OBJECT", "properties": {"conditions": TEXT, "shadows": TEXT | {"nullable": True}}}
OBJECT = {"type": "OBJECT", "properties": {"description": TEXT, "number_of_objects": {"type": "INTEGER"}}}
SCHEMA: dict[str, Any] = {
    "type": "OBJECT",
    "properties": {"context": TEXT, "lighting": SECTION, "objects": {"type": "ARRAY", "items": OBJECT}},
}


def read(value: Any) -> dict[str, Any]:
    return read_reply(json.dumps(value), SCHEMA)


def test_what_was_asked_for_is_kept() -> None:
    value = {
        "context": "a poster",
        "lighting": {"conditions": "noon"},
        "objects": [{"description": "a cat", "number_of_objects": 2}],
    }
    assert read(value) == value


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ({"context": "a", "system": "other tenants' prompts", "__proto__": {"x": 1}}, {"context": "a"}),
        ({"context": {"text": "nested"}, "lighting": {"conditions": ["noon"]}}, {}),
        ({"context": "x" * (LONGEST_FIELD + 1)}, {}),
        ({"context": "x" * LONGEST_FIELD}, {"context": "x" * LONGEST_FIELD}),
        ({"lighting": "noon", "objects": {"description": "a cat"}}, {}),
        ({"lighting": {"conditions": "noon", "colour": "red", "shadows": None}}, {"lighting": {"conditions": "noon"}}),
        ({"objects": ["a cat", 7, None, {"description": "a dog", "seed": 1}]}, {"objects": [{"description": "a dog"}]}),
        ({"objects": [{"number_of_objects": True}, {"number_of_objects": "3"}]}, {"objects": []}),
        ({"objects": [{"number_of_objects": 3.0}]}, {"objects": [{"number_of_objects": 3}]}),
        ({"context": 7}, {}),
    ],
)
def test_everything_else_is_dropped(value: dict[str, Any], kept: dict[str, Any]) -> None:
    assert read(value) == kept


def test_a_list_ends_where_a_structured_prompts_does() -> None:
    assert len(read({"objects": [{"description": "a cat"}] * 5_000})["objects"]) == MAX_ENTRIES


def test_depth_is_no_attack() -> None:
    with pytest.raises(UnusableReply):
        read_reply('{"context":' * 100_000, SCHEMA)
    assert read_reply('{"lighting":' * 200 + "1" + "}" * 200, SCHEMA) == {}


def test_a_text_that_was_there_before_may_be_long() -> None:
    long = "x" * 9_000
    assert read_reply(json.dumps({"context": long}), SCHEMA, given={long}) == {"context": long}


@pytest.mark.parametrize("text", ["", "no", '{"context": "cut o', "[]", '"text"', "null", "NaN", "{} {}"])
def test_what_is_no_object(text: str) -> None:
    with pytest.raises(UnusableReply, match="JSON"):
        read_reply(text, SCHEMA)


def test_a_reply_without_end() -> None:
    with pytest.raises(UnusableReply, match="too long"):
        read_reply(json.dumps({"context": "x" * 500_000}), SCHEMA)


@pytest.mark.parametrize("fence", ["```json\n%s\n```", "\n```\n%s\n```\n"])
def test_a_fence_around_the_object_is_nothing(fence: str) -> None:
    assert read_reply(fence % '{"context": "a"}', SCHEMA) == {"context": "a"}


def test_a_whole_scene() -> None:
    assert plain(read_scene(fox()))["lighting"] == FOX["lighting"]


def test_the_missing_keys_are_named() -> None:
    with pytest.raises(UnusableReply, match=r"keys are missing .*: lighting, context"):
        read_scene(fox(lighting=None, context="  "))
    assert read_partial({"context": "a"}).context == "a"


def test_what_no_structured_prompt_holds_is_named() -> None:
    with pytest.raises(UnusableReply, match=r"objects\[0\].texture: holds a character"):
        read_scene(fox(**{"objects.0.texture": "a\x00b"}))


def test_texts() -> None:
    assert list(texts({"a": ["b", {"c": "d"}], "e": 1, "f": None})) == ["b", "d"]
