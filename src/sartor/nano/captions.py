"""A scene in words: the structured prompt that is true of it, by construction.

`Scene` is what the composer draws. `describe` writes it down with the public field names; each phrase comes from
`vocabulary.py` or from a rule below, never from chance, so the same scene always reads the same. Variation for
training (synonyms, dropped fields) is added afterwards by `vary`.
"""

from __future__ import annotations

import json
import random
from dataclasses import dataclass, field
from typing import Any

from sartor.nano.concepts import CONCEPT_BY_NAME
from sartor.nano.vocabulary import LANDSCAPES, LIGHT_DIRECTIONS, LIGHTING, NUMBERS, SHADOWS, STYLE_BY_NAME, UNMIRRORED

# One of them is a pair; the model knows the first three.
PAIRS = ("headphones", "glasses", "scissors", "earphones", "goggles", "binoculars", "pliers", "tweezers", "jeans",
         "trousers", "shorts", "leggings")  # fmt: skip
IN_PLURAL = ("grapes", "cherries", "pancakes", *PAIRS)
UNCOUNTABLE = {"corn", "lightning", "fire", "cheese", "popcorn", "bread", "broccoli"}


@dataclass
class Thing:
    """One kind of thing in the scene. `colors` are what is seen (dominant first); `place` names one of nine."""

    concept: str
    place: str = "center"
    size: str = "large"
    orientation: str = "upright"
    colors: tuple[str, ...] = ()
    recolored: bool = False
    count: int = 1
    facing: str = ""


@dataclass
class Background:
    """`kind` is "plain", "gradient" or a key of LANDSCAPES; `colors` names one colour, or two from top to bottom."""

    kind: str = "plain"
    colors: tuple[str, ...] = ("white",)
    blurred: bool = False


@dataclass
class Scene:
    things: list[Thing]
    style: str | None = "flat"
    background: Background = field(default_factory=Background)
    light: str = "even"
    shadow: str = "none"


def article(phrase: str) -> str:
    """The phrase with "a" or "an" before it: "an apple", "a unicorn"."""
    vowel = phrase[:1].lower() in "aeiou" and not phrase.lower().startswith(("uni", "use", "euro", "one"))
    return f"{'an' if vowel else 'a'} {phrase}"


def name_thing(thing: Thing, word: str | None = None) -> str:
    """The thing as a noun phrase without article: "blue apple", "three apples"."""
    concept = CONCEPT_BY_NAME.get(thing.concept)
    color = f"{thing.colors[0]} " if thing.recolored and thing.colors else ""
    if thing.count > 1:
        plural = concept.plural_name if concept else thing.concept
        return f"{NUMBERS[min(thing.count, len(NUMBERS) - 1)]} {color}{plural}"
    return f"{color}{word or thing.concept}"


def phrase_thing(thing: Thing, word: str | None = None) -> str:
    """As `name_thing`, with an article where the language wants one."""
    name = name_thing(thing, word)
    if thing.count > 1 or name.endswith(IN_PLURAL) or name in UNCOUNTABLE:
        return name
    return article(name)


def phrase_background(background: Background) -> str:
    """The background as `background_setting` reads."""
    if background.kind == "plain":
        return f"plain {background.colors[0]} background"
    if background.kind == "gradient":
        return f"gradient from {background.colors[0]} to {background.colors[-1]}"
    return LANDSCAPES[background.kind]


def phrase_colors(colors: tuple[str, ...]) -> str:
    return " and ".join(colors[:2])


def relationship(thing: Thing, things: list[Thing]) -> str:
    """How this thing stands to the others: by their places, seen from the viewer."""
    others = [other for other in things if other is not thing]
    if not others:
        return "alone" if thing.count == 1 else "in a group"
    other = others[0]
    column, other_column = _column(thing.place), _column(other.place)
    row, other_row = _row(thing.place), _row(other.place)
    if column != other_column:
        side = "left" if column < other_column else "right"
        return f"to the {side} of the {other.concept}"
    if row != other_row:
        return f"{'above' if row < other_row else 'below'} the {other.concept}"
    return f"next to the {other.concept}"


def _column(place: str) -> int:
    return 0 if place.endswith("left") else 2 if place.endswith("right") else 1


def _row(place: str) -> int:
    return 0 if place.startswith("top") else 2 if place.startswith("bottom") else 1


def composition(things: list[Thing]) -> str:
    if len(things) == 1:
        thing = things[0]
        if thing.count > 1:
            return "group of repeated objects"
        if thing.place == "center":
            return "centered close-up" if thing.size == "large" else "centered"
        return "off-center"
    columns = {_column(thing.place) for thing in things}
    return "side by side" if len(columns) == len(things) else "scattered"


WARM = {"red", "orange", "yellow", "peach", "pink", "brown", "beige", "cream"}
COOL = {"blue", "green", "purple", "navy blue", "sky blue", "turquoise", "mint green", "dark green", "lavender"}
LANDSCAPE_COLORS = {
    "meadow": ("green", "sky blue"),
    "beach": ("beige", "sky blue"),
    "snow": ("white", "sky blue"),
    "sea": ("blue", "sky blue"),
    "night": ("navy blue",),
    "sunset": ("orange", "brown"),
    "desert": ("yellow", "peach"),
    "table": ("brown", "beige"),
}


