import re

import pytest

from sartor.bridge import OfflineBridge

PIXEL_ART = """a penguin as pixel art; pixelated penguin; 8-bit penguin; an 8bit penguin; a penguin, 16-bit style;
a pixel art icon of a penguin; a pixel-art penguin; a penguin in pixel style; a penguin made of pixels;
a penguin in the style of a retro game; a penguin in the style of an old video game; a penguin in retro game style;
a penguin in the style of an 8-bit game; a retro video game sprite of a penguin; a penguin with large square pixels"""


@pytest.mark.parametrize("prompt", re.split(r";\s", PIXEL_ART))
def test_pixel_art_by_many_names(bridge: OfflineBridge, prompt: str) -> None:
    result = bridge.translate(prompt)
    found = result.structured_prompt
    assert [entry.description for entry in found.objects] == ["penguin"]
    assert (found.style_medium, found.artistic_style) == ("pixel art", "large square pixels, few colors")
    assert result.notes == ()


@pytest.mark.parametrize(
    ("prompt", "thing", "manner"),
    [
        ("a retro car", "retro car", None),
        ("a car in a retro style", "car", "retro style"),
        ("a retro game on a table", "retro game", None),
        ("a video game controller", "video game controller", None),
    ],
)
def test_what_is_old_or_a_game_is_not_pixel_art(
    bridge: OfflineBridge, prompt: str, thing: str, manner: str | None
) -> None:
    found = bridge.translate(prompt).structured_prompt
    assert [entry.description for entry in found.objects] == [thing]
    assert (found.style_medium, found.artistic_style) == (None, manner)


def test_a_style_that_something_stands_for(bridge: OfflineBridge) -> None:
    assert bridge.translate("a cat in the style of an emoji").structured_prompt.style_medium == "cartoon illustration"
    assert bridge.translate("a cat in the style of an old cartoon movie").structured_prompt.artistic_style == (
        "shaded, lively, detailed"
    )


def test_a_picture_becomes_pixel_art(bridge: OfflineBridge) -> None:
    cartoon = bridge.translate("a penguin on a beach, cartoon").structured_prompt
    pixels = bridge.refine(cartoon, "make it pixel art").structured_prompt
    assert (pixels.style_medium, pixels.artistic_style) == ("pixel art", "large square pixels, few colors")
    assert pixels.background_setting == cartoon.background_setting
