"""A visual schema put into captions: the look to the letter, the content untouched."""

from typing import Any

import pytest

from sartor.captioning.base import CaptioningError
from sartor.captioning.freezing import frozen, parsed

CAPTION: dict[str, Any] = {
    "short_description": "A cat on a plain red background",
    "objects": [{"description": "cat", "shape_and_color": "orange"}, {"description": "car"}],
    "background_setting": "plain red background",
    "lighting": {"conditions": "dim light", "shadows": "no shadow"},
    "style_medium": "illustration",
}
SCHEMA: dict[str, Any] = {
    "short_description": "A brand",
    "objects": [{"description": "Lora", "texture": "felt"}],
    "background_setting": "plain cream background",
    "lighting": {"conditions": "bright even light"},
    "grain": "fine",
}


def test_the_look_is_the_schemas_and_the_content_the_captions() -> None:
    values, notes = frozen(CAPTION, SCHEMA)
    assert values == {
        "short_description": "A cat on a plain cream background",
        "objects": [
            {"description": "cat", "shape_and_color": "orange", "texture": "felt"},
            {"description": "car", "texture": "felt"},
        ],
        "background_setting": "plain cream background",
        "lighting": {"conditions": "bright even light", "shadows": "no shadow"},
        "style_medium": "illustration",
        "grain": "fine",
    }
    assert len(notes) == 2
    assert "plain red background" in notes[0]


def test_a_recurring_subject_is_the_first_object() -> None:
    values, _ = frozen(CAPTION, SCHEMA, recurring=True)
    assert [entry["description"] for entry in values["objects"]] == ["Lora", "car"]
    alone, _ = frozen({"background_setting": "plain red background"}, SCHEMA, recurring=True)
    assert alone["objects"] == [{"texture": "felt", "description": "Lora"}]


@pytest.mark.parametrize("schema", [{}, {"objects": [{}]}])
def test_an_empty_schema_changes_nothing(schema: dict[str, Any]) -> None:
    assert frozen(CAPTION, schema) == (CAPTION, [])


def test_more_than_a_structured_prompt_can_hold() -> None:
    many = CAPTION | {"objects": [{"description": f"cat {number}"} for number in range(40)]}
    values, _ = frozen(many, {"objects": [{"texture": "x" * 2000}]})
    with pytest.raises(CaptioningError, match="65536 characters"):
        parsed(values)
