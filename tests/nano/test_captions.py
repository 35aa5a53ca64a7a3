"""What a caption says is true of its scene, always in the same words, and never too little."""

import json
import random

import pytest

from sartor.nano.captions import Background, Scene, Thing, article, compact, describe, relationship, vary
from sartor.nano.concepts import CONCEPT_BY_NAME
from sartor.nano.scene import Composer
from sartor.nano.vocabulary import PLACES
from sartor.vgl import canonical, parse


def test_one_thing_in_full() -> None:
    scene = Scene([Thing("apple", colors=("red",))], "flat", Background("plain", ("yellow",)))
    assert describe(scene) == {
        "short_description": "An apple on a plain yellow background",
        "objects": [
            {
                "description": "apple",
                "location": "center",
                "relationship": "alone",
                "relative_size": "large",
                "shape_and_color": "red",
                "orientation": "upright",
            }
        ],
        "background_setting": "plain yellow background",
        "lighting": {"conditions": "bright even light", "direction": "from the front", "shadows": "no shadow"},
        "aesthetics": {
            "composition": "centered close-up",
            "color_scheme": "warm colors",
            "mood_atmosphere": "cheerful",
        },
        "photographic_characteristics": {"depth_of_field": "everything in focus"},
        "style_medium": "flat vector illustration",
        "artistic_style": "flat, bold, geometric",
    }


def test_recolored_things_carry_their_color_in_their_name() -> None:
    thing = Thing("car", colors=("blue",), recolored=True, facing="facing right")
    entry = describe(Scene([thing]))["objects"][0]
    assert entry["description"] == "blue car"
    assert entry["orientation"] == "facing right"


def test_several_of_a_kind() -> None:
    prompt = describe(Scene([Thing("apple", size="small", count=3, colors=("green",), recolored=True)]))
    assert prompt["short_description"].startswith("Three green apples")
    assert prompt["objects"][0]["number_of_objects"] == 3
    assert prompt["objects"][0]["description"] == "green apples"


def test_no_style_no_words_of_style() -> None:
    assert not {"style_medium", "artistic_style"} & set(describe(Scene([Thing("cat")], None)))


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("other", PLACES)
def test_relationships_agree_with_places(place: str, other: str) -> None:
    if place == other:
        return
    things = [Thing("cat", place), Thing("tree", other)]
    said = relationship(things[0], things)
    (x, y), (other_x, other_y) = PLACES[place], PLACES[other]
    assert said.endswith("the tree")
    assert ("left" in said) == (x < other_x)
    assert ("right" in said) == (x > other_x)
    if x == other_x:
        assert said.startswith("above" if y < other_y else "below")


@pytest.mark.parametrize(("phrase", "said"), [("apple", "an apple"), ("unicorn", "a unicorn"), ("owl", "an owl")])
def test_articles(phrase: str, said: str) -> None:
    assert article(phrase) == said


@pytest.mark.parametrize("seed", range(40))
def test_the_public_form_is_the_models_form(composer: Composer, seed: int) -> None:
    """What the service makes of a prompt is to the byte what the model was trained on."""
    text = compact(describe(composer.random_scene(random.Random(seed))))
    assert canonical(parse(text)) == text


def test_describe_is_deterministic(composer: Composer) -> None:
    scene = composer.random_scene(random.Random(3))
    assert compact(describe(scene)) == compact(describe(scene))
    assert vary(scene, random.Random(4)) == vary(scene, random.Random(4))


@pytest.mark.parametrize("seed", range(60))
def test_variation_drops_nothing_that_a_picture_needs(composer: Composer, seed: int) -> None:
    rng = random.Random(seed)
    scene = composer.random_scene(rng)
    full, prompt = describe(scene), vary(scene, rng)
    text = compact(prompt).lower()
    assert prompt["background_setting"] == full["background_setting"]
    assert "objects" in prompt or "short_description" in prompt
    for thing in scene.things:
        concept = CONCEPT_BY_NAME[thing.concept]
        words = {concept.name, *concept.synonyms, concept.plural_name}
        assert any(word.lower() in text for word in words)
        if thing.recolored:
            assert thing.colors[0] in text
        if thing.place != "center":
            assert thing.place in text
        if thing.count > 1:
            assert str(thing.count) in text or ["two", "three", "four", "five"][thing.count - 2] in text


@pytest.mark.parametrize("seed", range(40))
def test_variation_says_nothing_else(composer: Composer, seed: int) -> None:
    """Whatever is left is word for word what the full description says, up to synonyms of the things."""
    rng = random.Random(seed)
    scene = composer.random_scene(rng)
    full, prompt = describe(scene), vary(scene, rng, synonym=0.0)
    for key, value in prompt.items():
        if isinstance(value, dict):
            assert value.items() <= full[key].items()
        elif key == "objects":
            for entry, whole in zip(value, full[key], strict=True):
                assert entry.items() <= whole.items()
        else:
            assert value == full[key]


def test_variation_keeps_the_key_order(composer: Composer) -> None:
    for seed in range(50):
        rng = random.Random(seed)
        text = compact(vary(composer.random_scene(rng), rng))
        assert canonical(parse(text)) == text
        assert json.loads(text)
