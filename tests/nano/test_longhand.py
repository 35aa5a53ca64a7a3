"""Long prompts are true in what matters, full of what does not, and always valid."""

import json
import random
import re

import pytest

from sartor.nano import longhand_filler
from sartor.nano import longhand_words as say
from sartor.nano.captions import Background, Scene, Thing
from sartor.nano.concepts import CONCEPT_BY_NAME
from sartor.nano.longhand import COLOR_NAMES, SLOT, Filler, Writer, elaborate, in_short
from sartor.nano.vocabulary import (
    BACKGROUND_COLORS,
    LANDSCAPES,
    LIGHT_DIRECTIONS,
    LIGHTING,
    ORIENTATIONS,
    PLACES,
    SHADOWS,
    SIZES,
    STYLES,
)
from sartor.vgl import parse

FILLER = Filler(["harbour", "velvet", "thirteen"], ["a quiet harbour", "as soft as velvet"])
SCENES = [
    Scene([Thing("apple", colors=("red",))], "flat", Background("plain", ("sky blue",))),
    Scene([Thing("cat", "top left", "small")], "cartoon", Background("gradient", ("pink", "white")), shadow="soft"),
    Scene([Thing("star", count=3, size="small")], "soft3d", Background("night"), light="dim"),
    Scene([Thing("car", "center left", "medium"), Thing("house", "center right", "medium")], None),
    Scene([Thing("key", orientation="upside down", recolored=True, colors=("blue",))], "flat", Background("plain")),
]


def write(scene: Scene, seed: int) -> dict[str, object]:
    return elaborate(scene, random.Random(seed), FILLER)


@pytest.mark.parametrize("scene", SCENES)
def test_every_prompt_is_a_structured_prompt(scene: Scene) -> None:
    for seed in range(30):
        text = json.dumps(write(scene, seed))
        parse(text)
        assert not SLOT.search(text), "every slot is filled"


@pytest.mark.parametrize("scene", SCENES)
def test_things_are_named(scene: Scene) -> None:
    for seed in range(30):
        described = " ".join(entry["description"] for entry in write(scene, seed)["objects"])  # type: ignore[attr-defined]
        for thing in scene.things:
            concept = CONCEPT_BY_NAME[thing.concept]
            assert any(name in described for name in (concept.name, concept.plural_name, *concept.synonyms))


def test_what_is_drawn_otherwise_is_always_said() -> None:
    for seed in range(60):
        key = write(SCENES[4], seed)["objects"][0]  # type: ignore[index]
        assert "upside down" in key["orientation"]
        assert re.search(r"\bblue (\w+ )?key", key["description"])
        stars = write(SCENES[2], seed)["objects"][0]  # type: ignore[index]
        assert stars["number_of_objects"] == 3


def test_one_thing_is_never_called_a_group() -> None:
    for seed in range(60):
        apple = write(SCENES[0], seed)["objects"][0]  # type: ignore[index]
        assert apple.get("number_of_objects", 1) == 1
        assert not re.search("group|cluster|together", apple.get("relationship", ""))
        stars = write(SCENES[2], seed)["objects"][0]  # type: ignore[index]
        assert not re.search("alone|isolated|by itself", stars.get("relationship", ""))


def test_the_short_of_a_long_prompt_has_its_fields() -> None:
    for scene in SCENES:
        for seed in range(30):
            long = write(scene, seed)
            short = in_short(scene, long)
            parse(json.dumps(short))
            for section in ("lighting", "aesthetics", "photographic_characteristics"):
                assert (section in short) == (section in long)
            assert ("artistic_style" in short) == ("artistic_style" in long)
            assert len(short["objects"]) == len(scene.things)
            if "style_medium" in long:
                assert "style_medium" in short


def test_backgrounds_are_called_by_one_of_their_names() -> None:
    found = [str(write(SCENES[0], seed)["background_setting"]).lower() for seed in range(60)]
    assert all(any(name in text for name in COLOR_NAMES["sky blue"]) for text in found)
    assert len(set(found)) > 20


def test_the_same_again_and_never_the_same() -> None:
    assert write(SCENES[0], 1) == write(SCENES[0], 1)
    texts = [json.dumps(write(SCENES[0], seed)) for seed in range(60)]
    assert len(set(texts)) == 60
    assert {next(iter(json.loads(text))) for text in texts} >= {"short_description", "objects", "style_medium"}
    lengths = sorted(len(text.split()) for text in texts)
    assert lengths[0] < 120 < 250 < lengths[-1]


def test_every_table_says_all_of_the_vocabulary() -> None:
    assert set(say.STYLES) == {style.name for style in STYLES}
    assert set(say.PLACES) == set(PLACES)
    assert set(say.SIZES) == set(SIZES)
    assert set(say.ORIENTATIONS) == set(ORIENTATIONS)
    assert set(say.LANDSCAPES) == set(LANDSCAPES)
    assert set(say.LIGHT) == set(LIGHTING)
    assert set(say.SHADOWS) == set(SHADOWS)
    assert set(say.DIRECTIONS) == set(LIGHT_DIRECTIONS)
    assert set(COLOR_NAMES) <= set(BACKGROUND_COLORS)


def test_every_filler_can_be_written() -> None:
    writer = Writer(random.Random(0), FILLER)
    for entries in longhand_filler.FILLER.values():
        for entry in entries:
            assert "{" not in writer.write(entry)
