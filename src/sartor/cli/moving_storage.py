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


def move_storage(source_url: str, settings: Settings) -> None:
    """Copies what the storage at ``source_url`` holds into that of ``settings``, and says how much it was.

    What is there already, and no older, is not copied again: an interrupted copy goes on.

    Raises FileNotFoundError where there is no such folder, StorageAway and obstore's errors.
    """
    folder = urlsplit(source_url)
    if folder.scheme == "file" and not Path(unquote(folder.path)).is_dir():
        raise FileNotFoundError(f"There is no folder {unquote(folder.path)}.")
    console = Console(stderr=True, highlight=False)
    source, target = Storage(source_url, key=settings.key), Storage(settings.storage, key=settings.key)
    with console.status("Listing ..."):
        there = _written(target)
        wanted = {key: at for key, at in _written(source).items() if key not in there or there[key] < at}

    def copy(key: str) -> None:
        media_type = mimetypes.guess_type(key)[0] or "application/octet-stream"
        target.put_stream(key, source.stream(key)[1], media_type=media_type)

    with progress_bar(console, "objects", len(wanted)) as advance, ThreadPoolExecutor(_HANDS) as hands:
        for done, _ in enumerate(hands.map(copy, sorted(wanted)), 1):
            advance(done)
    print(f"{len(wanted)} objects copied")


def _written(storage: Storage) -> dict[str, datetime]:
    """When what is under each key was written; what a put has not finished (``#``) is left out."""
    return {one.key: one.written_at for page in storage.listing("") for one in page if "#" not in one.key}
