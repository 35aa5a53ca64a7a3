"""What a machine keeps on its own disk for models, and what of it nobody needs any more.

Each process tidies its own folders: a chore would run in one process of all, and never on the others' disks.
"""

from __future__ import annotations

import re
import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import sqlalchemy as sa
import structlog

from sartor.kit.database import AWAY, Database
from sartor.models.keys import job_id
from sartor.models.tables import DELETED, IN_TRAINING, Model

log = structlog.get_logger(__name__)

# What nobody has touched for so long may be left over. As often is it looked for.
_SECONDS = 3600
# Of the disk: where less is free, copies of adapters go, too, that are needed again only some time.
_LEAST_FREE = 0.1
UNFINISHED_IMPORT = ".import-"
_COPY = re.compile(r"([0-9a-f]{64})\.safetensors")
_UNFINISHED_COPY = re.compile(r"\.[0-9a-f]{64}\.safetensors\..+")
# `sartor train` keeps folders beside these, under names that its user has chosen.
_TRAINING = re.compile(r"training-[0-9]+-[0-9]{10}")


class Leftovers:
    """``adapters`` holds the engine's copies and imports under way, ``trainings`` a folder for each training."""

    def __init__(self, database: Database, *, adapters: Path, trainings: Path) -> None:
        self._database = database
        self._adapters = adapters
        self._trainings = trainings
        self._due = 0.0
        self._lock = threading.Lock()

    def tidy(self) -> None:
        """Removes them, once an hour at most however often it is called. What goes wrong is logged, not raised."""
        with self._lock:
            if time.monotonic() < self._due:
                return
            self._due = time.monotonic() + _SECONDS
        try:
            self._remove()
        except (OSError, *AWAY):
            log.warning("what is left over stays", exc_info=True)

    def _remove(self) -> None:
        with self._database.transaction() as session:
            named = set(session.scalars(sa.select(Model.adapter_sha256).where(Model.status != DELETED)))
            trained = {job_id(row) for row in session.scalars(sa.select(Model).where(Model.status.in_(IN_TRAINING)))}
        spare = []
        for path in _untouched(self._adapters):
            copy = _COPY.fullmatch(path.name)
            unfinished = path.name.startswith(UNFINISHED_IMPORT) or _UNFINISHED_COPY.fullmatch(path.name)
            if unfinished or (copy and copy[1] not in named):
                path.unlink(missing_ok=True)
                log.info("left over, removed", file=path.name)
            elif copy:
                spare.append(path)
        self._make_room(spare)
        for path in _untouched(self._trainings):
            if _TRAINING.fullmatch(path.name) and path.name not in trained:
                shutil.rmtree(path, ignore_errors=True)
                log.info("left over, removed", training=path.name)

    def _make_room(self, copies: list[Path]) -> None:
        """Removes copies, those first that were needed longest ago, until enough of the disk is free."""
        for path in sorted(copies, key=_last_touched):
            disk = shutil.disk_usage(self._adapters)
            if disk.free >= _LEAST_FREE * disk.total:
                return
            path.unlink(missing_ok=True)
            log.info("the disk is nearly full: a copy of an adapter was removed", file=path.name)


def _last_touched(path: Path) -> float:
    """Seconds since the epoch; of what is gone, now: there is nothing more to do about it."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return time.time()
    return max(found.st_atime, found.st_mtime)


def _untouched(folder: Path) -> Iterator[Path]:
    """What is in the folder and was neither read nor changed for an hour."""
    for path in folder.iterdir() if folder.is_dir() else ():
        if time.time() - _last_touched(path) > _SECONDS:
            yield path
