"""Phrases: every category is found, innocent senses are not, and the plain ways around are seen through."""

import pytest

from sartor.moderation.base import CATEGORIES
from sartor.moderation.text import PhraseModerator, base_forms

MODERATOR = PhraseModerator()

REFUSED = {
    "explicit": ["two people having sex", "hardcore porn scene", "erotic dancers", "a couple masturbating"],
    "non_explicit_nudity": ["a naked man on a beach", "nude women", "a topless model", "bare breasts"],
    "underwear": ["a woman in lingerie", "bras and panties", "man in boxer shorts"],
    "violence": [
        "a man stabbing another",
        "soldiers shooting civilians",
        "two guns",
        "murdered in the street",
        "terrorists",
    ],
    "disturbing": ["bloody corpses", "a severed head", "mutilated bodies", "self-harm scars"],
    "substances": ["lines of cocaine", "a man smoking cigarettes", "drug dealers", "heroin"],
    "gestures": ["a boy showing his middle finger", "flipping off the camera"],
    "gambling": ["a casino at night", "slot machines", "a poker table"],
    "hate": ["a swastika flag", "nazis marching", "ku klux klan rally"],
}
INNOCENT = [
    "grilled chicken breasts with rosemary",
    "a shooting star over a naked tree",
    "photo shoots in Middlesex",
    "children with water pistols",
    "a killer whale jumping",
    "blood oranges on a plate",
    "nude lipstick shades",
    "a great tit on a branch",
    "a hot glue gun and paper",
    "the girl shoots a basketball, shooting hoops",
    "bamboo shoots",
    "a bath bomb in pastel colors",
    "a bomber jacket on a chair",
    "a poker face emoji",
    "a red apple on a yellow background",
    "pussy willows in a vase",
    "Scunthorpe, Essex and Sussex in the rain",
    "a classic cocktail glass, assorted grapes, a bass guitar",
    "cut paper, kill two birds with one stone",
    "a horse snorting in the cold",
]


@pytest.mark.parametrize(("category", "text"), [(name, text) for name, texts in REFUSED.items() for text in texts])
def test_refused(category: str, text: str) -> None:
    finding = MODERATOR.check(f"a quiet street. {text}, flat style")
    assert finding is not None
    assert finding.category == category


def test_every_category_is_covered() -> None:
    assert set(REFUSED) == set(CATEGORIES)


@pytest.mark.parametrize("text", INNOCENT)
def test_innocent(text: str) -> None:
    assert MODERATOR.check(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "n u d e woman",
        "s.e.x",
        "n.a.k.e.d man",
        "NAKED",
        "nаked".replace("а", "á"),
        "p0rn",
        "nak\u200bed",
        "ｎｕｄｅ",
        "na\u00adked",
    ],
)
def test_disguised(text: str) -> None:
    assert MODERATOR.check(text) is not None


def test_an_innocent_phrase_excuses_only_its_own_words() -> None:
    assert MODERATOR.check("a shooting star and a man shooting a dog") is not None
    assert MODERATOR.check("chicken breast beside bare breasts") is not None


@pytest.mark.parametrize(
    ("word", "base"),
    [("stabbing", "stab"), ("knives", "knife"), ("panties", "panty"), ("killed", "kill"), ("raping", "rape"),
     ("murderers", "murderer"), ("bodies", "body"), ("buried", "bury"), ("woman's", "woman")],
)  # fmt: skip
def test_base_forms(word: str, base: str) -> None:
    assert base in base_forms(word)


def test_long_texts_are_quick() -> None:
    text = "a red apple, a blue bird and a shooting star over green grass. " * 200
    assert MODERATOR.check(text) is None
    assert MODERATOR.check(text + "a naked man") is not None


def test_nothing_is_innocent() -> None:
    assert MODERATOR.check("") is None
