"""A bank of composed scenes on disk: pictures and what they show, drawn once and read by every training stage.

    python -m sartor.nano.bank --work DIR --count 60000

Writes `pictures.npy` (uint8 [count, side, side, 3], memory-mapped) and `scenes.jsonl`, shard by shard; a shard that is
already there is not drawn again, so a longer bank continues a shorter one. Scene i comes from seed i alone.
"""

from __future__ import annotations

import argparse
import json
import random
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
from rich.progress import Progress

from sartor.nano.captions import Background, Scene, Thing
from sartor.nano.concepts import CONCEPT_BY_NAME
from sartor.nano.dial import DIALS
from sartor.nano.scene import Composer
from sartor.nano.sources import SpriteBank
from sartor.nano.vocabulary import STYLE_BY_NAME, STYLES

SHARD = 1000  # scenes a file

Array = np.ndarray[Any, np.dtype[Any]]


def scene_to_json(scene: Scene) -> str:
    return json.dumps(asdict(scene), ensure_ascii=False, separators=(",", ":"))


def scene_from_json(text: str) -> Scene:
    data = json.loads(text)
    things = [Thing(**{**thing, "colors": tuple(thing["colors"])}) for thing in data["things"]]
    background = Background(**{**data["background"], "colors": tuple(data["background"]["colors"])})
    return Scene(things, data["style"], background, data["light"], data["shadow"])


def draw_shard(
    work: Path, index: int, side: int, jitter: float = 1.0, style: str | None = None, pairs: bool = False
) -> int:
    """Draws scenes index * SHARD .. + SHARD into work/bank, every second one in `style` where it is given; of `pairs`
    every second scene is the one before it on another background. Atomic, so a killed run leaves no half shard."""
    folder = work / "bank"
    target = folder / f"{index:04d}.npy"
    if target.exists():
        return index
    composer = Composer(SpriteBank.load(work / "sprites.npz"), side, jitter=jitter)
    pictures = np.empty((SHARD, side, side, 3), np.uint8)
    lines = []
    together = 2 if pairs else 1
    for first in range(0, SHARD, together):
        rng = random.Random(index * SHARD + first)
        scenes = [composer.random_scene(rng, style=style if first // together % 2 else None)]
        if pairs:
            scenes.append(composer.on_another_background(scenes[0], rng))
        for offset, scene in enumerate(scenes, first):
            pictures[offset] = composer.draw(scene, rng)
            lines.append(scene_to_json(scene))
    (folder / f"{index:04d}.jsonl").write_text("\n".join(lines) + "\n")
    with (folder / f"{index:04d}.tmp").open("wb") as file:
        np.save(file, pictures)
    (folder / f"{index:04d}.tmp").rename(target)
    return index


class Bank:
    """Scenes of all finished shards that the vocabulary knows and training may see: `pictures([i])`, `scenes[i]`."""

    def __init__(self, work: Path, limit: int | None = None):
        shards = sorted((work / "bank").glob("*.npy"))
        if limit is not None:
            shards = shards[: (limit + SHARD - 1) // SHARD]
        if not shards:
            raise FileNotFoundError(f"no scenes in {work / 'bank'}: run python -m sartor.nano.bank first")
        self._maps = [np.load(path, mmap_mode="r", allow_pickle=False) for path in shards]
        unseen = Composer(SpriteBank.load(work / "sprites.npz")).unseen
        self.scenes: list[Scene] = []
        self._rows: list[tuple[int, int]] = []
        for shard, path in enumerate(shards):
            for row, line in enumerate(path.with_suffix(".jsonl").read_text().splitlines()):
                scene = scene_from_json(line)
                known = scene.style in STYLE_BY_NAME and all(thing.concept in CONCEPT_BY_NAME for thing in scene.things)
                if known and not any((thing.concept, scene.style) in unseen for thing in scene.things):
                    self.scenes.append(scene)
                    self._rows.append((shard, row))

    def __len__(self) -> int:
        return len(self.scenes)

    def paired(self) -> bool:
        """Whether every second scene is the one before it, but for the background."""
        first, second = self.scenes[::2], self.scenes[1::2]
        same = (replace(one, background=other.background) == other for one, other in zip(first, second, strict=False))
        return len(first) == len(second) and all(same)

    def pictures(self, indices: list[int]) -> Array:
        """uint8 [n, side, side, 3]"""
        return np.stack([self._maps[shard][row] for shard, row in (self._rows[i] for i in indices)])


def main() -> None:
    parser = argparse.ArgumentParser(description="Draws the bank of scenes")
    parser.add_argument("--work", type=Path, default=Path("var/nano"))
    parser.add_argument("--count", type=int, default=60_000)
    parser.add_argument("--dial", choices=list(DIALS), default="cpu")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--style", choices=[style.name for style in STYLES], help="of every second scene: what is new")
    parser.add_argument("--pairs", action="store_true", help="draw each scene once more on another background")
    arguments = parser.parse_args()
    (arguments.work / "bank").mkdir(parents=True, exist_ok=True)
    dial = DIALS[arguments.dial]
    shards = range((arguments.count + SHARD - 1) // SHARD)
    with Progress() as progress, ProcessPoolExecutor(arguments.processes) as pool:
        task = progress.add_task("scenes", total=len(shards) * SHARD)
        fixed = dial.side, dial.jitter, arguments.style, arguments.pairs
        jobs = [pool.submit(draw_shard, arguments.work, index, *fixed) for index in shards]
        for job in jobs:
            job.result()
            progress.advance(task, SHARD)


if __name__ == "__main__":
    main()
