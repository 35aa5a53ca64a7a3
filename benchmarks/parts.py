"""What `benchmarks.fibo` measures of drawing, a function a part. Times are medians of a few calls, in wall seconds."""

import hashlib
import math
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from benchmarks.engine import prompt_of
from benchmarks.random_models import stock_pipeline
from benchmarks.report import Report
from benchmarks.work import roofline, step_flops
from sartor.fibo.adapters import Adapter, LoraPair, Merger, adapter_targets
from sartor.fibo.aspect import GRID, image_size
from sartor.fibo.attention import choose_attention, try_backends
from sartor.fibo.caching import CACHINGS
from sartor.fibo.checkpoint import Checkpoint
from sartor.fibo.compute import compile_blocks
from sartor.fibo.encoding import PromptEncoder
from sartor.fibo.fp8 import quantise
from sartor.fibo.guidance import Guidance
from sartor.fibo.memory import measure, plans
from sartor.fibo.sampler import Velocity, generate_latents, guided_velocity, initial_noise, sigmas

TEXTS = {"full": (500, 1000, 1500, 2000), "embedded": (100, 200, 300), "tiny": (20, 40)}
USUAL = {"full": 1500, "embedded": 200, "tiny": 40}
STEPS = (50, 30, 20)  # the longest first, should time run out


@dataclass
class Bench:
    """A checkpoint of a size on a device, and where figures go."""

    size: str
    checkpoint: Checkpoint
    device: torch.device
    report: Report
    deadline: float = math.inf
    """On the monotonic clock; long parts look at it between what they measure."""

    def __post_init__(self) -> None:
        self.encoder = PromptEncoder(self.checkpoint.text_encoder, self.checkpoint.tokenizer)
        self._prompts: dict[int, str] = {}
        self.pixels = image_size("1:1", self.checkpoint.training_area)
        self.width, self.height = (side // GRID for side in self.pixels)
        config, dtype = self.checkpoint.transformer.config, self.checkpoint.transformer.dtype
        self.heads = (config.num_attention_heads, config.attention_head_dim)
        self.dtype = dtype
        self.checkpoint.transformer.attention = choose_attention(
            self.device, dtype, *self.heads, self.tokens + USUAL[self.size], None
        )

    @property
    def tokens(self) -> int:
        return self.width * self.height

    def prompt(self, length: int) -> str:
        """A text of this many tokens; found once, for that takes longer than encoding it."""
        if length not in self._prompts:
            self._prompts[length] = prompt_of(self.checkpoint.tokenizer, length)
        return self._prompts[length]

    def draw(self, length: int, steps: int, guidance: Callable[..., Velocity] = guided_velocity) -> Tensor:
        """Latents of a picture, from a text whose encoding is remembered."""
        *_, (_, latents) = generate_latents(
            self.checkpoint.transformer,
            self.encoder.encode(self.prompt(length)),
            self.encoder.encode(""),
            height=self.height,
            width=self.width,
            steps=steps,
            seed=0,
            guidance_scale=5.0,
            scheduler_config=self.checkpoint.scheduler_config,
            guidance=guidance,
        )
        return latents

    def reaches(self, part: str, what: str, guess: float) -> bool:
        """Whether so many seconds are left, of which less than full size takes few; says so where they are not."""
        if self.size != "full" or time.monotonic() + guess <= self.deadline:
            return True
        self.report.add(part, f"{what}: left out: the budget does not reach for it", "-")
        return False

    @torch.no_grad()
    def step_seconds(self, length: int, repeats: int = 3) -> float:
        """One guided step at this text length, after two that warm up."""
        prompt, empty = self.encoder.encode(self.prompt(length)), self.encoder.encode("")
        model = self.checkpoint.transformer
        guess = guided_velocity(model, prompt, empty, self.height, self.width, 5.0)
        noise = initial_noise(0, model.config.in_channels, self.height, self.width).to(self.device)
        moment = torch.tensor([500.0], device=self.device)
        return self.seconds(lambda: guess(noise, moment), repeats)

    def seconds(self, call: Callable[[], object], repeats: int = 3, warm: int = 2) -> float:
        """Median wall seconds of a call, with the device's queue empty before and after."""
        for _ in range(warm):
            call()
        return statistics.median(self.once(call) for _ in range(repeats))

    def once(self, call: Callable[[], object]) -> float:
        self._wait()
        begun = time.perf_counter()
        call()
        self._wait()
        return time.perf_counter() - begun

    def _wait(self) -> None:
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)


