"""Scenes and captions made by many processes while a GPU trains on those that are there already.

A card draws a batch in a few hundredths of a second; a bank that was drawn beforehand, and captions written in the
trainer's own process, would keep it waiting. Here processes draw scenes and write their captions in tokens, a shard at
a time, and `Pool` keeps latents and captions on the device and grows as shards arrive. Pictures come by way of files:
through the processes' pipes they come in hundreds of small pieces, for each of which a thread has to wait for the
interpreter that the trainer keeps busy. Which scenes a step sees depends on how fast they were drawn: two trainings of
the same seed are not the same to the bit, as those from a bank are.
"""

from __future__ import annotations

import multiprocessing
import random
import shutil
import tempfile
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch

from sartor.nano.autoencoder import encode
from sartor.nano.caption_source import DROPS, LONGEST, LONGEST_LONGHAND, PLAIN_SCENES, is_plain, shorten
from sartor.nano.captions import Background, Scene, Thing, compact, vary
from sartor.nano.dial import Dial
from sartor.nano.longhand import Filler, elaborate
from sartor.nano.run import autocast
from sartor.nano.scene import Composer
from sartor.nano.sources import SpriteBank, load_filler
from sartor.nano.tokenizer import SKETCH, name_positions

SHARD = 250  # scenes
AHEAD = 12  # shards of a process that wait to be taken, 50 MB each on disk: as many as are drawn while blocks compile
SHORT, LONG = 6, 2  # captions of each scene, LONG only where long ones are asked for
WIDTHS = (80, LONGEST, LONGEST_LONGHAND)  # tokens that a batch is padded to: few shapes, so that each can be compiled
THINGS = 3  # most of a scene

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True)
class Told:
    """Captions of a shard or a pool: ids int16 [N, T] padded with `pad`, lengths [N], the scene of each [N], where each
    of its up to three names ends [N, 3] (0 where there is none)."""

    ids: Any
    lengths: Any
    scenes: Any
    names: Any


@dataclass(frozen=True)
class Shard:
    """pictures uint8 [SHARD, side, side, 3]; the things' numbers [SHARD, 3] (-1 where there is none); the style's
    [SHARD]; whether the scene is plain [SHARD]."""

    pictures: Array
    things: Array
    styles: Array
    plain: Array
    short: Told
    long: Told


@dataclass(frozen=True)
class Maker:
    """What a process needs to make shards."""

    composer: Composer
    tokenizer: Any
    filler: Filler
    concepts: list[str]
    long: bool
    together: int = 1
    """2: every second scene is the one before it on another background, told in the same words."""

    @classmethod
    def open(cls, work: Path, dial: Dial, *, long: bool = True, together: int = 1) -> Maker:
        from transformers import PreTrainedTokenizerFast

        composer = Composer(SpriteBank.load(work / "sprites.npz"), dial.side, jitter=dial.jitter)
        tokenizer = PreTrainedTokenizerFast.from_pretrained(work / "text" / "tokenizer")
        concepts = sorted({name for name, _ in composer.pixels})
        return cls(composer, tokenizer, load_filler(work), concepts, long, together)

    def shard(self, index: int) -> Shard:
        """Scenes number index * SHARD and on."""
        scenes, pictures = [], []
        for number in range(index * SHARD, (index + 1) * SHARD, self.together):
            rng = random.Random(number)
            drawn = [self.composer.random_scene(rng)]
            if self.together == 2:
                drawn.append(self.composer.on_another_background(drawn[0], rng))
            pictures += [self.composer.draw(scene, rng) for scene in drawn]
            scenes += drawn
        order = {name: number for number, name in enumerate(self.concepts)}
        things = np.full((SHARD, THINGS), -1)
        for row, scene in enumerate(scenes):
            for place, thing in enumerate(scene.things):
                things[row, place] = order[thing.concept]
        short = [(row, vary(scenes[row], rng, drop=rng.choice(DROPS))) for row, rng in self._chances(index, SHORT)]
        told = self._chances(index, LONG) if self.long else ()
        long = [(row, elaborate(scenes[row], rng, self.filler)) for row, rng in told]
        return Shard(
            np.stack(pictures),
            things,
            np.array([self.composer.styles.index(scene.style or "") for scene in scenes]),
            np.array([is_plain(scene) for scene in scenes]),
            self._told(short, LONGEST),
            self._told(long, LONGEST_LONGHAND),
        )

    def _chances(self, index: int, each: int) -> Iterator[tuple[int, random.Random]]:
        """Of each scene of a shard `each` captions' chance: the same for all that are told together."""
        for row in range(SHARD):
            for number in range(each):
                yield row, random.Random(f"captions {index} {each} {row // self.together} {number}")

    def _told(self, prompts: list[tuple[int, dict[str, Any]]], longest: int) -> Told:
        tokens = self.tokenizer([compact(prompt) for _, prompt in prompts])["input_ids"] if prompts else []
        ids = np.full((len(prompts), longest), self.tokenizer.pad_token_id, np.int16)
        names = np.zeros((len(prompts), THINGS), np.int64)
        lengths = []
        for row, ((_, prompt), given) in enumerate(zip(prompts, tokens, strict=True)):
            kept = shorten(given, longest)
            ids[row, : len(kept)] = kept
            lengths.append(len(kept))
            if "objects" in prompt:
                ends = name_positions(self.tokenizer, kept)[:THINGS]
                names[row, : len(ends)] = ends
        return Told(ids, np.array(lengths, np.int64), np.array([row for row, _ in prompts], np.int64), names)

    def drawings(self, part: int, parts: int) -> dict[tuple[str, str], Array]:
        """Every `parts`-th thing in each style that training may show, large and centred on white."""
        shown = [key for key in sorted(self.composer.pixels) if key not in self.composer.unseen][part::parts]
        plain = Composer(SpriteBank(self.composer.pixels), self.composer.side, jitter=0.0)
        return {
            (name, style): plain.draw(
                Scene([Thing(name, colors=plain.colors_of(name, style))], style, Background()), random.Random(0)
            )
            for name, style in shown
        }


