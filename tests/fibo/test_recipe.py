"""A recipe goes into a PNG and comes out the same."""

import io
import zlib
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from sartor.fibo.errors import RecipeError
from sartor.fibo.fingerprint import Fingerprint
from sartor.fibo.recipe import Recipe, read_recipe, write_png

RECIPE = Recipe(
    model="Thé & Co",
    prompt='{"short_description":"ein grüner Apfel, 苹果 🍏","objects":[]}',
    seed=2**31 - 1,
    steps=50,
    guidance_scale=4.5,
    aspect_ratio="16:9",
    influence=1.25,
    negative_prompt="",
    fingerprint=Fingerprint(checkpoint="c0ffee", device="cpu", dtype="float32", threads=2, adapter="abad1dea"),
)
IMAGE = Image.fromarray(np.random.default_rng(0).integers(0, 256, (8, 6, 3), dtype=np.uint8))


def test_round_trip() -> None:
    png = write_png(IMAGE, RECIPE)
    assert read_recipe(png) == RECIPE
    with Image.open(io.BytesIO(png)) as back:
        assert back.format == "PNG"
        assert np.array_equal(np.asarray(back), np.asarray(IMAGE))
        assert back.text["sartor.prompt"] == RECIPE.prompt  # readable by any tool as it is
        assert back.text["sartor.seed"] == "2147483647"


def test_a_shift_is_told_only_where_it_was_asked_for() -> None:
    with Image.open(io.BytesIO(write_png(IMAGE, RECIPE))) as image:
        assert "sartor.shift" not in image.text
    shifted = replace(RECIPE, shift=1.0)
    assert read_recipe(write_png(IMAGE, shifted)) == shifted


def test_a_second_device_is_told_only_where_there_is_one() -> None:
    with Image.open(io.BytesIO(write_png(IMAGE, RECIPE))) as image:
        assert "second" not in image.text["sartor.fingerprint"]
    two = replace(RECIPE, fingerprint=replace(RECIPE.fingerprint, second="cuda B, eager, attention flash"))
    assert read_recipe(write_png(IMAGE, two)) == two


def test_same_inputs_same_bytes() -> None:
    assert write_png(IMAGE, RECIPE) == write_png(IMAGE.copy(), RECIPE)


def plain_png(**chunks: str) -> bytes:
    info, buffer = PngImagePlugin.PngInfo(), io.BytesIO()
    for key, value in chunks.items():
        info.add_itxt(f"sartor.{key}", value)
    IMAGE.save(buffer, format="PNG", pnginfo=info)
    return buffer.getvalue()


def test_texts_behind_the_pixels_and_texts_of_others_are_no_harm() -> None:
    """Other tools write a PNG so."""
    png, chunks, at = write_png(IMAGE, RECIPE), [], 8
    while at < len(png):
        end = at + 12 + int.from_bytes(png[at : at + 4])
        chunks.append(png[at:end])
        at = end
    texts = [chunk for chunk in chunks if chunk[4:8] == b"iTXt"]
    head, *pixels, last = (chunk for chunk in chunks if chunk not in texts)
    stranger = PngImagePlugin.PngInfo()
    stranger.add_text("Software", "an editor")
    kind, data = stranger.chunks[0][:2]
    other = len(data).to_bytes(4) + kind + data + zlib.crc32(kind + data).to_bytes(4)
    assert read_recipe(png[:8] + b"".join([head, other, *pixels, *texts, last])) == RECIPE


def test_pictures_without_a_recipe_are_named() -> None:
    with pytest.raises(RecipeError, match="no recipe"):
        read_recipe(plain_png())
    with pytest.raises(RecipeError, match="seed"):
        read_recipe(plain_png(prompt="{}"))
    gif = io.BytesIO()
    IMAGE.save(gif, format="GIF")
    for other in (b"", gif.getvalue(), write_png(IMAGE, RECIPE)[:200]):
        with pytest.raises(RecipeError, match="not a readable PNG"):
            read_recipe(other)


def test_a_damaged_recipe_is_named() -> None:
    whole = {
        "model": "",
        "prompt": "{}",
        "seed": "1",
        "steps": "2",
        "guidance_scale": "5.0",
        "aspect_ratio": "1:1",
        "influence": "1.0",
        "negative_prompt": "",
        "fingerprint": '{"checkpoint":"c","device":"cpu","dtype":"float32","threads":1,"from_the_future":true}',
    }
    assert read_recipe(plain_png(**whole)).fingerprint.threads == 1
    assert read_recipe(plain_png(**whole)).caching == "exact"  # PNGs of before caching
    assert read_recipe(plain_png(**whole)).guidance_until is None
    for damage in ({"seed": "{"}, {"fingerprint": "[]"}, {"fingerprint": "{}"}):
        with pytest.raises(RecipeError, match="damaged"):
            read_recipe(plain_png(**{**whole, **damage}))