def memory(bench: Bench) -> None:
    """Computed needs, and what the device holds after loading."""
    models = (bench.checkpoint.transformer, bench.checkpoint.text_encoder, bench.checkpoint.vae)
    for plan in plans(measure(*models, bench.checkpoint.training_area, bench.dtype.itemsize)):
        bench.report.add("memory", f"computed need of {plan.mode.name}", plan.device_bytes / 2**30, "GiB")
    if bench.device.type == "cuda":
        bench.report.add("memory", "held after loading", torch.cuda.memory_allocated(bench.device) / 2**30, "GiB")


def attention(bench: Bench) -> None:
    """Every kernel's time and error, and which is chosen."""
    for trial in try_backends(bench.device, bench.dtype, *bench.heads, bench.tokens + USUAL[bench.size]):
        if trial.seconds is None:
            bench.report.add("attention", f"{trial.name}: {trial.refused}", "-")
            continue
        bench.report.add("attention", f"{trial.name}: one call", 1e3 * trial.seconds, "ms")
        bench.report.add("attention", f"{trial.name}: relative error", float(trial.error or 0.0))
    bench.report.add("attention", "chosen", bench.checkpoint.transformer.attention)


def stages(bench: Bench, name: str = "stages") -> None:
    """Encoding, a step at several text lengths, decoding, and the peak of memory; each step against the roofline."""
    if bench.device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(bench.device)
    for length in TEXTS[bench.size]:

        def encode(length: int = length) -> None:
            bench.encoder.forget()
            bench.encoder.encode(bench.prompt(length))

        bench.report.add(name, f"encoding a text of {length} tokens", bench.seconds(encode), "s")
        seconds = bench.step_seconds(length)
        flops = step_flops(bench.checkpoint.transformer.config, (length, 1), bench.tokens, captions=False)
        bench.report.add(name, f"one guided step, {length} text tokens", seconds, "s")
        bench.report.add(name, f"  its arithmetic a second, {length} text tokens", flops / seconds / 1e12, "TFLOP/s")
        if bench.device.type == "cuda":
            bench.report.add(name, f"  times the roofline, {length} text tokens", seconds / roofline(flops), "x")
    latents = bench.draw(USUAL[bench.size], 1)
    decode = bench.seconds(lambda: bench.checkpoint.vae.decode(latents, bench.height, bench.width))
    bench.report.add(name, f"decoding {bench.pixels[0]} x {bench.pixels[1]} pixels", decode, "s")
    if bench.device.type == "cuda":
        bench.report.add(name, "peak memory", torch.cuda.max_memory_allocated(bench.device) / 2**30, "GiB")


def images(bench: Bench) -> None:
    """Whole pictures, from the text to the pixels."""
    length = USUAL[bench.size]

    def draw(steps: int) -> None:
        bench.encoder.forget()
        latents = bench.draw(length, steps)
        bench.checkpoint.vae.decode(latents, bench.height, bench.width).cpu()

    draw(2)
    for steps in STEPS:
        seconds = bench.once(lambda steps=steps: draw(steps))  # type: ignore[misc]
        bench.report.add("images", f"{steps} guided steps, {length} text tokens", seconds, "s")


def stock(bench: Bench) -> None:
    """The reference pipeline and ours, turn by turn, from the text to the pixels."""
    pipeline, length, steps = stock_pipeline(bench.checkpoint), USUAL[bench.size], 4
    prompt = bench.prompt(length)

    def reference(steps: int = steps) -> None:
        pipeline(
            prompt,
            height=bench.pixels[1],
            width=bench.pixels[0],
            num_inference_steps=steps,
            guidance_scale=5.0,
            generator=torch.Generator().manual_seed(0),
        )

    def ours() -> None:
        bench.encoder.forget()
        latents = bench.draw(length, steps)
        bench.checkpoint.vae.decode(latents, bench.height, bench.width).cpu()

    reference(), ours()
    pairs = [(bench.once(reference), bench.once(ours)) for _ in range(3)]
    bench.report.add("stock", f"reference, {steps} steps", statistics.median(theirs for theirs, _ in pairs), "s")
    bench.report.add("stock", f"ours, {steps} steps", statistics.median(mine for _, mine in pairs), "s")
    ratios = [theirs / mine for theirs, mine in pairs]
    bench.report.add("stock", "ratio, median of 3 turns", statistics.median(ratios), "x")
    if bench.size == "full":  # once: what `images` is to be held against
        bench.report.add("stock", f"reference, {STEPS[0]} steps", bench.once(lambda: reference(STEPS[0])), "s")


