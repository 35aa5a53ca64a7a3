"""Evaluates a checkpoint, and brands on it, with numbers.

    python -m sartor.nano.evaluate --work DIR [--checkpoint DIR] [--brand DIR]... [--count N] [--steps N]

Draws the trials with the engine, at the model's own size (the upscaler is left out), and has them judged by `judges.py`
and measured by `measures.py`. The same questions are put to the composer's own pictures of the same scenes: what a
perfect model would score. Writes report.json, report.md and the worst pictures into work/evaluation/.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import math
import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from rich.progress import Progress, TaskID

from sartor.captioning.likeness import style_distance
from sartor.fibo import Engine, Spec, load_checkpoint
from sartor.fibo.caching import CACHINGS, EXACT
from sartor.fibo.squares import in_squares
from sartor.nano.export import CHECKPOINT
from sartor.nano.judges import Judges
from sartor.nano.measures import (
    Score,
    background_distance,
    change_inside,
    change_outside,
    count_of,
    mean,
    place_of,
    share,
    shows_color,
    things_mask,
)
from sartor.nano.renderings import cut_out, judged_sprites, names
from sartor.nano.report import contact_sheet, table
from sartor.nano.run import progress_bar
from sartor.nano.scene import Array, Composer
from sartor.nano.sources import BRAND_STYLE, SpriteBank
from sartor.nano.trials import DISTANCE, SAME, UNKNOWN, Brand, Trial, plan, plan_brand, plan_longhand, read_brand
from sartor.nano.vocabulary import PIXEL_ART, STYLES

INFLUENCES = (0.0, 0.5, 1.0)
PAIRS = ("seen", "unseen")  # kinds of trials that ask for a thing in a style


@dataclass(frozen=True)
class Drawn:
    """A trial's picture (uint8 [h, w, 3]), and the second one where it has one."""

    trial: Trial
    picture: Array
    changed: Array | None = None


@dataclass(frozen=True)
class Settings:
    """How pictures are drawn: as in `Spec`."""

    steps: int = 25
    guidance: float = 5.0
    caching: str = EXACT
    shift: float | None = None
    guidance_until: float | None = None


class Artist:
    """The engine at the model's own size, and a progress bar."""

    def __init__(self, checkpoint: Path, settings: Settings, bar: Progress, task: TaskID):
        loaded = load_checkpoint(checkpoint)
        extras = {name: value for name, value in loaded.extras.items() if name != "upscaler"}
        self.engine = Engine(dataclasses.replace(loaded, extras=extras))
        self.settings, self.bar, self.task = settings, bar, task

    def draw(self, prompt: str, seed: int, adapter: Path | None = None, influence: float = 1.0) -> Array:
        own = self.settings
        spec = Spec(prompt, seed, own.steps, own.guidance, caching=own.caching, shift=own.shift)
        spec = dataclasses.replace(spec, guidance_until=own.guidance_until, adapter=adapter, influence=influence)
        picture = np.asarray(self.engine.generate(spec).image.convert("RGB"))
        self.bar.advance(self.task)
        return picture

    def draw_trial(self, trial: Trial, adapter: Path | None = None, influence: float = 1.0) -> Drawn:
        picture = self.draw(trial.prompt, trial.seed, adapter, influence)
        changed = self.draw(trial.changed_prompt, trial.seed, adapter, influence) if trial.changed else None
        return Drawn(trial, picture, changed)


def judge(drawn: list[Drawn], judges: Judges, look: str = BRAND_STYLE) -> list[dict[str, Any]]:
    """What each picture was found to show: one row a trial, ready for JSON. ``look`` is the style of a brand's trials,
    which the judges need not know."""
    rows = []
    for item in drawn:
        trial, thing = item.trial, item.trial.thing
        cut = cut_out(item.picture, trial.scene)[None]
        concept, style = judges.probabilities("concept", cut)[0], judges.probabilities("style", cut)[0]
        own = judges.concepts.index(thing.concept)
        wanted = trial.scene.style or look
        taken, sure = style_of(item.picture, style, judges.styles, wanted)
        row: dict[str, Any] = {
            "kind": trial.kind,
            "seed": trial.seed,
            "concept": thing.concept,
            "style": wanted,
            "taken for": judges.concepts[int(concept.argmax())],
            "style taken for": taken,
            "concept probability": round(float(concept[own]), 4),
            "style probability": round(sure, 4),
            "rank": int((concept > concept[own]).sum()) + 1,
            "prompt": trial.prompt,
        }
        if plain := trial.scene.background.kind == "plain":
            row["background distance"] = round(background_distance(item.picture, trial.scene.background.colors[0]), 2)
        if trial.kind == "place" or (trial.kind.endswith("longhand") and plain):
            row |= {"place": thing.place, "found place": place_of(item.picture)}
        if trial.kind == "count":
            row |= {"count": thing.count, "found count": count_of(item.picture)}
        if item.changed is not None and trial.changed is not None:
            row |= _control(trial, item.picture, item.changed)
        rows.append(row)
    return rows


