"""What the judges are shown: things cut out of pictures, by the rule that cuts generated ones.

The composer draws every sprite many times, on plain colours and landscapes, in every light, with and without a shadow,
upright and tilted; a rendering is then moved, bent, tinted and made soft at each look. Some of the plain colours are
kept from the training; `held` renderings stand on those, or on a landscape.
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

from sartor.nano.brand import drawings
from sartor.nano.captions import Background, Scene, Thing
from sartor.nano.colors import to_lab
from sartor.nano.concepts import CONCEPT_BY_NAME
from sartor.nano.looks import INKWELL
from sartor.nano.measures import frame_color, things_mask
from sartor.nano.one_color import stands_apart
from sartor.nano.run import progress_bar
from sartor.nano.scene import Composer, spots
from sartor.nano.sources import BRAND_STYLE, SpriteBank
from sartor.nano.vocabulary import (
    BACKGROUND_COLORS,
    COLORS,
    LANDSCAPES,
    LIGHTING,
    MIRRORED,
    ONE_COLOR_STYLES,
    PIXEL_ART,
    PLACES,
    SHADOWS,
    SIZES,
)

SIDE = 64  # pixels of a cut-out's side
NATIVE = 256  # pixels of the composed picture's side, as the model draws
MARGIN = 0.1  # around the thing, as a share of its longer side
HELD_COLORS = ("turquoise", "peach", "dark green")  # plain backgrounds of the held-out renderings only
BY_RULE = (PIXEL_ART,)  # styles that their squares tell, in the whole picture: in a soft cut-out nothing does
NO_STYLE = -100  # in place of a style's row, for what a rule tells: torch's cross-entropy passes it over
PAPER_LIGHTNESS = 62.0  # CIELAB L: dark lines are drawn on backgrounds at least so light

Array = np.ndarray[Any, np.dtype[Any]]


def judged_sprites(work: Path) -> SpriteBank:
    """Every sprite there is, the held-out pairs and the brand's (in its ink) among them."""
    return SpriteBank(SpriteBank.load(work / "sprites.npz").pixels | drawings(work, INKWELL).pixels)


def random_view(concept: str, style: str, rng: random.Random, *, held: bool = False) -> Scene:
    """One thing on a landscape or a plain colour: one of the training's or, with `held`, one of those kept apart.

    The brand's drawings stand as the brand has them: on plain colours, upright, in even light.
    """
    size = rng.choices(["large", "medium"], [0.65, 0.35])[0]
    thing = Thing(concept, "center" if rng.random() < 0.5 else rng.choice(list(PLACES)), size)
    colors = [name for name in BACKGROUND_COLORS if (name in HELD_COLORS) == held]
    if style == BRAND_STYLE:
        colors = [name for name in colors if float(to_lab(np.array(BACKGROUND_COLORS[name]))[0]) > PAPER_LIGHTNESS]
    color = "cream" if not held and rng.random() < 0.2 else rng.choice(colors)
    background = Background("plain", (color,))
    if style == BRAND_STYLE:
        return Scene([thing], style, background)
    if rng.random() < 0.25:
        background = Background(rng.choice(list(LANDSCAPES)), (), blurred=rng.random() < 0.3)
    if rng.random() < 0.25:
        paints = [name for name in COLORS if style not in ONE_COLOR_STYLES or stands_apart(name, background)]
        thing.recolored, thing.colors = True, (rng.choice(paints),)
    if rng.random() < 0.12:
        thing.orientation = f"tilted to the {rng.choice(['left', 'right'])}"
    if CONCEPT_BY_NAME[concept].faces and rng.random() < 0.4:
        thing.facing = MIRRORED
    light = "even" if rng.random() < 0.75 else rng.choice(list(LIGHTING))
    shadow = "none" if rng.random() < 0.55 else rng.choice(list(SHADOWS))
    return Scene([thing], style, background, light, shadow)


def stands_out(picture: Array, scene: Scene) -> bool:
    """Whether most of the thing's length differs from a plain background: a white ghost on white does not."""
    if scene.background.kind != "plain":
        return True
    mask = things_mask(picture)
    length = max(int(mask.any(0).sum()), int(mask.any(1).sum()))
    return length >= 0.85 * SIZES[scene.things[0].size][0] * len(picture)


def cut_out(picture: Array, scene: Scene) -> Array:
    """The square around the thing, with a margin: uint8 [h, w, 3] -> [SIDE, SIDE, 3].

    On a plain colour around whatever differs from it (all of the picture where nothing does), on any other background
    where the scene has its first thing. What the square has beyond the picture is filled with the frame's colour.
    """
    height, width = picture.shape[:2]
    if scene.background.kind != "plain":
        thing = scene.things[0]
        x, y = spots(thing, random.Random(0), jitter=0)[0]
        return _square(picture, x * width, y * height, SIZES[thing.size][1] * min(height, width))
    mask = things_mask(picture)
    if not mask.any():
        return np.asarray(Image.fromarray(picture).resize((SIDE, SIDE), Image.Resampling.BILINEAR))
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    top, bottom, left, right = rows[0], rows[-1] + 1, columns[0], columns[-1] + 1
    return _square(picture, (left + right) / 2, (top + bottom) / 2, max(bottom - top, right - left))