def random_adapter(bench: Bench, rank: int, seed: int) -> Adapter:
    """An adapter of every target, on the host as a file's would be."""
    generator = torch.Generator(bench.device).manual_seed(seed)

    def half(*shape: int) -> Tensor:
        numbers = torch.randn(shape, generator=generator, device=bench.device, dtype=bench.dtype).mul_(0.01).cpu()
        return numbers.pin_memory() if bench.device.type == "cuda" else numbers

    targets = adapter_targets(bench.checkpoint.transformer)
    pairs = {
        name: LoraPair(half(rank, linear.in_features), half(linear.out_features, rank), 1.0)
        for name, linear in targets.items()
    }
    return Adapter(Path(f"{rank}-{seed}"), f"{rank}-{seed}", pairs)


def swap(bench: Bench) -> None:
    """Swaps of adapters with the pristine copy on the device and in host memory; A, B, A draws the same latents."""
    for rank in (128, 256) if bench.size == "full" else (4, 8):
        a, b = (random_adapter(bench, rank, seed) for seed in (1, 2))
        for place in (None, "cpu"):
            merger = Merger(bench.checkpoint.transformer, pristine_device=place)
            turn = [a, b]

            def to_the_other(merger: Merger = merger, turn: list[Adapter] = turn) -> None:
                turn.reverse()
                merger.apply(turn[0])

            what = f"rank {rank}, pristine copy on the {'device' if place is None else 'host'}"
            bench.report.add("swap", f"a swap, {what}", 1e3 * bench.seconds(to_the_other), "ms")
            hashes = []
            for adapter in (a, b, a):
                merger.apply(adapter)
                hashes.append(hashlib.sha256(bench.draw(USUAL[bench.size], 2).cpu().numpy().tobytes()).hexdigest())
            bench.report.add("swap", f"A, B, A, {what}: the same bytes", str(hashes[0] == hashes[2] != hashes[1]))
            merger.apply(None)


def compiled(bench: Bench) -> None:
    """Compiles the blocks (for the parts that follow too), and the stages again; on a CPU it is left out."""
    if bench.device.type != "cuda":
        bench.report.add("compiled", "left out: blocks are compiled on GPUs", "-")
        return
    model = bench.checkpoint.transformer
    compile_blocks([*model.transformer_blocks, *model.single_transformer_blocks])
    bench.report.add("compiled", "the first step", bench.once(lambda: bench.draw(USUAL[bench.size], 1)), "s")
    stages(bench, "compiled")


def caching(bench: Bench) -> None:
    """30 steps with each way of saving them."""
    length = USUAL[bench.size]
    exact = bench.draw(length, 30)
    seconds = bench.once(lambda: bench.draw(length, 30))
    for name, found in CACHINGS.items():
        guidance = Guidance(found)
        latents = bench.draw(length, 30, guidance)
        counts = [getattr(branch, "computed", 30) for branch in guidance.branches]
        saved = seconds / bench.once(lambda found=found: bench.draw(length, 30, Guidance(found)))  # type: ignore[misc]
        bench.report.add("caching", f"{name}: full steps of 30, by branch", str(counts))
        bench.report.add("caching", f"{name}: times as fast as exact", saved, "x")
        bench.report.add("caching", f"{name}: relative difference", float((latents - exact).norm() / exact.norm()))


def guidance(bench: Bench) -> None:
    """30 steps whose guidance ends at several noise levels. What is saved does not depend on the weights."""
    length = USUAL[bench.size]
    levels = sigmas(30, bench.tokens, bench.checkpoint.scheduler_config)[:-1]
    bench.draw(length, 2)
    seconds = bench.once(lambda: bench.draw(length, 30))
    for until in (0.3, 0.6, 0.8):
        saved = seconds / bench.once(lambda until=until: bench.draw(length, 30, Guidance(until=until)))  # type: ignore[misc]
        bench.report.add("guidance", f"until {until}: guided steps of 30", int((levels >= until).sum()))
        bench.report.add("guidance", f"until {until}: times as fast as guided to the end", saved, "x")


def fp8(bench: Bench) -> None:
    """The same step with 8-bit linears; last, because it replaces the weights."""
    length = USUAL[bench.size]
    exact, before = bench.draw(length, 4), bench.step_seconds(length)
    quantise(bench.checkpoint.transformer, bench.device, lambda weight: weight)
    bench.report.add("fp8", "times as fast as full linears", before / bench.step_seconds(length), "x")
    difference = float((bench.draw(length, 4) - exact).norm() / exact.norm())
    bench.report.add("fp8", "relative difference after 4 steps", difference)