def style_of(picture: Array, probabilities: torch.Tensor, styles: list[str], wanted: str) -> tuple[str, float]:
    """The style that a picture is taken for, and how probable the one that was asked for is, 0..1: what is in squares
    is pixel art, of the rest the judge's probabilities [styles] say."""
    if in_squares(picture):
        return PIXEL_ART, float(wanted == PIXEL_ART)
    sure = float(probabilities[styles.index(wanted)]) if wanted in styles else 0.0
    return styles[int(probabilities.argmax())], sure


def _control(trial: Trial, picture: Array, changed: Array) -> dict[str, Any]:
    assert trial.changed is not None
    if trial.kind == "background":
        name = trial.changed.background.colors[0]
        return {"change": change_inside(picture, changed), "new distance": background_distance(changed, name)}
    color = trial.changed.things[0].colors[0]
    shown = shows_color(changed, things_mask(changed), color)
    return {"change": change_outside(picture, changed), "new color": color, "shows it": shown}


def score(rows: list[dict[str, Any]]) -> dict[str, Score]:
    """The base's scores. Concept and style are asked of pictures with one thing; background of all."""
    single = [row for row in rows if row["kind"] != "count"]
    seen = [row for row in single if row["kind"] == "seen"]
    unseen = [row for row in single if row["kind"] == "unseen"]
    recolored = [row for row in rows if row["kind"] == "recolor"]
    moved = [row for row in rows if row["kind"] == "background"]
    scores = {
        "concept top 1": share([row["rank"] == 1 for row in single]),
        "concept top 5": share([row["rank"] <= 5 for row in single]),
        "style": share([row["style"] == row["style taken for"] for row in single]),
        "seen pairs: concept top 1": share([row["rank"] == 1 for row in seen]),
        "seen pairs: concept top 5": share([row["rank"] <= 5 for row in seen]),
        "seen pairs: style": share([row["style"] == row["style taken for"] for row in seen]),
        "unseen pairs: concept top 1": share([row["rank"] == 1 for row in unseen]),
        "unseen pairs: concept top 5": share([row["rank"] <= 5 for row in unseen]),
        "unseen pairs: style": share([row["style"] == row["style taken for"] for row in unseen]),
        **{f"{name}: {what}": found for name, of in by_style(single) for what, found in of.items()},
        "background": share([row["background distance"] <= DISTANCE for row in rows]),
        "place": share([row["place"] == row["found place"] for row in rows if row["kind"] == "place"]),
        "count": share([row["count"] == row["found count"] for row in rows if row["kind"] == "count"]),
        "recolored: shows the color": share([row["shows it"] for row in recolored]),
        "recolored: rest unchanged": share([row["change"] < SAME for row in recolored]),
        "recolored: change of the rest": mean([row["change"] for row in recolored if math.isfinite(row["change"])]),
        "new background: named color": share([row["new distance"] <= DISTANCE for row in moved]),
        "new background: things unchanged": share([row["change"] < SAME for row in moved]),
        "new background: change of things": mean([row["change"] for row in moved if math.isfinite(row["change"])]),
    }
    return {name: found for name, found in scores.items() if found.count}


def by_style(rows: list[dict[str, Any]]) -> Iterator[tuple[str, dict[str, Score]]]:
    """Of each house style, by its name in prompts: how often the thing is right, and the style, seen of it or not."""
    for style in STYLES:
        own = [row for row in rows if row["style"] == style.name]
        right = {kind: [row["style taken for"] == style.name for row in own if row["kind"] == kind] for kind in PAIRS}
        yield (
            style.style_medium,
            {
                "concept top 1": share([row["rank"] == 1 for row in own]),
                **{f"style of {kind} pairs": share(hits) for kind, hits in right.items()},
            },
        )


