"""The engine: one checkpoint in memory, one image at a time, the same bytes for the same inputs.

    engine = Engine.load("path/to/checkpoint")
    engine.warm_up()
    result = engine.generate(Spec(prompt=canonical_json, seed=7, adapter=Path("brand.safetensors")))
    Path("image.png").write_bytes(result.png)

What keeps the bytes the same: batch 1, a fixed number of threads, noise from the request's own CPU generator, adapters
merged from pristine weights, no state between requests but caches, and a warm-up that proves it before the first one.
"""

import hashlib
import json
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import torch
from PIL import Image
from torch import Tensor

from sartor.fibo.adapters import MAX_INFLUENCE, Adapter, AdapterCache, Merger
from sartor.fibo.aspect import GRID, image_size
from sartor.fibo.autoencoder import to_image
from sartor.fibo.checkpoint import Checkpoint, load_checkpoint
from sartor.fibo.encoding import PromptEncoder
from sartor.fibo.errors import Cancelled, CheckpointError, EngineNotReproducible, InvalidInfluence, InvalidSpec
from sartor.fibo.fingerprint import Fingerprint, describe_device
from sartor.fibo.recipe import Recipe, write_png
from sartor.fibo.sampler import generate_latents
from sartor.fibo.upscaling import Upscaler

ADAPTER_CACHE_BYTES = 4 << 30
"""Host memory for adapters; four at full size and rank 128, hundreds of the embedded model's."""
SHORT_SIDE = 512
"""Pixels that an upscaled image has at least on its short side."""
GOLDEN_FILE = "golden.json"
GOLDEN_AREA = 256 * 256
"""Pixels of the warm-up's picture at most: a small one shows a difference as well as a large one."""


@dataclass(frozen=True)
class Spec:
    """One image's recipe, in full. Checked by `Engine.generate`."""

    prompt: str
    """The structured prompt as canonical JSON; encoded exactly as it is."""
    seed: int
    """0 to 2^63 - 1."""
    steps: int = 50
    """1 to 1000."""
    guidance_scale: float = 5.0
    """Up to 1 means without guidance, and without a look at the negative prompt."""
    aspect_ratio: str = "1:1"
    negative_prompt: str = ""
    adapter: Path | None = None
    """A LoRA file in diffusers' format."""
    influence: float = 1.0
    """0 to 1.5: the share of the adapter that is merged; 0 is the base model exactly."""
    model: str = ""
    """The tailored model's name, for the recipe in the PNG; it changes nothing in the picture."""

    def check(self) -> None:
        """Raises InvalidSpec, which names the field."""
        if not 0 <= self.seed < 2**63:
            raise InvalidSpec(f"seed must be between 0 and 2^63 - 1, not {self.seed}")
        if not 1 <= self.steps <= 1000:
            raise InvalidSpec(f"steps must be between 1 and 1000, not {self.steps}")
        if not 0 <= self.guidance_scale <= 100:
            raise InvalidSpec(f"guidance_scale must be between 0 and 100, not {self.guidance_scale}")
        if not 0 <= self.influence <= MAX_INFLUENCE:
            raise InvalidInfluence(self.influence)


@dataclass(frozen=True)
class Result:
    """A drawn image, and the same as PNG with its recipe in text chunks."""

    image: Image.Image
    png: bytes
    fingerprint: Fingerprint


