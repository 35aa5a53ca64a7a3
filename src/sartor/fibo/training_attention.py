"""Which attention kernel a GPU trains with: as attention.py chooses one for drawing, with the backward pass besides.

    python -m sartor.fibo.training_attention DEVICE DTYPE HEADS HEAD_DIM TOKENS MASKED KERNEL

tries a kernel and prints a line of JSON. It is a program of its own, because a kernel that fails in its backward pass
takes the whole process's GPU with it: with a mask, PyTorch 2.11's own choice on an H200 did.
"""

import json
import logging
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from sartor.fibo.attention import BACKENDS, DEFAULT, Trial, kernel, recorded, wait

TOLERANCE = {torch.float32: 1e-4, torch.float16: 1e-2, torch.bfloat16: 3e-2}
"""Largest relative error of the gradients, in the 2-norm, against float32 computed step by step."""
LIMIT = 120
"""Seconds that a trial may take."""
SAFE = "math"
"""What no trial is needed for."""

logger = logging.getLogger(__name__)

Run = Callable[[Sequence[str]], str]


def choose_training_attention(
    device: torch.device,
    dtype: torch.dtype,
    heads: int,
    head_dim: int,
    tokens: int,
    *,
    masked: bool,
    record: Path | None,
) -> str:
    """The fastest right kernel for training on this device, the plain one where none was; DEFAULT on a CPU.

    masked: whether captions of several lengths meet in a batch. record: as `choose_attention` has it. Raises OSError,
    ValueError.
    """
    if device.type != "cuda":
        return DEFAULT
    shape = f"{dtype}, {heads} x {head_dim}{', masked' if masked else ''}"
    key = f"training, {torch.cuda.get_device_name(device)}, {shape}, torch {torch.__version__}"
    arguments = [str(device), str(dtype).removeprefix("torch."), *map(str, (heads, head_dim, tokens, int(masked)))]
    chosen = recorded(key, record, lambda: try_apart(arguments))
    return SAFE if chosen == DEFAULT else chosen


def try_apart(arguments: Sequence[str], run: Run | None = None) -> list[Trial]:
    """Tries every kernel, each in a process apart."""
    trials = []
    for name in BACKENDS:
        lines = [line for line in (run or _run)([*arguments, name]).splitlines() if line.startswith("{")]
        found = Trial(**json.loads(lines[0])) if lines else Trial(name, refused="it ended the process that tried it")
        logger.info("attention for training: %s", found)
        trials.append(found)
    return trials


def _run(arguments: Sequence[str]) -> str:
    command = [sys.executable, "-m", "sartor.fibo.training_attention", *arguments]
    try:
        return subprocess.run(command, stdout=subprocess.PIPE, text=True, timeout=LIMIT, check=False).stdout
    except subprocess.TimeoutExpired as expired:
        return (expired.stdout or b"").decode()


def try_kernel(name: str, q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None, repeats: int = 5) -> Trial:
    """One kernel, forward and backward, on q, k, v [B, heads, tokens, head_dim] that ask for gradients."""

    def gradients() -> tuple[Tensor, ...]:
        with kernel(name):
            out = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
            return torch.autograd.grad(out, (q, k, v), out.detach())

    try:
        found = gradients()
        times = []
        for _ in range(repeats):
            wait(q)
            start = time.perf_counter()
            gradients()
            wait(q)
            times.append(time.perf_counter() - start)
    except RuntimeError as error:
        return Trial(name, refused=first_line(error))
    pairs = zip(found, exact_gradients(q, k, v, mask), strict=True)
    errors = [float((one[:, :1].float() - exact).norm() / exact.norm()) for one, exact in pairs]
    good = all(error <= TOLERANCE[q.dtype] for error in errors)  # which no NaN is
    worst = max(errors) if good else None
    return Trial(name, statistics.median(times), worst, None if good else f"its error is above {TOLERANCE[q.dtype]:g}")


def first_line(error: Exception) -> str:
    """What an error says, in short."""
    return (str(error).splitlines() or [type(error).__name__])[0]


def exact_gradients(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None) -> tuple[Tensor, ...]:
    """Those of the first head [B, 1, tokens, head_dim], in fp32, of half the sum of the answer's squares."""
    first = [each[:, :1].detach().float().requires_grad_(True) for each in (q, k, v)]
    scores = first[0] @ first[1].transpose(-2, -1) / q.shape[-1] ** 0.5
    if mask is not None:
        scores = scores.masked_fill(~mask, float("-inf"))
    out = torch.softmax(scores, dim=-1) @ first[2]
    return torch.autograd.grad(out, first, out.detach())


def tensors(
    device: torch.device, dtype: torch.dtype, heads: int, head_dim: int, tokens: int, *, masked: bool
) -> tuple[Tensor, Tensor, Tensor, Tensor | None]:
    """Random q, k, v, and a mask of two lengths where one is wanted."""
    generator = torch.Generator().manual_seed(0)
    shape = (2 if masked else 1, heads, tokens, head_dim)
    q, k, v = (torch.randn(shape, generator=generator).to(device, dtype).requires_grad_(True) for _ in range(3))
    if not masked:
        return q, k, v, None
    lengths = torch.tensor([tokens, tokens - tokens // 4], device=device)
    return q, k, v, (torch.arange(tokens, device=device)[None] < lengths[:, None])[:, None, None]


def main() -> None:
    device, dtype, heads, head_dim, tokens, masked, name = sys.argv[1:]
    given = tensors(
        torch.device(device), getattr(torch, dtype), int(heads), int(head_dim), int(tokens), masked=bool(int(masked))
    )
    print(json.dumps(asdict(try_kernel(name, *given))))


if __name__ == "__main__":
    main()