def color_scheme(scene: Scene) -> str:
    """Warm, cool, neutral or mixed, from the background's and the things' first colours."""
    background = scene.background
    names = list(LANDSCAPE_COLORS.get(background.kind, background.colors))
    names += [thing.colors[0] for thing in scene.things if thing.colors]
    warm, cool = sum(name in WARM for name in names), sum(name in COOL for name in names)
    if not warm and not cool:
        return "neutral colors"
    if not cool:
        return "warm colors"
    if not warm:
        return "cool colors"
    return "mixed colors"


def mood(scene: Scene) -> str:
    if scene.light == "dim" or scene.background.kind == "night":
        return "quiet"
    if scene.light == "warm" or scene.background.kind in {"sunset", "desert"}:
        return "cozy"
    if scene.light == "cool" or scene.background.kind in {"snow", "sea"}:
        return "calm"
    return "cheerful"


def summary(scene: Scene, words: list[str] | None = None) -> str:
    """One sentence that names the things and the background, as `short_description` reads."""
    names = [
        phrase_thing(thing, words[index] if words else None)
        + (f" in the {thing.place}" if len(scene.things) > 1 or thing.place != "center" else "")
        for index, thing in enumerate(scene.things)
    ]
    listed = names[0] if len(names) == 1 else ", ".join(names[:-1]) + " and " + names[-1]
    background = phrase_background(scene.background)
    setting = (
        f"on {article(background)}"
        if scene.background.kind in {"plain", "gradient"}
        else f"in front of {article(background)}"
    )
    sentence = f"{listed} {setting}"
    return sentence[:1].upper() + sentence[1:]


def describe_thing(thing: Thing, things: list[Thing], word: str | None = None) -> dict[str, Any]:
    """One entry of `objects`. Key order is the public one."""
    concept = CONCEPT_BY_NAME.get(thing.concept)
    orientation = thing.orientation
    if thing.facing and thing.facing != UNMIRRORED:
        orientation = thing.facing if orientation == "upright" else f"{orientation}, {thing.facing}"
    plural = concept.plural_name if concept else thing.concept
    entry: dict[str, Any] = {
        "description": name_thing(thing, word)
        if thing.count == 1
        else f"{thing.colors[0]} {plural}"
        if thing.recolored
        else plural,
        "location": thing.place,
        "relationship": relationship(thing, things),
        "relative_size": thing.size,
    }
    if thing.colors:
        entry["shape_and_color"] = phrase_colors(thing.colors)
    if thing.count > 1:
        entry["number_of_objects"] = thing.count
    entry["orientation"] = orientation
    return entry


def describe(scene: Scene, words: list[str] | None = None) -> dict[str, Any]:
    """The scene as a structured prompt with every field filled, in the public key order.

    `words` replaces each thing's concept name by a synonym.
    """
    prompt: dict[str, Any] = {
        "short_description": summary(scene, words),
        "objects": [
            describe_thing(thing, scene.things, words[index] if words else None)
            for index, thing in enumerate(scene.things)
        ],
        "background_setting": phrase_background(scene.background),
        "lighting": {
            "conditions": LIGHTING[scene.light],
            "direction": LIGHT_DIRECTIONS[scene.shadow],
            "shadows": SHADOWS[scene.shadow],
        },
        "aesthetics": {
            "composition": composition(scene.things),
            "color_scheme": color_scheme(scene),
            "mood_atmosphere": mood(scene),
        },
        "photographic_characteristics": {
            "depth_of_field": "blurred background" if scene.background.blurred else "everything in focus",
        },
    }
    if scene.style is not None:
        style = STYLE_BY_NAME[scene.style]
        prompt["style_medium"] = style.style_medium
        prompt["artistic_style"] = style.artistic_style
    return prompt


def compact(prompt: dict[str, Any]) -> str:
    """The text that the model reads: JSON without spaces, keys in the order given."""
    return json.dumps(prompt, ensure_ascii=False, separators=(",", ":"))


def vary(scene: Scene, rng: random.Random, *, drop: float = 0.35, synonym: float = 0.25) -> dict[str, Any]:
    """A true but incomplete and differently worded prompt of the scene, for training.

    Each optional section is left out with probability `drop`, each name replaced by a synonym with probability
    `synonym`; what pictures cannot do without (what, where, background) is named in at least one field.
    """
    words = []
    for thing in scene.things:
        synonyms = CONCEPT_BY_NAME[thing.concept].synonyms
        words.append(rng.choice(synonyms) if synonyms and rng.random() < synonym else thing.concept)
    prompt = describe(scene, words)
    for key in ("lighting", "aesthetics", "photographic_characteristics"):
        default = key == "lighting" and scene.light == "even" and scene.shadow == "none"
        if rng.random() < drop * (1.5 if default or key != "lighting" else 0.6):
            del prompt[key]
        else:
            section = prompt[key]
            for name in list(section):
                if rng.random() < drop * 0.6 and len(section) > 1:
                    del section[name]
    for name, share in (("artistic_style", drop), ("style_medium", drop * 0.12), ("short_description", drop * 0.4)):
        if name in prompt and rng.random() < share:
            del prompt[name]
    if "short_description" in prompt and rng.random() < drop * 0.25:
        del prompt["objects"]
    else:
        for entry in prompt["objects"]:
            for name, share in (("relationship", drop), ("orientation", drop * 0.5), ("relative_size", drop * 0.4)):
                if rng.random() < share and not (name == "orientation" and entry[name] != "upright"):
                    del entry[name]
            if rng.random() < drop * 0.5:
                entry.pop("shape_and_color", None)
    return prompt
