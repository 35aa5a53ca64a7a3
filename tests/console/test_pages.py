"""What the API says of its bodies' fields, in the words of the pages."""

from __future__ import annotations

import pytest

from sartor.console.pages import in_words


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("seed: must be a number; steps_num: is too large", '"Seed": must be a number; "Steps": is too large'),
        ("visual_schema: lighting: must be a JSON object", '"Visual schema": lighting: must be a JSON object'),
        (
            "ip_name: is needed where ip_type is icons",
            '"The character\'s name": is needed where "What is to be kept alike" is icons',
        ),
        ("body: give one of these: prompt; seed", "give one of these: prompt; seed"),
        ("prompt: the prompt names more than 128 things", '"What to draw": the prompt names more than 128 things'),
        ("x.png: The picture is damaged.", "x.png: The picture is damaged."),
        ("my_picture.png: The picture is damaged.", "my_picture.png: The picture is damaged."),
        ("is one of stylized_scene", 'is one of "scenes"'),
        ("A name: any; other: words", "A name: any; other: words"),
    ],
)
def test_fields_are_called_what_the_page_calls_them(said: str, shown: str) -> None:
    assert in_words(said) == shown
