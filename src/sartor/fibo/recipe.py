"""A PNG that can be drawn again: its recipe travels in its text chunks.

One iTXt chunk per field, keyword `sartor.<field>`, the value as JSON except for the texts, which are as they are.
"""

import io
import json
from dataclasses import asdict, dataclass, fields
from typing import Any

from PIL import Image, PngImagePlugin

from sartor.fibo.errors import RecipeError
from sartor.fibo.fingerprint import Fingerprint

PREFIX = "sartor."


@dataclass(frozen=True)
class Recipe:
    model: str
    """The tailored model as requests name it (a slug, or an id), empty for the base model."""
    prompt: str
    """The structured prompt, canonical JSON, exactly as it was encoded."""
    seed: int
    steps: int
    guidance_scale: float
    aspect_ratio: str
    influence: float
    negative_prompt: str
    fingerprint: Fingerprint
    caching: str = "exact"
    """How steps were saved; a PNG that does not say so was drawn exactly."""
    shift: float | None = None
    """As `Spec` has it; a PNG says so only where it was asked for."""
    guidance_until: float | None = None
    """Where guidance ended, by the request or by the checkpoint; a PNG that does not say so was guided to the end."""


TEXTS = {"model", "prompt", "aspect_ratio", "negative_prompt", "caching"}
OPTIONAL = {"caching", "shift", "guidance_until"}


def write_png(image: Image.Image, recipe: Recipe) -> bytes:
    """The image as PNG with the recipe in it. Equal inputs give equal bytes under one Pillow and its zlib."""
    chunks = PngImagePlugin.PngInfo()
    for name, value in (asdict(recipe) | {"fingerprint": recipe.fingerprint.to_dict()}).items():
        if value is None:
            continue
        chunks.add_itxt(PREFIX + name, value if name in TEXTS else json.dumps(value, sort_keys=True))
    buffer = io.BytesIO()
    image.save(buffer, format="PNG", pnginfo=chunks, compress_level=6)
    return buffer.getvalue()


def read_recipe(png: bytes) -> Recipe:
    """The recipe that `write_png` left. Raises RecipeError where there is none, or it is damaged."""
    try:
        with Image.open(io.BytesIO(png), formats=["PNG"]) as image:
            image.load()  # text chunks may follow the pixels
            chunks = {str(key): str(value) for key, value in image.info.items()}
    except (OSError, ValueError, SyntaxError) as error:
        raise RecipeError("not a readable PNG") from error
    found = {key.removeprefix(PREFIX): value for key, value in chunks.items() if key.startswith(PREFIX)}
    if missing := [field.name for field in fields(Recipe) if field.name not in found.keys() | OPTIONAL]:
        raise RecipeError(f"the PNG carries no recipe: {', '.join(missing)} missing")
    try:
        values: dict[str, Any] = {name: text if name in TEXTS else json.loads(text) for name, text in found.items()}
        values["fingerprint"] = Fingerprint.from_dict(values["fingerprint"])
        return Recipe(**values)
    except (TypeError, ValueError, AttributeError) as error:
        raise RecipeError("the PNG's recipe is damaged") from error