class Engine:
    """Draws images from one checkpoint. Safe to call from several threads; they wait for each other."""

    def __init__(self, checkpoint: Checkpoint, *, threads: int | None = None, golden_file: Path | None = None) -> None:
        """See `load`. Takes the checkpoint's transformer for itself: adapters are merged into it in place."""
        self.training_area = checkpoint.training_area
        self._threads = threads or torch.get_num_threads()
        self._transformer = checkpoint.transformer
        self._scheduler_config = checkpoint.scheduler_config
        self._encoder = PromptEncoder(checkpoint.text_encoder, checkpoint.tokenizer)
        self._autoencoder = checkpoint.vae
        self._upscaler = _upscaler(checkpoint.extras)
        self._adapters = AdapterCache(self._transformer, ADAPTER_CACHE_BYTES)
        self._merger = Merger(self._transformer)
        self._lock = threading.Lock()
        self._golden_file = golden_file
        self._shipped = checkpoint.folder / GOLDEN_FILE if checkpoint.folder else None
        self.fingerprint = Fingerprint(
            checkpoint=checkpoint.sha256,
            device=describe_device(self._transformer.device),
            dtype=str(self._transformer.dtype).removeprefix("torch."),
            threads=self._threads,
            upscaler=self._upscaler.version if self._upscaler else None,
        )

    @classmethod
    def load(
        cls,
        checkpoint: str | Path,
        *,
        device: str = "cpu",
        dtype: torch.dtype | None = None,
        threads: int | None = None,
        golden_file: Path | None = None,
    ) -> Self:
        """Loads a checkpoint folder or hub id. Raises CheckpointError.

        dtype None: fp32 on the CPU, bf16 elsewhere. threads None: as many as PyTorch would take now; other numbers
        round otherwise, so that two machines agree only where they use the same. golden_file: where the warm-up keeps
        the hash it found for environments that the checkpoint's own golden.json does not know; None keeps nothing.
        """
        loaded = load_checkpoint(checkpoint, device=device, dtype=dtype)
        return cls(loaded, threads=threads, golden_file=golden_file)

    def size(self, aspect_ratio: str) -> tuple[int, int]:
        """(width, height) in pixels that the transformer draws for an aspect ratio, before any upscaling."""
        return image_size(aspect_ratio, self.training_area)

    def warm_up(self) -> None:
        """Draws a small picture and compares its hash with what this environment gave before.

        The very first call of a text encoder in a process was seen to differ in the last bits, so one is thrown away.
        An unknown environment draws twice and compares with itself. Raises EngineNotReproducible.
        """
        with self._alone(None):
            self._encoder.encode("{}")
            found = self._golden()
            expected = self._known().get(self.fingerprint.environment)
            if expected is None:
                expected = self._golden()
                self._remember(expected)
            elif found != expected:
                found = self._golden()
        if found != expected:
            raise EngineNotReproducible(
                f"the warm-up picture hashes to {found[:16]}, and {expected[:16]} was expected here "
                f"(environment {self.fingerprint.environment})"
            )

    def generate(
        self,
        spec: Spec,
        *,
        on_step: Callable[[int, int], None] | None = None,
        stop: threading.Event | None = None,
    ) -> Result:
        """Draws one image. on_step(step, of) is called after each step; `stop` is looked at before and after each.

        Raises Cancelled, InvalidSpec, InvalidAdapter, OSError where there is no adapter file, and whatever on_step
        raises. None of them leaves a trace in the next image.
        """
        spec.check()
        width, height = self.size(spec.aspect_ratio)
        with self._alone(stop):
            adapter = self._adapters.get(spec.adapter) if spec.adapter is not None else None
            for step, latents in self._walk(spec, adapter, width, height):  # noqa: B007 - the last are kept
                if on_step is not None:
                    on_step(step, spec.steps)
                _heed(stop)
            image = self._finish(latents, width, height)
        fingerprint = replace(self.fingerprint, adapter=adapter.sha256 if adapter else None)
        recipe = Recipe(
            model=spec.model,
            prompt=spec.prompt,
            seed=spec.seed,
            steps=spec.steps,
            guidance_scale=spec.guidance_scale,
            aspect_ratio=spec.aspect_ratio,
            influence=spec.influence,
            negative_prompt=spec.negative_prompt,
            fingerprint=fingerprint,
        )
        return Result(image, write_png(image, recipe), fingerprint)

    def forget(self) -> None:
        """Empties the cache of encoded prompts. Nothing that is drawn afterwards changes."""
        with self._alone(None):
            self._encoder.forget()

    def _walk(self, spec: Spec, adapter: Adapter | None, width: int, height: int) -> Iterator[tuple[int, Tensor]]:
        self._merger.apply(adapter, spec.influence)
        guided = spec.guidance_scale > 1
        return generate_latents(
            self._transformer,
            self._encoder.encode(spec.prompt),
            self._encoder.encode(spec.negative_prompt) if guided else None,
            height=height // GRID,
            width=width // GRID,
            steps=spec.steps,
            seed=spec.seed,
            guidance_scale=spec.guidance_scale,
            scheduler_config=self._scheduler_config,
        )

    def _finish(self, latents: Tensor, width: int, height: int) -> Image.Image:
        image = to_image(self._autoencoder.decode(latents, height // GRID, width // GRID))
        if self._upscaler is None:
            return image
        image = self._upscaler.upscale(image)
        enlarge = SHORT_SIDE / min(image.size)
        if enlarge <= 1:
            return image
        return image.resize((round(image.width * enlarge), round(image.height * enlarge)), Image.Resampling.LANCZOS)

    @contextmanager
    def _alone(self, stop: threading.Event | None) -> Iterator[None]:
        """Waits for the device, giving up when `stop` is set, and fixes the number of threads."""
        _heed(stop)
        while not self._lock.acquire(timeout=0.1):
            _heed(stop)
        try:
            torch.set_num_threads(self._threads)  # per calling thread, and anyone may have changed it
            yield
        finally:
            self._lock.release()

    def _golden(self) -> str:
        """SHA-256 of the latents and pixels of a small picture, drawn with nothing from any cache."""
        self._encoder.forget()
        width, height = image_size("1:1", min(self.training_area, GOLDEN_AREA))
        spec = Spec(prompt='{"short_description":"a red apple on a table"}', seed=1, steps=2)
        *_, (_, latents) = self._walk(spec, None, width, height)
        image = self._finish(latents, width, height)
        return hashlib.sha256(latents.cpu().numpy().tobytes() + image.tobytes()).hexdigest()

    def _known(self) -> dict[str, str]:
        """Environment -> hash, from the checkpoint and from golden_file; the checkpoint's own word counts more."""
        known: dict[str, str] = {}
        for path in (self._golden_file, self._shipped):
            if path is not None and path.exists():
                known.update(json.loads(path.read_text()))
        return known

    def _remember(self, found: str) -> None:
        path = self._golden_file
        if path is None:
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        kept = json.loads(path.read_text()) if path.exists() else {}
        kept[self.fingerprint.environment] = found
        draft = path.with_suffix(f".{os.getpid()}.tmp")
        draft.write_text(json.dumps(kept, indent=2, sort_keys=True) + "\n")
        draft.replace(path)


def _heed(stop: threading.Event | None) -> None:
    if stop is not None and stop.is_set():
        raise Cancelled("stopped by the caller")


def _upscaler(extras: Mapping[str, Any]) -> Upscaler | None:
    name = extras.get("upscaler")
    if name is None:
        return None
    if name != Upscaler.name:
        raise CheckpointError(f"the checkpoint asks for the upscaler {name!r}; there is only {Upscaler.name!r}")
    return Upscaler()
