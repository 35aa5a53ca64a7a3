"""The attribute model: names the vocabulary's things and the base's styles in pictures of any style.

    python -m sartor.nano.attributes --work DIR [--target FILE] [--steps N]
    python -m sartor.nano.attributes --work DIR [--target FILE] --evaluate

It learns from the base's sprites, drawn afresh at every step on every kind of background, and treated (treatments.py)
so that shape alone has to do where colours and shading are gone. Emoji that the vocabulary has no word for teach it to
say "other". The brand's drawings are never shown to it. A killed run goes on from its last checkpoint; the weights are
written as fp16 into the work folder, and ship inside sartor/captioning/attributes/, where only --target puts them. With
--evaluate, captions of composed scenes are compared with the truth.
"""

from __future__ import annotations

import argparse
import json
import random
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from safetensors.torch import save_file
from torch import Tensor

from sartor.captioning.naming import OTHER, SIDE, WEIGHTS, WIDTH, AttributeNetwork
from sartor.nano.concepts import CONCEPTS
from sartor.nano.run import (
    Run,
    Steps,
    autocast,
    optimizer_tensors,
    prefixed,
    restore_optimizer,
    schedule,
    set_rate,
    under,
)
from sartor.nano.scenery import draw_landscape
from sartor.nano.sources import SpriteBank, code_points, open_sets, package_folder
from sartor.nano.treatments import treat
from sartor.nano.vocabulary import FIRST_STYLES, LANDSCAPES

CANVAS = 80  # pixels of a sprite's canvas; its longer side takes FILL of it
FILL = 0.9
OTHERS = 260  # emoji without a word; every fifth is kept for the evaluation
OTHER_SHARE = 0.16  # of a training's sprites
# Things that the vocabulary's words fit, though their own names do not say so.
ALIKE = frozenset(
    word
    for line in (
        "taxi vehicle minibus trolleybus van truck ferry canoe speedboat motor helicopter hut castle oclock hourglass",
        "watch blossom hibiscus bouquet herb maple seedling beach sunset sunrise sunny comet sparkle bread cookie",
        "bagel kiwi mango peach volleyball baseball person people man woman boy girl baby hand santa flag keycap",
        "button",
    )
    for word in line.split()
)

SEED = 11

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True)
class Sprites:
    """pixels uint8 [N, 4, CANVAS, CANVAS], alpha premultiplied; thing and style int64 [N], rows of the name tables."""

    pixels: Tensor
    thing: Tensor
    style: Tensor

    def only(self, rows: Tensor) -> Sprites:
        return Sprites(self.pixels[rows], self.thing[rows], self.style[rows])


def names() -> tuple[list[str], list[str]]:
    """What the network's outputs mean; OTHER is the last of each, also for drawings of one colour, brands' mostly."""
    things = sorted(concept.name for concept in CONCEPTS)
    return [*things, OTHER], [*sorted(FIRST_STYLES), OTHER]


def on_canvas(sprite: Array) -> Array:
    """Straight-alpha RGBA, uint8 [h, w, 4], centred on a canvas with alpha premultiplied: uint8 [4, CANVAS, CANVAS]."""
    picture = Image.fromarray(sprite).convert("RGBa")
    scale = FILL * CANVAS / max(picture.size)
    size = max(1, round(picture.width * scale)), max(1, round(picture.height * scale))
    small = np.asarray(picture.resize(size, Image.Resampling.LANCZOS, reducing_gap=3))
    canvas = np.zeros((CANVAS, CANVAS, 4), np.uint8)
    top, left = (CANVAS - size[1]) // 2, (CANVAS - size[0]) // 2
    canvas[top : top + size[1], left : left + size[0]] = small
    return canvas.transpose(2, 0, 1)


def known_sprites(bank: SpriteBank) -> Sprites:
    """The bank's sprites; styles that are not the base's count as OTHER."""
    things, styles = names()
    keys = sorted(bank.pixels)
    return Sprites(
        torch.from_numpy(np.stack([on_canvas(bank.pixels[key]) for key in keys])),
        torch.tensor([things.index(concept) for concept, _ in keys]),
        torch.tensor([styles.index(style) if style in styles else len(styles) - 1 for _, style in keys]),
    )


