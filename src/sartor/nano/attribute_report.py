"""How often the attribute model and the captions that rest on it are right, on pictures that no training saw.

    python -m sartor.nano.attributes --work DIR --evaluate [--count N]

The network is asked about drawings placed anew, treated and untreated, about the brand's drawings and pictures, and
about emoji that no word fits. The captioner is asked about scenes of the composer, whose truth is known.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from PIL import Image

from sartor.captioning.measuring import MeasuringCaptioner
from sartor.captioning.naming import SURE, Namer
from sartor.nano.attributes import Sprites, draw, known_sprites, landscapes, names, other_sprites
from sartor.nano.brand import BRANDS, drawings
from sartor.nano.captions import Scene, Thing, phrase_background
from sartor.nano.concepts import CONCEPT_BY_NAME, CONCEPTS
from sartor.nano.looks import INKWELL
from sartor.nano.measures import Score, share
from sartor.nano.run import progress_bar
from sartor.nano.scene import Composer
from sartor.nano.sources import SpriteBank
from sartor.nano.vocabulary import STYLE_BY_NAME, STYLES
from sartor.vgl import plain

SEED = 90_210  # of everything here; no training uses it
VIEWS = 3  # of each drawing

_NAMES = frozenset(name for concept in CONCEPTS for name in (concept.name, concept.plural_name))

Scores = dict[str, Score]


@dataclass(frozen=True)
class Answers:
    """For each drawing: its name came first, or among five; a wrong name was given; its style came first."""

    first: list[bool]
    five: list[bool]
    wrong: list[bool]
    style: list[bool]


def ask(namer: Namer, sprites: Sprites, *, treated: bool, seed: int = SEED) -> Answers:
    """What the network says of each of the sprites, drawn VIEWS times as a training would draw them."""
    scenes = landscapes(40, seed)
    torch.manual_seed(seed)
    answers = Answers([], [], [], [])
    for start in range(0, len(sprites.thing) * VIEWS, 64):
        rows = torch.arange(start, min(start + 64, len(sprites.thing) * VIEWS)) % len(sprites.thing)
        pictures, thing, style = draw(sprites.only(rows), scenes, treated=treated)
        drawn = ((pictures + 1) * 127.5).round().byte().permute(0, 2, 3, 1).numpy()
        things, styles = namer.probabilities(drawn)
        own = things.gather(1, thing[:, None])
        rank = (things > own).sum(1)
        answers.first.extend((rank < 1).tolist())
        answers.five.extend((rank < 5).tolist())
        named = (things.argmax(1) != len(namer.things) - 1) & (things.max(1).values >= SURE)
        answers.wrong.extend((named & (rank > 0)).tolist())
        answers.style.extend((styles.argmax(1) == style).tolist())
    return answers


def score_network(namer: Namer, work: Path, output: Path, seed: int) -> Scores:
    known = known_sprites(SpriteBank.load(work / "sprites.npz"))
    scores: Scores = {}
    for look in ("untreated", "treated"):
        found = ask(namer, known, treated=look == "treated")
        scores[f"{look} drawings: name first"] = share(found.first)
        scores[f"{look} drawings: name among five"] = share(found.five)
        scores[f"{look} drawings: a wrong name given"] = share(found.wrong)
        scores[f"{look} drawings: style, or that it is another"] = share(found.style)
    brand = known_sprites(drawings(work, INKWELL))
    found = ask(namer, brand, treated=False)
    scores["the brand's drawings: name first"] = share(found.first)
    scores["the brand's drawings: name among five"] = share(found.five)
    scores["the brand's drawings: another style"] = share(found.style)
    _, held = other_sprites(work, output, seed)
    found = ask(namer, held, treated=False)
    scores["things without a word: a wrong name given"] = share(found.wrong)
    return scores


def score_brand(captioner: MeasuringCaptioner) -> Scores:
    """Captions of Inkwell's pictures, whose names are their files'."""
    files = sorted((BRANDS / INKWELL.slug / "images").glob("*.png"))
    right, named = [], []
    for file in files:
        caption = plain(captioner.caption(Image.open(file).convert("RGB"), visual_schema=None).value)
        words = [entry["description"] for entry in caption.get("objects", [])]
        right.append(words == [file.stem])
        named.append(any(word in CONCEPT_BY_NAME for word in words))
    return {"the brand's pictures: named right": share(right), "the brand's pictures: named at all": share(named)}


def score_captions(captioner: MeasuringCaptioner, work: Path, count: int) -> Scores:
    """Captions of composed scenes against what was composed; a thing counts as found where its name is in it."""
    composer = Composer(SpriteBank.load(work / "sprites.npz"), hold_out=False)
    hits: dict[str, list[bool]] = {}
    with progress_bar() as bar:
        task = bar.add_task("captions", total=count, note="")
        for index in range(count):
            rng = random.Random(SEED * 1000 + index)
            scene = composer.random_scene(rng)
            picture = Image.fromarray(composer.draw(scene, rng))
            caption = plain(captioner.caption(picture, visual_schema=None).value)
            for name, hit in compare(scene, caption):
                hits.setdefault(name, []).append(hit)
            bar.advance(task)
    return {f"scenes: {name}": share(found) for name, found in sorted(hits.items())}


def compare(scene: Scene, caption: dict[str, Any]) -> Iterator[tuple[str, bool]]:
    """(statement, whether it is true of the scene), for every statement of interest."""
    entries = caption.get("objects", [])
    left = list(entries)
    for thing in scene.things:
        own = next((entry for entry in left if entry["description"] in _words(thing)), None)
        yield "thing named right", own is not None
        if own is None and len(scene.things) == 1 and len(entries) == 1:
            own = entries[0]  # there is no doubt which one is meant
        if own is None:
            continue
        left = [entry for entry in left if entry is not own]
        yield "place", own["location"] == thing.place
        yield "size", own["relative_size"] == thing.size
    truth = {word for thing in scene.things for word in _words(thing)}
    for entry in entries:
        if entry["description"] in _NAMES:
            yield "given name is right", entry["description"] in truth
    counted = sum(entry.get("number_of_objects", 1) for entry in entries)
    yield "number of things", counted == sum(thing.count for thing in scene.things)
    yield "background", caption["background_setting"] == phrase_background(scene.background)
    assert scene.style is not None
    media = {style.style_medium for style in STYLES}
    yield "style named right", caption.get("style_medium") == STYLE_BY_NAME[scene.style].style_medium
    if caption.get("style_medium") in media:
        yield "given style is right", caption["style_medium"] == STYLE_BY_NAME[scene.style].style_medium
    if "shadows" in caption.get("lighting", {}):
        yield "whether there is a shadow", ("no shadow" in caption["lighting"]["shadows"]) == (scene.shadow == "none")


def _words(thing: Thing) -> tuple[str, str]:
    concept = CONCEPT_BY_NAME[thing.concept]
    return concept.name, concept.plural_name


def report(work: Path, output: Path, weights: Path, *, count: int, seed: int) -> Scores:
    """Asks everything, writes output/report.json and returns it."""
    namer, captioner = Namer.load(weights), MeasuringCaptioner(weights)
    if (namer.things, namer.styles) != names():
        raise ValueError(f"the weights at {weights} were trained with other words: train them again")
    scores = score_network(namer, work, output, seed) | score_brand(captioner)
    scores |= score_captions(captioner, work, count)
    written = {name: found.__dict__ for name, found in scores.items()}
    (output / "report.json").write_text(json.dumps(written, indent=1) + "\n")
    return scores


def table(scores: Scores) -> str:
    """A Markdown table: share, 95% interval, number."""
    rows = ["| | share | 95% | of |", "|---|---|---|---|"]
    rows += [f"| {n} | {s.value:.1%} | {s.low:.0%} to {s.high:.0%} | {s.count} |" for n, s in scores.items()]
    return "\n".join(rows) + "\n"