_maker: Maker | None = None


def _open(work: Path, dial: Dial, long: bool, together: int) -> None:
    global _maker
    torch.set_num_threads(1)
    _maker = Maker.open(work, dial, long=long, together=together)


def _shard(index: int, folder: Path) -> tuple[Shard, Path]:
    """A shard without its pictures, which are in the file."""
    assert _maker is not None
    shard, file = _maker.shard(index), folder / f"{index}.npy"
    np.save(file, shard.pictures)
    return replace(shard, pictures=shard.pictures[:0]), file


def _whole(shard: Shard, file: Path) -> Shard:
    """With its pictures, mapped from the file; its name goes, its bytes stay for as long as they are used."""
    pictures = np.load(file, mmap_mode="c")
    file.unlink()
    return replace(shard, pictures=pictures)


def _drawings(part: int, parts: int) -> dict[tuple[str, str], Array]:
    assert _maker is not None
    return _maker.drawings(part, parts)


class Stream:
    """Processes that make shards, AHEAD of whoever takes them, as long as its context lasts."""

    def __init__(self, work: Path, dial: Dial, processes: int, shards: int, *, long: bool, together: int = 1):
        """shards: at most so many in all, whose pictures wait in the work folder. long: whether they have long
        captions, too. together: 2 for scenes in pairs, as `Maker` has them."""
        self.together = together
        for left in work.glob("shards-*"):  # by a training that was killed
            shutil.rmtree(left, ignore_errors=True)
        self._folder = tempfile.TemporaryDirectory(prefix="shards-", dir=work, ignore_cleanup_errors=True)
        context = multiprocessing.get_context("spawn")
        self.pool = ProcessPoolExecutor(processes, context, _open, (work, dial, long, together))
        self._drawn = [self.pool.submit(_drawings, part, processes) for part in range(processes)]
        self._next, self._shards, self._ahead = 0, shards, AHEAD * processes
        self._running: list[Future[tuple[Shard, Path]]] = []
        self._more()

    def _more(self) -> None:
        while len(self._running) < self._ahead and self._next < self._shards:
            self._running.append(self.pool.submit(_shard, self._next, Path(self._folder.name)))
            self._next += 1

    def drawings(self) -> dict[tuple[str, str], Array]:
        """Waits for the single things: see `Maker.drawings`."""
        return {key: picture for part in self._drawn for key, picture in part.result().items()}

    def ready(self, least: int = 0) -> Iterator[Shard]:
        """The shards that are finished; waits for the first `least`."""
        for wait in range(len(self._running)):
            first = next((f for f in self._running if f.done()), self._running[0] if wait < least else None)
            if first is None:
                return
            self._running.remove(first)
            self._more()
            yield _whole(*first.result())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.pool.shutdown(cancel_futures=True)
        self._folder.cleanup()


