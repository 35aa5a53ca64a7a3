"""Fields that an instruction calls by their names, the owner's own above all."""

from typing import Any

import pytest

from sartor.bridge import OfflineBridge
from sartor.bridge.refining.named_fields import change_named_fields
from sartor.vgl import parse, plain

OWN: dict[str, Any] = {"style": "cartoon", "colors": ["red", "blue"], "line weight": "thin", "brand": {"tone": "calm"}}
FORMAT: dict[str, Any] = {
    "objects": [{"description": "a cat"}],
    "aesthetics": {"mood_atmosphere": "calm", "color_scheme": "red, blue and white"},
    "artistic_style": "flat",
}


def changed(values: dict[str, Any], instruction: str) -> tuple[dict[str, Any], str, list[str]]:
    held = {k: dict(v) if isinstance(v, dict) else list(v) if isinstance(v, list) else v for k, v in values.items()}
    rest, notes = change_named_fields(held, instruction)
    differs = {name: held.get(name) for name in {**values, **held} if held.get(name) != values.get(name)}
    return differs, rest, notes


@pytest.mark.parametrize(
    ("instruction", "differs"),
    [
        (
            "Change the style to 'realistic 3D render' and remove blue from colors.",
            {"style": "realistic 3D render", "colors": ["red"]},
        ),
        ("set the style to watercolor", {"style": "watercolor"}),
        (
            "change the style to “oil, and thick”, then add green to the colors",
            {"style": "oil, and thick", "colors": ["red", "blue", "green"]},
        ),
        ("set mood_atmosphere to eerie", {"aesthetics": {"mood_atmosphere": "eerie"}}),
        ("change lighting.conditions to soft light", {"lighting": {"conditions": "soft light"}}),
        ("set colors to green and black", {"colors": ["green", "black"]}),
        ("make the line weight to thick", {"line weight": "thick"}),
        ("set tone to lively", {"brand": {"tone": "lively"}}),
        ("remove the style", {"style": None}),
        ("delete the colors field", {"colors": None}),
        ("add purple to the color", {"colors": ["red", "blue", "purple"]}),
    ],
)
def test_the_owners_own_fields(instruction: str, differs: dict[str, Any]) -> None:
    assert changed(OWN, instruction) == (differs, "", [])


@pytest.mark.parametrize(
    ("instruction", "name", "value"),
    [
        ("set mood_atmosphere to eerie", "aesthetics", {**FORMAT["aesthetics"], "mood_atmosphere": "eerie"}),
        (
            "change aesthetics.color_scheme to pastels",
            "aesthetics",
            {**FORMAT["aesthetics"], "color_scheme": "pastels"},
        ),
        ("remove blue from color_scheme", "aesthetics", {**FORMAT["aesthetics"], "color_scheme": "red, white"}),
        ("set artistic_style to 'thick outlines; no gradients'", "artistic_style", "thick outlines; no gradients"),
        ("set style_medium to oil painting", "style_medium", "oil painting"),
    ],
)
def test_the_formats_own_where_they_are_written_so(instruction: str, name: str, value: Any) -> None:
    assert changed(FORMAT, instruction) == ({name: value}, "", [])


@pytest.mark.parametrize(
    "instruction",
    [
        "change the background to a beach",
        "make the mood eerie",
        "set the cat to the left",
        "remove the cat",
        "change the color scheme of the cat",
    ],
)
def test_all_else_is_left_to_the_grammar(instruction: str) -> None:
    assert changed(FORMAT, instruction) == ({}, instruction, [])


def test_the_rest_of_an_instruction_is_given_back() -> None:
    differs, rest, notes = changed(OWN, "make the cat blue and set the style to ink, then remove green from colors")
    assert differs == {"style": "ink"}
    assert rest == "make the cat blue"
    assert notes == ["there is no green in colors"]


def test_a_long_instruction_is_soon_read() -> None:
    assert changed(OWN, "change the style to " * 400)[0] != {}


def test_the_bridge_follows_them_first(bridge: OfflineBridge) -> None:
    given = parse({"style": "cartoon", "colors": ["red", "blue"], "background_setting": "plain white background"})
    asked = "Change the style to 'realistic 3D render', remove blue from colors and make the background yellow."
    told = plain(bridge.refine(given, asked).structured_prompt)
    assert told == {
        "style": "realistic 3D render",
        "colors": ["red"],
        "background_setting": "plain yellow background",
    }
    assert bridge.refine(given, "remove green from colors").notes == ("there is no green in colors", "nothing changed")
