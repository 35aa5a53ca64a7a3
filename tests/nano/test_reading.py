"""Long structured prompts in the model's own words; short ones as they are."""

from __future__ import annotations

import json
import random
import time
from collections import Counter
from typing import Any

import numpy as np
import pytest

from sartor.bridge import OfflineBridge
from sartor.fibo import Engine, Spec, load_checkpoint
from sartor.fibo.errors import CheckpointError
from sartor.fibo.readers import Reader, reader_of
from sartor.nano.captions import Background, Scene, Thing, compact, describe, vary
from sartor.nano.concepts import CONCEPTS
from sartor.nano.export import CHECKPOINT
from sartor.nano.longhand import Filler, elaborate
from sartor.nano.reading import READER, condense, is_long, read
from sartor.nano.scene import Composer
from sartor.nano.sources import SpriteBank
from sartor.nano.vocabulary import STYLES
from sartor.vgl import canonical

PENGUIN: dict[str, Any] = {
    "short_description": "A cheerful little penguin stands upright like a small gentleman, its white belly shining, "
    "against a plain sky blue backdrop. It is a charming piece of 3D art with soft edges and a toy-like finish.",
    "objects": [
        {
            "description": "A plump penguin with a glossy coat, an orange beak and two sturdy feet planted apart.",
            "location": "upper right part of the frame, leaving the rest empty",
            "relationship": "The only character in the image.",
            "relative_size": "medium, filling less than half of the picture",
            "texture": "Velvety, with the faintest grain, as on a well-loved toy.",
            "orientation": "Tilted to the left as if it were about to waddle off.",
        },
        {
            "description": "The penguin's orange beak, slightly open.",
            "location": "center of the face",
            "relationship": "Part of the penguin.",
            "relative_size": "small",
        },
    ],
    "background_setting": "A seamless, uncluttered sky blue backdrop with no horizon, no snow and no other objects.",
    "lighting": {
        "conditions": "Warm, golden light that flatters every curve of the figure, as at the end of a summer day.",
        "direction": "From above.",
        "shadows": "A soft, barely visible shadow rests beneath the feet.",
    },
    "style_medium": "polished 3D illustration",
    "artistic_style": "toy-like, soft, playful",
}


@pytest.fixture(scope="module")
def composer() -> Composer:
    """Every thing in every style, but as a dot: scenes, not pictures."""
    dot = np.full((2, 2, 4), 200, np.uint8)
    return Composer(SpriteBank({(c.name, s.name): dot for c in CONCEPTS for s in STYLES}), 64)


def changed(**fields: Any) -> dict[str, Any]:
    return json.loads(json.dumps(PENGUIN)) | fields


def thing_of(**fields: Any) -> Thing:
    """The first thing of the penguin's prompt with these fields of its object."""
    scene = read(changed(objects=[PENGUIN["objects"][0] | fields]))
    assert scene is not None
    return scene.things[0]


def test_a_long_prompt_in_the_composers_words() -> None:
    scene = Scene(
        [Thing("penguin", "top right", "medium", "tilted to the left")],
        "soft3d",
        Background("plain", ("sky blue",)),
        "warm",
        "soft",
    )
    told = describe(scene)
    assert read(PENGUIN) == scene
    assert json.loads(condense(json.dumps(PENGUIN))) == {
        key: value for key, value in told.items() if key not in {"aesthetics", "photographic_characteristics"}
    }


def test_what_the_composer_writes_is_left_alone_to_the_byte(composer: Composer) -> None:
    for seed in range(500):
        rng = random.Random(seed)
        scene = composer.random_scene(rng)
        for prompt in (describe(scene), vary(scene, rng)):
            assert condense(compact(prompt)) == compact(prompt)


@pytest.mark.parametrize(
    "prompt",
    [
        "a penguin",
        "two cats on the left of a red umbrella, in the snow, as a cartoon",
        "a small blue car at the bottom left in front of a green meadow, flat vector, warm light",
        "three balloons on a pink background, 3d render, with a hard shadow to the right",
    ],
)
def test_what_the_offline_bridge_writes_is_left_alone(prompt: str) -> None:
    text = canonical(OfflineBridge().translate(prompt).structured_prompt)
    assert condense(text) == text


