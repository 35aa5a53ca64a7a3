"""What a training looks at between two forwards: whether to stop, and whether the device is wanted for an image."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from sartor.models.records import Records

if TYPE_CHECKING:
    from sartor.fibo.training import Progress

# Progress is written this often at most, and while an image is drawn the training looks this often, in seconds.
_PROGRESS_PACE, _GLANCE = 0.5, 0.05


class Interrupted(Exception):
    """The process ends: the step is done again by the next one."""


class StopAsked(Exception):
    """The model's status is no longer InProgress."""


class Watch(threading.Event):
    """What a training does between two forwards: it looks whether to stop, and lets images go first.

    For the trainer it is the event to stop at. ``busy`` says whether the device is wanted for an image.
    """

    def __init__(self, records: Records, model_id: int, stop: threading.Event, *, busy: Callable[[], bool]) -> None:
        super().__init__()
        self._records = records
        self._model_id = model_id
        self._stop = stop
        self._busy = busy
        self._told = 0.0

    def glance(self) -> None:
        """Returns when the device is free. Raises Interrupted and StopAsked."""
        while True:
            if self._stop.is_set():
                raise Interrupted
            if self._records.asked_to_stop(self._model_id):
                raise StopAsked
            if not self._busy():
                return
            self._stop.wait(_GLANCE)

    def is_set(self) -> bool:
        """Whether to stop; says so when the device is free."""
        try:
            self.glance()
        except (Interrupted, StopAsked):
            return True
        return False

    def tell(self, progress: Progress) -> None:
        """Writes the progress down, not too often."""
        if progress.step < progress.steps and time.monotonic() - self._told < _PROGRESS_PACE:
            return
        self._told = time.monotonic()
        shown = {
            "step": progress.step,
            "steps": progress.steps,
            "loss": progress.loss,
            "rate": round(progress.rate, 3),
            "seconds_left": round(progress.seconds_left, 1),
        }
        self._records.tell(self._model_id, shown)
