"""How the embedded model reads a long structured prompt: in its own words.

A language model writes two hundred words about one apple; the model has learned from the composer's fifty
(`captions.py`), and of many words it hears the wrong ones. `condense` finds in a long prompt what the model can draw:
the things by name, their place, size, number and turn, style, background, light and shadow; and says it as the composer
would. A prompt in few words goes through as it is, to the byte, and so does one about nothing that the model knows.

What it does not find it leaves out; texts that it has no word for stay where they are short (a brand's style, say).
The checkpoint names this reader in `model_index.json` ("reader": "composer"), so it is part of the checkpoint's hash;
VERSION is part of the fingerprint.
"""

from __future__ import annotations

import functools
import json
import re
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from sartor.fibo.readers import Reader
from sartor.nano import reading_setting as setting
from sartor.nano import reading_words as say
from sartor.nano.captions import IN_PLURAL, Background, Scene, Thing, compact, describe
from sartor.nano.concepts import CONCEPT_BY_NAME
from sartor.nano.reading_colors import NATURAL_COLORS
from sartor.nano.reading_text import lower, plainly, section
from sartor.nano.vocabulary import COLOR_SYNONYMS, COLORS, MIRRORED, PLACES, UNMIRRORED
from sartor.vgl import texts

VERSION = "composer 5"  # raised by every change of what is read
FEW_WORDS, FEW_IN_SUMMARY = 10, 40  # a text of so many is left alone
MOST_THINGS = 3
MOST_COLORS = 2
REACH = 40  # characters around a name that may say it means something else
SECTIONS = ("lighting", "aesthetics", "photographic_characteristics")


def condense(text: str) -> str:
    """The text that the model reads instead: JSON in the composer's words, or the very same text."""
    try:
        prompt = json.loads(text)
    except (ValueError, RecursionError):
        return text
    if not isinstance(prompt, dict) or not is_long(prompt):
        return text
    scene = read(prompt)
    return text if scene is None else compact(_retold(prompt, scene))


def is_long(prompt: Mapping[str, Any]) -> bool:
    """Whether one of its texts has more words than the composer ever writes there."""
    rest = {key: value for key, value in prompt.items() if key != "short_description"}
    summary = str(prompt.get("short_description") or "")
    return len(summary.split()) > FEW_IN_SUMMARY or any(len(text.split()) > FEW_WORDS for text in texts(rest))


def read(prompt: Mapping[str, Any]) -> Scene | None:
    """What a prompt shows, as far as the model knows it; None where none of its things is known."""
    things = _things(prompt)
    if not things:
        return None
    lighting = section(prompt, "lighting")
    light = setting.light(plainly(lighting.get("conditions")))
    shadow = setting.shadow(lower(lighting.get("shadows")))
    return Scene(things, _style(prompt), setting.background(prompt) or Background("plain", ()), light, shadow)


@dataclass(frozen=True)
class Mention:
    """A known thing that a text names: where, and how much that says: by its own name 1, by another ("cup") half."""

    start: int
    concept: str
    weight: float


@functools.lru_cache(maxsize=32)  # of one prompt the same few texts are asked for again and again
def mentions(text: str) -> tuple[Mention, ...]:
    """The known things that a text names, in order; `text` as `plainly` leaves it."""
    found = []
    for match in say.NAME.finditer(text):
        name = match[0]
        before, after = text[max(0, match.start() - REACH) : match.start()], text[match.end() : match.end() + REACH]
        if name in say.AS_A_COLOR and not say.NO_NOUN.match(after):
            continue
        if (ahead := say.NEXT_NAME.match(after)) and _own(ahead[1]) and say.NAMES[ahead[1]] is not say.NAMES[name]:
            continue  # "ring doughnut"
        if name in say.NOT_BEFORE and re.match(say.NOT_BEFORE[name], after):
            continue
        if name in say.NOT_AFTER and re.search(say.NOT_AFTER[name], before):
            continue
        concept = say.NAMES[name]
        found.append(Mention(match.start(), concept.name, 1.0 if _own(name) else 0.5))
    return tuple(found)


def _own(name: str) -> bool:
    """Whether a thing is called so first of all, and not besides."""
    own = say.NAMES[name].name, say.NAMES[name].plural_name
    return name in own or name.replace("-", " ") in own


def _things(prompt: Mapping[str, Any]) -> list[Thing]:
    summary = plainly(prompt.get("short_description"))
    objects = prompt.get("objects")
    listed = [entry for entry in objects if isinstance(entry, Mapping)] if isinstance(objects, list) else []
    said: dict[str, float] = defaultdict(float)
    for each in (each for text in texts(prompt) for each in mentions(plainly(text))):
        said[each.concept] += each.weight
    if not listed:
        named = mentions(summary)
        return [_thing({}, named[0].concept, summary)] if named else []
    things: list[Thing] = []
    for entry in listed:
        concept = _concept(plainly(entry.get("description")), summary, said, first=not things)
        if concept is None or (things and _is_part(entry, concept, things, summary)):
            continue
        things.append(_thing(entry, concept, summary))
        if len(things) == MOST_THINGS:
            break
    if not things and (named := mentions(summary)):
        things = [_thing(listed[0], named[0].concept, summary)]
    return things


