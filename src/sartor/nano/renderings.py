"""What the judges are shown: every sprite, drawn by the composer, then moved, bent, tinted and made soft.

Some backgrounds are kept from the training; `held` renderings stand on those alone.
"""

from __future__ import annotations

import io
import random
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from sartor.nano.brand import INK
from sartor.nano.captions import Background, Scene, Thing
from sartor.nano.colors import to_lab
from sartor.nano.run import progress_bar
from sartor.nano.scene import Composer
from sartor.nano.sources import BRAND_STYLE, SpriteBank
from sartor.nano.vocabulary import BACKGROUND_COLORS, COLORS, LANDSCAPES, ORIENTATIONS, PLACES

SIDE = 96  # pixels of a judged picture's side
HELD_COLORS = ("turquoise", "peach", "dark green")  # backgrounds of the held-out renderings only
HELD_LANDSCAPES = ("sea", "desert")
PAPER_LIGHTNESS = 62.0  # CIELAB L: dark lines are drawn on backgrounds at least so light

Array = np.ndarray[Any, np.dtype[Any]]


def judged_sprites(work: Path) -> SpriteBank:
    """Every sprite there is, the held-out pairs and the brand's (in its ink) among them."""
    brand = {key: sprite.copy() for key, sprite in SpriteBank.load(work / "brand.npz").pixels.items()}
    for sprite in brand.values():
        sprite[..., :3] = np.array(INK, np.uint8)
    return SpriteBank(SpriteBank.load(work / "sprites.npz").pixels | brand)


def random_background(rng: random.Random, *, light: bool, held: bool) -> Background:
    """A background of the training's or, with `held`, of the held-out renderings'; `light` keeps dark lines visible."""
    colors = [name for name in BACKGROUND_COLORS if (name in HELD_COLORS) == held]
    landscapes = [name for name in LANDSCAPES if (name in HELD_LANDSCAPES) == held and name not in {"night", "sunset"}]
    if light:
        colors = [name for name in colors if float(to_lab(np.array(BACKGROUND_COLORS[name]))[0]) > PAPER_LIGHTNESS]
    elif not held:
        landscapes += ["night", "sunset"]
    roll = rng.random()
    if roll < 0.2 and not held:
        return Background("plain", ("cream",))
    if roll < 0.7:
        return Background("plain", (rng.choice(colors),))
    if roll < 0.8:
        return Background("gradient", (rng.choice(colors), rng.choice(colors)))
    return Background(rng.choice(landscapes), (), blurred=rng.random() < 0.4)


def random_view(concept: str, style: str, rng: random.Random, *, held: bool = False) -> Scene:
    """One thing, somewhere, in some size, sometimes recoloured or tilted."""
    size = rng.choices(["large", "medium"], [0.65, 0.35])[0]
    thing = Thing(concept, "center" if rng.random() < 0.5 else rng.choice(list(PLACES)), size)
    if rng.random() < 0.1:
        thing.orientation = rng.choice(list(ORIENTATIONS))
    if style != BRAND_STYLE and rng.random() < 0.25:
        thing.recolored, thing.colors = True, (rng.choice(list(COLORS)),)
    background = random_background(rng, light=style == BRAND_STYLE, held=held)
    shadow = "none" if style == BRAND_STYLE else rng.choice(["none", "none", "soft", "left", "right"])
    return Scene([thing], style, background, rng.choices(["even", "warm", "cool", "dim"], [7, 1, 1, 1])[0], shadow)


@dataclass(frozen=True)
class Renderings:
    """pictures uint8 [N, SIDE, SIDE, 3]; concept and style int64 [N], rows of the judges' name tables."""

    pictures: Tensor
    concept: Tensor
    style: Tensor


