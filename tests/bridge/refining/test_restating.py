"""Prompts that another bridge wrote: long sentences, of which only what was asked for is edited."""

import pytest

from sartor.bridge.refining.restating import short
from sartor.vgl import diff, parse

OWL = parse(
    {
        "short_description": "A fluffy owl on a branch in a moonlit wood, looking at us.",
        "objects": [
            {
                "description": "A wide-eyed, fluffy owl with soft feathers.",
                "location": "center",
                "relationship": "Perched on a gnarled branch.",
                "relative_size": "large within frame",
                "shape_and_color": "Rounded body with a big head; mottled browns and creams",
                "texture": "downy",
                "expression": "curious",
            },
            {
                "description": "A gnarled branch, partly in view.",
                "location": "bottom-center",
                "relationship": "Carries the owl.",
                "relative_size": "medium",
            },
        ],
        "background_setting": "A dense, dark wood at night. Trunks fade into mist.",
        "lighting": {"conditions": "Cool moonlight.", "shadows": "Deep between the trunks."},
        "aesthetics": {"mood_atmosphere": "Enchanting.", "preference_score": "very high"},
        "style_medium": "photograph",
    }
)


@pytest.mark.parametrize(
    ("instruction", "changes"),
    [
        (
            "make the owl blue",
            {
                "objects[0].description": "A wide-eyed, fluffy blue owl with soft feathers.",
                "objects[0].shape_and_color": "Rounded body with a big head, blue",
            },
        ),
        ("add sunlight", {"lighting.conditions": "warm golden light"}),
        ("no shadows", {"lighting.shadows": "no shadow"}),
        ("move the owl to the left", {"objects[0].location": "center left"}),
        ("make the owl smaller", {"objects[0].relative_size": "medium"}),
        ("a cheerful mood", {"aesthetics.mood_atmosphere": "cheerful"}),
        ("on a yellow background", {"background_setting": "plain yellow background"}),
        (
            "at sunset",
            {
                "background_setting": "A dense, dark wood at sunset. Trunks fade into mist.",
                "lighting.conditions": "warm golden light",
            },
        ),
        (
            "replace the owl with a cat",
            {
                "objects[0].description": "cat",
                "objects[0].shape_and_color": None,
                "objects[0].texture": None,
                "objects[0].expression": None,
                "objects[1].relationship": "Carries the cat.",
            },
        ),
        ("as a cartoon", {"style_medium": "cartoon illustration", "artistic_style": "shaded, lively, detailed"}),
    ],
)
def test_long_prompts_keep_their_sentences(bridge, instruction: str, changes: dict):
    refined = bridge.refine(OWL, instruction).structured_prompt
    found = {change.path: change.after for change in diff(OWL, refined)}
    found.pop("short_description", None)
    assert found == changes


def test_a_long_summary_stays_where_it_is_still_true(bridge):
    assert bridge.refine(OWL, "make the owl smaller").structured_prompt.short_description == OWL.short_description
    removed = bridge.refine(OWL, "remove the branch").structured_prompt
    assert "branch" not in removed.short_description
    assert removed.objects[0].relationship == "alone"


def test_the_first_clause_of_a_setting():
    assert short("A dense, dark wood at night. Trunks fade.") == "a dense, dark wood at night"
    assert short(None) is None
