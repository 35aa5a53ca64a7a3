"""Between the captions' fixed wording and the words' meaning: what is phrased how, and read back from a phrase."""

from __future__ import annotations

import re

from sartor.bridge.english.almanac import WEATHER_WORDS
from sartor.bridge.english.colors import background_color
from sartor.bridge.english.grammar import Ground
from sartor.bridge.english.patterns import literally
from sartor.nano.captions import Background, Scene, article, phrase_background, phrase_thing, summary
from sartor.nano.vocabulary import BACKGROUND_COLORS, LANDSCAPES, LIGHTING, NUMBERS, SHADOWS, STYLES

BLURRED = {True: "blurred background", False: "everything in focus"}
_PLAIN = re.compile(r"plain (.+) background")
_GRADIENT = re.compile(r"gradient from (.+) to (.+)")
_ANY = Background()


def background_of(ground: Ground | None, *, blurred: bool = False) -> tuple[Background, str | None]:
    """The captions' background; for free words a stand-in, and the words."""
    if ground is None:
        return Background(blurred=blurred), None
    if ground.kind == "free":
        return Background(blurred=blurred), ground.text
    colors = tuple(background_color(color) for color in ground.colors)
    if ground.kind == "gradient" and colors[0] == colors[-1]:
        return Background("plain", colors[:1], blurred), None
    return Background(ground.kind, colors, blurred), None


def read_background(text: str | None) -> tuple[Background, str | None]:
    """The inverse: a background in the captions' wording, or a stand-in and the free words."""
    if not text:
        return Background(), None
    for kind, phrase in LANDSCAPES.items():
        if text == phrase:
            return Background(kind, ()), None
    if (match := _PLAIN.fullmatch(text)) and match.group(1) in BACKGROUND_COLORS:
        return Background("plain", (match.group(1),)), None
    if (match := _GRADIENT.fullmatch(text)) and all(color in BACKGROUND_COLORS for color in match.groups()):
        return Background("gradient", match.groups()), None
    return Background(), text


def read_style(medium: str | None) -> str | None:
    """The model's style of this ``style_medium``."""
    return next((style.name for style in STYLES if style.style_medium == medium), None)


def read_light(conditions: str | None) -> str:
    return next((light for light, phrase in LIGHTING.items() if phrase == conditions), "even")


def read_shadow(shadows: str | None) -> str:
    return next((shadow for shadow, phrase in SHADOWS.items() if phrase == shadows), "none")


def summarize(scene: Scene, words: list[str], setting: str | None) -> str:
    """``captions.summary`` with a background in free words, numbers past five, and scenes without things."""
    if not scene.things:
        shown = setting or phrase_background(scene.background)
        return shown[:1].upper() + shown[1:]
    sentence = summary(scene, words)
    for thing, word in zip(scene.things, words, strict=True):
        if thing.count >= len(NUMBERS):
            phrase = phrase_thing(thing, word)
            number = phrase.replace(NUMBERS[-1], str(thing.count), 1)
            sentence = re.sub(re.escape(phrase), literally(number), sentence, count=1, flags=re.IGNORECASE)
    if setting is not None:
        sentence = f"{sentence.removesuffix(f' on {article(phrase_background(_ANY))}')} {before(setting)}"
    return sentence


def before(setting: str) -> str:
    """A background in free words, as a summary's end: "in front of a wooden pier", "in the rain"."""
    if setting.rsplit(" ", 1)[-1] in WEATHER_WORDS:
        return f"in the {setting}"
    bare = re.match(r"(an?|the|some) |.*s$|[A-Z]", setting)
    return f"in front of {setting if bare else article(setting)}"
