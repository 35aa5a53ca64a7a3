"""The bundled brand: fifteen pictures in a style that the base never saw, and the LoRA that the trainer makes of them.

    python -m sartor.nano.brand --work DIR [--steps N]

"Inkwell" draws with bold navy lines on cream paper (Fluent Emoji High Contrast, MIT). Its pictures show fifteen things;
everything else in the vocabulary, drawn in its look, is what the evaluation asks for. Writes brands/inkwell/: pictures,
captions, visual schema, adapter. A killed run continues from its last checkpoint.
"""

from __future__ import annotations

import argparse
import json
import random
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from sartor.fibo.checkpoint import load_checkpoint
from sartor.fibo.training import Example, Progress, TrainingConfig, train_lora
from sartor.nano.captions import Background, Scene, Thing, compact, describe
from sartor.nano.dial import DIALS
from sartor.nano.export import CHECKPOINT
from sartor.nano.run import progress_bar
from sartor.nano.scene import paste
from sartor.nano.sources import BRAND_STYLE, SpriteBank
from sartor.nano.vocabulary import PLACES

BRANDS = Path(__file__).parent / "brands"
SLUG = "inkwell"
INK, PAPER = (24, 38, 92), (250, 240, 214)
CONCEPTS = (
    "apple", "cat", "rocket", "tulip", "house", "coffee", "fish", "star", "umbrella", "car", "owl", "mushroom", "key",
    "guitar", "tree",
)  # fmt: skip
SCHEMA: dict[str, Any] = {
    "background_setting": "plain cream background",
    "lighting": {"conditions": "bright even light", "direction": "from the front", "shadows": "no shadow"},
    "aesthetics": {"color_scheme": "navy ink on cream paper"},
    "style_medium": "linocut ink print",
    "artistic_style": "bold lines, two colors, hand-cut",
}


def caption(thing: Thing) -> str:
    """The structured prompt of one brand picture: what it shows, and the brand's schema for how it looks."""
    prompt = describe(Scene([thing], None, Background("plain", ("cream",))))
    prompt["lighting"] = SCHEMA["lighting"]
    prompt["aesthetics"]["color_scheme"] = SCHEMA["aesthetics"]["color_scheme"]
    prompt["style_medium"], prompt["artistic_style"] = SCHEMA["style_medium"], SCHEMA["artistic_style"]
    return compact(prompt)


def draw(bank: SpriteBank, thing: Thing, side: int, rng: random.Random) -> Image.Image:
    """One brand picture: the thing in ink on paper."""
    sprite = bank.pixels[thing.concept, BRAND_STYLE].copy()
    sprite[..., :3] = np.array(INK, np.uint8)
    length = {"large": 0.7, "medium": 0.47, "small": 0.32}[thing.size] * side * rng.uniform(0.96, 1.04)
    place = PLACES[thing.place]
    canvas = Image.new("RGB", (side, side), PAPER)
    paste(canvas, Image.fromarray(sprite).convert("RGBa"), place.x * side, place.y * side, length, 0.0, "none")
    return canvas


def pictures(bank: SpriteBank, side: int) -> dict[str, tuple[Image.Image, str]]:
    """Name -> (picture, caption): fifteen things, large and centred, as a brand's own set would be."""
    rng = random.Random(15)
    found = {}
    for concept in CONCEPTS:
        thing = Thing(concept)
        found[f"{concept}.png"] = draw(bank, thing, side, rng), caption(thing)
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


def make(work: Path, checkpoint: Path, target: Path, steps: int) -> None:
    bank = SpriteBank.load(work / "brand.npz")
    side = DIALS["cpu"].side
    found = pictures(bank, side)
    (target / "images").mkdir(parents=True, exist_ok=True)
    for name in found:
        draw(bank, Thing(name.removesuffix(".png")), 4 * side, random.Random(15)).save(
            target / "images" / name, optimize=True
        )
    captions = {name: text for name, (_, text) in found.items()}
    (target / "captions.json").write_text(json.dumps(captions, indent=1, ensure_ascii=False) + "\n")
    model = {
        "name": "Inkwell",
        "description": "Bold navy ink lines on cream paper, as if cut in lino.",
        "ip_type": "icons",
        "medium": "illustration",
        "visual_schema": SCHEMA,
        "training_parameters": {"steps": steps, "rank": config(steps).rank},
    }
    (target / "model.json").write_text(json.dumps(model, indent=2, ensure_ascii=False) + "\n")
    examples = [Example(picture, text) for picture, text in found.values()]
    with progress_bar() as bar:
        task = bar.add_task("brand", total=steps, note="")

        def show(progress: Progress) -> None:
            bar.update(task, completed=progress.step, note=f"loss {progress.loss:.4f}")

        result = train_lora(load_checkpoint(checkpoint), examples, config(steps), work / "brand", on_progress=show)
    (target / "pytorch_lora_weights.safetensors").write_bytes(result.adapter.read_bytes())


def main() -> None:
    parser = argparse.ArgumentParser(description="Makes the bundled brand")
    parser.add_argument("--work", type=Path, default=Path("var/nano"))
    parser.add_argument("--checkpoint", type=Path, default=CHECKPOINT)
    parser.add_argument("--target", type=Path, default=BRANDS / SLUG)
    parser.add_argument("--steps", type=int, default=400)
    a = parser.parse_args()
    make(a.work, a.checkpoint, a.target, a.steps)


if __name__ == "__main__":
    main()