@pytest.mark.parametrize("brand", ["inkwell", "pocket-zoo", "tangerine"])
def test_a_brands_own_look_stays(brand: str) -> None:
    """In few words the whole prompt, in many at least how the brand calls its look."""
    schema = json.loads((CHECKPOINT.parent / "brands" / brand / "model.json").read_text())["visual_schema"]
    short = describe(Scene([Thing("penguin")], None)) | schema
    assert condense(compact(short)) == compact(short)
    told = json.loads(condense(json.dumps(PENGUIN | schema)))
    assert told["style_medium"] == schema["style_medium"]
    assert told["artistic_style"] == schema["artistic_style"]
    assert told["background_setting"] == schema["background_setting"]


def test_nothing_known_is_left_to_the_model() -> None:
    kangaroo = changed(
        short_description="A kangaroo with very long lashes looks over a fence.",
        objects=[{"description": "A tall kangaroo with a very long neck and a dreamy look in its big round eyes."}],
    )
    text = json.dumps(kangaroo)
    assert is_long(kangaroo)
    assert condense(text) == text


@pytest.mark.parametrize(
    "text", ["", "a penguin", "[1, 2]", "{", '{"objects": 3}', '{"objects": {"a": "b"}}', "null", "7", "[" * 100_000]
)
def test_what_is_no_prompt_is_left_alone(text: str) -> None:
    assert condense(text) == text


def test_odd_values_do_no_harm() -> None:
    for value in (None, 3, True, [], {}, "", ["a", {"description": 4}], "word " * 3000):
        for key in (*PENGUIN, "photographic_characteristics"):
            json.loads(condense(json.dumps(changed(**{key: value}))))
        for key in PENGUIN["objects"][0]:
            json.loads(condense(json.dumps(changed(objects=[PENGUIN["objects"][0] | {key: value}]))))


@pytest.mark.parametrize(
    ("said", "place"),
    [
        ("in the lower-left corner", "bottom left"),
        ("right in the middle", "center"),
        ("centered, with equal space on the left and right", "center"),
        ("slightly right of center", "center right"),
        ("the upper third, horizontally centered", "top center"),
        ("somewhere", "center"),
    ],
)
def test_places(said: str, place: str) -> None:
    assert thing_of(location=said).place == place


@pytest.mark.parametrize(
    ("said", "size"),
    [
        ("about 60% of the frame", "large"),
        ("100% of the frame", "large"),
        ("a quarter, rather small", "small"),
        ("20 percent", "small"),
        ("huge", "large"),
    ],
)
def test_sizes(said: str, size: str) -> None:
    assert thing_of(relative_size=said).size == size


@pytest.mark.parametrize(
    ("said", "turn"),
    [
        ("Leaning to the right, one foot in the air", "tilted to the right"),
        ("tilted about twenty degrees to the left", "tilted to the left"),
        ("Upright; the whole body rotated counterclockwise", "tilted to the left"),
        ("Upright, with a barely noticeable tilt to the right", "upright"),
        ("tilted ten degrees to the left", "upright"),
        ("Sitting, its head tilted to the right", "upright"),
        ("Standing, rotated thirty degrees to the left to show its side", "upright"),
        ("Diagonal, with the tip pointing to the lower left", "upright"),
        ("tilted forty-five degrees to the left", "tilted to the left"),
        ("tilted 5° to the left", "upright"),
        ("The little apple is tilted to the left", "tilted to the left"),
        ("Hanging upside down, wings folded", "upside down"),
        ("Its feet form an upside-down V", "upright"),
    ],
)
def test_turns(said: str, turn: str) -> None:
    assert thing_of(orientation=said).orientation == turn


@pytest.mark.parametrize(
    ("said", "light"),
    [
        ("Warm, golden light, as at the end of a summer day", "warm"),
        ("Soft, warm studio light from a large box", "even"),
        ("warm light", "warm"),
        ("Cold moonlight", "cool"),
        ("A studio with a dark floor and a bright lamp", "even"),
        ("dim light", "dim"),
    ],
)
def test_light_tints_the_picture_only_where_it_is_said_to(said: str, light: str) -> None:
    scene = read(changed(lighting={"conditions": said}))
    assert scene is not None
    assert scene.light == light


