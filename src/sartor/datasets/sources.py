"""A picture as a field of a body: a public address, or base64, bare or as a data URI."""

from __future__ import annotations

import base64
import binascii
import io
from datetime import timedelta
from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit

from starlette.concurrency import run_in_threadpool

from sartor.datasets.pictures import MAX_BYTES
from sartor.errors import BadRequest, BodyTooLarge, SartorError
from sartor.kit.fetch import Fetcher, FetchError, TooLarge

# For the whole of it: most pictures take less than a second, and whoever asks is waiting.
_PATIENCE = timedelta(seconds=20)


def is_address(source: str) -> bool:
    """Whether ``source`` is an address; else it is base64."""
    return source[:8].lower().startswith(("http://", "https://"))


async def read_source(source: str, fetcher: Fetcher, *, unreachable: type[SartorError]) -> bytes:
    """The bytes that ``source`` names or holds, 12 MB at most; what they are is not looked at.

    Raises BadRequest for what is neither, BodyTooLarge, and ``unreachable`` for an address that gives no file.
    """
    if not is_address(source):
        return await run_in_threadpool(decoded, source)
    into = io.BytesIO()
    try:
        await fetcher.get(source, into, max_bytes=MAX_BYTES, limit=_PATIENCE)
    except TooLarge:
        raise BodyTooLarge(f"A picture may have {MAX_BYTES // 1024 // 1024} MB at most.") from None
    except FetchError as error:
        raise unreachable(f"The picture could not be fetched: {error}") from None
    return into.getvalue()


def name_of(source: str) -> str:
    """The name of the file behind an address, as far as it tells one."""
    return file_name(unquote(urlsplit(source).path)) if is_address(source) else ""


def file_name(path: str) -> str:
    """The last part of a path of any system, printable and no longer than a name may be; may be empty."""
    last = PurePosixPath(path.replace("\\", "/")).name
    return "".join(letter for letter in last if letter.isprintable()).strip()[-200:]


def decoded(source: str) -> bytes:
    """The bytes that base64 holds, 12 MB at most; takes 0.1 s for as many. Raises BadRequest, BodyTooLarge."""
    text = source
    if source[:5].lower() == "data:":
        head, comma, text = source.partition(",")
        if not comma or not head.lower().endswith(";base64"):
            raise BadRequest("A data URI must hold base64: data:image/png;base64,...")
    if len(text) > MAX_BYTES * 4 // 3 + 4096:
        raise BodyTooLarge(f"A picture may have {MAX_BYTES // 1024 // 1024} MB at most.")
    text = "".join(text.split()).rstrip("=")
    try:
        # Both alphabets, with and without padding: all of them are sent.
        return base64.b64decode(text.translate({45: 43, 95: 47}) + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise BadRequest("A picture is an address that begins with http:// or https://, or base64.") from None
