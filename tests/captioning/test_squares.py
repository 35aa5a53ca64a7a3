"""Pixel art is told from all that only looks a little like it, and comes back whole in another size."""

import io

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter

from sartor.captioning.squares import drawn_again, is_pixel_art, side_of_squares


def drawing(width: int = 512, height: int = 512) -> Image.Image:
    image = Image.new("RGB", (width, height), "khaki")
    pen = ImageDraw.Draw(image)
    pen.ellipse((width // 8, height // 9, width * 6 // 7, height * 3 // 4), fill="firebrick", outline="black", width=9)
    pen.polygon([(width // 20, height - 9), (width // 2, 50), (width - 30, height - 9)], fill="seagreen")
    return image.filter(ImageFilter.GaussianBlur(1))


def small(width: int, height: int) -> np.ndarray:
    return np.asarray(drawing().resize((width, height), Image.Resampling.BOX))


def in_squares(width: int, height: int, side: int) -> np.ndarray:
    """So many squares, of `side` pixels."""
    return small(width, height).repeat(side, axis=0).repeat(side, axis=1)


def again(pixels: np.ndarray, kind: str, quality: int) -> np.ndarray:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, kind, quality=quality)
    return np.asarray(Image.open(buffer).convert("RGB"))


@pytest.mark.parametrize(("width", "height"), [(16, 16), (32, 32), (50, 50), (64, 36), (17, 24), (48, 27), (200, 9)])
@pytest.mark.parametrize("side", [2, 5, 7, 8, 16, 30])
def test_squares_of_any_size_and_number_are_found(width: int, height: int, side: int) -> None:
    assert side_of_squares(in_squares(width, height, side)) == side


def test_large_squares_that_hold_one_finer_detail_are_finer() -> None:
    pixels = in_squares(128, 128, 16)
    pixels[1003:1004, 2002:2004] ^= 127
    assert side_of_squares(pixels) is None
    pixels = in_squares(128, 128, 16)
    pixels[1000:1004, 2000:2004] ^= 127
    assert side_of_squares(pixels) == 4


@pytest.mark.parametrize("quality", [95, 75, 40])
@pytest.mark.parametrize("kind", ["JPEG", "WEBP"])
def test_what_a_lossy_file_left_is_in_no_squares(kind: str, quality: int) -> None:
    y, x = np.mgrid[:512, :512]
    gradient = np.stack([x // 2, y // 2, (x + y) // 4], axis=2).astype(np.uint8)
    for pixels in (gradient, np.asarray(drawing()), in_squares(32, 32, 16)):
        assert side_of_squares(again(pixels, kind, quality)) is None


@pytest.mark.parametrize("size", [512, 1024, 2048])
def test_stripes_across_are_in_no_squares(size: int) -> None:
    y, x = np.mgrid[:size, :size]
    stripes = ((x + y) // 8 % 2 * 255).astype(np.uint8)
    assert side_of_squares(np.stack([stripes] * 3, axis=2)) is None


def test_neither_are_a_plain_colour_noise_a_flag_and_a_single_pixel() -> None:
    flag = np.zeros((240, 240, 3), dtype=np.uint8)
    flag[:120], flag[120:, :80] = 200, 90
    noise = np.random.default_rng(1).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    assert [side_of_squares(each) for each in (flag, noise, np.zeros_like(flag), flag[:1, :1])] == [None] * 4


@pytest.mark.parametrize("new", [1, 3, 16, 21])
def test_squares_keep_their_colours(new: int) -> None:
    redrawn = drawn_again(Image.fromarray(in_squares(40, 24, 8)), 8, new)
    assert (np.asarray(redrawn) == in_squares(40, 24, new)).all()


def test_what_somebody_would_call_pixel_art() -> None:
    assert is_pixel_art(Image.fromarray(in_squares(32, 32, 10)))
    assert not is_pixel_art(drawing())
    assert not is_pixel_art(Image.fromarray(in_squares(300, 300, 2)))  # too fine to see
    two_colors = np.random.default_rng(3).integers(0, 2, (29, 29), dtype=np.uint8) * 255
    code = Image.fromarray(two_colors.repeat(10, axis=0).repeat(10, axis=1))
    assert not is_pixel_art(code)
