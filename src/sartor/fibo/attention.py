"""Which kernel attends: PyTorch has several, and which is fastest depends on the GPU, the number type and the head.

PyTorch chooses by rules. Here each candidate is tried once on the device, in the shape that will be drawn: one that
refuses, or is not as close to the exact answer as its number type allows, is out, and the fastest of the rest is taken.
The choice is part of the fingerprint, for another kernel rounds otherwise, and is therefore recorded: a machine that
tries again after a restart could take another one.
"""

import json
import os
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel

DEFAULT = "torch"
"""PyTorch's own choice, made anew in every call: on CPUs always."""
BACKENDS = {
    "flash": SDPBackend.FLASH_ATTENTION,
    "cudnn": SDPBackend.CUDNN_ATTENTION,
    "efficient": SDPBackend.EFFICIENT_ATTENTION,
    "math": SDPBackend.MATH,
}
TOLERANCE = {torch.float32: 1e-5, torch.float16: 2e-3, torch.bfloat16: 1e-2}
"""Largest relative error, in the 2-norm, against float32 computed step by step."""


_SWITCHES = threading.RLock()


def kernel(name: str) -> AbstractContextManager[object]:
    """A context in which attention is computed by one of BACKENDS, or as PyTorch likes for DEFAULT. Raises KeyError.

    PyTorch's switches are the process's: what attends as PyTorch likes, beside a training that has set them for its own
    kernel, would be computed by that one. Where there is a GPU all attention is therefore to be within such a context.
    """
    if name != DEFAULT:
        return _only(BACKENDS[name])
    return _SWITCHES if torch.cuda.is_available() else nullcontext()


@contextmanager
def _only(backend: SDPBackend) -> Iterator[None]:
    with _SWITCHES, sdpa_kernel(backend):
        yield


@dataclass(frozen=True)
class Trial:
    """One candidate: median seconds a call and relative error, or why it was refused."""

    name: str
    seconds: float | None = None
    error: float | None = None
    refused: str | None = None


def try_backends(
    device: torch.device | str, dtype: torch.dtype, heads: int, head_dim: int, tokens: int, *, repeats: int = 7
) -> list[Trial]:
    """Tries every candidate on q, k, v [1, heads, tokens, head_dim] of random numbers."""
    generator = torch.Generator().manual_seed(0)
    shape = (1, heads, tokens, head_dim)
    q, k, v = (torch.randn(shape, generator=generator).to(device, dtype) for _ in range(3))
    q1, k1, v1 = (each[:, :1].float() for each in (q, k, v))  # one head is enough to see whether it is right
    exact = torch.softmax(q1 @ k1.transpose(-2, -1) / head_dim**0.5, dim=-1) @ v1
    return [_try(name, q, k, v, exact, repeats) for name in BACKENDS]


@torch.no_grad()
def _try(name: str, q: Tensor, k: Tensor, v: Tensor, exact: Tensor, repeats: int) -> Trial:
    try:
        with kernel(name):
            found = F.scaled_dot_product_attention(q, k, v)[:, :1].float()
            times = []
            for _ in range(repeats):
                wait(q)
                start = time.perf_counter()
                F.scaled_dot_product_attention(q, k, v)
                wait(q)
                times.append(time.perf_counter() - start)
    except RuntimeError as error:  # no such kernel here, or no memory for it
        return Trial(name, refused=str(error).splitlines()[0])
    distance = float((found - exact).norm() / exact.norm())
    refused = None if distance <= TOLERANCE[q.dtype] else f"its error is above {TOLERANCE[q.dtype]:g}"
    return Trial(name, statistics.median(times), distance, refused)


def fastest(trials: list[Trial]) -> str:
    """The name of the fastest that was not refused; DEFAULT where all were."""
    good = [(trial.seconds, trial.name) for trial in trials if trial.refused is None and trial.seconds is not None]
    return min(good)[1] if good else DEFAULT


def choose_attention(
    device: torch.device | str, dtype: torch.dtype, heads: int, head_dim: int, tokens: int, record: Path | None
) -> str:
    """The kernel for a device: DEFAULT on a CPU, else what the record says, else the fastest, which is recorded.

    record: a JSON file, None for none. Raises OSError where it cannot be written, ValueError where it is damaged.
    """
    device = torch.device(device)
    if device.type != "cuda":
        return DEFAULT
    key = f"{torch.cuda.get_device_name(device)}, {dtype}, {heads} x {head_dim}, torch {torch.__version__}"
    return recorded(key, record, lambda: try_backends(device, dtype, heads, head_dim, tokens))


def recorded(key: str, record: Path | None, trial: Callable[[], list[Trial]]) -> str:
    """What was chosen for this key before, else the fastest of new trials, recorded with them."""
    known = json.loads(record.read_text()) if record is not None and record.exists() else {}
    if key in known:
        return str(known[key]["chosen"])
    trials = trial()
    chosen = fastest(trials)
    if record is not None:
        known[key] = {"chosen": chosen, "trials": [asdict(one) for one in trials]}
        record.parent.mkdir(parents=True, exist_ok=True)
        draft = record.with_suffix(f".{os.getpid()}.tmp")
        draft.write_text(json.dumps(known, indent=2, sort_keys=True) + "\n")
        draft.replace(record)
    return chosen


def wait(like: Tensor) -> None:
    if like.is_cuda:
        torch.cuda.synchronize(like.device)
