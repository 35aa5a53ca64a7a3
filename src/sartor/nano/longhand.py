"""A scene in many words: as a person, or a large language model, would describe what the composer drew.

`captions.py` always says the same thing the same way. Others bury "apple" in forty words of praise, call a plain
backdrop seamless and uncluttered, and add textures, moods and uses that no picture shows. `elaborate` writes such a
prompt of a scene, true in what it says of things, style, background, place, size and light, and full of what does not
matter; the text encoder learns from it what to listen to.
"""

from __future__ import annotations

import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sartor.nano import longhand_words as say
from sartor.nano.captions import (
    Scene,
    Thing,
    article,
    color_scheme,
    composition,
    describe,
    name_thing,
    phrase_colors,
    relationship,
)
from sartor.nano.concepts import CONCEPT_BY_NAME, CONCEPTS
from sartor.nano.longhand_filler import FILLER
from sartor.nano.vocabulary import BACKGROUND_COLOR_SYNONYMS, NUMBERS, UNMIRRORED

SLOT = re.compile(r"\{(\w+)\}")
COLOR_NAMES: dict[str, tuple[str, ...]] = {}
for _synonym, _color_name in BACKGROUND_COLOR_SYNONYMS.items():
    COLOR_NAMES[_color_name] = (*COLOR_NAMES.get(_color_name, (_color_name, _color_name)), _synonym)
KEEP_ORDER = 0.7  # share of prompts whose fields stand in the public order
LEAVE_OUT = 0.25  # of the fields that pictures can do without
SYNONYM = 0.3
CAPITAL = 0.6
RAMBLE = 0.6  # at most, of a prompt's texts


@dataclass(frozen=True)
class Filler:
    """English that is said and does not matter: what {word} and {phrase} stand for. Neither may be empty."""

    words: Sequence[str]
    phrases: Sequence[str]


class Writer:
    """Fills slots from one random generator and what is said beside the point."""

    def __init__(self, rng: random.Random, filler: Filler):
        self.rng, self.filler = rng, filler

    def write(self, template: str, given: Mapping[str, str] | None = None) -> str:
        """The template with each slot filled by `given`, else by an entry of FILLER, itself filled."""

        def fill(match: re.Match[str]) -> str:
            name = match[1]
            if given and name in given:
                return given[name]
            if name == "word":
                return self.rng.choice(self.filler.words)
            if name == "phrase":
                return self.rng.choice(self.filler.phrases)
            if name == "name":
                return "subject"
            if name == "other":
                return self.rng.choice(CONCEPTS).plural_name
            if name == "another":
                return article(self.rng.choice(CONCEPTS).name)
            return self.write(self.rng.choice(FILLER[name]), given)

        return SLOT.sub(fill, template)

    def one(self, templates: Sequence[str], given: Mapping[str, str] | None = None) -> str:
        return self.write(self.rng.choice(templates), given)

    def sentences(self, least: int, most: int, name: str = "subject") -> str:
        """Between `least` and `most` sentences about `name` that say nothing a picture shows, each after a space."""
        return "".join(" " + self.write("{sentence}", {"name": name}) for _ in range(self.rng.randint(least, most)))


def elaborate(scene: Scene, rng: random.Random, filler: Filler) -> dict[str, Any]:
    """A long structured prompt of the scene: about 70 to 620 words, fields mostly in the public order."""
    writer = Writer(rng, filler)
    wordy = rng.random() ** 0.7  # how much is said beside the point
    called = [_name(thing, rng) for thing in scene.things]
    about = {"name": scene.things[0].concept, "composition": composition(scene.things)}
    background = _background(scene, writer)
    style = say.STYLES[scene.style] if scene.style else None
    prompt: dict[str, Any] = {}
    setting = background if rng.random() < 0.5 else _background(scene, writer)
    prompt["short_description"] = _summary(scene, called, setting, writer, wordy)
    prompt["objects"] = [
        _thing(thing, scene.things, name, writer, wordy) for thing, name in zip(scene.things, called, strict=True)
    ]
    if len(scene.things) == 1:
        prompt["objects"] += [_part(called[0], writer) for _ in range(rng.choice((0, 0, 0, 1, 1, 2)))]
    prompt["background_setting"] = background + (writer.sentences(0, 1) if rng.random() < 0.3 else "")
    prompt["lighting"] = {
        "conditions": writer.one(say.LIGHT[scene.light], about),
        "direction": writer.one(say.DIRECTIONS[scene.shadow], about),
        "shadows": writer.one(say.SHADOWS[scene.shadow], about),
    }
    prompt["aesthetics"] = {
        "composition": writer.one(say.COMPOSITIONS, about),
        "color_scheme": rng.choice([color_scheme(scene), writer.write("{feeling} {tint} tones with {tint} accents")]),
        "mood_atmosphere": writer.write("{feeling}, {feeling}, {praise}"),
        "preference_score": writer.write("{grade}"),
        "aesthetic_score": writer.write("{grade}"),
    }
    blurred = "shallow, with a softly blurred background"
    prompt["photographic_characteristics"] = {
        "depth_of_field": blurred if scene.background.blurred else writer.one(say.DEEP_FOCUS),
        "focus": writer.write("{focus}"),
        "camera_angle": writer.write("{angle}"),
        "lens_focal_length": writer.write("{lens}"),
    }
    if style:
        prompt["style_medium"] = writer.one(style["medium"])
    prompt["context"] = writer.write("{context}")
    if style:
        prompt["artistic_style"] = writer.one(style["look"])
    rambling: dict[str, Any] = _ramble(_thinned(prompt, rng), writer, rng.random() * RAMBLE)
    return rambling


