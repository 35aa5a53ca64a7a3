"""PostgreSQL's connections, with an end to their patience.

A server that is frozen, or waits for a disk that hangs, answers nothing; but its machine's network does, so that
neither TCP nor a time limit of the server's own ever ends a statement that was sent to it.
"""

from __future__ import annotations

import time
from collections.abc import Generator
from typing import Any, TypeVar

import psycopg

T = TypeVar("T")

# Whoever waits for a row may have to wait until an idle transaction was ended, after a minute; no statement of ours
# works for so long. In seconds.
_PATIENCE = 120.0


class PatientConnection(psycopg.Connection[Any]):
    """Gives a statement up, and closes itself, after ``patience`` seconds without an answer: it raises
    OperationalError. Whether what was asked was done, nobody knows then."""

    patience: float = _PATIENCE

    def wait(self, gen: Generator[Any, Any, T], *given: Any, **named: Any) -> T:
        """What the driver awaits each answer with; only whoever listens for notifications says more than ``gen``."""
        if given or named:
            return super().wait(gen, *given, **named)
        return super().wait(self._bounded(gen))

    def _bounded(self, gen: Generator[Any, Any, T]) -> Generator[Any, Any, T]:
        """``gen``, which the driver goes on with ten times a second where nothing comes."""
        end = time.monotonic() + self.patience
        try:
            wanted = next(gen)
            while True:
                ready = yield wanted
                if not ready and time.monotonic() > end:
                    self.pgconn.finish()
                    raise psycopg.OperationalError(f"the server did not answer within {self.patience:g} s")
                wanted = gen.send(ready)
        except StopIteration as ended:
            return ended.value  # type: ignore[no-any-return]