def score_longhand(rows: list[dict[str, Any]]) -> dict[str, Score]:
    """The base's scores for prompts in other people's words: for all, and for those that no rule was made for."""
    scores: dict[str, Score] = {}
    kept = [row for row in rows if row["kind"] == "kept longhand"]
    for name, asked in (("long prompts", rows), ("kept long prompts", kept)):
        plain = [row for row in asked if "background distance" in row]
        scores |= {
            f"{name}: concept top 1": share([row["rank"] == 1 for row in asked]),
            f"{name}: concept top 5": share([row["rank"] <= 5 for row in asked]),
            f"{name}: style": share([row["style"] == row["style taken for"] for row in asked]),
            f"{name}: background": share([row["background distance"] <= DISTANCE for row in plain]),
            f"{name}: place": share([row["place"] == row["found place"] for row in plain]),
        }
    return {name: found for name, found in scores.items() if found.count}


def score_brand(rows: list[dict[str, Any]], brand: str, influence: float, distance: float) -> dict[str, Score]:
    """A brand's scores at one influence; at 0 it is the base model with the brand's prompts.

    ``distance`` is that of all its pictures from the brand's own; the judges know the style of one brand only.
    """
    prefix = f"{brand} at {influence:g}"
    scores = {f"{prefix}: look distance": Score(distance, math.nan, math.nan, len(rows))}
    if rows and rows[0]["style"] == BRAND_STYLE:
        scores[f"{prefix}: style"] = share([row["style taken for"] == BRAND_STYLE for row in rows])
        scores[f"{prefix}: style probability"] = mean([row["style probability"] for row in rows])
    return scores | {
        f"{prefix}: concept top 1": share([row["rank"] == 1 for row in rows]),
        f"{prefix}: concept top 5": share([row["rank"] <= 5 for row in rows]),
        f"{prefix}: background": share([row["background distance"] <= DISTANCE for row in rows]),
    }


def compose(trials: list[Trial], sprites: SpriteBank, side: int, look: str = BRAND_STYLE) -> list[Drawn]:
    """The composer's own pictures of the trials; a brand's trials stand flat in its look. A thing that the brand's
    set does not have is left out, and a setting that the composer does not draw."""
    composer = Composer(sprites, side, hold_out=False)
    drawn = []
    for trial in trials:
        scenes = [trial.scene, trial.changed] if trial.changed else [trial.scene]
        styled = [dataclasses.replace(scene, style=scene.style or look) for scene in scenes]
        known = trial.scene.background != UNKNOWN
        if known and (trial.thing.concept, styled[0].style) in sprites.pixels:
            drawn.append(Drawn(trial, *(composer.draw(scene, random.Random(trial.seed)) for scene in styled)))
    return drawn


@dataclass(frozen=True)
class Branded:
    """A brand's trials, and what the engine drew of them at each influence."""

    brand: Brand
    trials: list[Trial]
    by_influence: dict[float, list[Drawn]]

    def distance(self, drawn: list[Drawn]) -> float:
        """How far pictures are from the brand's own, in look."""
        return style_distance([Image.fromarray(item.picture) for item in drawn], self.brand.pictures())