def render(sprites: SpriteBank, views: int, seed: int, *, held: bool = False, side: int = SIDE) -> Renderings:
    """`views` pictures of each sprite; the same seed gives the same pictures."""
    composer = Composer(sprites, side, hold_out=False)
    concepts, styles = names(sprites)
    rng = random.Random(seed)
    keys = sorted(sprites.pixels)
    pictures = np.empty((len(keys) * views, side, side, 3), np.uint8)
    with progress_bar() as bar:
        task = bar.add_task("held-out renderings" if held else "renderings", total=len(pictures), note="")
        for row in range(len(pictures)):
            concept, style = keys[row // views]
            picture = composer.draw(random_view(concept, style, rng, held=held), rng)
            pictures[row] = recompressed(picture, rng) if rng.random() < 0.25 else picture
            bar.update(task, completed=row + 1)
    return Renderings(
        torch.from_numpy(pictures),
        torch.tensor([concepts.index(concept) for concept, _ in keys]).repeat_interleave(views),
        torch.tensor([styles.index(style) for _, style in keys]).repeat_interleave(views),
    )


def names(sprites: SpriteBank) -> tuple[list[str], list[str]]:
    """The concepts and the styles of a bank, sorted: the judges' classes."""
    return sorted({concept for concept, _ in sprites.pixels}), sorted({style for _, style in sprites.pixels})


def recompressed(picture: Array, rng: random.Random) -> Array:
    """The picture after JPEG at quality 25 to 80."""
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "JPEG", quality=rng.randint(25, 80))
    return np.asarray(Image.open(buffer).convert("RGB"))


def to_input(pictures: Tensor) -> Tensor:
    """uint8 [B, h, w, 3] of any size -> float [B, 3, SIDE, SIDE] in -1..1."""
    scaled = pictures.permute(0, 3, 1, 2).float() / 127.5 - 1
    if scaled.shape[-1] != SIDE or scaled.shape[-2] != SIDE:
        scaled = F.interpolate(scaled, (SIDE, SIDE), mode="bilinear", antialias=True, align_corners=False)
    return scaled


def augment(pictures: Tensor) -> Tensor:
    """Moves, bends, mirrors, tints and softens each picture by chance: [B, 3, h, w] in -1..1 -> the same."""
    size = len(pictures)
    angle = (torch.rand(size) - 0.5) * 0.35
    scale = 0.85 + 0.4 * torch.rand(size)
    mirror = torch.where(torch.rand(size) < 0.5, -1.0, 1.0)
    cos, sin = torch.cos(angle) * scale, torch.sin(angle) * scale
    shift = (torch.rand(size, 2) - 0.5) * 0.16
    rows = [torch.stack([cos * mirror, -sin, shift[:, 0]], 1), torch.stack([sin * mirror, cos, shift[:, 1]], 1)]
    grid = F.affine_grid(torch.stack(rows, 1), list(pictures.shape), align_corners=False)
    bend = F.interpolate(torch.randn(size, 2, 6, 6), pictures.shape[-2:], mode="bicubic", align_corners=False)
    strength = 0.03 * torch.rand(size, 1, 1, 1)
    moved = F.grid_sample(pictures, grid + strength * bend.movedim(1, -1), padding_mode="border", align_corners=False)
    gain = 1 + 0.3 * (torch.rand(size, 1, 1, 1) - 0.5) + 0.16 * (torch.rand(size, 3, 1, 1) - 0.5)
    tinted = (moved + 1) * gain - 1 + 0.2 * (torch.rand(size, 1, 1, 1) - 0.5)
    soft = soften(tinted, int(torch.randint(36, 76, ())))
    mixed = torch.where(torch.rand(size, 1, 1, 1) < 0.55, soft, tinted)
    return (mixed + 0.04 * torch.rand(size, 1, 1, 1) * torch.randn_like(mixed)).clamp(-1, 1)


def soften(pictures: Tensor, side: int) -> Tensor:
    """The pictures [B, 3, h, w] with no more detail than `side` pixels across hold."""
    small = F.interpolate(pictures, (side, side), mode="bilinear", antialias=True, align_corners=False)
    return F.interpolate(small, pictures.shape[-2:], mode="bicubic", align_corners=False)
