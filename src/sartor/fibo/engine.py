"""The engine: one checkpoint in memory, one image at a time, the same bytes for the same inputs.

    engine = Engine.load("path/to/checkpoint")
    engine.warm_up()
    result = engine.generate(Spec(prompt=canonical_json, seed=7, adapter=Path("brand.safetensors")))
    Path("image.png").write_bytes(result.png)

What keeps the bytes the same: batch 1, a fixed number of threads, noise from the request's own CPU generator, adapters
merged from pristine weights, no state between requests but caches, and a warm-up that proves it before the first one.
"""

import hashlib
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import torch
from PIL import Image
from torch import Tensor

from sartor.fibo.adapters import Adapter, AdapterCache
from sartor.fibo.aspect import ASPECT_RATIOS, GRID, image_size
from sartor.fibo.autoencoder import to_image
from sartor.fibo.caching import CACHINGS
from sartor.fibo.checkpoint import PARTS, Checkpoint, load_checkpoint, serving_dtype
from sartor.fibo.compute import Compute, check_device, prepare
from sartor.fibo.errors import Cancelled, EngineNotReproducible
from sartor.fibo.fingerprint import Fingerprint, describe_device
from sartor.fibo.golden import GoldenHashes
from sartor.fibo.guidance import Guidance, SecondDevice, guidance_until_of
from sartor.fibo.host_memory import Visitor
from sartor.fibo.hub import locate
from sartor.fibo.memory import MODES, Mode, choose_mode, mode_named
from sartor.fibo.recipe import Recipe, write_png
from sartor.fibo.sampler import generate_latents
from sartor.fibo.spec import Spec
from sartor.fibo.transformer import FiboTransformer
from sartor.fibo.upscaling import upscaler_of

ADAPTER_CACHE_BYTES = 4 << 30
"""Host memory for adapters; four at full size and rank 128, hundreds of the embedded model's."""
LONG_SIDE = 1024
"""Pixels that an upscaled image has at least on its long side."""
GOLDEN_AREA = 256 * 256
"""Pixels of the warm-up's picture at most: a small one shows a difference as well as a large one."""


@dataclass(frozen=True)
class Result:
    """A drawn image, and the same as PNG with its recipe in text chunks."""

    image: Image.Image
    png: bytes
    fingerprint: Fingerprint


