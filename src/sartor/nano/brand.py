"""The bundled brands: fifteen pictures each, in a style that the base never saw, and the LoRA that the trainer makes.

    python -m sartor.nano.brand --work DIR [--checkpoint FOLDER] [--brand SLUG] [--target FOLDER] [--steps N]

`looks.py` says what they are. Writes made/<slug>/ into the work folder: pictures, captions, visual schema, adapter.
Only --target replaces the brands in the package. A killed run continues from its last checkpoint.
"""

from __future__ import annotations

import argparse
import json
import math
import random
from pathlib import Path

from PIL import Image

from sartor.fibo.checkpoint import load_checkpoint
from sartor.fibo.training import Example, Progress, TrainingConfig, train_lora
from sartor.nano.captions import Background, Scene, Thing, compact, describe
from sartor.nano.export import CHECKPOINT
from sartor.nano.looks import LOOKS, Look
from sartor.nano.run import progress_bar
from sartor.nano.scene import paste
from sartor.nano.sources import SpriteBank
from sartor.nano.vocabulary import PLACES

BRANDS = Path(__file__).parent / "brands"  # those in the package
MADE = "made"  # folder of the work folder
SHOWN = 512  # pixels of the side of the pictures that are kept


def caption(look: Look, thing: Thing) -> str:
    """The structured prompt of one brand picture: what it shows, and the brand's schema for how it looks."""
    prompt = describe(Scene([thing], None, Background("plain", (look.ground,))))
    prompt["lighting"] = look.schema["lighting"]
    prompt["aesthetics"]["color_scheme"] = look.color_scheme
    prompt["style_medium"], prompt["artistic_style"] = look.style_medium, look.artistic_style
    return compact(prompt)


def drawings(work: Path, look: Look) -> SpriteBank:
    """The sprites of a brand, as ``sources`` left them, in the brand's colour where it has one."""
    bank = SpriteBank.load(work / ("looks.npz" if look.names else "brand.npz"))
    return bank.painted(look.tint) if look.tint else bank


def draw(bank: SpriteBank, look: Look, thing: Thing, side: int, rng: random.Random) -> Image.Image:
    """One brand picture: the thing on the brand's ground."""
    sprite = bank.pixels[thing.concept, look.style]
    length = {"large": 0.7, "medium": 0.47, "small": 0.32}[thing.size] * side * rng.uniform(0.96, 1.04)
    place = PLACES[thing.place]
    canvas = Image.new("RGB", (side, side), look.paper)
    paste(canvas, Image.fromarray(sprite).convert("RGBa"), place.x * side, place.y * side, length, 0.0, "none")
    return canvas


def pictures(bank: SpriteBank, look: Look, side: int) -> dict[str, tuple[Image.Image, str]]:
    """Name -> (picture, caption): fifteen things, large and centred, as a brand's own set would be."""
    rng = random.Random(15)
    found = {}
    for concept in look.shown:
        thing = Thing(concept)
        found[f"{concept}.png"] = draw(bank, look, thing, side, rng), caption(look, thing)
    return found


def config(steps: int) -> TrainingConfig:
    return TrainingConfig(
        steps=steps,
        rank=16,
        learning_rate=1e-3,
        schedule="cosine",
        warmup_steps=20,
        batch_size=15,
        accumulation=1,
        ema_decay=0.99,
        checkpoint_every=100,
        export_dtype="float16",
    )


def make(work: Path, look: Look, checkpoint: Path, target: Path, steps: int) -> None:
    bank = drawings(work, look)
    loaded = load_checkpoint(checkpoint)
    side = math.isqrt(loaded.training_area)
    found = pictures(bank, look, side)
    (target / "images").mkdir(parents=True, exist_ok=True)
    for name in found:
        draw(bank, look, Thing(name.removesuffix(".png")), SHOWN, random.Random(15)).save(
            target / "images" / name, optimize=True
        )
    captions = {name: text for name, (_, text) in found.items()}
    (target / "captions.json").write_text(json.dumps(captions, indent=1, ensure_ascii=False) + "\n")
    model = {
        "name": look.name,
        "description": look.description,
        "ip_type": look.ip_type,
        "medium": "illustration",
        "visual_schema": look.schema,
        "training_parameters": {"steps": steps, "rank": config(steps).rank},
    }
    (target / "model.json").write_text(json.dumps(model, indent=2, ensure_ascii=False) + "\n")
    examples = [Example(picture, text) for picture, text in found.values()]
    with progress_bar() as bar:
        task = bar.add_task(look.slug, total=steps, note="")

        def show(progress: Progress) -> None:
            bar.update(task, completed=progress.step, note=f"loss {progress.loss:.4f}")

        state = work / "brands" / look.slug
        result = train_lora(loaded, examples, config(steps), state, on_progress=show)
    (target / "pytorch_lora_weights.safetensors").write_bytes(result.adapter.read_bytes())


def main() -> None:
    parser = argparse.ArgumentParser(description="Makes the bundled brands")
    parser.add_argument("--work", type=Path, default=Path("var/nano"))
    parser.add_argument("--checkpoint", type=Path, default=CHECKPOINT, help="to train on; the packaged one by default")
    parser.add_argument("--brand", choices=LOOKS, action="append", help="one of them; may be repeated; default all")
    parser.add_argument("--target", type=Path, help="the brands' folder; made/ in the work folder by default")
    parser.add_argument("--steps", type=int, help="of the training; each brand's own number by default")
    a = parser.parse_args()
    target = a.target or a.work / MADE
    for slug in a.brand or LOOKS:
        make(a.work, LOOKS[slug], a.checkpoint, target / slug, a.steps or LOOKS[slug].steps)


if __name__ == "__main__":
    main()
