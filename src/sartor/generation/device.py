"""The device and whose turn it is: one image at a time, loaded and warmed up in the background.

An image keeps the device busy on its own, so drawing two at once gains nothing and costs exactness. Between two
images an adapter may have to be swapped; whoever waits for the one that is in place goes first, though never more
than eight in a row while others wait. Otherwise the longest wait goes first.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import structlog
import torch

from sartor.generation.drawing import DrawingEngine, EngineFactory, Interrupted

if TYPE_CHECKING:
    from sartor.fibo import Result, Spec

log = structlog.get_logger(__name__)

# 28 -> 13 adapter swaps over 30 mixed jobs, without making anyone wait for long.
_LONGEST_RUN = 8
# How soon a waiting job notices that it was cancelled, in seconds.
_GLANCE = 0.1
# How long stopping waits for an engine that is being loaded, in seconds.
_PATIENCE = 10


# What clients and operators are told where `Device.failed`.
FAILED = "The model could not be loaded, or its device was lost; the log says why."


class Turns:
    """A lock that hands itself on by adapter, then by age."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._tickets = itertools.count()
        self._waiting: dict[int, Path | None] = {}
        self._holder: int | None = None
        self._adapter: Path | None = None
        self._run = 0

    @property
    def wanted(self) -> bool:
        """Whether somebody holds the turn or waits for it."""
        with self._changed:
            return self._holder is not None or bool(self._waiting)

    @contextmanager
    def take(self, adapter: Path | None, stop: threading.Event) -> Iterator[None]:
        """Waits for the turn, holds it for the block. Raises Interrupted if ``stop`` is set before it comes."""
        with self._changed:
            ticket = next(self._tickets)
            self._waiting[ticket] = adapter
            try:
                while self._holder is not None or self._next() != ticket:
                    if stop.is_set():
                        raise Interrupted
                    self._changed.wait(_GLANCE)
            finally:
                del self._waiting[ticket]
                self._changed.notify_all()
            self._run = self._run + 1 if adapter == self._adapter else 1
            self._adapter, self._holder = adapter, ticket
        try:
            yield
        finally:
            with self._changed:
                self._holder = None
                self._changed.notify_all()

    def _next(self) -> int:
        same = [ticket for ticket, adapter in self._waiting.items() if adapter == self._adapter]
        return min(same) if same and self._run < _LONGEST_RUN else min(self._waiting)


class Device:
    """Owns the engine. ``ready`` turns true after the warm-up; drawing before that waits for it."""

    def __init__(self, factory: EngineFactory) -> None:
        self._factory = factory
        self._turns = Turns()
        self._engine: DrawingEngine | None = None
        self._failed = False
        self._otherwise: Callable[[], None] = lambda: None
        self._thread: threading.Thread | None = None

    @property
    def ready(self) -> bool:
        return self._engine is not None

    @property
    def busy(self) -> bool:
        """Whether an image is being drawn or waits for its turn, or the engine is being loaded: what can wait, does."""
        return self._turns.wanted or not (self.ready or self._failed)

    @property
    def failed(self) -> bool:
        """Whether loading ended in an error, or the device did: the log has it, and a restart is needed."""
        return self._failed

    def start(self, then: Callable[[], None] = lambda: None, *, otherwise: Callable[[], None] = lambda: None) -> None:
        """Begins to load; ``then`` is called in the same thread before the device is ready, ``otherwise`` in one of
        its own after loading, or the device, has failed."""
        self._otherwise = otherwise
        self._thread = threading.Thread(target=self._load, args=(then,), name="engine", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Waits a little for loading to end: it cannot be interrupted, and a large checkpoint takes minutes."""
        if self._thread is not None:
            self._thread.join(_PATIENCE)

    def draw(self, spec: Spec, *, on_step: Callable[[int, int], None], stop: threading.Event) -> Result:
        """The image of ``spec``, when its turn has come; where the engine could not be loaded it never comes.

        A device that is lost (a GPU after an illegal access answers nothing any more) is not the image's fault: this
        process stops working, and another one, or the next start, draws it. Raises Interrupted where ``stop`` was set,
        and what the engine raises.
        """
        while True:
            if (engine := self._engine) is None:
                if stop.wait(_GLANCE):
                    raise Interrupted
                continue
            with self._turns.take(spec.adapter, stop):
                if self._engine is not engine:  # lost while this one waited for its turn
                    continue
                try:
                    return engine.generate(spec, on_step=on_step, stop=stop)
                except Exception as error:
                    if not lost(error):
                        raise
                    self.lose()

    def lose(self) -> None:
        """Says that the device is lost: within the handler of the error that says so."""
        self._engine = None  # first: nobody who is told may find it ready
        if not self._failed:
            self._fail("the device is lost")

    def _fail(self, what: str) -> None:
        """Within the handler of the error that says so."""
        self._failed = True
        log.exception(what)
        threading.Thread(target=self._otherwise, name="no engine", daemon=True).start()

    def _load(self, then: Callable[[], None]) -> None:
        try:
            engine = self._factory()
            engine.warm_up()
            then()
            self._engine = engine
            log.info("engine ready")
        except Exception:
            self._fail("the engine could not be loaded")


def lost(error: Exception) -> bool:
    """Whether an error says that the process's accelerator answers nothing any more; too little memory is none."""
    return isinstance(error, torch.AcceleratorError)
