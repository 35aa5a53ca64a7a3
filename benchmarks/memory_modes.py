"""What each memory mode of the engine takes of a device, and what a swap of adapters costs in it."""

import tempfile
from dataclasses import replace
from pathlib import Path

import torch

from benchmarks.parts import USUAL, Bench, random_adapter
from sartor.fibo import Engine, Spec
from sartor.fibo.adapter_names import A, B
from sartor.fibo.compute import Compute
from sartor.fibo.lora import write_adapter
from sartor.fibo.memory import MODES, Mode

STEPS = 4


def measure_modes(bench: Bench) -> None:
    """A picture with an adapter after one without, in every mode: seconds, the peak of memory, the same bytes.

    Modes that keep text encoder and VAE on the device come first, for the later ones move them to the host.
    """
    pictures = []
    try:
        with tempfile.TemporaryDirectory() as folder:
            adapter = _written(bench, Path(folder) / "random.safetensors")
            for mode in sorted(MODES, key=lambda mode: not mode.parts_on_device):
                if bench.reaches("modes", mode.name, 20):
                    pictures += _drawn(bench, mode, adapter)
    finally:
        for part in (bench.checkpoint.text_encoder, bench.checkpoint.vae):
            for tensor in (*part.parameters(), *part.buffers()):
                tensor.data = tensor.data.to(bench.device)
    if len(pictures) > 1:
        same = len(set(pictures)) == 1
        bench.report.add("modes", f"{len(pictures)} modes drew the same bytes", str(same))


def _written(bench: Bench, path: Path) -> Path:
    rank = 128 if bench.size == "full" else 4
    pairs = random_adapter(bench, rank, 1).pairs
    tensors = {name + A: pair.down for name, pair in pairs.items()}
    tensors |= {name + B: pair.up for name, pair in pairs.items()}
    write_adapter(path, tensors, rank=rank, alpha=rank, dtype=bench.dtype)
    return path


def _drawn(bench: Bench, mode: Mode, adapter: Path) -> list[bytes]:
    """Measures one mode; the PNG that it drew, none where the engine found no room, which is a row that says so.

    The transformer is left without an adapter.
    """
    gpu = bench.device.type == "cuda"
    if gpu:
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats(bench.device)
    compute = Compute(bench.checkpoint.transformer.attention, compiled=False)
    try:
        engine = Engine(bench.checkpoint, memory=mode, compute=compute, device=str(bench.device))
    except torch.OutOfMemoryError as error:  # before anything was merged
        bench.report.add("modes", f"{mode.name}: failed: {str(error).splitlines()[0][:160]}", "-")
        return []
    plain = Spec(prompt=bench.prompt(USUAL[bench.size]), seed=0, steps=STEPS)
    branded = replace(plain, adapter=adapter)
    for warming in (plain, branded, plain):
        engine.generate(warming)
    engine.forget()
    drawn: list[bytes] = []
    seconds = bench.once(lambda: drawn.append(engine.generate(branded).png))
    bench.report.add("modes", f"{mode.name}: a new text, a swap and {STEPS} steps", seconds, "s")
    if gpu:
        held, peak = torch.cuda.memory_allocated(bench.device), torch.cuda.max_memory_allocated(bench.device)
        bench.report.add("modes", f"{mode.name}: held between pictures", held / 2**30, "GiB")
        bench.report.add("modes", f"{mode.name}: peak memory", peak / 2**30, "GiB")
    engine.generate(plain)
    return drawn
