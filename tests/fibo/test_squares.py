"""Pictures in squares are told from others, also softly drawn ones, and their squares stay crisp."""

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter

from sartor.fibo.squares import SQUARE, colors_of_squares, draw_squares, in_squares


def scene(size: int = 256) -> Image.Image:
    image = Image.new("RGB", (size, size), "khaki")
    pen = ImageDraw.Draw(image)
    pen.ellipse((40, 30, size - 50, size - 60), fill="firebrick", outline="black", width=6)
    pen.polygon([(20, size - 10), (size // 2, 50), (size - 30, size - 10)], fill="seagreen")
    return image


def squared(image: Image.Image) -> np.ndarray:
    few = image.resize((image.width // SQUARE, image.height // SQUARE), Image.Resampling.BOX)
    return np.asarray(few.resize(image.size, Image.Resampling.NEAREST))


def soft(pixels: np.ndarray) -> np.ndarray:
    """A little blurred and noisy, as an autoencoder brings it back."""
    blurred = np.asarray(Image.fromarray(pixels).filter(ImageFilter.GaussianBlur(0.5)), dtype=float)
    noise = np.random.default_rng(2).normal(0, 0.5, pixels.shape)
    return (blurred + noise).round().clip(0, 255).astype(np.uint8)


def test_squares_are_recognised() -> None:
    assert in_squares(squared(scene()))


def test_soft_squares_are_recognised() -> None:
    assert in_squares(soft(squared(scene())))


def test_one_square_is_enough() -> None:
    pixels = np.full((64, 64, 3), 200, dtype=np.uint8)
    pixels[16:24, 40:48] = 30
    assert in_squares(pixels)


def test_a_drawing_is_not_in_squares() -> None:
    assert not in_squares(np.asarray(scene()))


def test_noise_is_not_in_squares() -> None:
    assert not in_squares(np.random.default_rng(1).integers(0, 256, (64, 64, 3), dtype=np.uint8))


@pytest.mark.parametrize("direction", [(1, 0), (0, 1), (1, 1)])
def test_a_gradient_is_not_in_squares(direction: tuple[int, int]) -> None:
    y, x = np.mgrid[:128, :128]
    ramp = (y * direction[0] + x * direction[1]).astype(np.uint8)
    assert not in_squares(np.stack([ramp, 255 - ramp, ramp], axis=2))


@pytest.mark.parametrize("noise", [0, 2])
def test_a_plain_colour_is_not_in_squares(noise: int) -> None:
    grain = np.random.default_rng(3).integers(0, noise + 1, (64, 64, 3))
    assert not in_squares((120 + grain).astype(np.uint8))


def test_squares_too_faint_to_see_are_a_plain_colour() -> None:
    pixels = np.full((64, 64, 3), 200, dtype=np.uint8)
    pixels[16:24, 40:48] = 197
    assert not in_squares(pixels)


@pytest.mark.parametrize("shift", [(0, 3), (3, 0), (3, 3)])
def test_squares_on_a_shifted_grid_are_not_in_squares(shift: tuple[int, int]) -> None:
    assert not in_squares(np.roll(squared(scene()), shift, axis=(0, 1)))


@pytest.mark.parametrize("size", [(252, 256), (256, 252), (7, 7)])
def test_sides_that_squares_do_not_fill_are_not_in_squares(size: tuple[int, int]) -> None:
    height, width = size
    pixels = squared(scene())[:height, :width]
    assert not in_squares(pixels)
    with pytest.raises(ValueError, match=f"{width} x {height} pixels"):
        colors_of_squares(pixels)


def test_a_single_square_is_one_colour() -> None:
    assert not in_squares(np.full((SQUARE, SQUARE, 3), 90, dtype=np.uint8))


def test_squares_become_one_pixel_each() -> None:
    colors = np.random.default_rng(4).integers(0, 256, (6, 9, 3), dtype=np.uint8)
    pixels = colors.repeat(SQUARE, axis=0).repeat(SQUARE, axis=1)
    assert np.array_equal(colors_of_squares(pixels), colors)


def test_soft_borders_do_not_mix_the_colours() -> None:
    pixels = squared(scene())
    difference = np.abs(colors_of_squares(soft(pixels)).astype(int) - colors_of_squares(pixels))
    assert difference.max() <= 1


def test_enlarged_squares_are_crisp() -> None:
    colors = colors_of_squares(soft(squared(scene())))
    large = np.asarray(draw_squares(colors, (1024, 1024)))
    cells = large.reshape(32, 32, 32, 32, 3)
    assert (cells == colors[:, None, :, None]).all()


def test_odd_sizes_keep_every_square_within_a_pixel_of_the_others() -> None:
    colors = np.arange(15, dtype=np.uint8).reshape(3, 5, 1).repeat(3, axis=2)
    large = draw_squares(colors, (101, 62))
    assert large.size == (101, 62)
    pixels = np.asarray(large)[..., 0]
    widths, heights = np.bincount(pixels[0]), np.bincount(pixels[:, 0] // 5)
    assert set(widths) == {20, 21}
    assert set(heights) == {20, 21}
