"""Where bytes live: a local folder or an object store, and addresses that nobody can guess and that expire.

A key is a relative path such as ``images/<request_id>.png``. Only keys for which an address was made can be read
from outside, until the address expires. Object stores sign their own addresses; those of a folder are signed here
and served by the app under ``/files/``.
"""

from __future__ import annotations

import base64
import errno
import hashlib
import hmac
import os
import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

import structlog
from obstore import sign
from obstore.exceptions import GenericError, NotFoundError, PermissionDeniedError, UnauthenticatedError
from obstore.store import AzureStore, GCSStore, LocalStore, ObjectStore, S3Store, from_url

if TYPE_CHECKING:
    from obstore import GetResult

log = structlog.get_logger(__name__)

FILES = "/files/"
# An address is cut to whole hours, so that a status which is asked for every second answers the same one.
_ROUND_SECONDS = 3600
# Of what is read piece by piece: so much at least, and hardly more.
PIECE_BYTES = 256 * 1024
_LISTED_AT_ONCE = 100
# In characters; those that are made here are much shorter.
_LONGEST_ADDRESS = 2048
# In a folder, a put writes into a file with this behind the key's name until it is whole.
_UNFINISHED = re.compile(r"#[0-9]+$")


@dataclass(frozen=True)
class Address:
    """Where clients reach this service, and how long the links that it gives them work."""

    base: str
    lifetime: timedelta


class Listed(NamedTuple):
    """A key, and when its bytes were written."""

    key: str
    written_at: datetime


class StorageAway(Exception):
    """The storage does not answer, or has no room. Nothing is wrong with what was asked: trying again may help."""


