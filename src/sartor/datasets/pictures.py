"""The intake of pictures: bytes that somebody sent, to an upright RGB picture without metadata that can be trained on.

What a file is, only its bytes can tell; its name and announced type are not looked at. The header is read first, so
that a small file of enormous size is refused before a pixel of it is decoded.
"""

from __future__ import annotations

import functools
import io
import logging
import math
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from PIL import ExifTags, Image, ImageCms, PngImagePlugin

from sartor.captioning.squares import drawn_again, side_of_squares
from sartor.datasets.parts import check_parts
from sartor.errors import BodyTooLarge, PreconditionFailed, UnsupportedMediaType

MAX_BYTES = 12 * 1024 * 1024
# A full-frame camera's picture has 24 to 48 million; decoded, 50 million are 150 MB.
MAX_PIXELS = 50_000_000
# Of the shorter side, in pixels: the least that is taken, and the least that is kept.
SMALLEST, FULL = 256, 1024
# Of a thumbnail's longer side, in pixels.
THUMBNAIL = 384
# Of the longer side, in pixels, of a picture that is only looked at: no more is trained on.
SHOWN = 1024
# Bits of 64: the same picture recompressed, resized or slightly brightened differs by fewer; other pictures by more.
NEAR = 4

_FORMATS = ("JPEG", "PNG", "WEBP")
# The mode in which a profile's colour space is read, and those of the pictures that it can be meant for.
_SPACES = {
    "GRAY": ("L", ("L", "LA")),
    "RGB": ("RGB", ("RGB", "RGBA", "P", "PA", "L", "LA")),
    "CMYK": ("CMYK", ("CMYK",)),
}
# What makes a picture upright, by the orientation that its EXIF gives.
_TURNS: dict[object, Image.Transpose] = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
# The network takes 6 s of one core for so many; what is larger than this is nearly as large as it has to be.
_NETWORK_PIXELS = 1024 * 1024
# Whole pictures are large, as pixels and as PNG: however many are sent at once, so many are in memory.
_ROOM = threading.BoundedSemaphore(2)
_own = threading.local()
# Of a PNG's compressed texts and colour profile, unpacked: they are dropped, but a large one is no reason to refuse.
PngImagePlugin.MAX_TEXT_CHUNK = MAX_BYTES
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Picture:
    """``image`` is RGB, ``png`` the same as a file, ``thumbnail`` a small JPEG; sizes are pixels of ``image``.

    ``perceptual_hash`` is of 64 bits, as 16 hexadecimal digits: see :func:`perceptual_hash`.
    """

    image: Image.Image
    png: bytes
    thumbnail: bytes
    width: int
    height: int
    perceptual_hash: str


@contextmanager
def room_for_one() -> Iterator[None]:
    """Waits until this thread may have a whole picture in memory, for as long as the block lasts; a thread that may
    already goes on. No model that is asked over a network is waited for in it."""
    if getattr(_own, "has_room", False):
        yield
        return
    with _ROOM:
        _own.has_room = True
        try:
            yield
        finally:
            _own.has_room = False


def take_in(data: bytes, *, increase_resolution: bool, max_bytes: int | None = MAX_BYTES) -> Picture:
    """The picture in ``data``, ready to be kept: upright, in sRGB, transparency on black, no metadata.

    One whose shorter side has fewer than 1024 pixels is enlarged to that, keeping its shape; pixel art square by square
    to the next size at which all its squares are alike. It is whole: whoever keeps it longer than this call holds
    :func:`room_for_one`. Raises what :func:`read_picture` does, and PreconditionFailed below 256 pixels, or below 1024
    without ``increase_resolution``.
    """
    with room_for_one():
        image = _decode(data, smallest=SMALLEST if increase_resolution else FULL, max_bytes=max_bytes)
        image = _enlarge(image)
        small = image.copy()
        small.thumbnail((THUMBNAIL, THUMBNAIL), Image.Resampling.LANCZOS, reducing_gap=3.0)
        return Picture(
            image=image,
            png=_file(image, "PNG", compress_level=4),
            thumbnail=_file(small, "JPEG", quality=85),
            width=image.width,
            height=image.height,
            perceptual_hash=perceptual_hash(image),
        )


