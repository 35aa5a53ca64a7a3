"""Archives: what is read out of honest ones, and what dishonest ones do not achieve."""

from __future__ import annotations

import io
import random
import stat
import struct
import time
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from sartor.datasets.archive import MAX_ENTRIES, Archive
from sartor.datasets.pictures import MAX_BYTES
from sartor.errors import BadRequest, BodyTooLarge, SartorError, Unprocessable, UnsupportedMediaType

Pack = Callable[..., Path]


@pytest.fixture
def pack(tmp_path: Path) -> Pack:
    """Writes a ZIP with these entries; a value is bytes, or a function of the open archive and the name."""

    def pack(entries: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> Path:
        path = tmp_path / "pictures.zip"
        with zipfile.ZipFile(path, "w", method) as archive:
            for name, data in entries.items():
                archive.writestr(name, data)
        return path

    return pack


def changed(path: Path, change: Callable[[bytearray], None]) -> Path:
    data = bytearray(path.read_bytes())
    change(data)
    path.write_bytes(data)
    return path


def local_header(data: bytearray, name: bytes) -> int:
    return data.index(b"PK\x03\x04", data.index(name) - 30)


def central_header(data: bytearray, name: bytes) -> int:
    return data.rindex(b"PK\x01\x02", 0, data.rindex(name))


def test_entries_keep_their_order_their_bytes_and_their_numbers(pack: Pack) -> None:
    entries = {"b/two.png": b"2" * 3000, "a/one.jpg": b"1", "ünï.webp": b"", "empty name .png": b"3"}
    for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        path = pack(entries, method)
        with Archive(path) as archive:
            assert archive.entries == list(entries)
            assert [archive.read(number) for number in range(4)] == list(entries.values())
            assert archive.read(0) == b"2" * 3000, "and once more"
            digest = archive.digest
        with Archive(path) as again:
            assert again.digest == digest
    with Archive(pack(entries | {"a/one.jpg": b"x"})) as other:
        assert other.digest != digest


def test_folders_and_what_systems_leave_behind_are_no_entries(pack: Pack) -> None:
    litter = ["folder/", "__MACOSX/._a.png", "x/__MACOSX/b.png", "folder/.DS_Store", "Thumbs.db", "y/._c.png"]
    with Archive(pack(dict.fromkeys(litter, b"") | {"folder/a.png": b"a"})) as archive:
        assert archive.entries == ["folder/a.png"]
        assert archive.read(0) == b"a"


def test_an_archive_without_a_file_is_refused(pack: Pack) -> None:
    for entries in ({}, {"folder/": b"", "__MACOSX/._a.png": b""}):
        with pytest.raises(BadRequest, match="no file"):
            Archive(pack(entries))


@pytest.mark.parametrize(
    "name",
    ["../a.png", "a/../../b.png", "/etc/passwd", "\\\\host\\share\\a.png", "..\\..\\a.png", "C:\\a.png", "c:/a.png"],
)
def test_a_name_that_leads_out_is_refused_and_writes_nothing(pack: Pack, tmp_path: Path, name: str) -> None:
    path = pack({"good.png": b"good"})
    info = zipfile.ZipInfo("placeholder")
    info.filename = name  # the constructor would tidy it
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(info, b"bad")
    before = sorted(tmp_path.rglob("*"))
    with Archive(path) as archive:
        with pytest.raises(Unprocessable, match="leads out"):
            archive.read(1)
        assert archive.read(0) == b"good"
    assert sorted(tmp_path.rglob("*")) == before


def test_a_link_is_not_followed(pack: Pack) -> None:
    path = pack({"a.png": b"a"})
    info = zipfile.ZipInfo("link.png")
    info.create_system, info.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(info, b"/etc/passwd")
    with Archive(path) as archive, pytest.raises(UnsupportedMediaType, match="link"):
        archive.read(1)


def test_an_encrypted_entry_is_said_to_be_one(pack: Pack) -> None:
    def encrypt(data: bytearray) -> None:
        for at, offset in ((local_header(data, b"locked"), 6), (central_header(data, b"locked"), 8)):
            data[at + offset] |= 1

    with Archive(changed(pack({"locked.png": b"x" * 20, "open.png": b"y"}), encrypt)) as archive:
        with pytest.raises(UnsupportedMediaType, match="encrypted"):
            archive.read(0)
        assert archive.read(1) == b"y"


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_methods_that_cannot_be_bounded_are_not_read(pack: Pack, method: int) -> None:
    with Archive(pack({"a.png": bytes(1000)}, method)) as archive, pytest.raises(UnsupportedMediaType, match="method"):
        archive.read(0)


def test_a_bomb_is_refused_before_it_is_unpacked(pack: Pack) -> None:
    path = pack({"bomb.png": bytes(MAX_BYTES), "larger.png": bytes(200_000_000), "small.png": bytes(1_000_000)})
    tracemalloc.start()
    try:
        with Archive(path) as archive:
            with pytest.raises(BodyTooLarge, match="100 times"):
                archive.read(0)
            with pytest.raises(BodyTooLarge, match="12 MB"):
                archive.read(1)
            _, peak = tracemalloc.get_traced_memory()
            assert archive.read(2) == bytes(1_000_000), "a plain picture may be small"
    finally:
        tracemalloc.stop()
    assert peak < 2_000_000


def test_a_bomb_that_lies_about_its_size_unpacks_no_more_than_it_said(pack: Pack) -> None:
    def lie(data: bytearray) -> None:
        for at, offset in ((local_header(data, b"bomb"), 22), (central_header(data, b"bomb"), 24)):
            struct.pack_into("<I", data, at + offset, 1000)

    path = changed(pack({"bomb.png": bytes(200_000_000)}), lie)
    tracemalloc.start()
    try:
        with Archive(path) as archive, pytest.raises(Unprocessable, match="damaged"):
            archive.read(0)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 2_000_000


def test_entries_that_share_their_bytes_are_refused(pack: Pack) -> None:
    """One kernel of bytes under many names: the unpacked size grows with the square of the archive's."""
    data = random.Random(0).randbytes(100_000)
    path = pack({"a.png": data}, zipfile.ZIP_STORED)
    raw = path.read_bytes()
    at = raw.rindex(b"PK\x01\x02")
    end = raw.rindex(b"PK\x05\x06")
    table = raw[at:end] * 50
    ending = bytearray(raw[end:])
    struct.pack_into("<HHI", ending, 8, 50, 50, len(table))
    path.write_bytes(raw[:at] + table + ending)
    with pytest.raises(BadRequest, match="overlap"):
        Archive(path)


def test_an_archive_in_an_archive_is_only_bytes(pack: Pack) -> None:
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as archive:
        archive.writestr("a.png", b"a")
    with Archive(pack({"inner.zip": inner.getvalue()})) as outer:
        assert outer.entries == ["inner.zip"]
        assert outer.read(0) == inner.getvalue()


def test_the_number_of_entries_is_bounded(pack: Pack) -> None:
    with Archive(pack({f"{number}.png": b"" for number in range(MAX_ENTRIES)})) as archive:
        assert len(archive.entries) == MAX_ENTRIES
    with pytest.raises(BadRequest, match="5,000 files; this one has 5,001"):
        Archive(pack({f"{number}.png": b"" for number in range(MAX_ENTRIES + 1)}))


def test_a_huge_table_of_contents_is_not_read(pack: Pack) -> None:
    path = pack({f"{number:06d}" + "x" * 60_000: b"" for number in range(200)})
    tracemalloc.start()
    try:
        with pytest.raises(BadRequest, match="table of contents"):
            Archive(path)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 1_000_000


def test_what_is_no_archive_and_what_lacks_its_end(pack: Pack, tmp_path: Path) -> None:
    whole = pack({"a.png": random.Random(0).randbytes(5000), "b.png": b"b"}).read_bytes()
    for data in (b"", b"PK", b"\x89PNG\r\n\x1a\n" + bytes(1000), whole[:-1], whole[: len(whole) // 2]):
        (tmp_path / "x").write_bytes(data)
        with pytest.raises(BadRequest, match="not a ZIP"):
            Archive(tmp_path / "x")


def test_one_damaged_entry_costs_the_others_nothing(pack: Pack) -> None:
    def damage(data: bytearray) -> None:
        data[local_header(data, b"b.png") + 60] ^= 0xFF

    entries = {f"{letter}.png": random.Random(letter).randbytes(5000) for letter in "abc"}
    with Archive(changed(pack(entries), damage)) as archive:
        assert archive.read(0) == entries["a.png"]
        with pytest.raises(Unprocessable, match="damaged"):
            archive.read(1)
        assert archive.read(2) == entries["c.png"]


@pytest.mark.parametrize("seed", range(4))
def test_whatever_is_damaged_it_is_an_answer(pack: Pack, tmp_path: Path, seed: int) -> None:
    """Random bytes anywhere, most of all in the tables: an error of ours or the right bytes, soon, and nothing else."""
    chance = random.Random(seed)
    entries = {f"{number}.png": chance.randbytes(200) + bytes(300) for number in range(6)}
    whole = pack(entries).read_bytes()
    table = whole.index(b"PK\x01\x02")
    path = tmp_path / "x"
    answers = 0
    for _ in range(500):
        data = bytearray(whole)
        for _change in range(chance.randint(1, 4)):
            at = chance.randrange(len(data)) if chance.random() < 0.3 else chance.randrange(table, len(data))
            data[at] = chance.choice([0, 1, 0x7F, 0xFF, chance.randrange(256)])
        path.write_bytes(data)
        began = time.monotonic()
        try:
            with Archive(path) as archive:
                for number, name in enumerate(archive.entries):
                    try:
                        assert len(archive.read(number)) <= MAX_BYTES
                        assert name.isprintable()
                        assert len(name) <= 200
                    except SartorError:
                        answers += 1
        except SartorError:
            answers += 1
        assert time.monotonic() - began < 2
    assert answers > 100


def test_names_are_kept_printable_and_short(pack: Pack) -> None:
    with Archive(pack({"a\nb\x1b[31m.png": b"", "x" * 500 + "/end.png": b""})) as archive:
        assert archive.entries[0] == "a?b?[31m.png"
        assert len(archive.entries[1]) == 200
        assert archive.entries[1].endswith("x/end.png")
