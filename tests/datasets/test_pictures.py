"""What comes in: any kind of file, upright, flat, large enough, without metadata; and what is refused, and how."""

from __future__ import annotations

import io
import struct
import threading
import zlib
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms, ImageDraw, ImageFilter, PngImagePlugin

import sartor.nano
from sartor.datasets import pictures
from sartor.datasets.pictures import near, near_ones, perceptual_hash, read_picture, room_for_one, take_in
from sartor.errors import BodyTooLarge, PreconditionFailed, UnsupportedMediaType

BRAND = Path(sartor.nano.__file__).parent / "brands" / "inkwell" / "images"


def drawing(width: int = 1024, height: int = 1024, mode: str = "RGB") -> Image.Image:
    """Red to the left of blue, with a yellow disc in the upper half."""
    image = Image.new("RGB", (width, height), "blue")
    pen = ImageDraw.Draw(image)
    image.paste("red", (0, 0, width // 2, height))
    pen.ellipse((width // 4, 0, width * 3 // 4, height // 2), fill="yellow")
    return image.convert(mode)


def as_file(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def mean(image: Image.Image, box: tuple[int, int, int, int]) -> list[int]:
    return [round(value) for value in np.asarray(image.crop(box), dtype=float).mean((0, 1))]


@pytest.mark.parametrize(("kind", "mode"), [("PNG", "RGB"), ("PNG", "P"), ("JPEG", "RGB"), ("JPEG", "CMYK")])
def test_kinds_and_modes(kind: str, mode: str) -> None:
    taken = take_in(as_file(drawing(mode=mode), kind), increase_resolution=False)
    assert (taken.image.mode, taken.width, taken.height) == ("RGB", 1024, 1024)
    kept = Image.open(io.BytesIO(taken.png))
    assert (kept.format, kept.mode) == ("PNG", "RGB")
    assert kept.tobytes() == taken.image.tobytes()
    assert np.abs(np.array(mean(kept, (10, 900, 400, 1000))) - [255, 0, 0]).max() < 8


@pytest.mark.parametrize("lossless", [True, False])
def test_webp(lossless: bool) -> None:
    taken = take_in(as_file(drawing(), "WEBP", lossless=lossless), increase_resolution=False)
    assert np.abs(np.array(mean(taken.image, (600, 900, 1000, 1000))) - [0, 0, 255]).max() < 8


def test_grey_of_16_bits_keeps_its_shades() -> None:
    ramp = np.tile(np.linspace(0, 65535, 1024).astype(np.uint16), (1024, 1))
    taken = take_in(as_file(Image.fromarray(ramp)), increase_resolution=False)
    row = np.asarray(taken.image)[0, :, 0].astype(int)
    assert (row[0], row[-1]) == (0, 255)
    assert np.abs(row - np.linspace(0, 255, 1024)).max() <= 1


@pytest.mark.parametrize(("orientation", "corner"), [(1, "upper left"), (3, "lower right"), (6, "upper right")])
def test_it_is_upright(orientation: int, corner: str) -> None:
    image = Image.new("RGB", (1024, 1400))
    image.paste("white", (0, 0, 200, 200))
    exif = Image.Exif()
    exif[0x0112] = orientation
    taken = take_in(as_file(image, "JPEG", exif=exif, quality=95), increase_resolution=False)
    assert taken.image.size == ((1400, 1024) if orientation == 6 else (1024, 1400))
    right, lower = taken.width - 200, taken.height - 200
    corners = {"upper left": (0, 0), "upper right": (right, 0), "lower right": (right, lower)}
    bright = {name: mean(taken.image, (x, y, x + 200, y + 200))[0] > 200 for name, (x, y) in corners.items()}
    assert [name for name, found in bright.items() if found] == [corner]


@pytest.mark.parametrize(("tag", "kind", "value"), [(0x100, 9, -5), (0x100, 2, b"640"), (0x102, 8, -1), (0x100, 5, 38)])
def test_whatever_else_its_exif_says(tag: int, kind: int, value: Any) -> None:
    """A width that is negative, a text or a fraction, and bits that are negative: none of it can be written again."""
    odd = struct.pack("<HHI", tag, kind, 4 if kind == 2 else 1) + struct.pack("<4s" if kind == 2 else "<i", value)
    exif = b"II*\0" + struct.pack("<IH", 8, 2) + odd + struct.pack("<HHIHH", 0x0112, 3, 1, 6, 0) + bytes(4)
    upright = read_picture(as_file(drawing(400, 300), "JPEG", exif=b"Exif\0\0" + exif + struct.pack("<II", 640, 1)))
    assert upright.size == (300, 400)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_an_exif_that_is_none(kind: str) -> None:
    assert read_picture(as_file(drawing(400, 300), kind, exif=b"Exif\0\0no exif")).size == (400, 300)


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_transparency_becomes_black(mode: str) -> None:
    image = Image.new("RGBA", (1024, 1024), (255, 255, 255, 0))
    image.paste((255, 255, 255, 255), (0, 0, 512, 1024))
    image.paste((255, 255, 255, 128), (0, 0, 1024, 100))
    taken = take_in(as_file(image.convert(mode)), increase_resolution=False).image
    assert [taken.getpixel(place) for place in ((100, 600), (900, 600))] == [(255, 255, 255), (0, 0, 0)]
    assert abs(taken.getpixel((900, 50))[0] - 128) <= 1  # type: ignore[index]


def test_metadata_is_dropped() -> None:
    exif = Image.Exif()
    exif[0x010F] = "a camera that knows who holds it"
    data = as_file(drawing(), "JPEG", exif=exif, comment=b"secret remark", icc_profile=b"no profile at all")
    taken = take_in(data, increase_resolution=False)
    for file in (taken.png, taken.thumbnail):
        image = Image.open(io.BytesIO(file))
        assert not image.getexif()
        assert not {"comment", "icc_profile", "exif"} & image.info.keys()
        assert b"camera" not in file
    assert not taken.image.info


def test_colours_are_those_that_the_profile_means() -> None:
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    same = take_in(as_file(drawing(), icc_profile=lab), increase_resolution=False).image
    assert np.abs(np.asarray(same, dtype=int) - np.asarray(drawing(), dtype=int)).max() <= 2


def profile(space: str) -> bytes:
    """A profile whose numbers are amounts of light, of which sRGB's are roots: 128 is meant to be 188."""
    point = struct.pack(">3i", *(round(value * 65536) for value in (0.9642, 1.0, 0.8249)))
    linear = b"curv" + bytes(4) + struct.pack(">IH", 1, 256)
    tags = {"desc": b"desc" + bytes(4) + struct.pack(">I", 2) + b"g" + bytes(79), "wtpt": b"XYZ " + bytes(4) + point}
    if space == "GRAY":
        tags["kTRC"] = linear
    else:  # sRGB's own colours, by the Bradford adaptation to D50
        colours = {"r": (0.4361, 0.2225, 0.0139), "g": (0.3851, 0.7169, 0.0971), "b": (0.1431, 0.0606, 0.7141)}
        for letter, colour in colours.items():
            tags[f"{letter}XYZ"] = b"XYZ " + bytes(4) + struct.pack(">3i", *(round(v * 65536) for v in colour))
            tags[f"{letter}TRC"] = linear
    table, body = struct.pack(">I", len(tags)), b""
    for name, data in tags.items():
        table += name.encode() + struct.pack(">II", 132 + 12 * len(tags) + len(body), len(data))
        body += data + bytes(-len(data) % 4)
    head = b"lcms" + struct.pack(">I", 0x02100000) + b"mntr" + space.ljust(4).encode() + b"XYZ " + bytes(12) + b"acsp"
    head = struct.pack(">I", 128 + len(table) + len(body)) + head + bytes(28) + point
    return head + bytes(128 - len(head)) + table + body


@pytest.mark.parametrize("space", ["GRAY", "RGB"])
@pytest.mark.parametrize("mode", ["L", "LA", "I;16", "P", "RGB", "RGBA"])
def test_a_profile_is_applied_to_grey_and_palettes_too(mode: str, space: str) -> None:
    grey = Image.fromarray(np.full((8, 8), 128 * 257, np.uint16)) if mode == "I;16" else Image.new("L", (8, 8), 128)
    image = grey if mode == "I;16" else grey.convert("RGB").quantize(2) if mode == "P" else grey.convert(mode)
    applied = space == "RGB" or mode in ("L", "LA", "I;16")
    read = read_picture(as_file(image, icc_profile=profile(space)))
    assert read.getpixel((3, 3)) == ((188,) * 3 if applied else (128,) * 3)
    assert read_picture(as_file(image)).getpixel((3, 3)) == (128,) * 3


def test_a_profile_leaves_transparency_alone() -> None:
    image = Image.new("P", (8, 8), 1)
    image.putpalette([0, 0, 0, 128, 128, 128])
    image.putpixel((0, 0), 0)
    read = read_picture(as_file(image, icc_profile=profile("RGB"), transparency=b"\xff\x80"))
    assert [read.getpixel(place) for place in ((0, 0), (4, 4))] == [(0, 0, 0), (94, 94, 94)]


@pytest.mark.parametrize(("size", "enlarged"), [((256, 256), (1024, 1024)), ((400, 300), (1365, 1024))])
def test_small_ones_are_enlarged(size: tuple[int, int], enlarged: tuple[int, int]) -> None:
    taken = take_in(as_file(drawing(*size)), increase_resolution=True)
    assert (taken.width, taken.height) == taken.image.size == enlarged
    shrunk = np.asarray(taken.image.resize(size, Image.Resampling.BOX), dtype=float)
    assert np.abs(shrunk - np.asarray(drawing(*size), dtype=float)).mean() < 6


def sprite(side: int, squares: int = 40) -> Image.Image:
    """A drawing in `squares` x `squares` squares of `side` pixels."""
    few = drawing(1024, 1024).resize((squares, squares), Image.Resampling.BOX)
    return few.resize((squares * side, squares * side), Image.Resampling.NEAREST)


def test_pixel_art_is_enlarged_square_by_square() -> None:
    taken = take_in(as_file(sprite(8)), increase_resolution=True)
    assert taken.image.size == (1040, 1040)  # forty squares of 26 pixels, the least that makes 1024
    assert taken.image.tobytes() == sprite(26).tobytes()


def test_pixel_art_of_a_lossy_file_is_enlarged_as_a_drawing() -> None:
    taken = take_in(as_file(sprite(8), "JPEG", quality=95), increase_resolution=True)
    assert taken.image.size == (1024, 1024)


def test_pixel_art_that_would_become_enormous() -> None:
    few = drawing(400, 20_000).resize((400, 20_000), Image.Resampling.BOX)
    with pytest.raises(BodyTooLarge, match="Enlarged"):
        take_in(as_file(few.resize((800, 40_000), Image.Resampling.NEAREST)), increase_resolution=True)


def test_pixel_art_that_is_only_looked_at_stays_in_squares() -> None:
    seen = read_picture(as_file(sprite(40)))
    assert seen.tobytes() == sprite(25).tobytes()  # of 1024 pixels at most


def test_without_the_network_they_are_enlarged_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    data = as_file(drawing(300, 300))
    with_network = take_in(data, increase_resolution=True).image
    monkeypatch.setattr(pictures, "_network", lambda: None)
    without = take_in(data, increase_resolution=True).image
    assert without.size == with_network.size == (1024, 1024)
    assert without.tobytes() != with_network.tobytes()
    assert np.abs(np.asarray(without, dtype=float) - np.asarray(drawing(), dtype=float)).mean() < 10


@pytest.mark.parametrize(
    ("size", "increase"), [((255, 2000), True), ((2000, 255), True), ((1023, 1024), False), ((1, 1), False)]
)
def test_too_small(size: tuple[int, int], increase: bool) -> None:
    with pytest.raises(PreconditionFailed, match=f"{size[0]} x {size[1]}"):
        take_in(as_file(drawing(*size)), increase_resolution=increase)


def test_too_many_bytes() -> None:
    data = as_file(drawing()) + bytes(pictures.MAX_BYTES)
    with pytest.raises(BodyTooLarge, match="12 MB"):
        take_in(data, increase_resolution=True)


def enormous(width: int, height: int) -> bytes:
    """A PNG of a few hundred bytes whose header announces more pixels than memory holds."""

    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = zlib.compress(bytes(100_000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


@pytest.mark.parametrize("size", [(60_000, 60_000), (10_000, 5_001), (2**31 - 1, 1024)])
def test_too_many_pixels_are_not_decoded(size: tuple[int, int]) -> None:
    with pytest.raises((BodyTooLarge, UnsupportedMediaType)):
        take_in(enormous(*size), increase_resolution=True)


def test_a_strip_that_would_become_enormous() -> None:
    with pytest.raises(BodyTooLarge, match="Enlarged"):
        take_in(as_file(Image.new("RGB", (256, 20_000))), increase_resolution=True)


@pytest.mark.parametrize(
    "data", [b"", b"\x00", b"<svg xmlns='http://www.w3.org/2000/svg'/>", as_file(drawing(), "GIF"), b"BM" + bytes(99)]
)
def test_other_kinds(data: bytes) -> None:
    with pytest.raises(UnsupportedMediaType):
        take_in(data, increase_resolution=True)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_damaged_ones(kind: str) -> None:
    """Cut off anywhere, or with bytes changed anywhere: an answer, and never a bug."""
    data = as_file(drawing(512, 512).filter(ImageFilter.GaussianBlur(3)), kind)
    with pytest.raises(UnsupportedMediaType):
        read_picture(data[: len(data) // 2])
    random = np.random.default_rng(5)
    for _ in range(60):
        damaged = bytearray(data)
        for place in random.integers(0, len(data), 4):
            damaged[place] = random.integers(256)
        with suppress(BodyTooLarge, UnsupportedMediaType):
            assert read_picture(bytes(damaged)).mode == "RGB"


def test_what_is_only_looked_at_is_made_smaller() -> None:
    large = drawing(3000, 2000).filter(ImageFilter.GaussianBlur(9))
    seen = read_picture(as_file(large))
    large.thumbnail((1024, 1024), Image.Resampling.LANCZOS, reducing_gap=3.0)
    assert seen.size == (1024, 683)
    assert seen.tobytes() == large.tobytes()


@pytest.mark.parametrize("size", [(1024, 1024), (1024, 300), (30, 20)])
def test_and_one_of_ordinary_size_stays_as_it_is(size: tuple[int, int]) -> None:
    assert read_picture(as_file(drawing(*size))).tobytes() == drawing(*size).tobytes()


def test_threads_that_have_room_ask_again() -> None:
    """As many as there is room for, both within: each waiting for the other would never end."""
    data, together = as_file(drawing()), threading.Barrier(2)
    sizes: list[tuple[int, int]] = []

    def look() -> None:
        with room_for_one():
            together.wait(10)
            with room_for_one():
                sizes.append(read_picture(data).size)
            sizes.append(take_in(data, increase_resolution=False).image.size)

    threads = [threading.Thread(target=look, daemon=True) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert sizes == [(1024, 1024)] * 4


def test_room_is_given_back_by_those_who_fail() -> None:
    for _ in range(3):
        with pytest.raises(UnsupportedMediaType), room_for_one():
            read_picture(b"none")
    assert read_picture(as_file(drawing())).size == (1024, 1024)


def test_far_too_many_pixels_are_too_many_and_no_strange_file() -> None:
    file = b"\x89PNG\r\n\x1a\n"
    for kind, data in ((b"IHDR", struct.pack(">IIBBBBB", 20_000, 20_000, 8, 2, 0, 0, 0)), (b"IDAT", b"x" * 99)):
        file += struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    with pytest.raises(BodyTooLarge, match="50,000,000 pixels"):
        take_in(file, increase_resolution=True)


def test_long_texts_in_a_png_are_dropped() -> None:
    texts = PngImagePlugin.PngInfo()
    texts.add_text("Description", "x" * 3_000_000, zip=True)
    taken = take_in(as_file(drawing(), pnginfo=texts), increase_resolution=False)
    assert len(taken.png) < 1_000_000
    assert not Image.open(io.BytesIO(taken.png)).info.get("Description")


def test_thumbnails() -> None:
    taken = take_in(as_file(drawing(2048, 1024)), increase_resolution=True)
    thumbnail = Image.open(io.BytesIO(taken.thumbnail))
    assert (thumbnail.format, thumbnail.size) == ("JPEG", (pictures.THUMBNAIL, pictures.THUMBNAIL // 2))
    assert len(taken.thumbnail) < 40_000


def test_the_same_picture_again_is_near() -> None:
    for path in sorted(BRAND.glob("*.png")):
        image = read_picture(path.read_bytes())
        known = perceptual_hash(image)
        assert len(known) == 16
        variants = [
            read_picture(as_file(image, "JPEG", quality=40)),
            image.resize((image.width * 2 // 3, image.height * 2 // 3)),
            image.resize((1024, 1024), Image.Resampling.BICUBIC),
            Image.eval(image, lambda value: min(255, value + 12)),
        ]
        assert all(near(known, perceptual_hash(variant)) for variant in variants), path.name


def test_other_pictures_of_one_style_are_not_near() -> None:
    hashes = [perceptual_hash(read_picture(path.read_bytes())) for path in sorted(BRAND.glob("*.png"))]
    assert len(hashes) > 10
    for index, known in enumerate(hashes):
        assert near_ones(known, enumerate(hashes)) == [index]