def _square(picture: Array, x: float, y: float, length: float) -> Array:
    """The square around (x, y) pixels whose side is `length` and a margin on both sides, SIDE pixels a side."""
    half, room = length * (0.5 + MARGIN), len(picture)
    color = tuple(int(value) for value in frame_color(picture))
    canvas = Image.new("RGB", (picture.shape[1] + 2 * room, picture.shape[0] + 2 * room), color)
    canvas.paste(Image.fromarray(picture), (room, room))
    x, y = room + x, room + y
    box = (x - half, y - half, x + half, y + half)
    return np.asarray(canvas.resize((SIDE, SIDE), Image.Resampling.BILINEAR, box=box))


@dataclass(frozen=True)
class Renderings:
    """pictures uint8 [N, SIDE, SIDE, 3]; concept and style int64 [N], rows of the judges' name tables or NO_STYLE."""

    pictures: Tensor
    concept: Tensor
    style: Tensor


def render(sprites: SpriteBank, views: int, seed: int, *, held: bool = False) -> Renderings:
    """`views` cut-outs of each sprite; the same seed gives the same ones."""
    composer = Composer(sprites, NATIVE, hold_out=False)
    concepts, styles = names(sprites)
    rng = random.Random(seed)
    keys = sorted(sprites.pixels)
    pictures = np.empty((len(keys) * views, SIDE, SIDE, 3), np.uint8)
    with progress_bar() as bar:
        task = bar.add_task("held-out renderings" if held else "renderings", total=len(pictures), note="")
        for row in range(len(pictures)):
            concept, style = keys[row // views]
            for _ in range(6):
                scene = random_view(concept, style, rng, held=held)
                picture = composer.draw(scene, rng)
                if stands_out(picture, scene):
                    break
            pictures[row] = cut_out(recompressed(picture, rng) if rng.random() < 0.25 else picture, scene)
            bar.update(task, completed=row + 1)
    return Renderings(
        torch.from_numpy(pictures),
        torch.tensor([concepts.index(concept) for concept, _ in keys]).repeat_interleave(views),
        torch.tensor([styles.index(style) if style in styles else NO_STYLE for _, style in keys]).repeat_interleave(
            views
        ),
    )


def names(sprites: SpriteBank) -> tuple[list[str], list[str]]:
    """The concepts and the styles of a bank, sorted, without those BY_RULE: the judges' classes."""
    concepts, styles = ({key[part] for key in sprites.pixels} for part in (0, 1))
    return sorted(concepts), sorted(styles - {*BY_RULE})


def recompressed(picture: Array, rng: random.Random) -> Array:
    """The picture after JPEG at quality 25 to 80."""
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "JPEG", quality=rng.randint(25, 80))
    return np.asarray(Image.open(buffer).convert("RGB"))


def to_input(pictures: Tensor) -> Tensor:
    """uint8 [B, SIDE, SIDE, 3] -> float [B, 3, SIDE, SIDE] in -1..1."""
    return pictures.permute(0, 3, 1, 2).float() / 127.5 - 1


def augment(pictures: Tensor) -> Tensor:
    """Moves, bends, tints and softens each picture by chance: [B, 3, h, w] in -1..1 -> the same."""
    size = len(pictures)
    angle = (torch.rand(size) - 0.5) * 0.3
    scale = 0.85 + 0.35 * torch.rand(size)
    cos, sin = torch.cos(angle) * scale, torch.sin(angle) * scale
    shift = (torch.rand(size, 2) - 0.5) * 0.2
    rows = [torch.stack([cos, -sin, shift[:, 0]], 1), torch.stack([sin, cos, shift[:, 1]], 1)]
    grid = F.affine_grid(torch.stack(rows, 1), list(pictures.shape), align_corners=False)
    bend = F.interpolate(torch.randn(size, 2, 6, 6), pictures.shape[-2:], mode="bicubic", align_corners=False)
    strength = 0.03 * torch.rand(size, 1, 1, 1)
    moved = F.grid_sample(pictures, grid + strength * bend.movedim(1, -1), padding_mode="border", align_corners=False)
    gain = 1 + 0.2 * (torch.rand(size, 1, 1, 1) - 0.5) + 0.12 * (torch.rand(size, 3, 1, 1) - 0.5)
    tinted = (moved + 1) * gain - 1 + 0.15 * (torch.rand(size, 1, 1, 1) - 0.5)
    soft = soften(tinted, int(torch.randint(22, 56, ())))
    mixed = torch.where(torch.rand(size, 1, 1, 1) < 0.55, soft, tinted)
    return (mixed + 0.04 * torch.rand(size, 1, 1, 1) * torch.randn_like(mixed)).clamp(-1, 1)


def soften(pictures: Tensor, side: int) -> Tensor:
    """The pictures [B, 3, h, w] with no more detail than `side` pixels across hold."""
    small = F.interpolate(pictures, (side, side), mode="bilinear", antialias=True, align_corners=False)
    return F.interpolate(small, pictures.shape[-2:], mode="bicubic", align_corners=False)
