"""Files of far too many parts: refused before anything is decoded, whichever way they come; ordinary ones are not."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable

import pytest
from PIL import Image

from sartor.datasets.parts import MAX_PARTS, MAX_SCANS, check_parts
from sartor.datasets.pictures import read_picture, take_in
from sartor.errors import UnsupportedMediaType
from tests.conftest import Tenant
from tests.datasets.conftest import DATASETS, as_base64, error_of, new_dataset, picture, upload
from tests.datasets.test_bulk_endpoints import Serve, advanced, ended, serve, start, zipped

__all__ = ["serve"]  # a fixture


def progressive(scans: int = 0) -> bytes:
    """A grey JPEG, 1024 x 1024, with its own 6 scans and so many that change nothing: one code of theirs ends
    16,384 blocks."""
    file = io.BytesIO()
    Image.new("L", (1024, 1024), 128).save(file, "JPEG", progressive=True)
    table = b"\xff\xc4" + struct.pack(">HB", 20, 0x11) + bytes([1, *bytes(15), 0xE0])
    scan = b"\xff\xda" + struct.pack(">HB", 8, 1) + bytes([1, 0x01, 63, 63, 0]) + b"\x00\x01"
    return file.getvalue()[:-2] + table + scan * scans + b"\xff\xd9"


def segments(segment: bytes, count: int, *, size: int = 300) -> bytes:
    """A JPEG with so many of them at its beginning."""
    file = io.BytesIO()
    Image.new("RGB", (size, size)).save(file, "JPEG")
    return file.getvalue()[:2] + segment * count + file.getvalue()[2:]


def chunks(name: bytes, count: int, *, at_the_end: bool = False) -> bytes:
    """A PNG with so many empty chunks, at its beginning or behind the picture."""
    file = io.BytesIO()
    Image.new("RGB", (300, 300)).save(file, "PNG")
    data = file.getvalue()
    place = len(data) - 12 if at_the_end else 33
    return data[:place] + (bytes(4) + name + struct.pack(">I", zlib.crc32(name))) * count + data[place:]


def test_a_hundred_scans_are_decoded_and_one_more_is_not() -> None:
    assert read_picture(progressive(MAX_SCANS - 6)).size == (1024, 1024)
    for read in (read_picture, lambda data: take_in(data, increase_resolution=False)):
        with pytest.raises(UnsupportedMediaType, match="100 scans at most"):
            read(progressive(MAX_SCANS - 5))


def test_scans_are_only_counted_where_there_are_any() -> None:
    """Neither in metadata, nor in what the picture itself has of these bytes, nor behind its end."""
    remark = b"\xff\xfe" + struct.pack(">H", 2 + 4000) + b"\xff\xda" * 2000
    assert read_picture(segments(remark, 1)).size == (300, 300)
    assert read_picture(progressive() + b"\xff\xda\x00\x02" * 500).size == (1024, 1024)
    check_parts(b"\xff\xd8\xff\xda\x00\x02" + b"\xff\x00\xda" * 500 + b"\xff\xd9")


def test_scans_behind_what_is_no_marker_are_counted() -> None:
    """A decoder that has lost its way goes on at the next marker, whatever length seems to be written there."""
    with pytest.raises(UnsupportedMediaType, match="scans"):
        check_parts(progressive()[:-2] + b"\xff\x02\xff\xff" + b"\xff\xda\x00\x02" * 500)


@pytest.mark.parametrize(
    "make",
    [
        lambda count: segments(b"\xff\xfe\x00\x02", count),
        lambda count: segments(b"\xff\xe1\x00\x00", count),
        lambda count: segments(b"\xff\xd9", count),
        lambda count: segments(b"\xff\xd0", count),
        lambda count: segments(b"\xff", count),
        lambda count: segments(b"\xff\x00", count),
        lambda count: segments(b"\xff\xf0\xff\xff" + b"\xff" * 65533, count // 65000 + 1),
        lambda count: chunks(b"prVt", count),
        lambda count: chunks(b"prVt", count, at_the_end=True),
    ],
)
def test_too_many_parts(make: Callable[[int], bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    def open_it(*_: object, **__: object) -> None:
        raise AssertionError("it was opened")

    monkeypatch.setattr(Image, "open", open_it)
    with pytest.raises(UnsupportedMediaType, match="50,000 parts at most"):
        read_picture(make(MAX_PARTS))


def test_many_parts_are_none_too_many() -> None:
    assert read_picture(segments(b"\xff\xfe\x00\x02", 10_000)).size == (300, 300)
    assert read_picture(chunks(b"prVt", 10_000)).size == (300, 300)
    assert read_picture(chunks(b"prVt", 100) + bytes(MAX_PARTS * 13)).size == (300, 300)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_ordinary_ones_at_any_cut(kind: str) -> None:
    data = picture(size=64, kind=kind)
    for length in range(len(data)):
        check_parts(data[:length])


def test_every_way_in(tenant: Tenant, serve: Serve) -> None:
    data = progressive(MAX_SCANS)
    dataset_id = new_dataset(tenant)
    images = f"{DATASETS}/{dataset_id}/images"
    generate = "/v1/tailored-gen/generate_visual_schema"
    address = serve(data)
    for answer in (
        upload(tenant, dataset_id, data),
        tenant.post(images, {"file": as_base64(data)}),
        tenant.post(images, {"image_url": address}),
        tenant.post(generate, {"images": [as_base64(data)] * 5}),
        tenant.post(generate, {"images": [address] * 5}),
    ):
        assert "scans" in error_of(answer, 415)
    filled_by_zip = advanced(tenant)
    start(tenant, filled_by_zip, serve(zipped({"a.jpg": data, "b.png": picture()})))
    (failed,) = ended(tenant, filled_by_zip)["failed_images"]
    assert "scans" in str(failed)
