"""Training steps of ours against the public recipe written out, at equal ranks on the same transformer.

The public recipe encodes the picture and the text again in every step, projects the captions in every call, attends
through a mask of ones and computes every block's activations again. Ours is the trainer itself (sartor.fibo.training):
what is constant was computed before, and `computing` chooses kernel, compilation and which activations are kept.
"""

import statistics
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from benchmarks.parts import USUAL, Bench
from sartor.fibo.attention import DEFAULT
from sartor.fibo.lora import injected
from sartor.fibo.rounded_base import rounded
from sartor.fibo.sampler import condition
from sartor.fibo.training import evicted
from sartor.fibo.training_compute import computing
from sartor.fibo.training_config import TrainingConfig
from sartor.fibo.training_data import Picture, TextStates
from sartor.fibo.training_step import LoraRun, choose_precision

RECIPE = "the public recipe"
AGAIN: dict[str, Any] = {"gradient_checkpointing": True}
CHOSEN = "ours, as it chooses itself"
VARIANTS: dict[str, dict[str, Any]] = {
    CHOSEN: {},
    "ours, all activations computed again": AGAIN,
    "ours, and an fp8 base": AGAIN | {"base_weights": "fp8"},
    "ours, and an nf4 base": AGAIN | {"base_weights": "nf4"},
}
COMPILED: dict[str, dict[str, Any]] = {
    "ours, compiled, activations kept where they fit": {"compiled": True},
    "ours, compiled, all activations computed again": AGAIN | {"compiled": True},
}
RANKS = {"full": (128, 64, 256), "embedded": (4, 8), "tiny": (4, 8)}
WARM, REPEATS = 2, 5


def compare(bench: Bench) -> None:
    """Every variant at the usual rank, and what the trainer chooses itself at the others."""
    part, (usual, *others) = "training", RANKS[bench.size]
    with tempfile.TemporaryDirectory() as folder:
        known = _recipe(bench, part, usual)
        for name, options in VARIANTS.items():
            _ours(bench, part, usual, name, options, known, Path(folder))
        for rank in others:
            if bench.reaches(part, f"rank {rank}", 40):
                _ours(bench, part, rank, CHOSEN, VARIANTS[CHOSEN], _recipe(bench, part, rank), Path(folder))


def compare_compiled(bench: Bench) -> None:
    """The same with compiled blocks, at the usual rank."""
    part, rank = "compiled-training", RANKS[bench.size][0]
    with tempfile.TemporaryDirectory() as folder:
        known = _recipe(bench, part, rank)
        for name, options in COMPILED.items():
            _ours(bench, part, rank, name, options, known, Path(folder))


def _ours(bench: Bench, part: str, rank: int, name: str, options: dict[str, Any], recipe: float, folder: Path) -> None:
    """A step of the trainer, from the draw of the noise to the optimiser; in the folder it keeps what it has chosen.

    One for which the memory is short is a row that says so.
    """
    if not bench.reaches(part, f"rank {rank}, {name}", 100 if options.get("compiled") else 30):
        return
    try:
        _ours_measured(bench, part, rank, name, options, recipe, folder)
    except torch.OutOfMemoryError as error:
        bench.report.add(part, f"rank {rank}, {name}: failed: {str(error).splitlines()[0][:160]}", "-")


