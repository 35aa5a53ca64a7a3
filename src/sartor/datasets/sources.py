"""A picture as a field of a body: a public address, or base64, bare or as a data URI."""

from __future__ import annotations

import base64
import binascii
import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

from starlette.concurrency import run_in_threadpool

from sartor.datasets.pictures import MAX_BYTES
from sartor.errors import BadRequest, BodyTooLarge, SartorError, TooManyRequests
from sartor.kit.fetch import Fetcher, FetchError, TooLarge
from sartor.kit.storage import Storage

# Of all pictures that were fetched and are still in memory: 32 of the largest.
FETCHED_BYTES = 384 * 1024 * 1024
# Of a picture that is in the storage already: of 16 million pixels, whatever they show.
OWN_BYTES = 4 * MAX_BYTES
_RETRY_AFTER = 5.0  # seconds
# For the whole of it: most pictures take less than a second, and whoever asks is waiting.
_PATIENCE = timedelta(seconds=20)


def is_address(source: str) -> bool:
    """Whether ``source`` is an address; else it is base64."""
    return source[:8].lower().startswith(("http://", "https://"))


class Sources:
    """Reads what fields hold or name. What comes from addresses may have ``fetched_bytes`` in memory, all together.

    Addresses that ``storage`` signed are read from it, for this service may not be able to reach itself.
    """

    def __init__(self, fetcher: Fetcher, storage: Storage, *, fetched_bytes: int = FETCHED_BYTES) -> None:
        self._fetcher = fetcher
        self._storage = storage
        self._room = _Room(fetched_bytes)

    @contextmanager
    def reading(self) -> Iterator[Reading]:
        """For one request: what it fetches is counted as it comes, until the block ends."""
        request = Reading(self._fetcher, self._storage, self._room)
        try:
            yield request
        finally:
            request.forget()


class Reading:
    """What one request reads."""

    def __init__(self, fetcher: Fetcher, storage: Storage, room: _Room) -> None:
        self._fetcher = fetcher
        self._storage = storage
        self._room = room
        self._held = 0
        self._refused = False

    async def read(self, source: str, *, unreachable: type[SartorError]) -> bytes:
        """The bytes that ``source`` names or holds, 12 MB at most, or 48 of a PNG of this service's own; what they are
        is not looked at.

        Raises BadRequest for what is neither, BodyTooLarge, ``unreachable`` for an address that gives no file, and
        TooManyRequests where all that is fetched at this moment has no room for it.
        """
        if not is_address(source):
            return await run_in_threadpool(decoded, source)
        if (key := self._storage.key_of(source)) is not None:
            return await self._stored(key, unreachable)
        with _Counted(self.hold) as into:  # closed at the end: an error's frames would keep it for a while
            try:
                await self._fetcher.get(source, into, max_bytes=MAX_BYTES, limit=_PATIENCE)
            except TooLarge:
                raise _too_large() from None
            except FetchError as error:
                raise unreachable(f"The picture could not be fetched: {error}") from None
            return into.getvalue()

    async def _stored(self, key: str, unreachable: type[SartorError]) -> bytes:
        try:
            size, chunks = await run_in_threadpool(self._storage.stream, key)
        except KeyError:
            raise unreachable("The picture could not be fetched: it was deleted.") from None
        if size > (limit := OWN_BYTES if key.endswith(".png") else MAX_BYTES):
            raise _too_large(limit)
        self.hold(size)
        return await run_in_threadpool(b"".join, chunks)

    def forget(self) -> None:
        """Gives back the room of what was fetched."""
        self._room.left += self._held
        self._held = 0

    def hold(self, count: int) -> None:
        """Takes room for so many bytes more. Raises TooManyRequests where there is none: then at once, and not when all
        is ended that this request fetches, its room is others', or they would be refused, too."""
        if self._refused or count > self._room.left:
            self._refused = True
            self.forget()
            raise TooManyRequests("Too many pictures are being fetched at this moment.", retry_after=_RETRY_AFTER)
        self._room.left -= count
        self._held += count


@dataclass
class _Room:
    """``left`` is in bytes, and changed on the event loop alone."""

    left: int


class _Counted(io.BytesIO):
    """Says how many bytes are to be written before they are."""

    def __init__(self, count: Callable[[int], None]) -> None:
        super().__init__()
        self._count = count

    def write(self, data: Any, /) -> int:
        self._count(len(data))
        return super().write(data)


def _too_large(limit: int = MAX_BYTES) -> BodyTooLarge:
    return BodyTooLarge(f"A picture may have {limit // 1024 // 1024} MB at most.")


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
        raise _too_large()
    text = "".join(text.split()).rstrip("=")
    try:
        # Both alphabets, with and without padding: all of them are sent.
        data = base64.b64decode(text.translate({45: 43, 95: 47}) + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise BadRequest("A picture is an address that begins with http:// or https://, or base64.") from None
    if len(data) > MAX_BYTES:
        raise _too_large()
    return data
