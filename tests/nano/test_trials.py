"""The evaluation asks the same every time, asks for what training never showed, and gives nothing away."""

import json
from collections import Counter
from pathlib import Path

import pytest

from sartor.nano.captions import Background, Scene, Thing
from sartor.nano.concepts import CONCEPTS
from sartor.nano.scene import Composer
from sartor.nano.sources import SpriteBank
from sartor.nano.trials import SHARES, UNKNOWN, Brand, Trial, ask, plan, plan_brand, plan_longhand, read_brand, readable
from sartor.nano.vocabulary import BACKGROUND_COLORS, LANDSCAPES, PLACES, SIZES, STYLES
from sartor.vgl import canonical, parse


@pytest.fixture(scope="module")
def trials(composer: Composer) -> list[Trial]:
    return plan(composer, 25)


def test_the_same_every_time(composer: Composer, trials: list[Trial]) -> None:
    assert plan(composer, 25) == trials
    assert plan(composer, 25, seed=1) != trials


def test_more_of_them_begin_with_the_same(composer: Composer, trials: list[Trial]) -> None:
    more = plan(composer, 40)
    for kind in SHARES:
        few = [trial.prompt for trial in trials if trial.kind == kind]
        assert [trial.prompt for trial in more if trial.kind == kind][: len(few)] == few


def test_long_prompts_are_about_things_that_it_knows() -> None:
    told = plan_longhand(300)
    assert [trial.seed for trial in told] == list(range(1, 225))
    assert Counter(trial.kind for trial in told) == {"longhand": 148, "kept longhand": 76}
    assert Counter(trial.scene.style for trial in told[200:]) == {"pixelart": 24}
    about = {trial.thing.concept for trial in told}
    assert about <= {concept.name for concept in CONCEPTS}
    assert len(about) > 100
    assert {trial.scene.style for trial in told} == {style.name for style in STYLES}
    for trial in told:
        parse(trial.prompt)
        assert trial.thing.place in PLACES
        assert trial.thing.size in SIZES
        assert all(color in BACKGROUND_COLORS for color in trial.scene.background.colors)
        assert trial.scene.background.kind in {"plain", *LANDSCAPES, UNKNOWN.kind}
    assert sum(trial.scene.background == UNKNOWN for trial in told) < 20
    assert plan_longhand(7) == told[:7]


def test_seeds_in_order_and_all_kinds(trials: list[Trial]) -> None:
    assert [trial.seed for trial in trials] == list(range(1, len(trials) + 1))
    assert {kind: sum(trial.kind == kind for trial in trials) for kind in SHARES} == {
        kind: max(1, round(25 * share)) for kind, share in SHARES.items()
    }


def pair_of(trial: Trial) -> tuple[str, str]:
    assert trial.scene.style is not None
    return trial.thing.concept, trial.scene.style


def test_unseen_pairs_are_unseen_and_all_others_seen(composer: Composer, trials: list[Trial]) -> None:
    for trial in trials:
        assert (pair_of(trial) in composer.unseen) == (trial.kind == "unseen")


def test_control_changes_one_field(composer: Composer, trials: list[Trial]) -> None:
    for trial in trials:
        if trial.kind == "recolor":
            assert trial.changed is not None
            assert trial.changed.things[0].recolored
            assert not set(trial.changed.things[0].colors) & set(composer.colors_of(*pair_of(trial))), "a new colour"
            assert trial.changed.background == trial.scene.background
            assert trial.changed_prompt != trial.prompt
        elif trial.kind == "background":
            assert trial.changed is not None
            assert trial.changed.things == trial.scene.things
            assert trial.changed.background != trial.scene.background
        else:
            assert trial.changed is None


def test_what_the_rules_cannot_read_is_not_asked(composer: Composer) -> None:
    assert readable(composer, Scene([Thing("apple")], "flat", Background("plain", ("white",))))
    assert not readable(composer, Scene([Thing("apple")], "flat", Background("plain", ("red",)))), "red on red"


def test_where_nothing_can_be_read_nothing_is_asked(sprites: SpriteBank) -> None:
    blank = {key: sprite.copy() for key, sprite in list(sprites.pixels.items())[:2]}
    for sprite in blank.values():
        sprite[..., 3] = 0
    assert plan(Composer(SpriteBank(blank)), 10) == []


def test_prompts_do_not_give_the_sprite_away() -> None:
    thing = Thing("apple", colors=("red",))
    asked = json.loads(ask(Scene([thing])))
    assert "shape_and_color" not in asked["objects"][0]
    assert "color_scheme" not in asked["aesthetics"]
    thing.recolored = True
    asked = json.loads(ask(Scene([thing])))
    assert asked["objects"][0]["description"] == "red apple"
    assert asked["objects"][0]["shape_and_color"] == "red"


def test_prompts_are_what_the_service_would_send(trials: list[Trial]) -> None:
    for trial in trials:
        assert canonical(parse(trial.prompt)) == trial.prompt


@pytest.fixture
def brand(tmp_path: Path) -> Brand:
    schema = {"style_medium": "ink", "background_setting": "plain sky blue background"}
    captions = {
        "a.png": json.dumps({"objects": [{"description": "red apple"}, {"description": "cat"}]}),
        "b.png": json.dumps({"short_description": "a moon"}),
    }
    (tmp_path / "model.json").write_text(json.dumps({"visual_schema": schema}))
    (tmp_path / "captions.json").write_text(json.dumps(captions))
    return read_brand(tmp_path)


def test_a_brand_is_asked_for_what_its_images_do_not_show(brand: Brand) -> None:
    assert brand.shown == {"apple", "cat"}
    trials = plan_brand(["apple", "car", "cat", "fish"], brand, 6)
    assert {trial.thing.concept for trial in trials} == {"car", "fish"}
    assert [trial.seed for trial in trials] == [1, 2, 3, 4, 5, 6]


def test_a_brands_prompts_wear_its_look(brand: Brand) -> None:
    assert brand.background == "sky blue", "not just blue"
    prompt = json.loads(plan_brand(["car"], brand, 1)[0].prompt)
    assert prompt["style_medium"] == "ink"
    assert prompt["background_setting"] == "plain sky blue background"
    assert prompt["objects"][0]["description"] == "car"
