import pytest
from hypothesis import given

from sartor.vgl import (
    InvalidStructuredPrompt,
    VisualSchema,
    canonical,
    complete,
    diff,
    merge,
    parse,
    parse_visual_schema,
    plain,
)
from tests.vgl.strategies import mapping, prompt

SCHEMA = parse_visual_schema(
    {
        "objects": [{"description": "ignored", "texture": "felt", "relative_size": "large"}],
        "background_setting": "plain cream",
        "lighting": {"conditions": "even"},
        "aesthetics": {"color_scheme": "pastel"},
        "style_medium": "felt craft",
        "brand": "Woolly",
    }
)
SCENE = parse(
    {
        "short_description": "A fox.",
        "objects": [{"description": "a fox", "relative_size": "small"}, {"description": "a hat"}],
        "lighting": {"conditions": "dark", "shadows": "long"},
        "style_medium": "photograph",
        "context": "a story",
    }
)


def test_the_schema_decides_the_look_and_the_prompt_the_content():
    merged = merge(SCHEMA, SCENE)
    assert merged.short_description == "A fox."
    assert merged.style_medium == "felt craft"
    assert (merged.lighting.conditions, merged.lighting.shadows) == ("even", "long")
    assert merged.aesthetics.color_scheme == "pastel"
    assert merged.context == "a story"
    assert merged.model_extra == {"brand": "Woolly"}


def test_traits_of_every_object_fill_what_the_prompt_leaves_open():
    fox, hat = merge(SCHEMA, SCENE).objects
    assert (fox.description, fox.texture, fox.relative_size) == ("a fox", "felt", "small")
    assert (hat.description, hat.texture, hat.relative_size) == ("a hat", "felt", "large")


def test_the_background_is_the_prompts_if_it_names_one():
    assert merge(SCHEMA, SCENE).background_setting == "plain cream"
    assert merge(SCHEMA, parse({"background_setting": "a beach"})).background_setting == "a beach"


def test_completing_changes_nothing_that_is_said():
    completed = complete(SCENE, SCHEMA)
    assert completed.style_medium == "photograph"
    assert completed.lighting.conditions == "dark"
    assert completed.background_setting == "plain cream"
    assert [change.path for change in diff(SCENE, completed) if change.before is not None] == []


def test_no_schema_changes_nothing():
    assert merge(None, SCENE) == SCENE
    assert merge(VisualSchema(), SCENE) == SCENE
    assert complete(SCENE, None) == SCENE


def test_a_schema_is_checked_like_a_prompt():
    assert parse_visual_schema('{"style": "flat"}').model_extra == {"style": "flat"}
    with pytest.raises(InvalidStructuredPrompt, match="lighting"):
        parse_visual_schema({"lighting": 3})


@pytest.mark.parametrize(
    ("schema", "fault"),
    [
        ({"style_medium": "x" * 16_384}, "style_medium: longer than 16384 characters in all"),
        ({f"k{number}": "v" for number in range(65)}, "has more than 64 entries"),
        ({"objects": [{"texture": "x" * 2042}]}, r"objects\[0\]: traits .* longer than 2048 characters"),
        ({"objects": [{f"t{number}": "v" * 400 for number in range(30)}]}, r"objects\[0\]: traits"),
    ],
)
def test_a_schema_leaves_room_for_the_prompt(schema, fault):
    assert parse(schema)
    with pytest.raises(InvalidStructuredPrompt, match=fault):
        parse_visual_schema(schema)


def test_the_largest_schema_fits_into_ordinary_prompts():
    """With 8,000 characters, as FIBO's own captions have, 16 objects, and 50 fields that are unknown here."""
    traits = {f"t{number}": "v" * 61 for number in range(31)} | {"t": ["v" * 17] * 2}  # 2,048 characters
    schema = {f"k{number}": "v" * 200 for number in range(62)} | {"objects": [{"description": "x" * 1000} | traits]}
    # Each value counts one, each pair of brackets two more; those of the traits are among their 2,048.
    bare = 16_384 - (62 + 2) - 3 * 2
    schema["style_medium"] = "x" * (bare - len("objects" + "style_medium" + "description") - 1000 - 2048
                                    - sum(len(name) + 200 for name in schema if name != "objects"))  # fmt: skip
    with pytest.raises(InvalidStructuredPrompt, match="16384"):
        parse_visual_schema(schema | {"style_medium": schema["style_medium"] + "x"})
    own = {f"own{number}": "o" for number in range(50)}
    prompt = parse(own | {"short_description": "x" * 4000, "objects": [{"description": "x" * 250}] * 16})
    for change in (merge, lambda look, vgl: complete(vgl, look)):
        assert len(plain(change(parse_visual_schema(schema), prompt))["objects"][15]) == 33


@given(mapping.map(parse_visual_schema), prompt)
def test_merging_twice_is_merging_once(schema, vgl):
    once = merge(schema, vgl)
    assert canonical(merge(schema, once)) == canonical(once)


@given(mapping.map(parse_visual_schema), prompt)
def test_completing_only_adds(schema, vgl):
    assert [change for change in diff(vgl, complete(vgl, schema)) if change.before is not None] == []
