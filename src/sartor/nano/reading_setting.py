"""What stands behind the things of a long prompt, in which light, with which shadow: part of `reading.py`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sartor.nano import reading_words as say
from sartor.nano.captions import Background
from sartor.nano.reading_text import lower, plainly, section

WORDS_APART = 2  # a colour that stands so close to a landscape's name is the landscape's


@dataclass(frozen=True)
class Hue:
    """A background colour that a text names, and where."""

    start: int
    name: str


def hues(text: str) -> list[Hue]:
    """Every background colour in a text, in order; a pale or deep shade under its own name where it has one."""
    found = []
    for match in say.COLOR.finditer(text):
        color, shade = match["color"], match["shade"]
        color = color if color in say.COLORS else color.replace("-", " ")
        name = say.COLORS[color]
        if shade and color in say.SHADES:
            name = say.SHADES[color][bool(re.fullmatch(say.DEEP, shade))]
        found.append(Hue(match.start(), name))
    return found


def background(prompt: Mapping[str, Any]) -> Background | None:
    """What stands behind; None where the prompt says nothing that the model knows."""
    own = plainly(prompt.get("background_setting"), colors=True)
    for text in (own, plainly(prompt.get("short_description"), colors=True)):
        colors = hues(text) if text is own else hues(_behind(text))
        lands = sorted(_lands(text))
        names = list(dict.fromkeys(hue.name for hue in colors))
        fading = say.GRADIENT.search(text)
        first = bool(lands) and fading is not None and lands[0][0] < fading.start()
        if fading and len(names) > 1 and (not first or "gradient" in text):
            return Background("gradient", (names[0], names[1]))
        if names and (not lands or _is_plain(text[: lands[0][0]], colors[0])):
            return Background("plain", (names[0],))
        if lands:
            depth = lower(section(prompt, "photographic_characteristics").get("depth_of_field"))
            blurred = bool(say.BLURRED.search(f"{text} {depth}"))
            kind = lands[0][1]
            return Background("beach" if kind == "sea" and say.SAND.search(text) else kind, (), blurred=blurred)
    return None


def _is_plain(before: str, color: Hue) -> bool:
    """Whether a text, up to its first landscape, is about a plain colour, and not the landscape's own ("blue sea")."""
    apart = len(before[color.start :].split()) > WORDS_APART
    return color.start < len(before) and apart and bool(say.PLAIN.search(before))


def _lands(text: str) -> Iterator[tuple[int, str]]:
    """Where a text first names each landscape, except as a shade ("wintry navy blue", "ocean blue")."""
    for kind, pattern in say.LANDSCAPE_WORDS.items():
        for match in pattern.finditer(text):
            if not say.SHADED.match(text[match.end() :]):
                yield match.start(), kind
                break


def _behind(summary: str) -> str:
    """What a summary says after "against", "on" or "in front of": its own colours are the thing's."""
    match = say.BEHIND.search(summary)
    return match[1] if match else ""


def light(text: str) -> str:
    """One of the composer's lights, of what `conditions` says."""
    if found := next((kind for kind, pattern in say.LIGHT_WORDS.items() if pattern.search(text)), None):
        return found
    if len(text.split()) > say.FEW_OF_LIGHT:
        return "even"
    return next((kind for kind, pattern in say.BARE_LIGHT_WORDS.items() if pattern.search(text)), "even")


def shadow(text: str) -> str:
    """One of the composer's shadows, of what `shadows` says."""
    if not text or say.NO_SHADOW.search(text):
        return "none"
    if bool(say.LEFT.search(text)) != bool(say.RIGHT.search(text)):
        return "left" if say.LEFT.search(text) else "right"
    return "soft" if say.SOFT_SHADOW.search(text) else "none"
