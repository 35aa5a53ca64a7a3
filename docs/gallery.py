"""Draws the pictures of docs/nano.md and the README: `python docs/gallery.py`.

Ten prompts, seeds 1 to 10 in order, none picked over: as the first bundled brand, and as the base in three styles in
turn and in those of one colour in turn. Then the first ten of the evaluation's long prompts, as the base. For each
bundled brand five things that none of its pictures shows, seeds 1 to 5 in order, and the first three of them at four
influences. Prompts go through the offline bridge, as the service's do; the long ones are drawn as they are.
"""

import json
from pathlib import Path

from PIL import Image
from rich.progress import track

from sartor.bridge.offline import OfflineBridge
from sartor.fibo import Engine, Spec
from sartor.models.brands import Brand, find_brands
from sartor.nano.export import CHECKPOINT
from sartor.nano.trials import plan_longhand
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
UNSEEN = {
    "inkwell": ("a penguin", "a slice of pizza", "a panda", "a butterfly", "a sailboat"),
    "pocket-zoo": ("a lion", "an owl", "an elephant", "a butterfly", "a unicorn"),
    "tangerine": ("a sailboat", "a balloon", "a gift", "a bell", "an airplane"),
}
STYLES = {
    "base": ("3d render", "flat vector illustration", "cartoon illustration"),
    "icons": ("line icon", "glyph icon"),
    "pixels": ("pixel art",),
}
INFLUENCES = (0.0, 0.5, 1.0, 1.5)


def sheet(rows: list[list[Image.Image]]) -> Image.Image:
    pictures = Image.new("RGB", (SIDE * len(rows[0]), SIDE * len(rows)), "white")
    for y, row in enumerate(rows):
        for x, picture in enumerate(row):
            pictures.paste(picture.resize((SIDE, SIDE), Image.Resampling.LANCZOS), (x * SIDE, y * SIDE))
    return pictures


def main() -> None:
    engine, bridge, brands = Engine.load(CHECKPOINT), OfflineBridge(), find_brands([])
    engine.warm_up()

    def asked(text: str, brand: Brand) -> str:
        return canonical(bridge.translate(text, visual_schema=brand.visual_schema).structured_prompt)

    def draw(prompt: str, seed: int, brand: Brand, influence: float = 1.0) -> Image.Image:
        spec = Spec(prompt, seed, STEPS, GUIDANCE, adapter=brand.adapter, influence=influence)
        return engine.generate(spec).image

    prompts = {text: asked(text, brands[0]) for text in PROMPTS}
    drawn = [draw(prompts[text], seed, brands[0]) for seed, text in enumerate(track(PROMPTS, brands[0].name), 1)]
    sheet([drawn[:5], drawn[5:]]).save(IMAGES / "brand.png", optimize=True)
    (IMAGES / "prompts.json").write_text(json.dumps(prompts, indent=1) + "\n")

    for name, styles in STYLES.items():
        base = []
        for seed, text in enumerate(track(PROMPTS, name), 1):
            prompt = bridge.translate(f"{text}, {styles[(seed - 1) % len(styles)]}").structured_prompt
            base.append(engine.generate(Spec(canonical(prompt), seed, STEPS, GUIDANCE)).image)
        sheet([base[:5], base[5:]]).save(IMAGES / f"{name}.png", optimize=True)

    trials = track(plan_longhand(10), "long prompts")
    told = [engine.generate(Spec(trial.prompt, trial.seed, STEPS, GUIDANCE)).image for trial in trials]
    sheet([told[:5], told[5:]]).save(IMAGES / "longhand.png", optimize=True)

    looks = []
    for brand in brands:
        things = [asked(text, brand) for text in UNSEEN[brand.slug]]
        row = [draw(thing, seed, brand) for seed, thing in enumerate(track(things, brand.name), 1)]
        looks.append(row)
        sheet([row]).save(IMAGES / f"{brand.slug}.png", optimize=True)
        rows = [[draw(thing, seed, brand, by) for by in INFLUENCES] for seed, thing in enumerate(things[:3], 1)]
        sheet(rows).save(IMAGES / f"{brand.slug}-influence.png", optimize=True)
    sheet(looks).save(IMAGES / "brands.png", optimize=True)


if __name__ == "__main__":
    main()
