"""What the settings choose among: engines and their checkpoints, bridges, captioners."""

from __future__ import annotations

import threading
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Generic, TypeVar

import structlog

from sartor.bridge import Bridge, GeminiBridge, OfflineBridge
from sartor.bridge.language_model.completion import Patience
from sartor.bridge.language_model.packages import installed
from sartor.captioning import Captioner, MeasuringCaptioner
from sartor.captioning.gemini import GeminiCaptioner
from sartor.generation.drawing import DrawingEngine, EngineFactory, PlainEngine
from sartor.models.base import ServedBase
from sartor.settings import Settings

log = structlog.get_logger(__name__)

BridgeFactory = Callable[[], Bridge]
CaptionerFactory = Callable[[], Captioner]
T = TypeVar("T")


class Once(Generic[T]):
    """A value that is made on the first call, however many threads ask for it."""

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._lock = threading.Lock()
        self._made: list[T] = []

    def __call__(self) -> T:
        with self._lock:
            if not self._made:
                self._made.append(self._make())
            return self._made[0]


def engine_factory(settings: Settings) -> EngineFactory:
    """What makes the engine that the settings ask for."""

    def load() -> DrawingEngine:
        if settings.checkpoint == "plain":
            return PlainEngine()
        from sartor.fibo import Engine
        from sartor.fibo.compute import Compute

        compiled = {"auto": None, "on": True, "off": False}[settings.compile]
        return Engine.load(
            checkpoint_folder(settings),
            device=device_name(settings),
            threads=settings.threads,
            memory=None if settings.memory == "auto" else settings.memory,
            compute=Compute(compiled=compiled, linears=settings.linears),
            second_device=settings.second_device or None,
            golden_file=settings.home / "golden.json",
            hash_memory=settings.hashes,
            attention_record=settings.home / "attention.json",
        )

    return load


def device_name(settings: Settings) -> str:
    """The device that the settings name, or the best one that there is."""
    if settings.device != "auto":
        return settings.device
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


def checkpoint_folder(settings: Settings) -> str | Path:
    """The folder or hub id of the checkpoint that the settings name."""
    if settings.checkpoint == "embedded":
        return Path(str(files("sartor"))) / "nano" / "checkpoint"
    return settings.checkpoint


def served_base(settings: Settings) -> ServedBase:
    """What models are trained for. Where the plain engine draws, which reads no adapter, it is the embedded model."""
    embedded = settings.checkpoint in {"embedded", "plain"}
    folder = checkpoint_folder(settings.model_copy(update={"checkpoint": "embedded"}) if embedded else settings)
    return ServedBase(folder, device=lambda: device_name(settings), embedded=embedded, hash_memory=settings.hashes)


def bridge_factory(settings: Settings) -> BridgeFactory:
    """What makes the bridge that the settings ask for. Raises BridgeUnavailable for one that is not installed."""
    key = settings.bridge_key.get_secret_value()
    if settings.bridge == "offline" or (settings.bridge == "auto" and not key):
        return OfflineBridge
    if settings.bridge == "auto" and not installed():
        log.warning('a key for a language model is set, but not the extra "gemini": the offline bridge is used')
        return OfflineBridge
    patience = Patience(total=settings.bridge_time_limit.total_seconds())
    bridge = GeminiBridge(settings.bridge_model, key=key, patience=patience)
    return lambda: bridge


def captioner_factory(settings: Settings) -> CaptionerFactory:
    """What makes the captioner, by the bridge's rules. Raises CaptioningUnavailable for one that is not installed."""
    key = settings.bridge_key.get_secret_value()
    if settings.bridge == "offline" or (settings.bridge == "auto" and not (key and installed())):
        return MeasuringCaptioner
    patience = Patience(total=settings.bridge_time_limit.total_seconds())
    captioner = GeminiCaptioner(settings.bridge_model, key=key, patience=patience)
    return lambda: captioner
