"""What draws. The service asks for no more than this of an engine, and brings one that costs nothing."""

from __future__ import annotations

import hashlib
import io
import threading
from collections.abc import Callable
from typing import Protocol

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from sartor.fibo import Fingerprint, Result, Spec


class Interrupted(Exception):
    """The stop event was set: nobody waits for this image any more, or the process ends."""


class DrawingEngine(Protocol):
    """``sartor.fibo.Engine``, as far as the service uses it."""

    def warm_up(self) -> None: ...

    def generate(
        self,
        spec: Spec,
        *,
        on_step: Callable[[int, int], None] | None = None,
        stop: threading.Event | None = None,
    ) -> Result: ...


EngineFactory = Callable[[], DrawingEngine]


class PlainEngine:
    """Fills the picture with one colour, which the whole recipe decides: for load tests and for tests of the service.

    It keeps an engine's promises: a real PNG of the aspect ratio asked for, the same bytes for the same recipe and
    others for another, a call after each step, and a stop between steps. ``pause`` seconds pass in each step.
    """

    def __init__(self, *, pause: float = 0.0) -> None:
        self._pause = pause

    def warm_up(self) -> None:
        """Has nothing to warm."""

    def generate(
        self,
        spec: Spec,
        *,
        on_step: Callable[[int, int], None] | None = None,
        stop: threading.Event | None = None,
    ) -> Result:
        stop = stop or threading.Event()
        for done in range(1, spec.steps + 1):
            if stop.wait(self._pause) if self._pause else stop.is_set():
                raise Interrupted
            if on_step is not None:
                on_step(done, spec.steps)
        width, height = (int(side) for side in spec.aspect_ratio.split(":"))
        short = 512 / min(width, height)
        red, green, blue = hashlib.sha256(repr(spec).encode()).digest()[:3]
        image = Image.new("RGB", (round(width * short), round(height * short)), (red, green, blue))
        text = PngInfo()
        text.add_text("Software", "Sartor, plain")
        buffer = io.BytesIO()
        image.save(buffer, "PNG", pnginfo=text, compress_level=1)
        return Result(image=image, png=buffer.getvalue(), fingerprint=_FINGERPRINT)


_FINGERPRINT = Fingerprint(checkpoint="plain", device="none", dtype="none", threads=0, mode="plain")
