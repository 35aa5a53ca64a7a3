"""What an instruction says about light, camera, colours and weather touches no thing."""

from typing import Any

import pytest

from sartor.bridge import OfflineBridge
from sartor.vgl import StructuredPrompt, diff, parse

LENS, ANGLE = "photographic_characteristics.lens_focal_length", "photographic_characteristics.camera_angle"
COLORS, LIGHT = "aesthetics.color_scheme", "lighting.conditions"

TABLE = [
    ("change the light to come from the right", "lighting.direction", "from the right"),
    ("the light should come from above", "lighting.direction", "from above"),
    ("light from behind", "lighting.direction", "from behind"),
    ("move the light to the left", "lighting.direction", "from the left"),
    ("make the lighting blue", LIGHT, "blue lighting"),
    ("add more light", LIGHT, "more light"),
    ("make the picture darker", LIGHT, "dim light"),
    ("make the shadows longer", "lighting.shadows", "longer shadows"),
    ("use a 35mm lens", LENS, "35mm lens"),
    ("set the lens to 85mm", LENS, "85mm"),
    ("35mm", LENS, "35mm"),
    ("use a wide angle lens", LENS, "wide-angle"),
    ("change the camera angle to low", ANGLE, "low angle"),
    ("move the camera closer", ANGLE, "closer"),
    ("shoot it from below", ANGLE, "low angle"),
    ("turn the photo into black and white", COLORS, "black and white"),
    ("in black and white", COLORS, "black and white"),
    ("make the image blue", COLORS, "blue"),
    ("make the colors more vibrant", COLORS, "vibrant colors"),
    ("use a color palette of blue and orange", COLORS, "blue and orange palette"),
    ("make the composition more balanced", "aesthetics.composition", "balanced composition"),
    ("make the style more playful", "artistic_style", "playful"),
    ("more contrast", "context", "more contrast"),
    ("increase the contrast and the saturation", "context", "increase the contrast and the saturation"),
    ("turn off the lights", "context", "turn off the lights"),
    ("rotate the image", "context", "rotate the image"),
    ("less noise", "context", "less noise"),
    ("crop it tighter", "aesthetics.composition", "cropped tighter"),
    ("add lens flare", "context", "add lens flare"),
    ("make it sunny", LIGHT, "warm golden light"),
    ("make it a sunny day", LIGHT, "warm golden light"),
    ("make it winter", "background_setting", "snowy field under a pale sky"),
    ("change the season to winter", "background_setting", "snowy field under a pale sky"),
    ("make it snow", "background_setting", "snowy field under a pale sky"),
    ("make it autumn", "context", "autumn"),
    ("make it Christmas", "context", "christmas"),
    ("make it rainy", "context", "rainy"),
    ("let it rain", "context", "rain"),
    ("make the scene foggy", "context", "foggy"),
]


@pytest.fixture(scope="module")
def penguin(bridge: OfflineBridge) -> StructuredPrompt:
    return bridge.translate("a large penguin on the left").structured_prompt


@pytest.mark.parametrize(("instruction", "path", "value"), TABLE, ids=[row[0] for row in TABLE])
def test_the_things_stay_as_they_are(
    bridge: OfflineBridge, penguin: StructuredPrompt, instruction: str, path: str, value: Any
) -> None:
    refined = bridge.refine(penguin, instruction).structured_prompt
    changes = {change.path: change.after for change in diff(penguin, refined)}
    assert changes[path] == value
    assert refined.objects == penguin.objects


@pytest.mark.parametrize(
    ("instruction", "setting"),
    [
        ("make it winter", "A quiet harbour, in winter. Gulls."),
        ("make it rainy", "A quiet harbour, in the rain. Gulls."),
        ("a foggy morning", "A quiet harbour, on a foggy morning. Gulls."),
    ],
)
def test_ones_own_surroundings_stay_in_other_weather(bridge: OfflineBridge, instruction: str, setting: str) -> None:
    prompt = parse({"objects": [{"description": "sailor"}], "background_setting": "A quiet harbour. Gulls."})
    refined = bridge.refine(prompt, instruction).structured_prompt
    assert {change.path: change.after for change in diff(prompt, refined)} == {"background_setting": setting}


@pytest.mark.parametrize("instruction", ["add a street light", "add a camera", "make the penguin's light blue hat red"])
def test_a_thing_may_have_such_a_name(bridge: OfflineBridge, penguin: StructuredPrompt, instruction: str) -> None:
    refined = bridge.refine(penguin, instruction).structured_prompt
    assert refined.lighting == penguin.lighting
    assert refined.photographic_characteristics == penguin.photographic_characteristics


def test_a_camera_that_is_there_is_a_thing(bridge: OfflineBridge) -> None:
    prompt = bridge.translate("a cat and a camera").structured_prompt
    assert bridge.refine(prompt, "make the camera red").structured_prompt.objects[1].description == "red camera"
