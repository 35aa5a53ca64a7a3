"""What the background shows, what there is to be less of, and what is said of the brand."""

import pytest

from sartor.bridge import OfflineBridge
from sartor.vgl import StructuredPrompt, parse
from tests.bridge.scenes import BOAT, LIGHT, SAILOR, SETTING, SUMMARY, WHO, changes

STYLE, LOOKS, MOOD = "artistic_style", "objects[0].appearance_details", "aesthetics.mood_atmosphere"


@pytest.fixture(scope="module")
def penguin(bridge: OfflineBridge) -> StructuredPrompt:
    return bridge.translate("a cute penguin on grass").structured_prompt


@pytest.mark.parametrize(
    ("instruction", "setting"),
    [
        ("the sky should be orange", "green meadow under an orange sky"),
        ("make the sky darker", "green meadow under a darker blue sky"),
        ("make the grass yellow", "yellow meadow under a blue sky"),
        ("change the grass to sand", "sandy beach with the sea behind"),
        ("change the grass to a wooden floor", "wooden floor"),
        ("make the background transparent", "plain white background"),
    ],
)
def test_what_a_landscape_shows(
    bridge: OfflineBridge, penguin: StructuredPrompt, instruction: str, setting: str
) -> None:
    how = "on a" if setting.startswith("plain") else "in front of a"
    assert changes(bridge, penguin, instruction) == {SETTING: setting, SUMMARY: f"A cute penguin {how} {setting}"}


def test_a_sky_that_is_blue_stays(bridge: OfflineBridge, penguin: StructuredPrompt) -> None:
    assert changes(bridge, penguin, "make the sky blue") == {}


@pytest.mark.parametrize(
    ("instruction", "setting"),
    [
        ("the sky should be orange", "a wooden pier above a calm harbour at dusk, under an orange sky"),
        ("make the sky blue", "a wooden pier above a calm harbour at dusk, under a blue sky"),
        ("change the pier to a beach", "a beach above a calm harbour at dusk"),
    ],
)
def test_what_somebodys_own_surroundings_show(bridge: OfflineBridge, instruction: str, setting: str) -> None:
    found = changes(bridge, SAILOR, instruction)
    assert found.pop(SETTING) == setting
    assert set(found) <= {SUMMARY}


def test_the_sky_of_a_plain_background(bridge: OfflineBridge) -> None:
    scene = bridge.translate("a penguin").structured_prompt
    assert changes(bridge, scene, "make the sky orange")[SETTING] == "plain orange background"


def test_pictures_have_no_transparency(bridge: OfflineBridge, penguin: StructuredPrompt) -> None:
    for notes in (bridge.refine(penguin, "make the background transparent").notes,
                  bridge.translate("a logo of a fox on a transparent background").notes):  # fmt: skip
        assert any("transparency" in note for note in notes)


@pytest.mark.parametrize("instruction", ["make it look less cute", "make it less cute", "it should not be so cute"])
def test_less_of_what_is_said(bridge: OfflineBridge, penguin: StructuredPrompt, instruction: str) -> None:
    assert changes(bridge, penguin, instruction)["objects[0].description"] == "penguin"
    assert changes(bridge, SAILOR, instruction) == {}


@pytest.mark.parametrize(
    ("instruction", "path", "value"),
    [
        ("make him look less old", WHO, "A sailor with a weathered face and a long white beard"),
        ("make it less melancholic", MOOD, None),
        ("it should not be so dark", LIGHT, "bright even light"),
        ("it's too bright", LIGHT, "dim light"),
        ("the boat is too big", "objects[1].relative_size", "small"),
        ("the beard is too long", WHO, "An old sailor with a weathered face and a shorter white beard"),
    ],
)
def test_too_much_of_it(bridge: OfflineBridge, instruction: str, path: str, value: str | None) -> None:
    found = changes(bridge, SAILOR, instruction)
    assert found.pop(path) == value
    assert set(found) <= {SUMMARY}


def test_too_many_of_them(bridge: OfflineBridge) -> None:
    scene = bridge.translate("five balloons").structured_prompt
    assert changes(bridge, scene, "there are too many balloons")["objects[0].number_of_objects"] == 4


@pytest.mark.parametrize("drawn", ["sticker", "badge", "logo"])
def test_a_kind_of_picture(bridge: OfflineBridge, penguin: StructuredPrompt, drawn: str) -> None:
    assert changes(bridge, penguin, f"make it a {drawn} with a white outline") == {
        STYLE: drawn, LOOKS: "with a white outline"}  # fmt: skip


@pytest.mark.parametrize("outline", ["a white outline", "a thick black border"])
def test_an_outline_is_no_thing(bridge: OfflineBridge, penguin: StructuredPrompt, outline: str) -> None:
    assert changes(bridge, penguin, f"add {outline}") == {LOOKS: f"with {outline}"}


@pytest.mark.parametrize(
    "instruction", ["use our brand colors", "use the brand's palette", "use our brand colours for the boat"]
)
def test_the_brand_is_no_thing(bridge: OfflineBridge, instruction: str) -> None:
    assert changes(bridge, SAILOR, instruction) == {}
    assert "visual schema" in bridge.refine(SAILOR, instruction).notes[0]


def test_a_thing_in_the_brands_look(bridge: OfflineBridge) -> None:
    told = bridge.translate("a penguin in our brand colors")
    assert told.structured_prompt.background_setting == "plain white background"
    assert len(told.structured_prompt.objects) == 1
    assert "visual schema" in told.notes[0]


def test_words_of_a_description_are_taken_out(bridge: OfflineBridge) -> None:
    scene = parse({"objects": [{"description": "An ugly, cute old robot"}]})
    assert changes(bridge, scene, "make it less cute")["objects[0].description"] == "An ugly, old robot"
    assert changes(bridge, SAILOR, "make the boat less wooden")[BOAT] == "A red rowing boat with peeling paint"
