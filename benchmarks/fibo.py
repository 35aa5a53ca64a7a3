"""The engine at a size, stage by stage, against the reference pipeline with the same weights and the roofline.

    python -m benchmarks.fibo --size full --budget 900      # on a GPU; random weights of FIBO's shape
    python -m benchmarks.fibo --size embedded --modes       # what saving work costs in the picture, and saves
    python -m benchmarks.fibo --size tiny                   # seconds, to see that it runs

Each part begins only if the time it is likely to take is left, and every figure is saved as soon as it is known, to
OUTPUT.json and OUTPUT.md. The reference pipeline is licensed CC BY-NC 4.0; it is installed with diffusers and only
compared with here.
"""

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch

from benchmarks import memory_modes, modes, parts, training_steps
from benchmarks.parts import Bench
from benchmarks.random_models import build
from benchmarks.report import Report
from sartor.fibo.checkpoint import serving_dtype
from sartor.fibo.fingerprint import describe_device

PARTS: dict[str, tuple[Callable[[Bench], None], float]] = {
    "memory": (parts.memory, 1),
    "attention": (parts.attention, 2),
    "stages": (parts.stages, 10),
    "stock": (parts.stock, 40),
    "swap": (parts.swap, 40),
    "modes": (memory_modes.measure_modes, 60),
    "training": (training_steps.compare, 200),
    "compiled-training": (training_steps.compare_compiled, 250),
    "compiled": (parts.compiled, 50),
    "images": (parts.images, 30),
    "caching": (parts.caching, 80),
    "guidance": (parts.guidance, 30),
    "fp8": (parts.fp8, 60),
}
"""In this order, each with the seconds that it may take at full size: as on an H200, but those of
compiled-training, caching, guidance and fp8 are guesses."""


def run(bench: Bench, wanted: list[str], deadline: float) -> None:
    """Runs the parts that fit; what fails or does not fit is a row that says so."""
    guess = 1.0 if bench.size == "full" else 0.05
    bench.deadline = deadline
    for name in wanted:
        part, seconds = PARTS[name]
        if time.monotonic() + guess * seconds > deadline:
            bench.report.add(name, "left out: the budget does not reach for it", "-")
            continue
        begun = time.monotonic()
        try:
            part(bench)
        except (RuntimeError, ValueError) as error:  # a kernel that is missing, memory that is short: the others go on
            bench.report.add(name, f"failed: {type(error).__name__}: {str(error).splitlines()[0][:160]}", "-")
        bench.report.add(name, "the part itself", time.monotonic() - begun, "s")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", choices=["tiny", "embedded", "full"], default="tiny")
    parser.add_argument("--modes", action="store_true", help="only the table of what saves work, on the embedded model")
    parser.add_argument("--parts", help=f"some of {','.join(PARTS)}, by commas; all without it")
    parser.add_argument("--budget", type=float, default=900, help="seconds in all (900)")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--output", type=Path, default=Path("out/fibo-benchmark"), help="without a suffix")
    options = parser.parse_args()
    begun = time.monotonic()
    torch.set_num_threads(options.threads)
    device = torch.device(options.device)
    command = " ".join(["python -m benchmarks.fibo", *sys.argv[1:]])
    report = Report(options.output, command, describe_device(device))
    if options.modes:
        modes.table(report)
        return
    wanted = options.parts.split(",") if options.parts else list(PARTS)
    if unknown := set(wanted) - PARTS.keys():
        parser.error(f"unknown parts: {', '.join(sorted(unknown))}")
    checkpoint = build(options.size, options.device, serving_dtype(device))
    report.add("loading", "random weights made, or the checkpoint read", time.monotonic() - begun, "s")
    run(Bench(options.size, checkpoint, device, report), wanted, begun + options.budget)


if __name__ == "__main__":
    main()