def evaluate(
    work: Path,
    checkpoint: Path,
    brand_folders: Sequence[Path],
    *,
    count: int,
    brand_count: int,
    longhand_count: int = 0,
    settings: Settings = Settings(),
    target: Path | None = None,
) -> dict[str, Any]:
    """Draws, judges and writes the report into `target`, work/evaluation/ by default; returns it as well.

    Raises FileNotFoundError before the judges were trained, CheckpointError, and what `read_brand` raises.
    """
    judges = Judges.load(work)
    base_sprites = SpriteBank.load(work / "sprites.npz")
    brands = [read_brand(folder) for folder in brand_folders]
    started = time.time()
    with progress_bar() as bar:
        task = bar.add_task("choosing", total=None, note="")
        trials = plan(Composer(base_sprites), count)
        told = plan_longhand(longhand_count)
        asked = [plan_brand(names(base_sprites)[0], brand, brand_count) for brand in brands]
        total = sum(2 if trial.changed else 1 for trial in trials) + len(told) + len(INFLUENCES) * sum(map(len, asked))
        bar.update(task, description="pictures", total=total)
        artist = Artist(checkpoint, settings, bar, task)
        drawn = [artist.draw_trial(trial) for trial in trials]
        retold = [artist.draw_trial(trial) for trial in told]
        branded = [
            Branded(brand, own, {by: [artist.draw_trial(one, brand.adapter, by) for one in own] for by in INFLUENCES})
            for brand, own in zip(brands, asked, strict=True)
        ]
    side = len(drawn[0].picture)
    folder = target or work / "evaluation"
    folder.mkdir(parents=True, exist_ok=True)
    sprites = judged_sprites(work)
    if (work / "looks.npz").exists():
        sprites = SpriteBank(sprites.pixels | SpriteBank.load(work / "looks.npz").pixels)
    rows = judge(drawn, judges)
    scores, ceiling = score(rows), score(judge(compose(trials, sprites, side), judges))
    contact_sheet([item.picture for item in drawn], rows, folder / "worst.png")
    longhand_rows = judge(retold, judges)
    if told:
        scores |= score_longhand(longhand_rows)
        ceiling |= score_longhand(judge(compose(told, sprites, side), judges))
        contact_sheet([item.picture for item in retold], longhand_rows, folder / "worst-longhand.png")
    brand_rows: dict[str, dict[str, list[dict[str, Any]]]] = {}
    for one in branded:
        slug, look = one.brand.slug, one.brand.style
        found = {by: judge(items, judges, look) for by, items in one.by_influence.items()}
        for by, items in one.by_influence.items():
            scores |= score_brand(found[by], slug, by, one.distance(items))
        true = compose(one.trials, sprites, side, look)
        if true:
            ceiling |= score_brand(judge(true, judges, look), slug, 1.0, one.distance(true))
        contact_sheet([item.picture for item in one.by_influence[1.0]], found[1.0], folder / f"worst-{slug}.png")
        brand_rows[slug] = {f"{by:g}": kept for by, kept in found.items()}
    report = {
        "checkpoint": artist.engine.fingerprint.checkpoint,
        "brands": list(brand_rows),
        **dataclasses.asdict(settings),
        "pictures": total,
        "seconds": round(time.time() - started),
        "judges": judges.accuracy,
        "scores": {name: dataclasses.asdict(found) for name, found in scores.items()},
        "composer": {name: dataclasses.asdict(found) for name, found in ceiling.items()},
        "rows": rows,
        "longhand rows": longhand_rows,
        "brand rows": brand_rows,
    }
    (folder / "report.json").write_text(json.dumps(report, indent=1, ensure_ascii=False) + "\n")
    (folder / "report.md").write_text(table(scores, ceiling))
    return report


def main() -> None:
    parser = argparse.ArgumentParser(description="Evaluates the embedded model")
    parser.add_argument("--work", type=Path, default=Path("var/nano"))
    parser.add_argument("--checkpoint", type=Path, default=CHECKPOINT)
    parser.add_argument("--brand", type=Path, action="append", help="a brand's folder; may be repeated")
    parser.add_argument("--count", type=int, default=200, help="prompts for the base; 500 for the full table")
    parser.add_argument("--brand-count", type=int, help="prompts for each brand, each drawn at three influences")
    parser.add_argument("--steps", type=int, default=25)
    parser.add_argument("--guidance", type=float, default=5.0)
    parser.add_argument("--caching", choices=[EXACT, *CACHINGS], default=EXACT)
    parser.add_argument("--shift", type=float, help="of the noise levels, as in Spec; the checkpoint's own without it")
    parser.add_argument("--guidance-until", type=float, help="noise level below which nothing guides, as in Spec")
    parser.add_argument(
        "--longhand-count", type=int, default=224, help="long prompts in other people's words, up to 224"
    )
    parser.add_argument("--target", type=Path, help="folder of the report; evaluation/ in the work folder by default")
    parser.add_argument("--threads", type=int, help="of the processor; as many as PyTorch would take")
    a = parser.parse_args()
    if a.threads:
        torch.set_num_threads(a.threads)
    brand_count = a.brand_count or max(10, a.count // 4)
    target = a.target or a.work / "evaluation"
    evaluate(
        a.work,
        a.checkpoint,
        a.brand or [],
        count=a.count,
        brand_count=brand_count,
        longhand_count=a.longhand_count,
        settings=Settings(a.steps, a.guidance, a.caching, a.shift, a.guidance_until),
        target=target,
    )
    print((target / "report.md").read_text())


if __name__ == "__main__":
    main()
