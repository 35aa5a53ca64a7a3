"""The composer draws what the scene says, measured in pixels, and draws it the same way twice."""

import random

import numpy as np
import pytest

from sartor.nano.captions import Background, Scene, Thing
from sartor.nano.colors import name_colors
from sartor.nano.concepts import CONCEPT_BY_NAME, FIRST_CONCEPTS
from sartor.nano.measures import background_distance, count_of, place_of, things_mask
from sartor.nano.one_color import APART, OWN, distance, own_color, stands_apart
from sartor.nano.scene import Composer, held_out
from sartor.nano.scenery import apply_light, draw_background
from sartor.nano.sources import SpriteBank
from sartor.nano.trials import DISTANCE
from sartor.nano.vocabulary import BACKGROUND_COLORS, COLORS, FIRST_STYLES, LANDSCAPES, PLACES, SIZES
from tests.nano.conftest import CONCEPTS

WHITE = Background("plain", ("white",))


def drawn(composer: Composer, thing: Thing, seed: int = 0, **scene: object) -> np.ndarray:
    return composer.draw(Scene([thing], "flat", WHITE, **scene), random.Random(seed))  # type: ignore[arg-type]


def test_the_same_seed_draws_the_same_picture(composer: Composer) -> None:
    for seed in range(12):
        pictures = []
        for _ in range(2):
            rng = random.Random(seed)
            pictures.append(composer.draw(composer.random_scene(rng), rng))
        assert np.array_equal(*pictures)


def test_another_seed_draws_another(composer: Composer) -> None:
    thing = Thing("apple")
    assert not np.array_equal(drawn(composer, thing, 0), drawn(composer, thing, 1))


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("concept", ["apple", "moon", "star"])
def test_things_stand_where_it_says(composer: Composer, concept: str, place: str) -> None:
    picture = drawn(composer, Thing(concept, place, "medium"))
    assert place_of(picture) == place


@pytest.mark.parametrize("size", SIZES)
def test_things_are_as_large_as_it_says(composer: Composer, size: str) -> None:
    for seed in range(6):
        mask = things_mask(drawn(composer, Thing("star", "center", size), seed))
        longer = max(np.ptp(np.flatnonzero(mask.any(0))), np.ptp(np.flatnonzero(mask.any(1)))) + 1
        low, high = SIZES[size]
        assert low - 0.03 <= longer / 128 <= high + 0.06, "three degrees of tilt make the box a little longer"


@pytest.mark.parametrize("count", [2, 3, 4, 5])
def test_as_many_as_it_says(composer: Composer, count: int) -> None:
    thing = Thing("apple", "center", "small", count=count)
    assert count_of(drawn(composer, thing)) == count


@pytest.mark.parametrize("color", ["green", "blue", "purple", "red"])
def test_recolored_things_show_the_color(composer: Composer, color: str) -> None:
    picture = drawn(composer, Thing("cat", colors=(color,), recolored=True))
    sprite = np.dstack([picture, np.where(things_mask(picture), 255, 0).astype(np.uint8)])
    assert name_colors(sprite)[0] == color
    plain = drawn(composer, Thing("cat"))
    assert name_colors(np.dstack([plain, sprite[..., 3]]))[0] == "orange"


@pytest.mark.parametrize("name", BACKGROUND_COLORS)
def test_plain_backgrounds_have_their_color(name: str) -> None:
    for seed in range(10):
        picture = np.asarray(draw_background(Background("plain", (name,)), 64, random.Random(seed)))
        assert background_distance(picture, name) < DISTANCE


@pytest.mark.parametrize("kind", LANDSCAPES)
def test_landscapes_differ_and_blur(kind: str) -> None:
    sharp = np.asarray(draw_background(Background(kind, ()), 64, random.Random(1))).astype(int)
    blurred = np.asarray(draw_background(Background(kind, (), blurred=True), 64, random.Random(1))).astype(int)
    assert sharp.shape == (64, 64, 3)
    assert np.abs(np.diff(sharp, axis=0)).max() > np.abs(np.diff(blurred, axis=0)).max()


@pytest.mark.parametrize(("facing", "red_side"), [("facing left", "left"), ("facing right", "right")])
def test_mirrored_things_face_the_other_way(facing: str, red_side: str) -> None:
    sprite = np.full((40, 80, 4), 255, np.uint8)
    sprite[:, :40, :3], sprite[:, 40:, :3] = (222, 45, 52), (50, 115, 220)
    picture = drawn(Composer(SpriteBank({("car", "flat"): sprite}), hold_out=False), Thing("car", facing=facing))
    redness = picture[..., 0].astype(int) - picture[..., 2]
    assert (redness[:, 30:60].mean() > redness[:, 68:98].mean()) == (red_side == "left")