def wordless_emoji(work: Path, seed: int) -> list[str]:
    """Code points of OTHERS emoji whose names share no word with the vocabulary, in a fixed random order."""
    words = {word for concept in CONCEPTS for name in (concept.name, *concept.synonyms) for word in name.split()}
    taken = {code_points(concept.emoji) for concept in CONCEPTS}
    flat = open_sets(work)["flat"]
    found = []
    for points, name in sorted(flat.names.items()):
        parts = set(name.split("-")) | {part.rstrip("s") for part in name.split("-")}
        if points not in taken and "-" not in points and not parts & (words | ALIKE):
            found.append(points)
    return random.Random(seed).sample(found, min(OTHERS, len(found)))


def other_sprites(work: Path, cache: Path, seed: int) -> tuple[Sprites, Sprites]:
    """Emoji without a word: those to train with, and those kept for the evaluation. Drawn once, then cached."""
    path = cache / "others.npz"
    if not path.exists():
        sets, pixels, styles, numbers = open_sets(work), [], [], []
        style_names = names()[1]
        for number, points in enumerate(wordless_emoji(work, seed)):
            emoji = "".join(chr(int(point, 16)) for point in points.split("-"))
            for style in ("flat", "cartoon", "soft3d"):
                picture = _soft(work, points) if style == "soft3d" else sets[style].render(emoji)
                if picture is None or (box := picture.getchannel("A").getbbox()) is None:
                    continue
                pixels.append(on_canvas(np.asarray(picture.crop(box))))
                styles.append(style_names.index(style))
                numbers.append(number)
        cache.mkdir(parents=True, exist_ok=True)
        np.savez_compressed(path, pixels=np.stack(pixels), styles=np.array(styles), numbers=np.array(numbers))
    with np.load(path, allow_pickle=False) as archive:
        rows = torch.from_numpy(archive["numbers"])
        sprites = Sprites(
            torch.from_numpy(archive["pixels"]),
            torch.full((len(rows),), len(names()[0]) - 1),
            torch.from_numpy(archive["styles"]),
        )
    return sprites.only(rows % 5 != 0), sprites.only(rows % 5 == 0)


def _soft(work: Path, points: str) -> Image.Image | None:
    path = package_folder(work, "@lobehub/fluent-emoji-3d") / "assets" / f"{points}.webp"
    return Image.open(path).convert("RGBA") if path.exists() else None


def landscapes(count: int, seed: int) -> Tensor:
    """Backgrounds with a ground and a sky: float [count, 3, 96, 96] in 0..1."""
    rng = random.Random(seed)
    drawn = [np.asarray(draw_landscape(rng.choice(sorted(LANDSCAPES)), 96, rng)) for _ in range(count)]
    return torch.from_numpy(np.stack(drawn)).permute(0, 3, 1, 2).float() / 255


def placed(pixels: Tensor) -> Tensor:
    """Sprites turned, mirrored, scaled, moved and bent by chance: [B, 4, CANVAS, CANVAS] to [B, 4, SIDE, SIDE]."""
    size = len(pixels)
    angle = torch.randn(size) * 0.1 + (torch.rand(size) < 0.12) * (torch.rand(size) - 0.5) * 1.1
    angle = angle + (torch.rand(size) < 0.05) * torch.pi
    # The part of the cut-out that the thing takes: 1 / (1 + 2 margin), and what measuring errs by.
    scale = FILL / (0.72 + 0.26 * torch.rand(size))
    stretch = 1 + 0.12 * (torch.rand(size) - 0.5)
    mirror = torch.where(torch.rand(size) < 0.5, 1.0, -1.0)
    cos, sin = torch.cos(angle) * scale, torch.sin(angle) * scale
    shift = (torch.rand(size, 2) - 0.5) * 0.22
    across = torch.stack([cos * stretch * mirror, -sin * mirror, shift[:, 0]], 1)
    down = torch.stack([sin, cos, shift[:, 1]], 1)
    grid = F.affine_grid(torch.stack([across, down], 1), [size, 4, SIDE, SIDE], align_corners=False)
    bend = F.interpolate(torch.randn(size, 2, 5, 5), (SIDE, SIDE), mode="bilinear", align_corners=False)
    grid = grid + 0.025 * torch.rand(size, 1, 1, 1) * bend.movedim(1, -1)
    return F.grid_sample(pixels.float() / 255, grid, align_corners=False).clamp(0, 1)


