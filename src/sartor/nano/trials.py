"""What the evaluation asks for: scenes and their prompts, from one seed, with none picked over.

Every scene stands on a plain background without shadow, so that pixels can tell background, place and number. A scene
whose place, number or background the pixel rules misread on the composer's own picture of it (a cloud on white, a
rainbow that falls apart) is not asked for: the rules then measure the model, not themselves.
"""

from __future__ import annotations

import itertools
import json
import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from PIL import Image

from sartor.nano.captions import Background, Scene, Thing, compact, describe
from sartor.nano.concepts import CONCEPT_BY_NAME
from sartor.nano.looks import LOOKS
from sartor.nano.measures import (
    background_distance,
    change_inside,
    change_outside,
    count_of,
    place_of,
    shows_color,
    things_mask,
)
from sartor.nano.reading import read
from sartor.nano.scene import Array, Composer
from sartor.nano.vocabulary import BACKGROUND_COLORS, COLORS, LANDSCAPES, PLACES
from sartor.vgl import canonical, merge, parse, parse_visual_schema

DISTANCE = 10.0  # CIELAB: how far a background may be from its name's value
SAME = 5.0  # of 255: mean difference below which a region counts as left alone
UNKNOWN = Background("landscape", ())  # one that the composer does not draw
LONGHAND = Path(__file__).parent / "longhand_trials.jsonl"
SHARES = {"seen": 0.3, "unseen": 0.2, "place": 0.2, "count": 0.14, "recolor": 0.08, "background": 0.08}
TRIES = 8  # backgrounds, or changes, that are tried for a thing before another thing's turn comes
DRAWINGS = 3  # of the composer that the pixel rules must read right before a scene is asked for


@dataclass(frozen=True)
class Trial:
    """One picture to draw, and for control a second at the same seed in which one field differs."""

    kind: str
    scene: Scene
    seed: int
    prompt: str
    changed: Scene | None = None
    changed_prompt: str = ""

    @property
    def thing(self) -> Thing:
        return self.scene.things[0]


def ask(scene: Scene) -> str:
    """The scene's prompt as a person could know it: without the colours that only the sprite's owner knows."""
    things = [thing if thing.recolored else replace(thing, colors=()) for thing in scene.things]
    prompt = describe(replace(scene, things=things))
    if not all(thing.recolored for thing in things):
        del prompt["aesthetics"]["color_scheme"]
    return compact(prompt)


def plan(composer: Composer, count: int, seed: int = 2024) -> list[Trial]:
    """About `count` trials of all kinds; more of them begin with the same ones. Trial i is drawn with seed i."""
    seen = sorted(key for key in composer.pixels if key not in composer.unseen)
    trials: list[Trial] = []
    for kind, share in SHARES.items():
        pairs = sorted(composer.unseen) if kind == "unseen" else seen
        scenes = _trials_of(kind, composer, pairs, random.Random(f"{seed} {kind}"))
        for scene, changed in itertools.islice(scenes, max(1, round(share * count))):
            changed_prompt = ask(changed) if changed else ""
            trials.append(Trial(kind, scene, len(trials) + 1, ask(scene), changed, changed_prompt))
    return trials


def _trials_of(
    kind: str, composer: Composer, pairs: list[tuple[str, str]], rng: random.Random
) -> Iterator[tuple[Scene, Scene | None]]:
    if kind == "place":
        return _scenes(composer, pairs, rng, lambda concept: Thing(concept, rng.choice(list(PLACES)), "medium"))
    if kind == "count":
        return _scenes(composer, pairs, rng, lambda concept: _several(concept, rng))
    if kind == "recolor":
        return _changes(composer, pairs, rng, _recolored)
    if kind == "background":
        return _changes(composer, pairs, rng, _rebackgrounded)
    return _scenes(composer, pairs, rng, lambda concept: Thing(concept))


def _several(concept: str, rng: random.Random) -> Thing:
    count = rng.randint(2, 5)
    return Thing(concept, "center", "medium" if count == 2 else "small", count=count)


def _pairs(pairs: list[tuple[str, str]], rng: random.Random) -> Iterator[tuple[str, str]]:
    """Each pair once in random order, then again in another: as even as the number allows."""
    while pairs:
        yield from rng.sample(pairs, len(pairs))


def _scenes(
    composer: Composer, pairs: list[tuple[str, str]], rng: random.Random, thing_of: Callable[[str], Thing]
) -> Iterator[tuple[Scene, None]]:
    """Readable scenes of the pairs, until none was found in two rounds."""
    fruitless = 0
    for concept, style in _pairs(pairs, rng):
        for _ in range(TRIES):
            background = Background("plain", (rng.choice(list(BACKGROUND_COLORS)),))
            scene = Scene([thing_of(concept)], style, background)
            if readable(composer, scene):
                yield scene, None
                fruitless = 0
                break
        else:
            fruitless += 1
            if fruitless == 2 * len(pairs):
                return


def _changes(
    composer: Composer,
    pairs: list[tuple[str, str]],
    rng: random.Random,
    change: Callable[[Composer, Scene, random.Random], Scene],
) -> Iterator[tuple[Scene, Scene]]:
    """Scenes with a second one in which one field differs, until none was found in two rounds."""
    fruitless = 0
    for scene, _ in _scenes(composer, pairs, rng, lambda concept: Thing(concept)):
        for _ in range(TRIES):
            changed = change(composer, scene, rng)
            if readable(composer, changed) and _fair(composer, scene, changed):
                yield scene, changed
                fruitless = 0
                break
        else:
            fruitless += 1
            if fruitless == 2 * len(pairs):
                return