def read_picture(data: bytes, *, max_bytes: int | None = MAX_BYTES) -> Image.Image:
    """The picture in ``data`` as it is to be looked at: upright, RGB in sRGB, transparency on black; of any size, and
    made smaller as :func:`shown` does.

    Of our own storage's, which may be larger than what was sent, and of what `Reading` has measured, ``max_bytes`` is
    None. Raises BodyTooLarge above 12 MB or 50 million pixels, UnsupportedMediaType for what is no whole JPEG, PNG or
    WebP, and as `check_parts` does.
    """
    with room_for_one():
        return shown(_decode(data, smallest=1, max_bytes=max_bytes))


def whole_picture(data: bytes) -> Image.Image:
    """The same in full size, of a file on our own disk. Raises as :func:`read_picture`."""
    return _decode(data, smallest=1, max_bytes=None)


def shown(image: Image.Image) -> Image.Image:
    """What a captioner is shown of a picture: its longer side has 1024 pixels at most; a smaller one is the same, and
    pixel art stays in squares."""
    if max(image.size) <= SHOWN:
        return image
    if (side := side_of_squares(np.asarray(image))) is not None and max(image.size) // side <= SHOWN:
        return drawn_again(image, side, SHOWN * side // max(image.size))
    small = image.copy()
    small.thumbnail((SHOWN, SHOWN), Image.Resampling.LANCZOS, reducing_gap=3.0)
    return small


def perceptual_hash(image: Image.Image) -> str:
    """64 bits that stay nearly the same when a picture is resized, recompressed or slightly changed in colour.

    Each bit says whether a field of the picture's grey version, 8 rows of 9 fields, is brighter than the one to its
    left: N. Krawetz's difference hash ("Kind of Like That", 2013). On Inkwell's drawings it was seen to do
    better than the hash by cosine transform, whose weak waves turn over in symmetrical drawings: changed copies differ
    by 3 bits at most (by 16 there), and no two drawings by fewer than 7.
    """
    fields = np.asarray(image.convert("L").resize((9, 8), Image.Resampling.BOX), dtype=np.int16)
    return np.packbits(fields[:, 1:] > fields[:, :-1]).tobytes().hex()


def near(one: str, other: str) -> bool:
    """Whether two perceptual hashes are of what most people would call the same picture."""
    return (int(one, 16) ^ int(other, 16)).bit_count() <= NEAR


def near_ones(perceptual_hash: str, others: Iterable[tuple[int, str]]) -> list[int]:
    """The ids among ``others``, pairs of id and hash, whose picture nearly is the one with ``perceptual_hash``."""
    return [identifier for identifier, other in others if near(perceptual_hash, other)]


def _decode(data: bytes, *, smallest: int, max_bytes: int | None) -> Image.Image:
    if max_bytes is not None and len(data) > max_bytes:
        raise BodyTooLarge(f"A picture may have {max_bytes // 1024 // 1024} MB at most.")
    check_parts(data)
    try:
        image = Image.open(io.BytesIO(data), formats=_FORMATS)
    except Image.DecompressionBombError:
        raise BodyTooLarge(f"A picture may have {MAX_PIXELS:,} pixels at most; this one has more.") from None
    except Exception:  # a damaged header makes the decoders raise more kinds than they document
        raise UnsupportedMediaType("The file is not a JPEG, PNG or WebP picture.") from None
    if image.width * image.height > MAX_PIXELS:
        raise BodyTooLarge(f"A picture may have {MAX_PIXELS:,} pixels at most; this one has {_size(image)}.")
    if min(image.size) < smallest:
        raise PreconditionFailed(
            f"A picture needs {smallest} pixels on its shorter side at least; this one has {_size(image)}."
        )
    try:
        image.load()
        return _flat(_srgb(_eight_bits(_upright(image))))
    except Exception:
        raise UnsupportedMediaType("The picture is damaged: not all of it could be read.") from None


def _size(image: Image.Image) -> str:
    return f"{image.width} x {image.height}"


def _upright(image: Image.Image) -> Image.Image:
    """Turned as its EXIF says. Of that nothing else is read, for it is dropped, whatever is wrong with it."""
    try:
        method = _TURNS.get(image.getexif().get(ExifTags.Base.Orientation))
    except Exception:  # no EXIF at all; the picture is whole
        return image
    return image if method is None else image.transpose(method)


def _eight_bits(image: Image.Image) -> Image.Image:
    """Of 16 bits of grey the upper 8; a conversion would cut off all above the lower ones."""
    if not image.mode.startswith("I"):
        return image
    grey = Image.fromarray((np.asarray(image, dtype=np.int64).clip(0, 65535) >> 8).astype(np.uint8))
    grey.info["icc_profile"] = image.info.get("icc_profile")
    return grey


def _flat(image: Image.Image) -> Image.Image:
    """RGB on black, with nothing attached."""
    if image.has_transparency_data:
        layered = image.convert("RGBA")
        flat = Image.new("RGB", image.size)
        flat.paste(layered, mask=layered.getchannel("A"))
        return flat
    converted = image.convert("RGB")
    plain = Image.new("RGB", converted.size)
    plain.paste(converted)
    return plain


def _srgb(image: Image.Image) -> Image.Image:
    """The colours as they were meant where the file carries a profile of its own; without it they would shift."""
    profile = image.info.get("icc_profile")
    if not profile:
        return image
    try:
        meant = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        mode, speaks_of = _SPACES.get(meant.profile.xcolor_space.strip(), ("", ()))
        if image.mode not in speaks_of:  # a profile for another kind of picture
            return image
        alpha = image.convert("RGBA").getchannel("A") if image.has_transparency_data else None
        plain = image if image.mode == mode else image.convert(mode)
        converted = ImageCms.profileToProfile(plain, meant, ImageCms.createProfile("sRGB"), outputMode="RGB")
    except (ImageCms.PyCMSError, OSError):  # a damaged profile
        return image
    if converted is None:
        return image
    if alpha is not None:
        converted.putalpha(alpha)
    return converted


def _enlarge(image: Image.Image) -> Image.Image:
    short = min(image.size)
    if short >= FULL:
        return image
    side = side_of_squares(np.asarray(image))
    times = FULL / short if side is None else math.ceil(FULL * side / short) / side
    size = round(image.width * times), round(image.height * times)
    if size[0] * size[1] > MAX_PIXELS:
        raise BodyTooLarge(f"Enlarged, a picture may have {MAX_PIXELS:,} pixels at most; this one is {_size(image)}.")
    if side is not None:
        return drawn_again(image, side, round(side * times))
    upscale = _network()
    if upscale is not None and image.width * image.height <= _NETWORK_PIXELS:
        image = upscale(image)
    resampling = Image.Resampling.LANCZOS if min(image.size) > FULL else Image.Resampling.BICUBIC
    return image.resize(size, resampling, reducing_gap=3.0)


@functools.cache
def _network() -> Callable[[Image.Image], Image.Image] | None:
    """What makes pictures four times as large, for one thread at a time; None where it cannot be loaded."""
    try:
        from sartor.fibo.upscaling import Upscaler

        upscaler = Upscaler()
    except (ImportError, OSError, RuntimeError):
        _log.warning("the upscaler could not be loaded: small pictures are enlarged by bicubic interpolation")
        return None
    lock = threading.Lock()

    def upscale(image: Image.Image) -> Image.Image:
        with lock:
            return upscaler.upscale(image)

    return upscale


def _file(image: Image.Image, kind: str, **options: int) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()