def _concept(description: str, summary: str, said: Mapping[str, float], *, first: bool) -> str | None:
    """Which thing an object is: what its description names first, unless the summary is about another that it names, or
    the whole prompt speaks of another more often."""
    named, about = mentions(description), mentions(summary)
    if not named:
        return about[0].concept if first and about else None
    possible = dict.fromkeys(each.concept for each in (*named, *(about[:1] if first else [])))
    scores = {concept: 0.5 * min(said[concept], 6) for concept in possible}
    scores[named[0].concept] += 2 * named[0].weight
    for each in {each.concept: each for each in reversed(about)}.values():
        if any(other.concept == each.concept for other in named):
            scores[each.concept] += 2 * each.weight
    if first and about:
        scores[about[0].concept] += 3 * about[0].weight
    return max(scores, key=lambda concept: scores[concept])


def _is_part(entry: Mapping[str, Any], concept: str, things: list[Thing], summary: str) -> bool:
    """Whether a further object is a part of, or again, one that is there already; or a small one that the summary does
    not speak of."""
    description, beside = plainly(entry.get("description")), lower(entry.get("relationship"))
    here = next(each.start for each in mentions(description) if each.concept == concept)
    if say.WITHIN.search(description[:here]) or say.OWNER.match(description[here:]) or say.BELONGS.search(beside):
        return True
    spoken_of = any(each.concept == concept for each in mentions(summary))
    if not spoken_of and _size(lower(entry.get("relative_size"))) == "small":
        return True
    if any(thing.concept == concept for thing in things):
        return _place(lower(entry.get("location"))) in {None, *(thing.place for thing in things)}
    return bool(say.COMPANY.search(beside)) and not say.BESIDE.search(beside)


def _thing(entry: Mapping[str, Any], concept: str, summary: str) -> Thing:
    thing = Thing(concept, _place(lower(entry.get("location"))) or "center", _size(lower(entry.get("relative_size"))))
    thing.count = _count(entry, concept, summary)
    if thing.count > 1:
        thing.place, thing.size = "center", "medium" if thing.count == 2 else "small"
    turn = lower(entry.get("orientation"))
    thing.orientation = _turn(turn)
    if CONCEPT_BY_NAME[concept].faces:
        thing.facing = MIRRORED if say.TO_THE_RIGHT.search(turn) else UNMIRRORED
    color = _own_color(concept, plainly(entry.get("description"))) or _own_color(concept, summary)
    color = color or _all_over(concept, plainly(entry.get("shape_and_color")))
    if color and color not in NATURAL_COLORS.get(concept, ()):
        thing.recolored, thing.colors = True, (color,)
    return thing


def _turn(text: str) -> str:
    """One of the composer's orientations; a tilt only where the whole thing is said to be tilted, and by as much as the
    composer tilts."""
    if say.UPSIDE_DOWN.search(text):
        return "upside down"
    for clause in re.split("[.,;]", say.NEGATION.sub(" ", text)):
        if (tilted := say.TILTED.search(clause)) is None:
            continue
        before = clause[: tilted.start()]
        said = say.COPULA.split(before)[-1] + clause[tilted.start() :]
        if say.FAINTLY.search(said) or say.PARTS.search(before):
            continue
        degrees = say.DEGREES.search(clause)
        if degrees and int(say.DEGREE_WORDS.get(degrees[1], degrees[1])) < say.LEAST_DEGREES:
            continue
        return f"tilted to the {'left' if (tilted[1] or tilted[2]) in say.TILTED_LEFT else 'right'}"
    return "upright"


def _own_color(concept: str, text: str) -> str | None:
    """The colour right before the thing's name: "a blue apple". Of two ("gray-brown") one that it has anyway."""
    for each in mentions(text):
        if each.concept != concept:
            continue
        before = re.search(r"(?:([a-z]+)-)?([a-z]+)[ -]$", text[max(0, each.start - REACH) : each.start])
        named = [_color(word) for word in before.groups() if word] if before else []
        if named and named[-1]:
            return next((color for color in named if color in NATURAL_COLORS.get(concept, ())), named[-1])
    return None


def _color(word: str) -> str | None:
    if word in COLORS:
        return word
    return COLOR_SYNONYMS.get(word) if word not in say.NAMES else None


def _all_over(concept: str, text: str) -> str | None:
    """The first colour that `shape_and_color` names, unless it names one that the thing has anyway, or more than two.

    What follows "with" is an accent, and what is said after a comma is about a part.
    """
    text = text.partition(" with ")[0]
    named = _colors(text)
    if len(named) > MOST_COLORS or set(named) & NATURAL_COLORS.get(concept, frozenset()):
        return None
    return next(iter(_colors(" ".join(part.split(",")[0] for part in text.split(";")[:2]))), None)


