"""Bytes that no row names: found by listing the storage, and deleted.

Bytes are put before the row that names them is committed. A process that is killed in between leaves some that nobody
will ever ask for. Each room says which keys are its own and which of those are needed; what is not needed and old goes.

So every key has to be of one of three kinds. It was drawn at random, and nobody writes it a second time. Or whoever may
write it again has a row that was there before the bytes, and by that row it counts as needed. Or its bytes can be made
again from what rows name, and are made again where they are missing, as a download's are.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlalchemy.orm import Session

from sartor.kit.database import Database, now
from sartor.kit.storage import Storage

log = structlog.get_logger(__name__)

# Nothing waits for its row longer than hours. But a database that was restored from a backup names nothing of what came
# after it, and for some days somebody may still find a newer one.
AGE = timedelta(days=7)


@dataclass(frozen=True)
class Keyspace:
    """The keys under ``prefix`` that match ``pattern`` as a whole: nothing else there is touched.

    ``needed(session, keys)`` says which of them have to stay: rows lead to them, or may once they are written again.
    """

    prefix: str
    pattern: re.Pattern[str]
    needed: Callable[[Session, Sequence[str]], Set[str]]


class Orphans:
    """``began`` says since when there has been anything of this database's; None while there is nothing.

    What is older is left alone: it was put with another database, which may still name it.
    """

    def __init__(
        self,
        database: Database,
        storage: Storage,
        keyspaces: Sequence[Keyspace],
        *,
        began: Callable[[], datetime | None],
    ) -> None:
        self._database = database
        self._storage = storage
        self._keyspaces = tuple(keyspaces)
        self._began = began

    def remove(self, stop: threading.Event | None = None) -> int:
        """Deletes what nothing needs any more; how much there was. What cannot be deleted is logged, not raised.

        Once ``stop`` is set it leaves the rest for the next time.
        """
        began = self._began()
        return 0 if began is None else sum(self._sweep(keyspace, began, stop) for keyspace in self._keyspaces)

    def _sweep(self, keyspace: Keyspace, began: datetime, stop: threading.Event | None) -> int:
        removed, before = 0, now() - AGE
        for listed in self._storage.listing(keyspace.prefix):
            if stop is not None and stop.is_set():
                break
            old = [one.key for one in listed if began <= one.written_at < before and _belongs(one.key, keyspace)]
            if old:
                with self._database.transaction() as session:
                    needed = keyspace.needed(session, old)
                removed += sum(self._delete(key) for key in old if key not in needed)
        return removed

    def _delete(self, key: str) -> bool:
        try:
            self._storage.delete(key)
        except Exception:  # tried again the next time, and no reason to leave the others
            log.warning("an orphan could not be deleted", key=key, exc_info=True)
            return False
        log.info("orphan deleted", key=key)
        return True


def _belongs(key: str, keyspace: Keyspace) -> bool:
    """Whether it is one of these keys, or what a put that broke off has left of one."""
    return keyspace.pattern.fullmatch(key.partition("#")[0]) is not None