def behind(size: int, scenes: Tensor) -> tuple[Tensor, Tensor]:
    """Backgrounds [B, 3, SIDE, SIDE] in 0..1: plain colours, gradients, landscapes; and a colour of each, [B, 3]."""
    first, second = torch.rand(size, 3), torch.rand(size, 3)
    light = torch.rand(size, 1) < 0.45
    first = torch.where(light, 1 - 0.35 * first**2, first)
    first = torch.where(torch.rand(size, 1) < 0.08, torch.zeros(()), first)
    turn = torch.rand(size, 1, 1) * 2 * torch.pi
    line = torch.linspace(-0.5, 0.5, SIDE)
    share = 0.5 + torch.cos(turn) * line[None, :, None] + torch.sin(turn) * line[None, None, :]
    share = share.clamp(0, 1)[:, None]
    gradient = first[..., None, None] * (1 - share) + second[..., None, None] * share
    kind = torch.rand(size, 1, 1, 1)
    rows = torch.randint(len(scenes), (size,))
    top, left = torch.randint(0, 96 - SIDE + 1, (2,)).tolist()
    landscape = scenes[rows, :, top : top + SIDE, left : left + SIDE]
    plain = first[..., None, None].expand(size, 3, SIDE, SIDE)
    picture = torch.where(kind < 0.56, plain, torch.where(kind < 0.72, gradient, landscape))
    return picture, picture.mean((2, 3))


def draw(sprites: Sprites, scenes: Tensor, *, treated: bool = True) -> tuple[Tensor, Tensor, Tensor]:
    """The sprites as pictures in -1..1, [B, 3, SIDE, SIDE], with their things and styles, int64 [B]."""
    size = len(sprites.thing)
    moved = placed(sprites.pixels)
    coverage = moved[:, 3:]
    colors = (moved[:, :3] / coverage.clamp(min=0.02)).clamp(0, 1)
    background, paper = behind(size, scenes)
    kept = torch.ones(size, dtype=torch.bool)
    if treated:
        colors, coverage, kept = treat(colors, coverage, paper)
    down, aside = torch.randint(-2, 7, ()).item(), torch.randint(-8, 9, ()).item()
    shadow = torch.roll(coverage, (int(down), int(aside)), (2, 3)) * 0.38 * (torch.rand(size, 1, 1, 1) < 0.3)
    picture = background * (1 - shadow) * (1 - coverage) + colors * coverage
    gain = 1 + 0.25 * (torch.rand(size, 1, 1, 1) - 0.6) + 0.12 * (torch.rand(size, 3, 1, 1) - 0.5)
    picture = picture * gain
    detail = int(torch.randint(26, 60, ()))
    small = F.interpolate(picture, (detail, detail), mode="bilinear", antialias=True, align_corners=False)
    soft = F.interpolate(small, (SIDE, SIDE), mode="bilinear", align_corners=False)
    picture = torch.where(torch.rand(size, 1, 1, 1) < 0.45, soft, picture)
    picture = picture + 0.06 * torch.rand(size, 1, 1, 1) ** 2 * torch.randn_like(picture)
    others = len(names()[1]) - 1
    return picture.clamp(0, 1) * 2 - 1, sprites.thing, torch.where(kept, sprites.style, others)