def _colors(text: str) -> list[str]:
    """The things' colours that a text names, in order."""
    words = [match[0].replace("-", " ") for match in say.OWN_COLOR.finditer(text)]
    return list(dict.fromkeys(COLOR_SYNONYMS.get(word, word) for word in words))


def _place(text: str) -> str | None:
    """One of the nine places; None where the text names none."""
    text = say.BESIDE_THE_POINT.sub(" ", say.NEGATION.sub(" ", text))
    if say.MIDDLE.search(first := re.split("[,;.]", text)[0]) and not say.NOT_THE_MIDDLE.search(first):
        return "center"
    rows = ["top"] * bool(say.TOP.search(text)) + ["bottom"] * bool(say.BOTTOM.search(text))
    columns = ["left"] * bool(say.LEFT.search(text)) + ["right"] * bool(say.RIGHT.search(text))
    row = rows[0] if len(rows) == 1 else ""
    column = columns[0] if len(columns) == 1 else ""
    if not row and not column:
        return "center" if say.MIDDLE.search(text) or rows or columns else None
    place = f"{row or 'center'} {column or 'center'}"
    return place if place in PLACES else None


def _size(text: str) -> str:
    if percent := say.PERCENT.search(text):
        share = int(percent[1])
        return "small" if share < 33 else "medium" if share < 52 else "large"
    found = {size: match.start() for size, pattern in say.SIZE_WORDS.items() if (match := pattern.search(text))}
    return min(found, key=lambda size: found[size]) if found else "large"


def _count(entry: Mapping[str, Any], concept: str, summary: str) -> int:
    given = entry.get("number_of_objects")
    if isinstance(given, int):
        return min(max(given, 1), 5)
    if given is not None:
        for word in re.findall(r"[a-z]+|\d", lower(given)):
            if word in say.NUMBERS or word in "12345":
                return say.NUMBERS.get(word) or int(word)
        return 1
    if concept in IN_PLURAL:  # "a pair of cherries" is one
        return 1
    names = "|".join(re.escape(name) for name, known in say.NAMES.items() if known.name == concept)
    several = re.compile(say.SEVERAL.format(names=names))
    for text in (plainly(entry.get("description")), summary):
        if match := several.search(text):
            return say.NUMBERS[match[1].split()[0]]
    return 1


def _style(prompt: Mapping[str, Any]) -> str | None:
    """The house style that a prompt asks for; None where it says so in words of its own, or not at all."""
    medium = plainly(prompt.get("style_medium"))
    counted = {style: len({match[0] for match in words.finditer(medium)}) for style, words in say.STYLE_WORDS.items()}
    if medium and (not is_house_style(medium) or say.OTHER_MEDIA.search(medium)):
        return None
    if counted["pixelart"]:  # pixel art is called flat, vector or cartoon besides, not the other way round
        return "pixelart"
    plain = next((style for style, words in say.ONE_COLOR_WORDS.items() if words.search(medium)), None)
    if plain and not counted["cartoon"] and not counted["soft3d"]:
        return plain
    scores = Counter({style: 3 * count for style, count in counted.items()})
    for field in ("artistic_style", "short_description"):
        text = plainly(prompt.get(field))
        for style, words in say.STYLE_WORDS.items():
            scores[style] += len({match[0] for match in words.finditer(text)})
    best, score = max(scores.items(), key=lambda item: item[1])
    return best if score else None


def is_house_style(medium: str) -> bool:
    """Whether a style_medium names one of the house styles, or says only what could be said of any: a brand's own words
    do neither."""
    if any(words.search(medium) for words in (*say.ONE_COLOR_WORDS.values(), *say.STYLE_WORDS.values())):
        return True
    return len(medium.split()) > FEW_WORDS or not re.search(r"\w", say.STYLE_TALK.sub(" ", medium))


def _retold(prompt: Mapping[str, Any], scene: Scene) -> dict[str, Any]:
    """The scene in the composer's words, with the sections that the prompt has."""
    named = bool(scene.background.colors) or scene.background.kind != "plain"
    told = describe(scene if named else replace(scene, background=Background()))
    del told["aesthetics"]["color_scheme"], told["aesthetics"]["mood_atmosphere"]
    if not named:
        told["short_description"] = told["short_description"].rsplit(" on a ", 1)[0]
        told["background_setting"] = _shortened(prompt.get("background_setting"))
    kept = {key: value for key, value in told.items() if key not in SECTIONS or key in prompt}
    if scene.style is None:
        for key in ("style_medium", "artistic_style"):
            if prompt.get(key):
                kept[key] = _shortened(prompt[key])
    elif "style_medium" not in prompt:
        del kept["style_medium"]
    return {key: value for key, value in kept.items() if value}


def _shortened(value: Any) -> str:
    return " ".join(str(value or "").split()[:FEW_WORDS])


READER = Reader(VERSION, condense)
