"""Bodies: the three combinations, every range from both sides, and what JSON can do to a field."""

from typing import Any

import pytest
from pydantic import ValidationError

from sartor.fibo.caching import CACHINGS
from sartor.generation.schemas import ImageBody, StructuredPromptBody

VGL = '{"short_description":"a red apple"}'
PROMPT = {"tailored_model_id": "1", "prompt": "an apple"}


def image(**values: Any) -> ImageBody:
    return ImageBody.model_validate(PROMPT | values)


@pytest.mark.parametrize(
    "given",
    [
        {"prompt": "an apple"},
        {"prompt": "an apple", "seed": 0},
        {"structured_prompt": VGL, "seed": 7},
        {"structured_prompt": VGL, "prompt": "greener"},
        {"structured_prompt": VGL, "prompt": "greener", "seed": 7},
    ],
)
def test_combinations_of_an_image(given: dict[str, Any]) -> None:
    ImageBody.model_validate({"tailored_model_id": "1"} | given)


@pytest.mark.parametrize(
    "given",
    [{}, {"seed": 7}, {"structured_prompt": VGL}, {"prompt": ""}, {"prompt": "  "}, {"prompt": None, "seed": 1}],
)
def test_everything_else_is_told_what_there_is(given: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match=r"prompt; structured_prompt with seed .* structured_prompt with prompt"):
        ImageBody.model_validate({"tailored_model_id": "1"} | given)


def test_combinations_of_a_structured_prompt() -> None:
    StructuredPromptBody.model_validate(PROMPT)
    StructuredPromptBody.model_validate(PROMPT | {"structured_prompt": VGL})
    for given in ({}, {"structured_prompt": VGL}, {"structured_prompt": VGL, "seed": 7}):
        with pytest.raises(ValidationError, match="structured_prompt together with prompt"):
            StructuredPromptBody.model_validate({"tailored_model_id": "1"} | given)


@pytest.mark.parametrize(
    ("field", "good", "bad"),
    [
        ("tailored_model_influence", [0, 0.0, 1, 1.5], [-0.1, 1.51, "1", True, float("nan"), float("inf")]),
        ("guidance_scale", [3, 4, 5, 5.0], [2, 6, 4.5, "5", True]),
        ("steps_num", [20, 50, 30.0], [19, 51, "30", True]),
        ("seed", [0, 2**31 - 1, 7.0], [-1, 2**31, 1.5, "7", True, 10**30]),
        ("aspect_ratio", ["1:1", "2:3", "3:2", "3:4", "4:3", "4:5", "5:4", "9:16", "16:9"], ["1:2", "square", 1, ""]),
        ("caching", ["exact", *CACHINGS], ["cached-4", "", True, 2]),
        ("guidance_until", [0, 0.0, 0.6, 1], [-0.1, 1.1, "0.5", True, float("nan"), float("inf")]),
        ("sync", [True, False], ["true", 1, 0]),
        ("prompt_content_moderation", [True, False], ["no", 0]),
        ("visual_output_content_moderation", [True, False], ["no", 0]),
        ("negative_prompt", ["", "text, blur"], [5, [], "x" * 8_001, "a\x00b", "\ud800"]),
        ("prompt", ["a", "x" * 8_000], [5, [], {}, "x" * 8_001, "a\x00b", "\ud800"]),
        ("tailored_model_id", ["1", 1, "paper-garden"], ["", None, 1.5, True, [], "x" * 101, "a\x00b"]),
        ("structured_prompt", [VGL, {"short_description": "x"}, ""], ["{", "[]", "{}", 5, True, [], "\0"]),
    ],
)  # fmt: skip
def test_ranges(field: str, good: list[Any], bad: list[Any]) -> None:
    for value in good:
        image(**{field: value})
    for value in bad:
        with pytest.raises(ValidationError):
            image(**{field: value})


@pytest.mark.parametrize(
    "field",
    ["tailored_model_influence", "guidance_scale", "steps_num", "seed", "aspect_ratio", "caching", "guidance_until",
     "sync", "negative_prompt", "prompt_content_moderation", "visual_output_content_moderation", "structured_prompt"],
)  # fmt: skip
def test_null_is_the_same_as_absent(field: str) -> None:
    assert image(**{field: None}) == image()


def test_unknown_fields_are_ignored() -> None:
    assert image(flavour="sweet", ip_signal=True) == image()


def test_an_integer_is_an_id_too() -> None:
    assert image(tailored_model_id=12).tailored_model_id == "12"


def test_structured_prompts_become_canonical() -> None:
    text = '{ "style_medium": "ink", "short_description": "an apple", "context": "" }'
    canonical = '{"short_description":"an apple","style_medium":"ink"}'
    assert image(structured_prompt=text).structured_prompt == canonical
    assert (
        image(structured_prompt={"style_medium": "ink", "short_description": "an apple"}).structured_prompt == canonical
    )
    assert image(structured_prompt=canonical).structured_prompt == canonical


def test_a_wrong_structured_prompt_is_named_by_its_field() -> None:
    with pytest.raises(ValidationError, match=r"objects\[0\].number_of_objects"):
        image(structured_prompt={"objects": [{"number_of_objects": "two"}]})


def test_errors_never_repeat_what_was_sent() -> None:
    with pytest.raises(ValidationError) as caught:
        image(aspect_ratio="my secret")
    assert "my secret" not in str(caught.value)
