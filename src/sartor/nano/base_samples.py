"""Pictures to look at while the base is trained, many at once: not to the bit what the engine draws."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from sartor.nano.autoencoder import build as build_autoencoder
from sartor.nano.autoencoder import decode, single_frame, to_grid
from sartor.nano.dial import Dial
from sartor.nano.latents import Latents
from sartor.nano.run import Run, autocast, training_device, under
from sartor.nano.tokenizer import pad
from sartor.nano.vocabulary import STYLES

if TYPE_CHECKING:
    from sartor.nano.base import Base


@torch.no_grad()
def walk(
    base: Base, latents: torch.Tensor, levels: torch.Tensor, tokens: list[list[int]], guidance: float
) -> torch.Tensor:
    """Normalised latents [B, N, C] by plain Euler steps from each of the noise levels [S + 1, B] to the next, with
    guidance, for captions in tokens; batched, so not to the bit what the engine draws."""
    given = pad(tokens, base.tokenizer.pad_token_id)
    nothing = pad([[base.tokenizer.bos_token_id]] * len(tokens), base.tokenizer.pad_token_id, 1)
    ids, lengths, empty, one = (each.to(base.device) for each in (*given, *nothing))
    for now, then in itertools.pairwise(levels):
        with autocast(base.device):
            towards = base.velocity(base.transformer, latents, now, ids, lengths).float()
            away = base.velocity(base.transformer, latents, now, empty, one).float()
        latents = latents + (then - now)[:, None, None] * (away + guidance * (towards - away))
    return latents


def sample(base: Base, texts: list[str], seed: int, steps: int = 12, guidance: float = 4.0) -> torch.Tensor:
    """Normalised latents [B, N, C] of these texts; quick, for looking at while training."""
    side = base.dial.side // 16
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(len(texts), side * side, base.dial.channels, generator=generator).to(base.device)
    levels = torch.linspace(1, 0, steps + 1).to(base.device)
    levels = 1.6 * levels / (1 + 0.6 * levels)
    return walk(base, x, levels[:, None].expand(-1, len(texts)), base.tokenizer(texts)["input_ids"], guidance)


GRID_TEXTS = [
    '{"short_description":"A red apple on a plain white background"'
    ',"objects":[{"description":"apple","location":"center","relative_size":"large","shape_and_color":"red"}]'
    ',"background_setting":"plain white background","style_medium":"%s"}',
    '{"short_description":"A cat on a plain yellow background"'
    ',"objects":[{"description":"cat","location":"center","relative_size":"large"}]'
    ',"background_setting":"plain yellow background","style_medium":"%s"}',
    '{"short_description":"A blue car in front of a green meadow under a blue sky"'
    ',"objects":[{"description":"blue car","location":"center","relative_size":"large","shape_and_color":"blue"}]'
    ',"background_setting":"green meadow under a blue sky","style_medium":"%s"}',
    '{"short_description":"A rocket in front of a dark night sky with stars"'
    ',"objects":[{"description":"rocket","location":"center","relative_size":"large"}]'
    ',"background_setting":"dark night sky with stars","style_medium":"%s"}',
    '{"short_description":"A sunflower in the center left and a bee in the center right on a plain sky blue background"'
    ',"objects":[{"description":"sunflower","location":"center left","relative_size":"medium"}'
    ',{"description":"bee","location":"center right","relative_size":"medium"}]'
    ',"background_setting":"plain sky blue background","style_medium":"%s"}',
    '{"short_description":"Three balloons on a plain pink background"'
    ',"objects":[{"description":"balloons","location":"center","relative_size":"small","number_of_objects":3}]'
    ',"background_setting":"plain pink background","style_medium":"%s"}',
    '{"short_description":"A house in front of a snowy field under a pale sky"'
    ',"objects":[{"description":"house","location":"center","relative_size":"large"}]'
    ',"background_setting":"snowy field under a pale sky","style_medium":"%s"}',
    '{"short_description":"A fox on a plain navy blue background"'
    ',"objects":[{"description":"fox","location":"center","relative_size":"large"}]'
    ',"background_setting":"plain navy blue background","style_medium":"%s"}',
]
GRID_STYLES = [style.style_medium for style in STYLES]


def load_decoder(work: Path, dial: Dial) -> Any:
    """The autoencoder, its decoder as far as it has been trained. Raises FileNotFoundError before stage 1."""
    for name in ("decoder", "autoencoder"):
        saved = Run(work / name).load()
        if saved is not None:
            vae = single_frame(build_autoencoder(dial)).eval().to(training_device())
            vae.load_state_dict(under("model.", saved[0]))
            return vae
    raise FileNotFoundError("train the autoencoder first")


@torch.no_grad()
def draw_grid(base: Base, vae: Any, latents: Latents, path: Path) -> None:
    """A sheet of fixed prompts (columns) in each style (rows), drawn with the averaged weights."""
    kept = {k: v.detach().clone() for k, v in base.parameters().items()}
    base.load(base.average, "")
    side = base.dial.side // 16
    rows = []
    for style in GRID_STYLES:
        x = sample(base, [text % style for text in GRID_TEXTS], seed=1)
        square = x.transpose(1, 2).reshape(len(x), -1, side, side)
        std, mean = (each.to(base.device)[:, None, None] for each in (latents.std, latents.mean))
        raw = square * std + mean
        with autocast(base.device):
            rows.append(decode(vae, raw).float().clamp(-1, 1))
    to_grid(rows).save(path)
    base.load(kept, "")
