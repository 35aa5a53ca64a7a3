"""Draws the pictures of docs/nano.md and the README: `python docs/gallery.py`.

Ten prompts, seeds 1 to 10 in order, none picked over: as the bundled brand and as the base (influence 0, no visual
schema, three styles in turn); and one row of influences. Prompts go through the offline bridge, as the service's do.
"""

import json
from pathlib import Path

from PIL import Image
from rich.progress import track

from sartor.bridge.offline import OfflineBridge
from sartor.fibo import Engine, Spec
from sartor.models.brands import find_brands
from sartor.nano.export import CHECKPOINT
from sartor.vgl import canonical

IMAGES = Path(__file__).parent / "images"
SIDE = 192  # pixels of a picture in a sheet
STEPS, GUIDANCE = 30, 5.0
PROMPTS = (
    "a penguin",
    "a red car on a green meadow",
    "a slice of pizza",
    "two butterflies",
    "a panda",
    "a rocket in the night sky",
    "a strawberry next to a lemon",
    "a house in the snow",
    "a small sailboat on the open sea",
    "a lion on a sky blue background",
)
STYLES = ("3d render", "flat vector illustration", "cartoon illustration")
INFLUENCES = (0.0, 0.5, 1.0, 1.5)


def sheet(rows: list[list[Image.Image]]) -> Image.Image:
    pictures = Image.new("RGB", (SIDE * len(rows[0]), SIDE * len(rows)), "white")
    for y, row in enumerate(rows):
        for x, picture in enumerate(row):
            pictures.paste(picture.resize((SIDE, SIDE), Image.Resampling.LANCZOS), (x * SIDE, y * SIDE))
    return pictures


def main() -> None:
    engine, bridge, brand = Engine.load(CHECKPOINT), OfflineBridge(), find_brands([])[0]
    engine.warm_up()

    def draw(prompt: str, seed: int, influence: float = 1.0) -> Image.Image:
        spec = Spec(prompt, seed, STEPS, GUIDANCE, adapter=brand.adapter, influence=influence)
        return engine.generate(spec).image

    asked = [canonical(bridge.translate(text, visual_schema=brand.visual_schema).structured_prompt) for text in PROMPTS]
    drawn = [draw(prompt, seed) for seed, prompt in enumerate(track(asked, "brand"), 1)]
    sheet([drawn[:5], drawn[5:]]).save(IMAGES / "brand.png", optimize=True)
    sheet([drawn[:5]]).save(IMAGES / "demo.png", optimize=True)

    base = []
    for seed, text in enumerate(track(PROMPTS, "base"), 1):
        prompt = bridge.translate(f"{text}, {STYLES[(seed - 1) % 3]}").structured_prompt
        base.append(engine.generate(Spec(canonical(prompt), seed, STEPS, GUIDANCE)).image)
    sheet([base[:5], base[5:]]).save(IMAGES / "base.png", optimize=True)

    rows = [[draw(asked[i], i + 1, influence) for influence in INFLUENCES] for i in track((0, 2, 4), "influence")]
    sheet(rows).save(IMAGES / "influence.png", optimize=True)
    (IMAGES / "prompts.json").write_text(json.dumps(dict(zip(PROMPTS, asked, strict=True)), indent=1) + "\n")


if __name__ == "__main__":
    main()
