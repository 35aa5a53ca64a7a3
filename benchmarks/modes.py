"""What saves work, on the embedded model: how much faster, and how much the picture differs, prompt by prompt."""

import json
import statistics
import time
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from benchmarks.random_models import EMBEDDED
from benchmarks.report import Report
from sartor.fibo.caching import CACHINGS
from sartor.fibo.checkpoint import load_checkpoint
from sartor.fibo.engine import Engine
from sartor.fibo.spec import Spec

CAPTIONS = EMBEDDED.parent / "brands" / "inkwell" / "captions.json"
PROMPTS, STEPS, ROUNDS = 6, 30, 3
MODES: dict[str, dict[str, Any]] = {
    "exact": {},
    **{name: {"caching": name} for name in CACHINGS},
    "guided until 0.3": {"guidance_until": 0.3},
    "guided until 0.6": {"guidance_until": 0.6},
    "guided until 0.8": {"guidance_until": 0.8},
    "cached-2, guided until 0.6": {"caching": "cached-2", "guidance_until": 0.6},
    "cached-3, guided until 0.6": {"caching": "cached-3", "guidance_until": 0.6},
}


def table(report: Report) -> None:
    """Draws every prompt in every mode and reports medians: processor seconds, and differences of the pixels drawn.

    Pictures are compared, with those guided to the end, as the model draws them, before they are enlarged: mean
    absolute difference in levels of 255 and peak signal-to-noise ratio in dB.
    """
    threads = torch.get_num_threads()
    engine = Engine(replace(load_checkpoint(EMBEDDED), extras={}), threads=threads)
    specs = [Spec(prompt=prompt, seed=seed, steps=STEPS) for seed, prompt in enumerate(prompts())]
    engine.generate(specs[0])
    exact = [pixels(engine, spec) for spec in specs]
    seconds: dict[str, list[float]] = {name: [] for name in MODES}
    for _ in range(ROUNDS):  # turn by turn, so that the machine's mood is shared
        for name, times in seconds.items():
            for spec in specs:
                begun = time.process_time()
                engine.generate(replace(spec, **MODES[name]))
                times.append(time.process_time() - begun)
    for name, times in seconds.items():
        report.add(name, "processor seconds a picture, median", statistics.median(times), "s")
        if name == "exact":
            continue
        ratios = [one / other for one, other in zip(seconds["exact"], times, strict=True)]
        report.add(name, "times as fast, median (lowest, highest)", spread(ratios), "x")
        drawn = [pixels(engine, replace(spec, **MODES[name])) for spec in specs]
        errors = [np.abs(a - b).mean() for a, b in zip(drawn, exact, strict=True)]
        squares = [((a - b) ** 2).mean() for a, b in zip(drawn, exact, strict=True)]
        report.add(name, "mean absolute difference, median (lowest, highest)", spread(errors), "of 255")
        decibels = [float(10 * np.log10(255**2 / square)) if square else float("inf") for square in squares]
        report.add(name, "PSNR, median (lowest, highest)", spread(decibels), "dB")
    others = [
        np.abs(pixels(engine, replace(spec, seed=spec.seed + 100)) - a).mean()
        for spec, a in zip(specs, exact, strict=True)
    ]
    report.add("another seed", "mean absolute difference, for comparison", spread(others), "of 255")


def prompts() -> list[str]:
    """Captions that the embedded model knows the manner of."""
    content = json.loads(CAPTIONS.read_text())
    captions = list(content.values()) if isinstance(content, dict) else content
    return [caption if isinstance(caption, str) else json.dumps(caption) for caption in captions][:PROMPTS]


def pixels(engine: Engine, spec: Spec) -> np.ndarray:
    return np.asarray(engine.generate(spec).image, dtype=np.float64)


def spread(values: list[float]) -> str:
    return f"{statistics.median(values):.2f} ({min(values):.2f}, {max(values):.2f})"
