"""Four times the pixels, the same bytes, bounded by tiles."""

import numpy as np
import pytest
from PIL import Image, ImageDraw

from sartor.fibo import upscaling
from sartor.fibo.upscaling import Upscaler


def in_squares(columns: int, rows: int) -> Image.Image:
    colors = np.random.default_rng(5).integers(0, 256, (rows, columns, 3), dtype=np.uint8)
    return Image.fromarray(colors.repeat(8, axis=0).repeat(8, axis=1))


def drawing(width: int, height: int) -> Image.Image:
    image = Image.new("RGB", (width, height), "khaki")
    pen = ImageDraw.Draw(image)
    pen.ellipse((4, 4, width - 5, height - 5), fill="firebrick", outline="black", width=3)
    return image


def test_it_enlarges_what_is_there() -> None:
    small = drawing(40, 28)
    large = Upscaler().upscale(small)
    assert large.size == (160, 112)
    assert large.mode == "RGB"
    back = np.asarray(large.resize(small.size, Image.Resampling.BOX), dtype=float)
    assert np.abs(back - np.asarray(small, dtype=float)).mean() < 8


def test_it_draws_the_same_bytes_again() -> None:
    small, upscaler = drawing(32, 32), Upscaler()
    first = upscaler.upscale(small).tobytes()
    upscaler.upscale(drawing(48, 16))
    assert upscaler.upscale(small).tobytes() == first
    assert Upscaler().upscale(small).tobytes() == first


def test_tiles_leave_no_seams(monkeypatch: pytest.MonkeyPatch) -> None:
    image, upscaler = drawing(100, 60), Upscaler()
    whole = np.asarray(upscaler.upscale(image), dtype=int)
    monkeypatch.setattr(upscaling, "TILE", 40)
    assert np.abs(np.asarray(upscaler.upscale(image), dtype=int) - whole).max() <= 1


def test_the_version_names_weights_and_library() -> None:
    version = Upscaler().version
    assert version.startswith("realesr-animevideov3 548a36f9c3f4 ncnn ")
    assert version.endswith(", squares as squares")


def test_the_licence_lies_beside_the_weights() -> None:
    assert "Xintao Wang" in (upscaling.FOLDER / "LICENSE").read_text()


@pytest.mark.parametrize(("size", "large"), [((64, 64), (256, 256)), ((64, 48), (256, 192)), ((80, 16), (320, 64))])
def test_it_is_enlarged_until_it_is_large_enough(size: tuple[int, int], large: tuple[int, int]) -> None:
    upscaler = Upscaler()
    assert upscaler.enlarge(Image.new("RGB", size, "teal"), 200).size == large, "one pass is enough"
    wanted = upscaler.enlarge(Image.new("RGB", size, "teal"), 400)
    assert max(wanted.size) == 400
    assert wanted.width / wanted.height == pytest.approx(size[0] / size[1], rel=0.03)


def test_the_second_pass_draws_edges_crisper_than_interpolation() -> None:
    small = Image.new("RGB", (48, 48), "white")
    ImageDraw.Draw(small).ellipse((8, 8, 40, 40), fill="navy")
    upscaler = Upscaler()
    once = upscaler.upscale(small).resize((384, 384), Image.Resampling.BICUBIC)
    steepest = [
        np.abs(np.diff(np.asarray(picture.convert("L"), dtype=float), axis=1)).max()
        for picture in (upscaler.enlarge(small, 384), once)
    ]
    assert steepest[0] > 1.3 * steepest[1]


def test_squares_are_enlarged_as_squares_without_the_network(monkeypatch: pytest.MonkeyPatch) -> None:
    upscaler, image = Upscaler(), in_squares(8, 6)
    monkeypatch.setattr(upscaler, "_run", lambda tile: pytest.fail("the network was run"))
    wanted = np.asarray(image).repeat(4, axis=0).repeat(4, axis=1)
    assert np.array_equal(np.asarray(upscaler.enlarge(image, 256)), wanted)
    assert np.array_equal(np.asarray(upscaler.enlarge(image.convert("RGBA"), 256)), wanted)


@pytest.mark.parametrize("long_side", [100, 400, 1024])
@pytest.mark.parametrize(("columns", "rows"), [(8, 8), (5, 3), (2, 7)])
def test_squares_become_as_large_as_the_network_makes_pictures(columns: int, rows: int, long_side: int) -> None:
    upscaler, image = Upscaler(), in_squares(columns, rows)
    other = Image.new("RGB", image.size, "teal")
    large = upscaler.enlarge(image, long_side)
    assert large.size == upscaler.enlarge(other, long_side).size
    colors = {color for _, color in image.getcolors() or []}
    assert {color for _, color in large.getcolors() or []} == colors


def test_a_picture_that_is_not_in_squares_goes_through_the_network() -> None:
    upscaler, image = Upscaler(), drawing(64, 48)
    assert upscaler.enlarge(image, 256).tobytes() == upscaler.upscale(image).tobytes()