class Storage:
    """Puts, gets and signs. Safe to use from several threads.

    Everything that reads or writes raises StorageAway, too. What was written into a folder outlasts a loss of power
    once the call returns, as the rows do that name it.
    """

    def __init__(self, url: str, *, key: bytes) -> None:
        parts = urlsplit(url)
        self._key = hmac.digest(key, b"sartor file addresses v1", "sha256")
        self._folder = Path(unquote(parts.path)) if parts.scheme == "file" else None
        self._store: ObjectStore
        if self._folder is not None:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._store = LocalStore(self._folder)
        else:
            self._store = from_url(url)
            if not isinstance(self._store, S3Store | GCSStore | AzureStore):
                raise ValueError(f"{parts.scheme}:// cannot sign addresses; use file, s3, gs or az")

    def put(self, key: str, data: bytes, *, media_type: str = "application/octet-stream") -> None:
        """Writes ``data`` whole or not at all; an old value is replaced."""
        # A folder cannot keep the type, and needs none: what it serves is known by the name.
        attributes = None if self._folder is not None else {"Content-Type": media_type}
        with _reaching():
            self._store.put(key, data, attributes=attributes)
            self._settle(key)

    def put_stream(self, key: str, chunks: Iterator[bytes], *, media_type: str = "application/octet-stream") -> None:
        """Like ``put``, of a value too large for memory; the chunks may be made of other values of this storage.

        What making them raises is raised here, and then nothing is written.
        """
        attributes = None if self._folder is not None else {"Content-Type": media_type}
        failures: list[Exception] = []
        # In a thread of their own: the store pulls them from its event loop, where it must not be called itself.
        with ThreadPoolExecutor(1) as maker:

            def made() -> Iterator[bytes]:
                try:
                    while (chunk := maker.submit(next, chunks, None).result()) is not None:
                        yield chunk
                except Exception as error:
                    failures.append(error)
                    raise

            try:
                with _reaching():
                    self._store.put(key, made(), attributes=attributes, use_multipart=True)
                    self._settle(key)
            except Exception:
                if failures:
                    raise failures[0] from None
                raise

    def copy(self, source: str, target: str) -> None:
        """Makes ``target`` the same value. Raises KeyError where there is no ``source``."""
        try:
            if self._folder is not None:
                os.utime(self._folder / source)  # a folder makes a link, which is as old as its source
            with _reaching():
                self._store.copy(source, target)
                self._settle(target)
        except (NotFoundError, FileNotFoundError):
            raise KeyError(source) from None

    def get(self, key: str) -> bytes:
        """The bytes under ``key``; raises KeyError where there are none."""
        try:
            with _reaching():
                return bytes(self._store.get(key).bytes())
        except (NotFoundError, FileNotFoundError):
            raise KeyError(key) from None

    def stream(self, key: str) -> tuple[int, Iterator[bytes]]:
        """How many bytes there are under ``key``, and they themselves, a quarter of a megabyte at a time; raises
        KeyError."""
        try:
            with _reaching():
                found = self._store.get(key)
        except (NotFoundError, FileNotFoundError):
            raise KeyError(key) from None
        return found.meta["size"], _pieces(found)

    def exists(self, key: str) -> bool:
        try:
            with _reaching():
                self._store.head(key)
        except (NotFoundError, FileNotFoundError):
            return False
        return True

    def move(self, source: str, target: str) -> None:
        """Renames; done already is done. Raises KeyError where neither is there."""
        try:
            with _reaching():
                self._store.rename(source, target)
        except (NotFoundError, FileNotFoundError):
            if not self.exists(target):
                raise KeyError(source) from None
        with _reaching():
            self._settle(target)

    def delete(self, key: str) -> None:
        """Removes ``key``; nothing there is fine."""
        if self._folder is not None and _UNFINISHED.search(key):  # the store knows no such files
            (self._folder / key).unlink(missing_ok=True)
            return
        try:
            with _reaching():
                self._store.delete(key)
        except (NotFoundError, FileNotFoundError):
            return

    def discard(self, key: str) -> None:
        """Like ``delete``, of what no row names any more: it stays where the storage is away, and goes as
        `kit.orphans` has it."""
        try:
            self.delete(key)
        except StorageAway as error:
            log.warning("bytes that nothing names stay", key=key, reason=str(error))

    def listing(self, prefix: str) -> Iterator[list[Listed]]:
        """What is under the folder ``prefix``, in no order, a hundred at a time.

        In a local folder that includes what a put has written so far, or had when it was killed: under its key with
        ``#`` and a number behind. Object stores keep such parts to themselves.
        """
        with _reaching():
            for found in self._store.list(prefix, chunk_size=_LISTED_AT_ONCE):
                yield [Listed(one["path"], one["last_modified"]) for one in found]
        if self._folder is not None:
            yield list(_unfinished(self._folder, prefix))

    def link(self, key: str, address: Address) -> str:
        """An address for reading ``key`` that works for the lifetime at least, and an hour longer at most. Object
        stores do not need the service's own."""
        seconds = int(address.lifetime.total_seconds())
        if self._folder is None:
            assert isinstance(self._store, S3Store | GCSStore | AzureStore)
            return sign(self._store, "GET", key, timedelta(seconds=seconds))
        expires = -(-(int(time.time()) + seconds) // _ROUND_SECONDS) * _ROUND_SECONDS
        query = urlencode({"expires": expires, "signature": self._sign(key, expires)})
        return f"{address.base}{FILES}{quote(key)}?{query}"

    def admits(self, key: str, expires: str, signature: str) -> bool:
        """Whether an address with these parts was made here and has not expired."""
        if not (expires.isascii() and expires.isdigit() and len(expires) <= 12 and signature.isascii()):
            return False
        genuine = hmac.compare_digest(self._sign(key, int(expires)), signature)
        return genuine and int(expires) >= time.time()

    def key_of(self, address: str) -> str | None:
        """The key behind an address of a folder that was made here and has not expired; None for any other. By which
        name the service was reached, and what lies before ``/files/``, does not matter: the signature is over the key.
        """
        if self._folder is None or len(address) > _LONGEST_ADDRESS:
            return None
        try:
            parts = urlsplit(address)
        except ValueError:
            return None
        query = dict(parse_qsl(parts.query))
        key = unquote(parts.path.rpartition(FILES)[2])
        return (
            key
            if FILES in parts.path and self.admits(key, query.get("expires", ""), query.get("signature", ""))
            else None
        )

    def check(self) -> None:
        """Raises where the storage cannot be written and read."""
        probe = ".probe"
        self.put(probe, b"sartor")
        if self.get(probe) != b"sartor":
            raise OSError("the storage does not give back what was written")
        self.delete(probe)

    def _settle(self, key: str) -> None:
        """Has a folder's disk take what was written under ``key``, and its name."""
        if self._folder is not None:
            for path in (key, *map(str, PurePosixPath(key).parents)):
                settle(self._folder / path)

    def _sign(self, key: str, expires: int) -> str:
        digest = hmac.digest(self._key, f"{expires}\n{key}".encode(), hashlib.sha256)
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def settle(path: Path) -> None:
    """Has the disk take a file's bytes, or a folder's names. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # some file systems know no such thing of a folder
            raise
    finally:
        os.close(descriptor)


def is_full(error: Exception) -> bool:
    """Whether it says that a volume has no room. The library that writes weights says so in words only."""
    return getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT) or "StorageFull" in str(error)


@contextmanager
def finding_room() -> Iterator[None]:
    """For what is written beside the storage, on this machine's own disk: raises StorageAway where that has no room.
    Anything else passes."""
    try:
        yield
    except OSError as error:
        if is_full(error):
            raise StorageAway(str(error)) from error
        raise


@contextmanager
def _reaching() -> Iterator[None]:
    try:
        yield
    except (GenericError, PermissionDeniedError, UnauthenticatedError) as error:
        raise StorageAway(str(error)) from error
    except FileNotFoundError:
        raise
    except OSError as error:
        raise StorageAway(str(error)) from error


def _pieces(found: GetResult) -> Iterator[bytes]:
    with _reaching():
        for piece in found.stream(min_chunk_size=PIECE_BYTES):
            yield bytes(piece)


def _unfinished(folder: Path, prefix: str) -> Iterator[Listed]:
    for path in (folder / prefix).rglob("*#*"):
        if _UNFINISHED.search(path.name):
            with suppress(FileNotFoundError):  # finished meanwhile
                written_at = datetime.fromtimestamp(path.stat().st_mtime, UTC)
                yield Listed(path.relative_to(folder).as_posix(), written_at)