def test_numbers() -> None:
    assert thing_of(number_of_objects=3).count == 3
    assert thing_of(number_of_objects="a trio of them").count == 3
    assert thing_of(number_of_objects=40).count == 5
    assert (
        thing_of(description="Four identical little penguins in a row, all of them looking at the viewer.").count == 4
    )
    assert thing_of(description="Two scoops of penguin, so to speak, in a cone of ice with two flippers.").count == 1
    cherries = read({"short_description": "A pair of cherries on a forked stem. " + "They shine. " * 20})
    assert cherries is not None
    assert cherries.things[0].count == 1


def test_colors_that_are_asked_for_and_those_that_are_there_anyway() -> None:
    assert thing_of(description="A bright red penguin with a glossy coat and two sturdy feet.").colors == ("red",)
    assert not thing_of(description="A white penguin with a glossy coat and two sturdy feet.").recolored
    assert thing_of(shape_and_color="Egg-shaped; a deep cobalt with crimson dots").colors == ("blue",)
    assert not thing_of(shape_and_color="Egg-shaped; deep blue and white").recolored
    assert not thing_of(shape_and_color="Egg-shaped; navy, gold and crimson in equal bands").recolored
    assert not thing_of(shape_and_color="A smooth egg with crimson feet").recolored
    assert not thing_of(description="A blue-black penguin with a glossy coat and two sturdy feet.").recolored
    assert not thing_of(description="A penguin with red boots, a red scarf and a red hat on its head.").recolored


@pytest.mark.parametrize(
    ("said", "background"),
    [
        ("A flat sheet of pale green, without any grass, meadow or horizon.", Background("plain", ("mint green",))),
        ("A deep green in one tone; no lines, blades of grass or players.", Background("plain", ("dark green",))),
        ("A flat, wintry navy blue, spotless and quiet.", Background("plain", ("navy blue",))),
        ("No pattern, just a plain blue or navy backdrop.", Background("plain", ("blue",))),
        ("Without texture, pale blue or slightly greenish toward the edges.", Background("plain", ("sky blue",))),
        ("A sunset gradient from orange to purple.", Background("gradient", ("orange", "purple"))),
        ("A calm sky-blue color field from border to border.", Background("plain", ("sky blue",))),
        ("A blanket of white snow blends into a pale blue distance.", Background("snow", ())),
        ("Nothing but navy, like the sea at night.", Background("plain", ("navy blue",))),
        (
            "It fades softly from peach at the top to lavender at the bottom.",
            Background("gradient", ("peach", "lavender")),
        ),
        ("A wide snowy field below a white sky, quiet and empty for miles around.", Background("snow", ())),
        (
            "A blurred grassy hill, all soft greens that melt away in the distance.",
            Background("meadow", (), blurred=True),
        ),
    ],
)
def test_backgrounds(said: str, background: Background) -> None:
    scene = read(changed(background_setting=said))
    assert scene is not None
    assert scene.background == background


def test_two_things_beside_each_other_but_not_their_parts() -> None:
    sunflower = {
        "description": "A tall sunflower with a thick stem and leaves that droop a little.",
        "location": "left",
    }
    bee = {
        "description": "A round bee with gauzy wings, about to land.",
        "location": "right",
        "relationship": "near it",
    }
    stem = {
        "description": "The thick green stem of the sunflower.",
        "location": "bottom",
        "relationship": "attached to it",
    }
    scene = read(changed(objects=[sunflower, stem, bee], short_description="A sunflower and a bee."))
    assert scene is not None
    assert [(thing.concept, thing.place) for thing in scene.things] == [
        ("sunflower", "center left"),
        ("bee", "center right"),
    ]


def test_a_piece_of_a_thing_is_no_second_one() -> None:
    pizza = {"description": "A round pizza with a puffy rim and seven slices of salami.", "location": "center"}
    slice_of_it = {
        "description": "A triangular pizza slice drawn a finger's width away from the rest.",
        "location": "lower right",
        "relationship": "Belongs to the pizza, and lies below it.",
    }
    scene = read(changed(objects=[pizza, slice_of_it], short_description="A round pizza."))
    assert scene is not None
    assert len(scene.things) == 1