def _ours_measured(
    bench: Bench, part: str, rank: int, name: str, options: dict[str, Any], recipe: float, folder: Path
) -> None:
    checkpoint = bench.checkpoint
    model, generator = checkpoint.transformer, torch.Generator().manual_seed(0)
    config = replace(TrainingConfig(rank=rank, accumulation=1, caption_dropout=0.0), **options)
    text = bench.prompt(USUAL[bench.size])
    with torch.no_grad():
        latents = checkpoint.vae.encode(_pixels(bench)).float().cpu()
    with ExitStack() as opened:
        texts = TextStates(model, bench.encoder, folder, config.text_memory)
        texts.add(text)
        texts.add("")
        opened.enter_context(evicted(checkpoint.vae, checkpoint.text_encoder))
        opened.enter_context(rounded(model, config.base_weights))
        layers = opened.enter_context(injected(model, rank, generator=generator))
        precision, _ = choose_precision(bench.device, config.precision)
        groups = [[Picture(latents, bench.height, bench.width, text)]]
        run = LoraRun(model, layers, groups, texts, checkpoint.scheduler_config, config, generator, precision)
        how = computing(model, config, run.shape(), run.autocast, record=folder / "attention.json")
        preparing = bench.once(lambda: opened.enter_context(how))
        kept = f"{model.depth - model.checkpointed_blocks}, {model.attention}"
        bench.report.add(part, f"rank {rank}, {name}: blocks that keep activations, kernel", kept)
        seconds, peak = _measured(bench, run.advance)
    bench.encoder.forget()
    bench.report.add(part, f"rank {rank}, {name}: a step", seconds, "s")
    bench.report.add(part, f"rank {rank}, {name}: times as fast as the recipe", recipe / seconds, "x")
    bench.report.add(part, f"rank {rank}, {name}: choosing and compiling before the first step", preparing, "s")
    if peak is not None:
        bench.report.add(part, f"rank {rank}, {name}: peak memory", peak, "GiB")


def _recipe(bench: Bench, part: str, rank: int) -> float:
    """Seconds of a step of the public recipe."""
    checkpoint, device = bench.checkpoint, bench.device
    model = checkpoint.transformer
    generator = torch.Generator().manual_seed(0)
    pixels, text = _pixels(bench), bench.prompt(USUAL[bench.size])
    serving = model.attention
    # The mask of ones leaves the memory-efficient kernel: flash takes none.
    model.attention = "efficient" if device.type == "cuda" else DEFAULT
    model.checkpointed_blocks = model.depth
    with injected(model, rank, generator=generator) as layers:
        parameters = list(layers.parameters().values())
        optimiser = torch.optim.AdamW(parameters, lr=1e-4, weight_decay=1e-3)

        def step() -> None:
            with torch.no_grad():
                target = checkpoint.vae.encode(pixels).float()
                bench.encoder.forget()
                given = condition(model, bench.encoder.encode(text), bench.height, bench.width)
            noise = torch.randn(target.shape, generator=generator).to(device)
            mask = torch.ones(1, 1, 1, given.text.shape[1] + bench.tokens, dtype=torch.bool, device=device)
            loss = F.mse_loss(forward(given, torch.lerp(target, noise, 0.6), mask), noise - target)
            loss.backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(parameters, 1.0)
            optimiser.step()
            optimiser.zero_grad(set_to_none=True)

        def forward(given: Any, noisy: Tensor, mask: Tensor) -> Tensor:
            moment = torch.tensor([600.0], device=device)
            with torch.autocast(device.type, dtype=torch.bfloat16, enabled=device.type == "cuda"):
                guess = model(noisy.to(bench.dtype), moment, given.text, given.captions, given.rotary, mask=mask)
            return guess.float()

        seconds, peak = _measured(bench, step)
    model.attention, model.checkpointed_blocks = serving, 0
    bench.encoder.forget()
    bench.report.add(part, f"rank {rank}, {RECIPE}: a step", seconds, "s")
    if peak is not None:
        bench.report.add(part, f"rank {rank}, {RECIPE}: peak memory", peak, "GiB")
    return seconds


def _measured(bench: Bench, step: Callable[[], object]) -> tuple[float, float | None]:
    """Median seconds of a step after some that warm up, and the peak of memory over all of them in GiB."""
    gpu = bench.device.type == "cuda"
    if gpu:
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats(bench.device)
    for _ in range(WARM):
        step()
    seconds = statistics.median(bench.once(step) for _ in range(REPEATS))
    return seconds, torch.cuda.max_memory_allocated(bench.device) / 2**30 if gpu else None


def _pixels(bench: Bench) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    pixels = torch.rand(1, 3, bench.pixels[1], bench.pixels[0], generator=generator)
    return pixels.to(bench.device, bench.dtype) * 2 - 1