def _ramble(value: Any, writer: Writer, share: float) -> Any:
    """The prompt with an unconnected phrase beside what is said, in this share of its texts."""
    if isinstance(value, dict):
        return {name: _ramble(part, writer, share) for name, part in value.items()}
    if isinstance(value, list):
        return [_ramble(part, writer, share) for part in value]
    if not isinstance(value, str) or writer.rng.random() >= share:
        return value
    return writer.one(say.RAMBLES, {"said": value})


def in_short(scene: Scene, prompt: Mapping[str, Any]) -> dict[str, Any]:
    """The scene in the composer's own words, with the sections and fields that the long prompt has."""
    short = describe(scene)
    for key in ("lighting", "aesthetics", "photographic_characteristics"):
        if key not in prompt:
            del short[key]
        else:
            short[key] = {name: text for name, text in short[key].items() if name in prompt[key]} or short[key]
    if not {"style_medium", "artistic_style", "short_description"} & set(prompt):
        short.pop("style_medium", None)
    if "artistic_style" not in prompt:
        short.pop("artistic_style", None)
    for entry, told in zip(short["objects"], prompt["objects"], strict=False):
        if "orientation" not in told:
            entry.pop("orientation")
    return short


def _thinned(prompt: dict[str, Any], rng: random.Random) -> dict[str, Any]:
    """Without some fields that pictures can do without, in another order now and then."""
    for key in ("lighting", "aesthetics", "photographic_characteristics", "context", "artistic_style"):
        if rng.random() < LEAVE_OUT:
            prompt.pop(key, None)
    for section in prompt.values():
        if isinstance(section, dict):
            for name in list(section):
                if rng.random() < LEAVE_OUT and len(section) > 1:
                    del section[name]
    if rng.random() < LEAVE_OUT / 2:
        del prompt["short_description"]
    if rng.random() > KEEP_ORDER:
        keys = rng.sample(list(prompt), len(prompt))
        prompt = {key: prompt[key] for key in keys}
    return prompt


def _name(thing: Thing, rng: random.Random) -> str:
    """A noun phrase for the thing: its name, a synonym, its number and its colour."""
    concept = CONCEPT_BY_NAME[thing.concept]
    word = rng.choice(concept.synonyms) if concept.synonyms and rng.random() < SYNONYM else None
    name = name_thing(thing, word)
    if thing.count == 1 and thing.colors and not thing.recolored and rng.random() < SYNONYM / 2:
        name = f"{thing.colors[0]} {name}"
    return name


def _praised(name: str, thing: Thing, writer: Writer) -> str:
    """The noun phrase with what else there is to say about such a thing: "a plump, cheerful apple"."""
    traits = [writer.write("{trait}") for _ in range(writer.rng.randint(0, 3))]
    if thing.count > 1:
        number, rest = name.split(" ", 1)
        return " ".join([number, *traits[:1], rest])
    if writer.rng.random() < 0.15:
        name = f"{writer.write('{word}')} {name}"
    if writer.rng.random() < 0.1:
        return " ".join(["one", *traits[:1], name])
    return article(", ".join(traits) + (" " if traits else "") + name)


def _color(name: str, rng: random.Random) -> str:
    return rng.choice(COLOR_NAMES.get(name, (name,)))