def batch_rows(known: int, other: int, size: int) -> Tensor:
    """Rows of the known sprites followed by the others'."""
    rows = torch.randint(known, (size,))
    return torch.where(torch.rand(size) < OTHER_SHARE, known + torch.randint(other, (size,)), rows)


def joined(one: Sprites, other: Sprites) -> Sprites:
    pairs = ((one.pixels, other.pixels), (one.thing, other.thing), (one.style, other.style))
    return Sprites(*(torch.cat(pair) for pair in pairs))


def train(work: Path, target: Path, steps: int, *, output: Path, batch: int = 64, seed: int = SEED) -> AttributeNetwork:
    """Trains the network; a killed run goes on from its last checkpoint in `output`. Writes the weights to `target`."""
    things, styles = names()
    known = known_sprites(SpriteBank.load(work / "sprites.npz"))
    other, _ = other_sprites(work, output, seed)
    sprites, scenes = joined(known, other), landscapes(160, seed)
    torch.manual_seed(seed)
    network = AttributeNetwork(len(things), len(styles))
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimizer = torch.optim.AdamW(network.parameters(), lr=3e-3, weight_decay=0.03)
    run = Run(output)
    start = 0
    if (saved := run.load()) is not None and saved[1]["steps"] == steps:
        network.load_state_dict(under("model.", saved[0]))
        restore_optimizer(optimizer, saved[0])
        start = saved[1]["step"]
    taken = Steps(
        run,
        "attributes",
        start,
        steps,
        save=lambda: prefixed("model.", network.state_dict()) | optimizer_tensors(optimizer),
        state={"steps": steps},
        save_seconds=45,
    )
    for step in taken:
        torch.manual_seed(seed * 1_000_000 + step)
        chosen = sprites.only(batch_rows(len(known.thing), len(other.thing), batch))
        pictures, thing, style = draw(chosen, scenes)
        pictures = pictures.contiguous(memory_format=torch.channels_last)
        set_rate(optimizer, 3e-3 * schedule(step, steps, warm_up=60, hold=0.3))
        network.train()
        with autocast(torch.device("cpu")):
            of_things, of_styles = network(pictures)
        thing_loss = F.cross_entropy(of_things.float(), thing, label_smoothing=0.05)
        style_loss = F.cross_entropy(of_styles.float(), style, label_smoothing=0.05)
        (thing_loss + 0.5 * style_loss).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        taken.tell(thing=thing_loss, style=style_loss)
    save(network, target)
    return network


def save(network: AttributeNetwork, target: Path) -> None:
    """The weights as fp16, with what they mean; replaced atomically."""
    things, styles = names()
    described = json.dumps({"things": things, "styles": styles, "width": WIDTH})
    state = network.state_dict()
    tensors = {name: tensor.half().contiguous() for name, tensor in state.items() if tensor.is_floating_point()}
    target.parent.mkdir(parents=True, exist_ok=True)
    fresh = target.with_suffix(".new")
    save_file(tensors, fresh, {"attributes": described})
    fresh.replace(target)


def main() -> None:
    parser = argparse.ArgumentParser(description="Trains the attribute model, and measures captions")
    parser.add_argument("--work", type=Path, default=Path("var/nano"))
    parser.add_argument("--output", type=Path, help="folder of the run; attributes/ in the work folder by default")
    parser.add_argument("--target", type=Path, help=f"the file of weights; {WEIGHTS.name} in that folder by default")
    parser.add_argument("--steps", type=int, default=7000)
    parser.add_argument("--evaluate", action="store_true", help="measure these weights instead of training")
    parser.add_argument("--count", type=int, default=100, help="scenes that are captioned for the evaluation")
    a = parser.parse_args()
    output = a.output or a.work / "attributes"
    target = a.target or output / WEIGHTS.name
    if not a.evaluate:
        train(a.work, target, a.steps, output=output)
        return
    from sartor.nano.attribute_report import report, table

    torch.set_num_threads(1)
    print(table(report(a.work, output, target, count=a.count, seed=SEED)))


if __name__ == "__main__":
    main()
