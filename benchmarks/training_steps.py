"""Training steps of ours against the public recipe written out, at equal ranks on the same transformer.

The public recipe encodes the picture and the text again in every step, projects the captions in every call and attends
through a mask of ones. Ours has all of that once, before the first step.
"""

import statistics
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from benchmarks.parts import USUAL, Bench
from sartor.fibo.attention import DEFAULT
from sartor.fibo.lora import injected
from sartor.fibo.sampler import condition


def compare(bench: Bench) -> None:
    """The comparison at each rank that the trainer is used with; the usual one first, should time run out."""
    for rank in (128, 64, 256) if bench.size == "full" else (4, 8):
        compare_rank(bench, rank)


def compare_rank(bench: Bench, rank: int) -> None:
    """Seconds of one micro-step with its optimiser step, turn by turn, and the peak of memory of each."""
    checkpoint, device = bench.checkpoint, bench.device
    model, length = checkpoint.transformer, USUAL[bench.size]
    generator = torch.Generator().manual_seed(0)
    pixels = torch.rand(1, 3, bench.pixels[1], bench.pixels[0], generator=generator).to(device, bench.dtype) * 2 - 1
    text = bench.prompt(length)
    with torch.no_grad():
        latents = checkpoint.vae.encode(pixels).float()
        kept = condition(model, bench.encoder.encode(text), bench.height, bench.width)
    noise = torch.randn(latents.shape, generator=generator).to(device)
    ones = torch.ones(1, 1, 1, kept.text.shape[1] + bench.tokens, dtype=torch.bool, device=device)

    def step(optimiser: torch.optim.Optimizer, parameters: list[nn.Parameter], *, published: bool) -> None:
        given, target, mask = kept, latents, None
        if published:
            with torch.no_grad():
                target = checkpoint.vae.encode(pixels).float()
                bench.encoder.forget()
                given = condition(model, bench.encoder.encode(text), bench.height, bench.width)
            mask = ones
        model.attention = masked if published else unmasked
        loss = F.mse_loss(forward(given, target, mask), noise - target)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(parameters, 1.0)
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)

    def forward(given: Any, target: Tensor, mask: Tensor | None) -> Tensor:
        noisy = torch.lerp(target, noise, 0.6).to(bench.dtype)
        moment = torch.tensor([600.0], device=device)
        half = device.type == "cuda"
        with torch.autocast(device.type, dtype=torch.bfloat16, enabled=half):
            guess = model(noisy, moment, given.text, given.captions, given.rotary, mask=mask)
        return guess.float()

    serving = model.attention
    masked, unmasked = ("efficient", "flash") if device.type == "cuda" else (DEFAULT, DEFAULT)  # flash takes no mask
    model.gradient_checkpointing = bench.size == "full"
    with injected(model, rank, generator=generator) as layers:
        parameters = list(layers.parameters().values())
        optimiser = torch.optim.AdamW(parameters, lr=1e-4, weight_decay=1e-3)
        times: dict[bool, list[float]] = {True: [], False: []}
        for turn in range(4):
            for published in (True, False):
                if device.type == "cuda":
                    torch.cuda.reset_peak_memory_stats(device)
                seconds = bench.once(lambda published=published: step(optimiser, parameters, published=published))  # type: ignore[misc]
                if turn:
                    times[published].append(seconds)
                elif device.type == "cuda":
                    peak = torch.cuda.max_memory_allocated(device) / 2**30
                    bench.report.add("training", f"peak memory at rank {rank}, {named(published)}", peak, "GiB")
    model.gradient_checkpointing, model.attention = False, serving
    for published, found in times.items():
        bench.report.add("training", f"a step at rank {rank}, {named(published)}", statistics.median(found), "s")
    ratios = [theirs / mine for theirs, mine in zip(times[True], times[False], strict=True)]
    bench.report.add("training", f"ratio at rank {rank}, median of 3 turns", statistics.median(ratios), "x")


def named(published: bool) -> str:
    return "the public recipe" if published else "ours"
