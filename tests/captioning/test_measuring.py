"""Sets of known look get true statements, and pictures true captions; none of the treatments was in a training."""

import random
from typing import Any

import numpy as np
import pytest
from PIL import Image

from sartor.captioning import Captioner, CaptioningError, MeasuringCaptioner, Subject
from sartor.nano.captions import Background, Scene, Thing
from sartor.nano.scene import Composer
from sartor.nano.vocabulary import STYLES
from sartor.vgl import VisualSchema, canonical, plain
from tests.captioning.conftest import THINGS

ICONS = Subject("icons", "illustration")
# The look, and what is true of it: dotted paths to whole values, or to words that have to be in them.
TRUTH: dict[str, dict[str, str]] = {
    "soft3d on white": {"background_setting": "plain white background", "style_medium": "3D render"},
    "flat on yellow": {"background_setting": "plain yellow background", "style_medium": "flat vector illustration"},
    "cartoon on mint": {"background_setting": "plain mint green background", "style_medium": "cartoon illustration"},
    "flat on a gradient": {
        "background_setting": "gradient from lavender to orange",
        "style_medium": "flat vector illustration",
    },
    "cartoon in a meadow": {
        "background_setting": "green meadow under a blue sky",
        "style_medium": "cartoon illustration",
    },
    "soft3d on black": {"background_setting": "plain black background", "style_medium": "3D render"},
    "squares on lavender": {"background_setting": "plain lavender background", "style_medium": "pixel art"},
    "two tones": {"aesthetics.color_scheme": "dark green on peach", "artistic_style": "two flat colors"},
    "lines alone": {"aesthetics.color_scheme": "black on white", "artistic_style": "line drawing without fill"},
    "bold outlines": {"background_setting": "plain sky blue background", "artistic_style": "bold dark outlines"},
    "the brand": {"aesthetics.color_scheme": "navy blue on cream", "artistic_style": "two flat colors"},
}
UNKNOWN = ("two tones", "lines alone", "bold outlines", "the brand")


def at(values: dict[str, Any], path: str) -> Any:
    for name in path.split("."):
        values = values.get(name, {})
    return values


@pytest.fixture(scope="module")
def schemas(captioner: MeasuringCaptioner, sets: dict[str, list[Image.Image]]) -> dict[str, dict[str, Any]]:
    return {look: plain(captioner.visual_schema(pictures, subject=ICONS).value) for look, pictures in sets.items()}


def test_it_keeps_to_the_protocol() -> None:
    captioner: Captioner = MeasuringCaptioner()
    captioner.load()


@pytest.mark.parametrize("look", TRUTH)
def test_what_a_schema_says_is_true(schemas: dict[str, dict[str, Any]], look: str) -> None:
    assert {path: words for path, words in TRUTH[look].items() if words not in str(at(schemas[look], path))} == {}


@pytest.mark.parametrize("look", UNKNOWN)
def test_an_unknown_style_is_not_called_by_a_known_name(schemas: dict[str, dict[str, Any]], look: str) -> None:
    media, manners = {style.style_medium for style in STYLES}, {style.artistic_style for style in STYLES}
    assert schemas[look]["style_medium"] not in media
    assert schemas[look]["artistic_style"] not in manners


def test_different_sets_have_different_schemas(schemas: dict[str, dict[str, Any]]) -> None:
    assert len({str(schema) for schema in schemas.values()}) == len(TRUTH)


def test_what_pictures_do_not_share_is_left_open(
    captioner: MeasuringCaptioner, sets: dict[str, list[Image.Image]]
) -> None:
    mixed = [*sets["soft3d on white"][:3], *sets["two tones"][:3], *sets["cartoon in a meadow"][:3]]
    found = captioner.visual_schema(mixed, subject=ICONS)
    values = plain(found.value)
    assert "background_setting" not in values
    assert "color_scheme" not in values.get("aesthetics", {})
    assert "artistic_style" not in values
    assert any("background_setting is left open" in note for note in found.notes)


def test_each_statement_has_its_reason(captioner: MeasuringCaptioner, sets: dict[str, list[Image.Image]]) -> None:
    found = captioner.visual_schema(sets["bold outlines"], subject=ICONS)
    for path in ("background_setting", "lighting.shadows", "style_medium", "artistic_style"):
        words = at(plain(found.value), path)
        assert any(note.startswith(f'{path} is "{words}": ') for note in found.notes), path


def test_the_same_pictures_read_the_same(captioner: MeasuringCaptioner, sets: dict[str, list[Image.Image]]) -> None:
    pictures = sets["two tones"]
    fresh = MeasuringCaptioner()
    assert canonical(fresh.visual_schema(pictures).value) == canonical(captioner.visual_schema(pictures).value)
    one, other = (each.caption(pictures[0], visual_schema=None) for each in (fresh, captioner))
    assert (canonical(one.value), one.notes) == (canonical(other.value), other.notes)


@pytest.mark.parametrize("look", ["flat on yellow", "two tones", "lines alone", "bold outlines"])
def test_things_are_named_in_any_style(
    captioner: MeasuringCaptioner, sets: dict[str, list[Image.Image]], look: str
) -> None:
    found = [plain(captioner.caption(picture, visual_schema=None).value) for picture in sets[look]]
    right = sum(
        [entry["description"] for entry in one["objects"]] == [thing] for one, thing in zip(found, THINGS, strict=False)
    )
    assert right >= 7, [[entry["description"] for entry in one["objects"]] for one in found]