def test_a_thing_is_not_what_it_is_compared_with_or_wears() -> None:
    snowman = "A round snowman with a carrot for a nose and a top hat, as jolly as a bear, like a big white pear."
    scene = read(changed(short_description="A jolly snowman.", objects=[{"description": snowman}]))
    assert scene is not None
    assert [thing.concept for thing in scene.things] == ["snowman"]


@pytest.mark.parametrize(
    ("said", "concept"),
    [("A fluffy ring doughnut with pink icing.", "doughnut"), ("A gold trophy cup, won in a hard race.", "trophy")],
)
def test_the_last_of_two_names_in_a_row_counts_if_it_is_a_things_own(said: str, concept: str) -> None:
    scene = read(changed(short_description=said, objects=[{"description": said}]))
    assert scene is not None
    assert [thing.concept for thing in scene.things] == [concept]


def test_what_comes_with_something_unknown_is_no_thing_of_its_own() -> None:
    car = {
        "description": "A small red car with round windows and a cheerful face, seen from the side.",
        "location": "center",
    }
    tire = {"description": "A chunky tire with a white ring around it.", "location": "bottom left"}
    scene = read(changed(objects=[car, tire], short_description="A small red car."))
    assert scene is not None
    assert [thing.concept for thing in scene.things] == ["car"]


@pytest.mark.parametrize(
    ("medium", "manner", "style"),
    [
        ("minimal line icon", "clean and simple", "lineart"),
        ("minimal vector line icon", "flat, clean outlines, geometric", "lineart"),
        ("flat vector line art", "flat", "lineart"),
        ("vector glyph", "flat", "glyph"),
        ("glyph icon", "rendered in solid black", "glyph"),
        ("flat vector graphic", "a clear silhouette", "flat"),
        ("clay 3D render", "clean and simple", "soft3d"),
        ("3D character render", "cinematic, soft", "soft3d"),
        ("hand-inked cartoon, digitally colored", "wobbly-lined", "cartoon"),
    ],
)
def test_styles(medium: str, manner: str, style: str) -> None:
    scene = read(changed(style_medium=medium, artistic_style=manner))
    assert scene is not None
    assert scene.style == style


def test_what_the_training_elaborates_is_read_back(composer: Composer) -> None:
    filler = Filler(["harbour", "velvet", "gossip"], ["a quiet harbour", "she gave it a good try"])
    right: Counter[str] = Counter()
    for seed in range(200):
        rng = random.Random(seed)
        scene = composer.random_scene(rng)
        found = read(elaborate(scene, rng, filler))
        assert found is not None
        right["concept"] += found.things[0].concept == scene.things[0].concept
        right["count"] += found.things[0].count == scene.things[0].count
        right["place"] += found.things[0].place == scene.things[0].place
        right["background"] += found.background.kind == scene.background.kind
    assert right["concept"] >= 196
    assert min(right.values()) >= 180


def test_the_checkpoint_names_its_reader() -> None:
    assert reader_of({"reader": "composer"}) is READER
    assert reader_of({}) is None
    with pytest.raises(CheckpointError, match="'telepathy', which is not installed"):
        reader_of({"reader": "telepathy"})


def test_the_engine_draws_what_was_read() -> None:
    """A long prompt draws the bytes of the short one that it says, and the fingerprint names the reader."""
    engine = Engine(load_checkpoint(CHECKPOINT))
    long = json.dumps(PENGUIN)
    assert engine.fingerprint.reader == READER.version
    assert isinstance(READER, Reader)
    one, other = (engine.generate(Spec(text, 1, steps=2)).image for text in (long, condense(long)))
    assert one.tobytes() == other.tobytes()


@pytest.mark.parametrize(
    "word", ["key ", "tilted ", "light blue ", "no ", "no a, or ", "no a, ", "like a ", "two cats ", "apple's "]
)
def test_long_nonsense_takes_no_long_time(word: str) -> None:
    text = word * (60_000 // len(word))
    prompt = changed(short_description=text, background_setting=text, style_medium=text)
    prompt["objects"] = [dict.fromkeys(PENGUIN["objects"][0], text)]
    begun = time.process_time()
    condense(json.dumps(prompt))
    assert time.process_time() - begun < 5
