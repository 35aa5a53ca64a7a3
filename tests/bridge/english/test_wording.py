import pytest

from sartor.bridge.english.grammar import Ground
from sartor.bridge.english.wording import background_of, read_background, read_light, read_shadow, read_style, summarize
from sartor.nano.captions import Background, Scene, Thing, phrase_background, summary
from sartor.nano.vocabulary import BACKGROUND_COLORS, LANDSCAPES, LIGHTING, SHADOWS, STYLES


def test_every_background_that_the_captions_phrase_is_read_back():
    backgrounds = [Background(kind, ()) for kind in LANDSCAPES]
    backgrounds += [Background("plain", (color,)) for color in BACKGROUND_COLORS]
    backgrounds += [Background("gradient", (color, "red")) for color in BACKGROUND_COLORS]
    for background in backgrounds:
        assert read_background(phrase_background(background)) == (background, None)


def test_other_words_stay_words():
    assert read_background("plain chequered background")[1] == "plain chequered background"
    assert read_background("a castle")[1] == "a castle"
    assert read_background(None) == (Background(), None)


def test_look_fields_are_read_back():
    assert [read_light(phrase) for phrase in LIGHTING.values()] == list(LIGHTING)
    assert [read_shadow(phrase) for phrase in SHADOWS.values()] == list(SHADOWS)
    assert [read_style(style.style_medium) for style in STYLES] == [style.name for style in STYLES]
    assert read_style("photograph") is None


def test_a_gradient_of_one_colour_is_plain():
    assert background_of(Ground("gradient", ("navy", "navy blue")))[0] == Background("plain", ("navy blue",))


def test_the_captions_own_summary_where_they_have_one():
    scene = Scene([Thing("apple"), Thing("cat", "top left", count=3)])
    assert summarize(scene, ["apple", "cat"], None) == summary(scene)


@pytest.mark.parametrize(
    ("things", "setting", "sentence"),
    [
        ([Thing("fox")], "dark forest", "A fox in front of a dark forest"),
        ([Thing("fox")], "the old town", "A fox in front of the old town"),
        ([Thing("star", count=9)], None, "9 stars on a plain white background"),
        ([], None, "Plain white background"),
        ([], "dark forest", "Dark forest"),
    ],
)
def test_what_the_captions_have_no_words_for(things: list[Thing], setting: str | None, sentence: str):
    assert summarize(Scene(things), [thing.concept for thing in things], setting) == sentence