@pytest.mark.parametrize(("shadow", "darker"), [("left", "left"), ("right", "right")])
def test_hard_shadows_fall_where_it_says(composer: Composer, shadow: str, darker: str) -> None:
    plain, cast = drawn(composer, Thing("star")), drawn(composer, Thing("star"), shadow=shadow)
    changed = np.flatnonzero((plain.astype(int) - cast).sum(axis=(0, 2)))
    assert (changed.mean() < 63.5) == (darker == "left")


def test_light_tints_everything() -> None:
    gray = np.full((4, 4, 3), 128, np.uint8)
    assert np.array_equal(apply_light(gray, "even"), gray)
    warm, cool = apply_light(gray, "warm")[0, 0], apply_light(gray, "cool")[0, 0]
    assert warm[0] > warm[2]
    assert cool[2] > cool[0]
    assert apply_light(gray, "dim").max() < 90


def test_training_never_shows_the_held_out_pairs(composer: Composer) -> None:
    assert composer.unseen == held_out(list(CONCEPTS), composer.styles)
    assert composer.unseen
    scenes = [composer.random_scene(random.Random(seed)) for seed in range(600)]
    shown = {(thing.concept, scene.style) for scene in scenes for thing in scene.things}
    assert not shown & composer.unseen
    assert {concept for concept, _ in shown} == {concept for concept, _ in composer.pixels}
    assert len(shown) == len(composer.pixels) - len(composer.unseen)


def test_each_style_lacks_something() -> None:
    """The diagonal visits the styles in turn, so that no style is whole and no concept lacks two."""
    concepts = [f"thing {index:03}" for index in range(60)]
    styles = [*FIRST_STYLES, "glyph", "lineart"]
    pairs = held_out(concepts, styles)
    assert {style for _, style in pairs} == set(styles)
    assert len({concept for concept, _ in pairs}) == len(pairs) == 16


def test_what_was_never_shown_stays_so() -> None:
    """Styles and concepts that come later take nothing from the diagonal of those before."""
    names = [concept.name for concept in CONCEPT_BY_NAME.values()]
    first = [concept.name for concept in FIRST_CONCEPTS]
    assert held_out(first, [*FIRST_STYLES]) < held_out(names, [*FIRST_STYLES])
    assert held_out(names, [*FIRST_STYLES]) < held_out(names, [*FIRST_STYLES, "glyph", "lineart"])
    assert held_out(names, ["glyph"]) < held_out(names, ["another", "glyph", "lineart"])


@pytest.fixture
def icons(sprites: SpriteBank) -> Composer:
    """Things that are drawn in one colour, all of them."""
    return Composer(SpriteBank({(c, "glyph"): sprites.pixels[c, "flat"] for c in CONCEPTS}), 128, hold_out=False)


@pytest.mark.parametrize(
    ("background", "ink"),
    [
        (Background("plain", ("white",)), "black"),
        (Background("plain", ("navy blue",)), "white"),
        (Background("gradient", ("cream", "yellow")), "black"),
        (Background("night", ()), "white"),
        (Background("snow", ()), "black"),
    ],
)
def test_one_color_is_black_or_white_by_itself(icons: Composer, background: Background, ink: str) -> None:
    scene = Scene([Thing("apple")], "glyph", background)
    assert tuple(icons.draw(scene, random.Random(0))[64, 64]) == COLORS[ink]
    assert own_color(background) == ink


def test_one_color_may_be_any_that_is_asked_for(icons: Composer) -> None:
    scene = Scene([Thing("apple", recolored=True, colors=("green",))], "glyph", Background("plain", ("white",)))
    assert tuple(icons.draw(scene, random.Random(0))[64, 64]) == COLORS["green"]


def test_things_of_one_color_are_described_and_can_be_seen(icons: Composer) -> None:
    scenes = [icons.random_scene(random.Random(seed)) for seed in range(200)]
    things = [(thing, scene.background) for scene in scenes for thing in scene.things]
    assert 0.4 < sum(thing.recolored for thing, _ in things) / len(things) < 0.6
    for thing, background in things:
        assert len(thing.colors) == 1
        assert distance(thing.colors[0], background) > APART
        assert thing.recolored or thing.colors[0] in OWN


@pytest.mark.parametrize(
    ("name", "background"),
    [
        ("yellow", Background("gradient", ("black", "yellow"))),
        ("gray", Background("gradient", ("white", "black"))),
        ("blue", Background("beach", ())),
        ("black", Background("plain", ("navy blue",))),
    ],
)
def test_what_the_background_swallows_does_not_stand_apart(name: str, background: Background) -> None:
    assert not stands_apart(name, background)
