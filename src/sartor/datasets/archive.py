"""Pictures out of a ZIP that a stranger packed: bounded before it is believed, one entry in memory at a time.

    with Archive(path) as archive:
        for number, entry in enumerate(archive.entries):
            data = archive.read(number)

No entry's name ever becomes a path. What is wrong with the archive as a whole is raised by the constructor; what is
wrong with one entry by ``read`` of that one alone.
"""

from __future__ import annotations

import hashlib
import io
import stat
import struct
import zipfile
import zlib
from pathlib import Path, PurePosixPath
from types import TracebackType

from sartor.datasets.pictures import MAX_BYTES
from sartor.errors import BadRequest, BodyTooLarge, Unprocessable, UnsupportedMediaType

MAX_ENTRIES = 5000
MAX_ARCHIVE_BYTES = 5 * 1024**3
# Pictures hardly get smaller by packing; a megabyte and more that does is made to fill memory.
MAX_RATIO = 100
_RATIO_FROM_BYTES = 1024 * 1024
# Of the table of contents, which is read whole: 5,000 pictures and as many shadows take less than 2 MB.
_MAX_TABLE_BYTES = 8 * 1024 * 1024
_CHUNK = 64 * 1024
# The other methods unpack a block of any size at once.
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
# What systems leave behind in a folder that somebody packs.
_LITTER = frozenset({".ds_store", "thumbs.db", "desktop.ini"})
_LONGEST_NAME = 200
# The ways in which the reader says that bytes are not what they should be.
_DAMAGE = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, OverflowError, RuntimeError, ValueError)


class Archive:
    """``entries`` are the files that could be pictures, in the archive's order; their numbers never change.

    ``digest`` is of the table of contents: the same archive, fetched again, has the same one.
    """

    def __init__(self, path: Path) -> None:
        """Reads the table of contents. Raises BadRequest for what is no ZIP or is damaged, holds no file at all or more
        than 5,000, and where entries share their bytes."""
        self._file = _Bounded(path)
        try:
            self._zip = zipfile.ZipFile(self._file)
            self._infos = [info for info in self._zip.infolist() if not _no_file(info.filename)]
            if sum(info.compress_size for info in self._infos) > path.stat().st_size:
                raise BadRequest("zip_url: entries of this ZIP overlap.")
            if len(self._infos) > MAX_ENTRIES:
                raise BadRequest(f"zip_url: a ZIP may hold {MAX_ENTRIES:,} files; this one has {len(self._infos):,}.")
            if not self._infos:
                raise BadRequest("zip_url: there is no file in this ZIP.")
        except _DAMAGE:
            self._file.close()
            raise BadRequest("zip_url: what is there is not a ZIP, or its table of contents is damaged.") from None
        except BaseException:
            self._file.close()
            raise
        self.entries = [shown(info.filename) for info in self._infos]
        self.digest = _digest(self._infos)

    def read(self, number: int) -> bytes:
        """The bytes of entry ``number``.

        Raises Unprocessable for a name that leads out of the archive and for a damaged entry, UnsupportedMediaType for
        a link and an entry that is encrypted or packed by a rare method, BodyTooLarge for one that has more bytes than
        a picture may have, or unpacks to more than 100 times its size.
        """
        info = self._infos[number]
        if not info.filename:
            raise Unprocessable("The file has no name.")
        if _leads_out(info.filename):
            raise Unprocessable("The name leads out of the archive.")
        if stat.S_ISLNK(info.external_attr >> 16):
            raise UnsupportedMediaType("This is a link, not a picture.")
        if info.flag_bits & 0x1:
            raise UnsupportedMediaType("The file is encrypted.")
        if info.compress_type not in _METHODS:
            raise UnsupportedMediaType("The file is packed by a method that is not read here; use stored or deflated.")
        if info.file_size > MAX_BYTES:
            raise BodyTooLarge(f"A picture may have {MAX_BYTES // 1024 // 1024} MB at most.")
        if info.file_size > _RATIO_FROM_BYTES and info.file_size > MAX_RATIO * info.compress_size:
            raise BodyTooLarge(f"The file unpacks to more than {MAX_RATIO} times its size.")
        data = io.BytesIO()
        try:
            with self._zip.open(info) as file:
                # In small parts: no more is unpacked at once than is asked for. The last one checks the sum.
                while chunk := file.read(_CHUNK):
                    data.write(chunk)
        except _DAMAGE:
            raise Unprocessable("The file is damaged in the archive.") from None
        if data.tell() != info.file_size:
            raise Unprocessable("The file is damaged in the archive.")
        return data.getvalue()

    def close(self) -> None:
        self._zip.close()
        self._file.close()

    def __enter__(self) -> Archive:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class _Bounded(io.BufferedReader):
    """A file of which no reader gets much at once: sizes in a ZIP are whatever its maker wrote."""

    def __init__(self, path: Path) -> None:
        super().__init__(io.FileIO(path))
        self._size = path.stat().st_size

    def read(self, size: int | None = -1, /) -> bytes:
        left = max(0, self._size - self.tell())
        size = left if size is None or size < 0 else min(size, left)
        if size > _MAX_TABLE_BYTES:
            raise zipfile.BadZipFile("a part is too large")
        return super().read(size)

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        if whence == io.SEEK_SET and offset < 0:
            raise zipfile.BadZipFile("a part lies before the beginning")
        return super().seek(offset, whence)


def shown(name: str) -> str:
    """A name as it may be kept and shown: printable, 200 characters at most, its end rather than its beginning."""
    return "".join(letter if letter.isprintable() else "?" for letter in name)[-_LONGEST_NAME:]


def _digest(infos: list[zipfile.ZipInfo]) -> str:
    table = [[info.filename, info.CRC, info.file_size, info.compress_size, info.header_offset] for info in infos]
    return hashlib.sha256(repr(table).encode("utf-8", "surrogatepass")).hexdigest()


def _no_file(name: str) -> bool:
    parts = PurePosixPath(name).parts or ("",)
    left_behind = "__MACOSX" in parts or parts[-1].lower() in _LITTER or parts[-1].startswith("._")
    return name.endswith("/") or left_behind


def _leads_out(name: str) -> bool:
    path = name.replace("\\", "/")
    return path.startswith("/") or path[1:2] == ":" or ".." in path.split("/")