def _recolored(composer: Composer, scene: Scene, rng: random.Random) -> Scene:
    """The thing in a colour that it does not have."""
    thing, own = scene.things[0], composer.colors_of(scene.things[0].concept, scene.style or "")
    color = rng.choice([name for name in COLORS if name not in own])
    return replace(scene, things=[replace(thing, recolored=True, colors=(color,))])


def _rebackgrounded(composer: Composer, scene: Scene, rng: random.Random) -> Scene:
    others = [name for name in BACKGROUND_COLORS if name not in scene.background.colors]
    return replace(scene, background=Background("plain", (rng.choice(others),)))


def _fair(composer: Composer, scene: Scene, changed: Scene) -> bool:
    """Whether the composer's own two pictures pass: the colour plainly shows, and all else is as it was."""
    before, after = (composer.draw(each, random.Random(1)) for each in (scene, changed))
    thing = changed.things[0]
    if thing.recolored:
        shown = shows_color(after, things_mask(after), thing.colors[0], least=0.25)
        return shown and change_outside(before, after) < SAME
    return change_inside(before, after) < SAME


def plan_longhand(count: int) -> list[Trial]:
    """At most `count` prompts in other people's words, each about one thing; trial i is drawn with seed i.

    They are written in the manner of a large language model, with no look at the words that training uses. Those of the
    kind "kept longhand" are those that the checkpoint's reader was not mended on: its makers have neither read them nor
    looked at a picture of them. Only the last 24, in pixel art, were written by a hand that knew the reader's words for
    that style; it was left as it was. Thing, style, place and size are what the writer was asked for, and so is a plain
    background. What was left to the writer (a setting, light, colours, a turn) is in the scene as that reader
    understands it.
    """
    trials = []
    for index, line in enumerate(LONGHAND.read_text().splitlines()[:count]):
        told = json.loads(line)
        found = read(told["prompt"])
        thing = Thing(told["concept"])
        if found and found.things[0].concept == thing.concept:
            thing = found.things[0]
        thing = replace(thing, place=told["place"], size=told["size"], count=1)
        background = Background("plain", (told["background"],)) if told["background"] else UNKNOWN
        if found and not told["background"] and found.background.kind in LANDSCAPES:
            background = found.background
        light, shadow = (found.light, found.shadow) if found else ("even", "none")
        scene = Scene([thing], told["style"], background, light, shadow)
        kind = "kept longhand" if told.get("kept") else "longhand"
        trials.append(Trial(kind, scene, index + 1, compact(told["prompt"])))
    return trials


def readable(composer: Composer, scene: Scene) -> bool:
    """Whether the pixel rules read the composer's own pictures of the scene right, three times out of three."""
    return all(reads_right(composer.draw(scene, random.Random(i)), scene) for i in range(DRAWINGS))


def reads_right(picture: Array, scene: Scene) -> bool:
    thing = scene.things[0]
    if background_distance(picture, scene.background.colors[0]) > DISTANCE:
        return False
    if thing.count > 1:
        return count_of(picture) == thing.count
    return place_of(picture) == thing.place and count_of(picture) == 1


@dataclass(frozen=True)
class Brand:
    """A brand's folder, as far as judging it goes: `shown` are the concepts in its training images' captions."""

    folder: Path
    schema: dict[str, Any]
    shown: set[str]

    @property
    def adapter(self) -> Path:
        return self.folder / "pytorch_lora_weights.safetensors"

    @property
    def slug(self) -> str:
        return self.folder.name

    @property
    def style(self) -> str:
        """Its drawings' name in a sprite bank; the slug of a brand that is not bundled."""
        return LOOKS[self.slug].style if self.slug in LOOKS else self.slug

    def pictures(self) -> list[Image.Image]:
        """What it was trained on, RGB."""
        return [Image.open(path).convert("RGB") for path in sorted((self.folder / "images").glob("*.png"))]

    @property
    def background(self) -> str:
        """The plain colour that its visual schema puts things on; white where it says none."""
        setting = str(self.schema.get("background_setting", ""))
        found = [name for name in BACKGROUND_COLORS if name in setting]
        return max(found, key=len, default="white")


def read_brand(folder: Path) -> Brand:
    """Reads model.json and captions.json. Raises FileNotFoundError where one is missing."""
    schema = json.loads((folder / "model.json").read_text())["visual_schema"]
    captions: dict[str, str] = json.loads((folder / "captions.json").read_text())
    objects = [entry for text in captions.values() for entry in json.loads(text).get("objects", [])]
    words = " , ".join(str(entry.get("description", "")) for entry in objects)
    return Brand(folder, schema, {name for name in CONCEPT_BY_NAME if re.search(rf"\b{re.escape(name)}\b", words)})


def plan_brand(concepts: list[str], brand: Brand, count: int, seed: int = 2024) -> list[Trial]:
    """Large, centred things that the brand's images do not show, in the brand's look; trial i is drawn with seed i."""
    rng = random.Random(seed)
    asked = _pairs([(concept, "") for concept in concepts if concept not in brand.shown], rng)
    schema = parse_visual_schema(brand.schema)
    trials = []
    for index in range(count):
        scene = Scene([Thing(next(asked)[0])], None, Background("plain", (brand.background,)))
        prompt = canonical(merge(schema, parse(ask(scene))))
        trials.append(Trial("brand", scene, index + 1, prompt))
    return trials
