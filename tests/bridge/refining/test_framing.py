"""Shots, palettes, and looks that are refused."""

import pytest

from sartor.bridge import OfflineBridge
from sartor.vgl import parse
from tests.bridge.scenes import SAILOR, changes

COMPOSITION, COLORS, BLUR = (
    "aesthetics.composition", "aesthetics.color_scheme", "photographic_characteristics.depth_of_field")  # fmt: skip


@pytest.mark.parametrize(
    ("instruction", "composition"),
    [
        ("make it a portrait", "portrait"),
        ("in portrait style", "portrait"),
        ("zoom in on his face", "close-up of the sailor's face"),
        ("close-up of the sailor", "close-up of the sailor"),
        ("a tight close-up of his hands", "tight close-up of the sailor's hands"),
        ("make it a closeup of the boat", "close-up of the boat"),
        ("zoom in", "close-up"),
        ("zoom out a bit", "wide shot"),
        ("wide shot", "wide shot"),
        ("a wide shot of the harbour", "wide shot of the harbour"),
        ("make it a full body shot", "full body shot"),
        ("as a headshot", "headshot"),
        ("give it more negative space", "negative space"),
    ],
)
def test_a_shot(bridge: OfflineBridge, instruction: str, composition: str) -> None:
    assert changes(bridge, SAILOR, instruction) == {COMPOSITION: composition}


@pytest.mark.parametrize("instruction", ["zoom in", "zoom in on the penguin", "a close-up of the penguin"])
def test_in_the_captions_words_a_near_thing_is_larger(bridge: OfflineBridge, instruction: str) -> None:
    prompt = bridge.translate("a small penguin").structured_prompt
    assert "objects[0].relative_size" in changes(bridge, prompt, instruction)


@pytest.mark.parametrize(
    ("instruction", "scheme"),
    [
        ("use a muted palette", "muted palette"),
        ("pastel colors", "pastel colors"),
        ("use pastel tones", "pastel tones"),
        ("use warm tones", "warm tones"),
        ("warmer palette", "warmer palette"),
        ("make the palette warmer", "warmer palette"),
        ("make the palette more muted", "muted palette"),
        ("less saturated colors", "less saturated colors"),
        ("a more vibrant color palette", "more vibrant color palette"),
        ("monochrome", "monochrome"),
        ("make it black and white", "black and white"),
    ],
)
def test_the_colours_of_the_whole(bridge: OfflineBridge, instruction: str, scheme: str) -> None:
    assert changes(bridge, SAILOR, instruction) == {COLORS: scheme}


def test_a_painters_palette_is_a_thing(bridge: OfflineBridge) -> None:
    assert len(bridge.refine(SAILOR, "add a palette").structured_prompt.objects) == 3


@pytest.mark.parametrize(
    "instruction",
    ["no pixel art please", "not a photo", "don't make it a cartoon", "no bird's eye view", "no moonlight"],
)
def test_what_is_refused_and_not_there(bridge: OfflineBridge, instruction: str) -> None:
    answer = bridge.refine(SAILOR, instruction)
    assert answer.structured_prompt == SAILOR
    assert len(answer.notes) > 1


@pytest.mark.parametrize(
    ("instruction", "expected"),
    [
        ("no pixel art", {"style_medium": None, "artistic_style": None}),
        ("no low angle", {"photographic_characteristics": None}),
        ("no dim light", {"lighting.conditions": "bright even light"}),
    ],
)
def test_what_is_refused_and_there(bridge: OfflineBridge, instruction: str, expected: dict[str, str | None]) -> None:
    prompt = parse(
        {
            "objects": [{"description": "A brave knight"}],
            "style_medium": "pixel art",
            "artistic_style": "large square pixels, few colors",
            "lighting": {"conditions": "dim light"},
            "photographic_characteristics": {"camera_angle": "low angle"},
        }
    )
    assert changes(bridge, prompt, instruction) == expected


@pytest.mark.parametrize("instruction", ["without blur", "no bokeh", "no blur"])
def test_no_blur_is_a_sharp_background(bridge: OfflineBridge, instruction: str) -> None:
    assert changes(bridge, SAILOR, instruction) == {BLUR: "everything in focus"}