def _background(scene: Scene, writer: Writer) -> str:
    background = scene.background
    given = {"name": scene.things[0].concept}
    if background.kind in say.LANDSCAPES:
        return _start(writer.one(say.LANDSCAPES[background.kind], given), writer.rng)
    colors = [_color(name, writer.rng) for name in background.colors]
    given |= {"color": colors[0], "other_color": colors[-1]}
    return _start(writer.one(say.GRADIENT if background.kind == "gradient" else say.PLAIN, given), writer.rng)


def _start(text: str, rng: random.Random) -> str:
    """The text with a capital at its start, more often than not."""
    return text[:1].upper() + text[1:] if rng.random() < CAPITAL else text


def _summary(scene: Scene, called: list[str], setting: str, writer: Writer, wordy: float) -> str:
    names = [_praised(name, thing, writer) for name, thing in zip(called, scene.things, strict=True)]
    listed = names[0] if len(names) == 1 else ", ".join(names[:-1]) + " and " + names[-1]
    medium = writer.one(say.STYLES[scene.style]["medium"]) if scene.style else "image"
    setting = setting[0].lower() + setting[1:].rstrip(".")
    given = {"things": listed, "medium": medium, "article_medium": article(medium), "name": scene.things[0].concept}
    opening = writer.one(say.SUMMARIES, {**given, "article_praise": article(writer.write("{praise}"))})
    place = scene.things[0].place
    if len(scene.things) == 1 and (place != "center" or writer.rng.random() < 0.3):
        opening += f", {writer.one(say.PLACES[place])}"
    joint = writer.rng.choice((", set against ", " with this behind: ", ". Background: ", ", in front of "))
    if writer.rng.random() < 0.6:
        opening += joint + setting
    return opening[:1].upper() + opening[1:] + "." + writer.sentences(0, round(6 * wordy), scene.things[0].concept)


def _thing(thing: Thing, things: list[Thing], name: str, writer: Writer, wordy: float) -> dict[str, Any]:
    rng = writer.rng
    about = {"name": thing.concept, "number_of_things": NUMBERS[min(thing.count, len(NUMBERS) - 1)]}
    description = writer.one(say.THINGS, {**about, "thing": _praised(name, thing, writer)})
    description = description[:1].upper() + description[1:] + "."
    orientation = writer.one(say.ORIENTATIONS[thing.orientation])
    if thing.facing and thing.facing != UNMIRRORED:
        orientation = f"{orientation}, {thing.facing}"
    stands = relationship(thing, things)
    if len(things) == 1:
        stands = writer.one(say.ALONE if thing.count == 1 else say.TOGETHER, about)
    entry: dict[str, Any] = {
        "description": description + writer.sentences(0, round(6 * wordy), thing.concept),
        "location": writer.one(say.PLACES[thing.place]) if rng.random() < 0.7 else thing.place,
        "relationship": _start(stands, rng),
        "relative_size": writer.one(say.SIZES[thing.size]),
    }
    form = writer.write("{form}")
    entry["shape_and_color"] = f"{form}; {phrase_colors(thing.colors)}" if thing.colors else form
    if rng.random() < 0.3:
        entry["shape_and_color"] += writer.write(", with {number} {tint} {part}s")
    entry["texture"] = writer.write("{surface}, {surface}")
    details = 1 + round(4 * wordy * rng.random())
    entry["appearance_details"] = " ".join(writer.write("{detail}", about) for _ in range(details))
    if thing.count > 1 or rng.random() < 0.1:
        entry["number_of_objects"] = thing.count
    if CONCEPT_BY_NAME[thing.concept].group == "animal":
        entry["expression"] = writer.write("{expression}")
    entry["orientation"] = orientation
    for field in ("relationship", "shape_and_color", "texture", "appearance_details", "expression", "orientation"):
        told = field == "orientation" and thing.orientation != "upright"
        if rng.random() < LEAVE_OUT and not told:
            entry.pop(field, None)
    return entry


def _part(name: str, writer: Writer) -> dict[str, Any]:
    """An object entry about a part of the thing, as language models like to add: nothing to draw besides."""
    given = {"name": name}
    description, stands = writer.rng.choice(say.PARTS)
    return {
        "description": _start(writer.write(description, given), writer.rng),
        "location": writer.rng.choice(("center", f"on the {name}", "upper part", "lower part of the subject", "below")),
        "relationship": writer.write(stands, given),
        "relative_size": writer.rng.choice(("small", "very small", "tiny", "small within the frame")),
        "shape_and_color": writer.write("{form}, {tint}"),
        "texture": writer.write("{surface}"),
    }