class Engine:
    """Draws images from one checkpoint. Safe to call from several threads; they wait for each other."""

    def __init__(
        self,
        checkpoint: Checkpoint,
        *,
        threads: int | None = None,
        golden_file: Path | None = None,
        memory: Mode = MODES[0],
        compute: Compute | None = None,
        device: str | None = None,
        second: FiboTransformer | None = None,
        attention_record: Path | None = None,
    ) -> None:
        """See `load`. Takes the transformer, and a second one, for itself: adapters are merged into them in place."""
        self.training_area = checkpoint.training_area
        self._threads = threads or torch.get_num_threads()
        self._transformer = checkpoint.transformer
        self._scheduler_config = checkpoint.scheduler_config
        self.memory = memory
        where = torch.device(device) if device else self._transformer.device
        parts = [checkpoint.text_encoder, checkpoint.vae]
        visits = [nullcontext if memory.parts_on_device else Visitor(part, where).here for part in parts]
        self._encoder = checkpoint.prompt_encoder(visit=visits[0])
        self._autoencoder, self._visit_autoencoder = checkpoint.vae, visits[1]
        self._upscaler = upscaler_of(checkpoint.extras)
        self.guidance_until = guidance_until_of(checkpoint.extras)
        self._adapters = AdapterCache(self._transformer, ADAPTER_CACHE_BYTES)
        self._compute = compute or Compute()
        self._mergers = [
            prepare(
                each,
                where if each is self._transformer else each.device,
                self._compute,
                memory,
                tokens=self.training_area // GRID**2,
                record=attention_record,
            )
            for each in (self._transformer, second)
            if each is not None
        ]
        self._second = SecondDevice(second, self._threads) if second is not None else None
        self._lock = threading.Lock()
        self._goldens = GoldenHashes(checkpoint.folder, golden_file)
        self.fingerprint = Fingerprint(
            checkpoint=checkpoint.sha256,
            device=describe_device(self._transformer.device),
            dtype=str(self._transformer.dtype).removeprefix("torch."),
            mode=self._mode(where),
            attention=self._transformer.attention,
            linears=self._compute.linears,
            threads=self._threads,
            upscaler=self._upscaler.version if self._upscaler else None,
            reader=self._encoder.reader.version if self._encoder.reader else None,
            second=self._describe(second) if second is not None else None,
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
        memory: str | None = None,
        compute: Compute | None = None,
        second_device: str | None = None,
        hash_memory: Path | None = None,
        attention_record: Path | None = None,
    ) -> Self:
        """Loads a checkpoint folder or hub id.

        Raises CheckpointError, NotEnoughMemory, UnsupportedDevice, and ValueError for an unknown name.

        dtype None: fp32 on the CPU, bf16 elsewhere. threads None: as many as PyTorch would take now; other numbers
        round otherwise, so that two machines agree only where they use the same. golden_file: where the warm-up keeps
        the hash it found for environments that the checkpoint's own golden.json does not know; None keeps nothing.
        memory: the name of one of memory.py's modes; None takes the fastest that fits. compute: see compute.py.
        second_device: where the negative prompt's branch is drawn, with another copy of the transformer, at the same
        time. hash_memory, attention_record: files that keep what is slow to find out (integrity.py, attention.py).
        """
        compute = compute or Compute()
        for name in (device, second_device):
            if name is not None:
                check_device(name)
        folder = locate(checkpoint, list(PARTS))
        dtype = dtype or serving_dtype(device)
        fp8 = compute.linears == "fp8"
        mode = mode_named(memory) if memory else choose_mode(folder, device, dtype.itemsize, fp8=fp8)
        # Rounded on the way: where memory is short, the device never holds the full weights.
        loaded = load_checkpoint(
            folder,
            device="cpu" if fp8 and not mode.pristine_on_device else device,
            dtype=dtype,
            parts_device=device if mode.parts_on_device else "cpu",
            hash_memory=hash_memory,
        )
        second = None
        if second_device is not None:
            second = FiboTransformer.load(folder / "transformer", dtype=dtype, device=second_device)
            second.eval().requires_grad_(False)
        return cls(
            loaded,
            threads=threads,
            golden_file=golden_file,
            memory=mode,
            compute=compute,
            device=device,
            second=second,
            attention_record=attention_record,
        )

    def _mode(self, device: torch.device) -> str:
        return "compiled" if self._compute.compiles(device) else "eager"

    def _describe(self, second: FiboTransformer) -> str:
        """The second device as a fingerprint names it."""
        device = second.device
        return f"{describe_device(device)}, {self._mode(device)}, attention {second.attention}"

    def size(self, aspect_ratio: str) -> tuple[int, int]:
        """(width, height) in pixels that the transformer draws for an aspect ratio, before any upscaling."""
        return image_size(aspect_ratio, self.training_area)

    def warm_up(self) -> None:
        """Draws a small picture and compares its hash with what this environment gave before.

        The very first call of a text encoder in a process was seen to differ in the last bits, so one is thrown away.
        An unknown environment draws twice and compares with itself. Compiled blocks are warmed up at every aspect ratio
        too. Raises EngineNotReproducible.
        """
        with self._alone(None):
            self._encoder.encode("{}")
            found = self._golden()
            expected = self._goldens.get(self.fingerprint.environment)
            if expected is None:
                expected = self._golden()
                self._goldens.remember(self.fingerprint.environment, expected)
            elif found != expected:
                found = self._golden()
        if found != expected:
            raise EngineNotReproducible(
                f"the warm-up picture hashes to {found[:16]}, and {expected[:16]} was expected here "
                f"(environment {self.fingerprint.environment})"
            )
        if self.fingerprint.mode == "compiled":
            for ratio in ASPECT_RATIOS:
                self.generate(Spec(prompt="{}", seed=0, steps=1, aspect_ratio=ratio))

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
        if spec.guidance_until is None:
            spec = replace(spec, guidance_until=self.guidance_until)
        width, height = self.size(spec.aspect_ratio)
        with self._alone(stop):
            adapter = self._adapters.get(spec.adapter) if spec.adapter is not None else None
            for step, latents in self._walk(spec, adapter, width, height):  # noqa: B007 - the last are kept
                if on_step is not None:
                    on_step(step, spec.steps)
                _heed(stop)
            image = self._finish(latents, width, height)
        fingerprint = replace(self.fingerprint, adapter=adapter.sha256 if adapter else None, caching=spec.caching)
        recipe = Recipe(
            model=spec.model,
            prompt=spec.prompt,
            seed=spec.seed,
            steps=spec.steps,
            guidance_scale=float(spec.guidance_scale),  # 5 and 5.0 are one in the file, too
            aspect_ratio=spec.aspect_ratio,
            influence=float(spec.influence),
            negative_prompt=spec.negative_prompt,
            fingerprint=fingerprint,
            caching=spec.caching,
            shift=spec.shift,
            guidance_until=spec.guidance_until or None,
        )
        return Result(image, write_png(image, recipe), fingerprint)

    def forget(self) -> None:
        """Empties the cache of encoded prompts. Nothing that is drawn afterwards changes."""
        with self._alone(None):
            self._encoder.forget()

    def _walk(self, spec: Spec, adapter: Adapter | None, width: int, height: int) -> Iterator[tuple[int, Tensor]]:
        for merger in self._mergers:
            merger.apply(adapter, spec.influence)
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
            shift=spec.shift,
            guidance=Guidance(CACHINGS.get(spec.caching), self._second, until=spec.guidance_until or 0.0),
        )

    def _finish(self, latents: Tensor, width: int, height: int) -> Image.Image:
        with self._visit_autoencoder():
            image = to_image(self._autoencoder.decode(latents, height // GRID, width // GRID))
        if self._upscaler is None:
            return image
        return self._upscaler.enlarge(image, LONG_SIDE)

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
        spec = Spec('{"short_description":"a red apple on a table"}', 1, steps=2, guidance_until=self.guidance_until)
        *_, (_, latents) = self._walk(spec, None, width, height)
        image = self._finish(latents, width, height)
        return hashlib.sha256(latents.cpu().numpy().tobytes() + image.tobytes()).hexdigest()


def _heed(stop: threading.Event | None) -> None:
    if stop is not None and stop.is_set():
        raise Cancelled("stopped by the caller")
