"""What a picture's file is made of, counted before anything is decoded: a decoder takes time for each part, however
small it is, and for each scan of a JPEG goes over the whole picture again.

Of a WebP nothing is counted: its decoder takes 0.1 s for as many parts as 12 MB can hold.
"""

from __future__ import annotations

import re

from sartor.errors import UnsupportedMediaType

# Progressive pictures have about 10.
MAX_SCANS = 100
# 12 MB in chunks of 8 kB, as PNGs mostly have them, are 1,500; 50,000 take 0.1 s.
MAX_PARTS = 50_000

_PNG = b"\x89PNG\r\n\x1a\n"
_JPEG = b"\xff\xd8\xff"
_START_OF_SCAN, _END = 0xDA, 0xD9
# A byte 255 of the picture itself is followed by 0; restarts stand within a scan.
_MARKER = re.compile(rb"\xff[^\x00\x01\xd0-\xd7\xff]")
# The others stand alone, or are none: what follows them is looked through.
_WITH_LENGTH = frozenset({*range(0xC0, 0xD0), *range(0xDA, 0xF0), 0xFE} - {0xC8})


def check_parts(data: bytes) -> None:
    """Raises UnsupportedMediaType for a JPEG of more than 100 scans, and for a JPEG or PNG of more than 50,000 parts.

    A part is a chunk of a PNG; of a JPEG a segment, and each byte between the segments before the first scan. What else
    is wrong with a file, its decoder says.
    """
    if data.startswith(_JPEG):
        _check_jpeg(data)
    elif data.startswith(_PNG):
        _check_png(data)


def _check_jpeg(data: bytes) -> None:
    at, parts, scans = 2, 0, 0
    while parts <= MAX_PARTS:
        found = _MARKER.search(data, at)
        if not scans:
            parts += (len(data) if found is None else found.start()) - at
        if found is None:
            break
        marker, at = data[found.end() - 1], found.end()
        parts += 1
        if marker == _START_OF_SCAN:
            scans += 1
            if scans > MAX_SCANS:
                raise UnsupportedMediaType(f"A JPEG may have {MAX_SCANS} scans at most; this one has more.")
        elif marker == _END and scans:
            return
        if marker in _WITH_LENGTH:
            at += max(int.from_bytes(data[at : at + 2]), 2)
    _check(parts)


def _check_png(data: bytes) -> None:
    at, parts = len(_PNG), 0
    while at < len(data) and parts <= MAX_PARTS and data[at + 4 : at + 8] != b"IEND":
        at += 12 + int.from_bytes(data[at : at + 4])
        parts += 1
    _check(parts)


def _check(parts: int) -> None:
    if parts > MAX_PARTS:
        raise UnsupportedMediaType(f"A picture's file may have {MAX_PARTS:,} parts at most; this one has more.")