class Pool:
    """Scenes' latents and captions on the device, normalised; grows by shards up to `most` scenes."""

    def __init__(
        self, vae: Any, dial: Dial, device: torch.device, most: int, pad: int, *, long: bool, together: int = 1
    ):
        self.vae, self.device, self.count, self.together = vae, device, 0, together
        tokens = (dial.side // 16) ** 2
        self.mean = self.std = torch.empty(0)
        self.latents = torch.empty(most, tokens, dial.channels, dtype=torch.float16, device=device)
        self.things = torch.full((most, THINGS), -1, device=device)
        self.styles = torch.zeros(most, dtype=torch.int64, device=device)
        self._plain: list[torch.Tensor] = []
        self.plain = torch.empty(0, dtype=torch.int64, device=device)
        self.short = self._empty(most * SHORT, LONGEST, pad)
        self.long = self._empty(most * LONG if long else 0, LONGEST_LONGHAND, pad)

    def _empty(self, count: int, longest: int, pad: int) -> Told:
        ids = torch.full((count, longest), pad, dtype=torch.int16, device=self.device)
        numbers = torch.zeros(count, THINGS + 2, dtype=torch.int64, device=self.device)
        return Told(ids, numbers[:, 0], numbers[:, 1], numbers[:, 2:])

    @torch.no_grad()
    def encoded(self, pictures: Array) -> torch.Tensor:
        """fp32 [B, C, h, w], raw."""
        parts = []
        for start in range(0, len(pictures), 128):
            some = torch.from_numpy(pictures[start : start + 128]).to(self.device)
            with autocast(self.device):
                part = encode(self.vae, some.permute(0, 3, 1, 2).float().div_(127.5).sub_(1))
            parts.append(part.float())
        return torch.cat(parts)

    def add(self, shard: Shard) -> bool:
        """Whether there was room for it. The first shard measures mean and deviation, unless they were given."""
        if self.count + SHARD > len(self.latents):
            return False
        raw = self.encoded(shard.pictures)
        if not len(self.mean):
            self.mean, self.std = raw.mean(dim=(0, 2, 3)), raw.std(dim=(0, 2, 3))
        here = slice(self.count, self.count + SHARD)
        self.latents[here] = self.normalised(raw).half()
        self.things[here] = torch.from_numpy(shard.things).to(self.device)
        self.styles[here] = torch.from_numpy(shard.styles).to(self.device)
        self._plain.append(torch.from_numpy(np.flatnonzero(shard.plain) + self.count).to(self.device))
        self.plain = torch.cat(self._plain)
        for own, given, each in ((self.short, shard.short, SHORT), (self.long, shard.long, LONG)):
            rows = slice(self.count * each, self.count * each + len(given.ids))
            own.ids[rows] = torch.from_numpy(given.ids).to(self.device)
            own.lengths[rows] = torch.from_numpy(given.lengths).to(self.device)
            own.scenes[rows] = torch.from_numpy(given.scenes).to(self.device) + self.count
            own.names[rows] = torch.from_numpy(given.names).to(self.device)
        self.count += SHARD
        return True

    def normalised(self, raw: torch.Tensor) -> torch.Tensor:
        """[B, h * w, C] of raw latents [B, C, h, w]."""
        mean, std = self.mean.to(self.device), self.std.to(self.device)
        return ((raw - mean[:, None, None]) / std[:, None, None]).flatten(2).transpose(1, 2)

    def group(self, size: int, batches: int, *, long: bool) -> list[Told]:
        """That many batches of `size` captions on the device, in random order, captions of like length together, and
        those of a pair side by side."""
        told, each = (self.long, LONG) if long else (self.short, SHORT)
        count = size * batches // self.together
        scenes = torch.randint(self.count, (count,), device=self.device)
        if len(self.plain):
            some = self.plain[torch.randint(len(self.plain), (count,), device=self.device)]
            scenes = torch.where(torch.rand(count, device=self.device) < PLAIN_SCENES, some, scenes)
        first = scenes // self.together * self.together * each + torch.randint(each, (count,), device=self.device)
        sets = torch.stack([first + each * number for number in range(self.together)], dim=1)
        rows = sets[told.lengths[sets].amax(1).argsort()].flatten()
        longest = told.lengths[rows].view(batches, size).amax(1).tolist()
        found = []
        for number, length in enumerate(longest):
            mine = rows[number * size : (number + 1) * size]
            width = next(width for width in WIDTHS if length <= width)
            found.append(Told(told.ids[mine, :width].long(), told.lengths[mine], told.scenes[mine], told.names[mine]))
        return random.sample(found, len(found))


def sketch_places(lengths: torch.Tensor) -> torch.Tensor:
    """Where the sketch's tokens stand in captions of these lengths: [B, 16]."""
    return lengths[:, None] + torch.arange(-len(SKETCH), 0, device=lengths.device)