def test_a_caption_says_what_is_where(captioner: MeasuringCaptioner, composer: Composer) -> None:
    things = [Thing("cat", "top left", "medium"), Thing("car", "bottom right", "medium")]
    scene = Scene(things, "flat", Background("plain", ("sky blue",)))
    caption = plain(
        captioner.caption(Image.fromarray(composer.draw(scene, random.Random(0))), visual_schema=None).value
    )
    entries = {entry["description"]: entry for entry in caption["objects"]}
    assert {name: (entry["location"], entry["relative_size"]) for name, entry in entries.items()} == {
        "cat": ("top left", "medium"),
        "car": ("bottom right", "medium"),
    }
    assert entries["car"]["relationship"] == "to the right of the cat"
    assert caption["style_medium"] == "flat vector illustration"
    assert "sky blue background" in caption["short_description"]


@pytest.mark.parametrize("count", [2, 3, 4, 5])
def test_equal_things_are_counted(captioner: MeasuringCaptioner, composer: Composer, count: int) -> None:
    thing = Thing("strawberry", "center", "small", count=count)
    picture = composer.draw(Scene([thing], "flat", Background("plain", ("cream",))), random.Random(count))
    (entry,) = plain(captioner.caption(Image.fromarray(picture), visual_schema=None).value)["objects"]
    assert (entry["description"], entry["number_of_objects"]) == ("strawberries", count)


def test_the_schema_is_in_every_caption_word_for_word(
    captioner: MeasuringCaptioner, sets: dict[str, list[Image.Image]]
) -> None:
    schema = captioner.visual_schema(sets["the brand"], subject=ICONS).value
    for picture in sets["soft3d on black"][:3]:
        values = plain(captioner.caption(picture, visual_schema=schema, subject=ICONS).value)
        for name, fixed in plain(schema).items():
            if name != "objects":
                own = values[name]
                assert (own if isinstance(fixed, str) else {key: own[key] for key in fixed}) == fixed
        assert "plain cream background" in values["short_description"]


def test_a_character_is_called_as_the_project_says(captioner: MeasuringCaptioner, composer: Composer) -> None:
    character = Subject("defined_character", "illustration", "Lora", "an owl with large eyes")
    places = ("center", "center left", "bottom right", "top center", "center right")
    pictures = [
        Image.fromarray(
            composer.draw(Scene([Thing("owl", place)], "cartoon", Background("plain", ("pink",))), random.Random(i))
        )
        for i, place in enumerate(places)
    ]
    schema = captioner.visual_schema(pictures, subject=character).value
    assert plain(schema)["objects"][0]["description"] == "Lora, an owl with large eyes"
    caption = plain(captioner.caption(pictures[1], visual_schema=schema, subject=character).value)
    assert caption["objects"][0]["description"] == "Lora, an owl with large eyes"
    nameless = Subject("defined_character", "illustration")
    assert plain(captioner.visual_schema(pictures, subject=nameless).value)["objects"][0]["description"] == "owl"


def test_what_has_no_name_is_described(captioner: MeasuringCaptioner) -> None:
    rows, columns = np.mgrid[0:200, 0:200]
    picture = np.full((200, 200, 3), (250, 240, 214), np.uint8)
    picture[(abs(rows - 100) < 18) & (abs(columns - 100) < 70)] = (130, 80, 190)
    (entry,) = plain(captioner.caption(Image.fromarray(picture), visual_schema=None).value)["objects"]
    assert entry["description"] == "wide purple object"


@pytest.mark.parametrize("size", [(64, 64), (1024, 700), (300, 900)])
def test_a_picture_of_nothing(captioner: MeasuringCaptioner, size: tuple[int, int]) -> None:
    caption = plain(captioner.caption(Image.new("RGB", size, (0, 0, 0)), visual_schema=None).value)
    assert caption["short_description"] == "Plain black background"
    assert "objects" not in caption


def test_a_schema_that_leaves_no_room_is_refused(captioner: MeasuringCaptioner, composer: Composer) -> None:
    """Both things get the trait."""
    things = [Thing("cat", "top left", "medium"), Thing("car", "bottom right", "medium")]
    scene = Scene(things, "flat", Background("plain", ("sky blue",)))
    picture = Image.fromarray(composer.draw(scene, random.Random(0)))
    schema = VisualSchema.model_validate({"objects": [{"texture": "x" * 40_000}]})
    with pytest.raises(CaptioningError, match="65536 characters"):
        captioner.caption(picture, visual_schema=schema)


def test_what_cannot_be_measured_is_refused(captioner: MeasuringCaptioner) -> None:
    with pytest.raises(CaptioningError, match="there are none"):
        captioner.visual_schema([])
    with pytest.raises(CaptioningError, match="smaller"):
        captioner.caption(Image.new("RGB", (8, 200)), visual_schema=None)
    with pytest.raises(CaptioningError, match="strip"):
        captioner.caption(Image.new("RGB", (20, 900)), visual_schema=None)
