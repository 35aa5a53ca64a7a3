"""Captions to train with, in batches: of a bank's scenes, most in the composer's few words, some in many."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from typing import Any

from transformers import PreTrainedTokenizerFast

from sartor.nano.bank import Bank
from sartor.nano.captions import Scene, compact, vary
from sartor.nano.longhand import Filler, elaborate, in_short
from sartor.nano.tokenizer import SKETCH

DROPS = (0.35, 0.85)  # shares of fields that captions leave out in training: full ones and short ones in turn
PLAIN_SCENES = 0.4  # share drawn from scenes of one or two kinds of upright things in their own colours
GROUP = 8  # batches whose captions are sorted by length together, so that little of a batch is padding
LONGEST, LONGEST_LONGHAND = 160, 896  # tokens of a caption in training


def is_plain(scene: Scene) -> bool:
    """Whether the scene has one or two kinds of things, all upright and in their own colours."""
    return len(scene.things) <= 2 and all(t.orientation == "upright" and not t.recolored for t in scene.things)


def draw_row(plain: list[int], count: int, rng: random.Random) -> int:
    """The number of a scene among `count`: one of the plain ones for PLAIN_SCENES of the draws."""
    return rng.choice(plain) if plain and rng.random() < PLAIN_SCENES else rng.randrange(count)


@dataclass(frozen=True)
class Caption:
    """A scene's number in the bank, what is said of it, and that in tokens, the sketch's at the end; of a long caption
    also the tokens of a short one that says the same."""

    row: int
    prompt: dict[str, Any]
    ids: list[int]
    short: list[int] | None = None


class CaptionSource:
    """Captions of a bank's scenes: most short, in the composer's own wording, some in many words."""

    def __init__(
        self, bank: Bank, count: int, tokenizer: PreTrainedTokenizerFast, filler: Filler, *, pairs: bool = False
    ):
        """count: of the bank's scenes that may be drawn. pairs: each scene is followed by the same on another
        background, told alike. Raises ValueError where the bank has none."""
        if pairs and not bank.paired():
            raise ValueError("the bank has no pairs: draw it with python -m sartor.nano.bank --pairs")
        self.bank, self.count, self.tokenizer, self.filler = bank, count, tokenizer, filler
        self.together = 2 if pairs else 1
        self.plain = [i for i in range(count) if is_plain(bank.scenes[i])]

    def group(self, size: int, longhand: int, rng: random.Random) -> list[list[Caption]]:
        """GROUP batches in random order, captions of like length together: `size` short ones each, but `longhand` of
        the batches hold a quarter as many, long ones."""
        fewer = max(1, size // 4 // self.together) * self.together
        chosen = self._chosen(size * (GROUP - longhand), rng)
        told = [(row, vary(self.bank.scenes[row], chance, drop=chance.choice(DROPS))) for row, chance in chosen]
        chosen = self._chosen(fewer * longhand, rng)
        retold = [(row, elaborate(self.bank.scenes[row], chance, self.filler)) for row, chance in chosen]
        short, long = self._written(told, LONGEST), self._written(retold, LONGEST_LONGHAND)
        plain = self._written([(row, in_short(self.bank.scenes[row], prompt)) for row, prompt in retold], LONGEST)
        long = [replace(caption, short=same.ids) for caption, same in zip(long, plain, strict=True)]
        batches = by_length(short, size, self.together) + by_length(long, fewer, self.together)
        return rng.sample(batches, len(batches))

    def _chosen(self, count: int, rng: random.Random) -> list[tuple[int, random.Random]]:
        """The numbers of `count` scenes, each with what decides how it is told: of a pair the same for both."""
        if self.together == 1:
            return [(draw_row(self.plain, self.count, rng), rng) for _ in range(count)]
        chosen = []
        for _ in range(count // 2):
            row, seed = draw_row(self.plain, self.count, rng) // 2 * 2, rng.random()
            chosen += [(row, random.Random(seed)), (row + 1, random.Random(seed))]
        return chosen

    def _written(self, prompts: list[tuple[int, dict[str, Any]]], longest: int) -> list[Caption]:
        if not prompts:
            return []
        tokens = self.tokenizer([compact(prompt) for _, prompt in prompts])["input_ids"]
        return [Caption(row, prompt, shorten(ids, longest)) for (row, prompt), ids in zip(prompts, tokens, strict=True)]


def shorten(ids: list[int], longest: int) -> list[int]:
    """At most `longest` tokens: the last words are left out, the sketch's tokens stay."""
    return ids if len(ids) <= longest else ids[: longest - len(SKETCH)] + ids[-len(SKETCH) :]


def by_length(captions: list[Caption], size: int, together: int = 1) -> list[list[Caption]]:
    """Batches of `size`, the shortest captions first; of each `together` captions none is parted from the others."""
    sets = [captions[start : start + together] for start in range(0, len(captions), together)]
    ordered = [each for one in sorted(sets, key=lambda own: max(len(c.ids) for c in own)) for each in one]
    return [ordered[start : start + size] for start in range(0, len(ordered), size)]
