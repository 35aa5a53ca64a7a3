"""``sartor move storage``: every stored object from one storage into another, under the same key."""

from __future__ import annotations

import mimetypes
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from urllib.parse import unquote, urlsplit

from rich.console import Console

from sartor.cli.studio import progress_bar
from sartor.kit.storage import Storage
from sartor.settings import Settings

# Object stores take 30 ms for an object, and many at once.
_HANDS = 16


class MoveFailed(Exception):
    """The message says why; what was copied until then stays."""


def move_storage(source_url: str, settings: Settings) -> None:
    """Copies what the storage at ``source_url`` holds into that of ``settings``, and says how much it was.

    What is there already, and no older, is not copied again: an interrupted copy goes on.

    Raises MoveFailed, StorageAway, OSError and obstore's errors.
    """
    (*store, old), (*other, new) = _place(source_url), _place(settings.storage)
    if store == other and new.is_relative_to(old):
        raise MoveFailed("SARTOR_STORAGE_URL names the storage to move from, or a place in it; set it to another one.")
    if store[0] == "file" and not old.is_dir():
        raise MoveFailed(f"There is no folder {old}.")
    console = Console(stderr=True, highlight=False)
    source, target = Storage(source_url, key=settings.key), Storage(settings.storage, key=settings.key)
    with console.status("Listing ..."):
        there = _written(target)
        wanted = {key: at for key, at in _written(source).items() if key not in there or there[key] < at}

    def copy(key: str) -> None:
        media_type = mimetypes.guess_type(key)[0] or "application/octet-stream"
        try:
            _, chunks = source.stream(key)
        except KeyError:
            raise MoveFailed(f"{key} was deleted meanwhile: stop every process, and start again.") from None
        target.put_stream(key, chunks, media_type=media_type)

    with progress_bar(console, "objects", len(wanted)) as advance, ThreadPoolExecutor(_HANDS) as hands:
        for done, _ in enumerate(hands.map(copy, sorted(wanted)), 1):
            advance(done)
    print(f"{len(wanted)} objects copied")


def _place(url: str) -> tuple[str, str, Path]:
    """Scheme, bucket or container, and the folder in it."""
    parts = urlsplit(url)
    path = Path("/", unquote(parts.path))
    return parts.scheme, parts.netloc, path.resolve() if parts.scheme == "file" else path


def _written(storage: Storage) -> dict[str, datetime]:
    """When what is under each key was written; what a put has not finished (``#``) is left out."""
    return {one.key: one.written_at for page in storage.listing("") for one in page if "#" not in one.key}
