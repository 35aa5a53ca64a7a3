"""Which attention kernel a GPU trains with: as attention.py chooses one for drawing, with the backward pass besides.

    python -m sartor.fibo.training_attention DEVICE DTYPE HEADS HEAD_DIM TEXT IMAGE MASKED KERNEL

tries a kernel and prints a line of JSON. It is a program of its own, because a kernel that fails in its backward pass
takes the whole process's GPU with it: with a mask, PyTorch 2.11's own choice on an H200 did. What is tried is what the
blocks do, to the strides: all tokens ask, and, as in the last block, those of the image alone.
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
from torch import Tensor

from sartor.fibo.attention import BACKENDS, DEFAULT, Trial, kernel, recorded, wait
from sartor.fibo.blocks import attend

TOLERANCE = {torch.float32: 1e-4, torch.float16: 1e-2, torch.bfloat16: 3e-2}
"""Largest relative error of the gradients, in the 2-norm, against float32 computed step by step."""
LIMIT = 120
"""Seconds that a trial may take."""
SAFE = "math"
"""What no trial is needed for."""
KERNELS = tuple(name for name in BACKENDS if name != "cudnn")
"""Without cuDNN's: on an H100 the first training with kernels chosen by trial ended in an illegal memory access, and
cuDNN's, the fastest in drawing, is what flash had trained without before. Which of them it was has not been seen."""

logger = logging.getLogger(__name__)

Run = Callable[[Sequence[str]], str]


def choose_training_attention(
    device: torch.device,
    dtype: torch.dtype,
    heads: int,
    head_dim: int,
    text: int,
    image: int,
    *,
    masked: bool,
    record: Path | None,
) -> str:
    """The fastest right kernel for training on this device, the plain one where none was; DEFAULT on a CPU.

    text, image: tokens of each. masked: whether captions of several lengths meet in a batch. record: as
    `choose_attention` has it. Raises OSError, ValueError.
    """
    if device.type != "cuda":
        return DEFAULT
    shape = f"{dtype}, {heads} x {head_dim}{', masked' if masked else ''}"
    key = f"training as the blocks attend, {torch.cuda.get_device_name(device)}, {shape}, torch {torch.__version__}"
    arguments = [str(device), str(dtype).removeprefix("torch."), *map(str, (heads, head_dim, text, image, int(masked)))]
    chosen = recorded(key, record, lambda: try_apart(arguments))
    return SAFE if chosen == DEFAULT else chosen


def try_apart(arguments: Sequence[str], run: Run | None = None) -> list[Trial]:
    """Tries each of KERNELS in a process apart."""
    trials = []
    for name in KERNELS:
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


def try_kernel(name: str, packed: Tensor, text: int, mask: Tensor | None, repeats: int = 5) -> Trial:
    """One kernel, forward and backward, on queries, keys and values, packed [B, tokens, 3, heads, head_dim] with
    gradients asked for; the second time the first `text` tokens ask for nothing."""

    def gradient(silent: int) -> Tensor:
        with kernel(name):
            q, k, v = packed.unbind(2)
            out = attend(q[:, silent:], k, v, unturned(packed), mask)
            return torch.autograd.grad(out, packed, out.detach())[0]

    try:
        found = [gradient(silent) for silent in (0, text)]
        times = []
        for _ in range(repeats):
            wait(packed)
            start = time.perf_counter()
            gradient(0)
            wait(packed)
            times.append(time.perf_counter() - start)
    except RuntimeError as error:
        return Trial(name, refused=first_line(error))
    errors = []
    for one, silent in zip(found, (0, text), strict=True):
        exact = exact_gradient(packed, silent, mask)
        errors += [float((one[:, :, i, :1].float() - exact[:, :, i]).norm() / exact[:, :, i].norm()) for i in range(3)]
    good = all(error <= TOLERANCE[packed.dtype] for error in errors)  # which no NaN is
    worst = max(errors) if good else None
    refused = None if good else f"its error is above {TOLERANCE[packed.dtype]:g}"
    return Trial(name, statistics.median(times), worst, refused)


def unturned(packed: Tensor) -> tuple[Tensor, Tensor]:
    """Rotary tables that turn nothing."""
    shape = packed.shape[1], packed.shape[-1] // 2
    return torch.ones(shape, device=packed.device), torch.zeros(shape, device=packed.device)


def first_line(error: Exception) -> str:
    """What an error says, in short."""
    return (str(error).splitlines() or [type(error).__name__])[0]


def exact_gradient(packed: Tensor, silent: int, mask: Tensor | None) -> Tensor:
    """That of the first head [B, tokens, 3, 1, head_dim], in fp32, of half the sum of the answer's squares."""
    first = packed[:, :, :, :1].detach().float().requires_grad_(True)
    q, k, v = (each.transpose(1, 2) for each in first.unbind(2))
    scores = q[:, :, silent:] @ k.transpose(-2, -1) / packed.shape[-1] ** 0.5
    if mask is not None:
        scores = scores.masked_fill(~mask, float("-inf"))
    out = torch.softmax(scores, dim=-1) @ v
    return torch.autograd.grad(out, first, out.detach())[0]


def tensors(
    device: torch.device, dtype: torch.dtype, heads: int, head_dim: int, text: int, image: int, *, masked: bool
) -> tuple[Tensor, int, Tensor | None]:
    """What `try_kernel` takes: random queries, keys and values, the text's tokens, and a mask of two captions' lengths
    where one is wanted."""
    generator = torch.Generator().manual_seed(0)
    shape = (2 if masked else 1, text + image, 3, heads, head_dim)
    packed = torch.randn(shape, generator=generator).to(device, dtype).requires_grad_(True)
    if not masked:
        return packed, text, None
    seen = torch.ones(2, text + image, dtype=torch.bool, device=device)
    seen[1, text // 2 : text] = False
    return packed, text, seen[:, None, None]


def main() -> None:
    device, dtype, *sizes, masked, name = sys.argv[1:]
    heads, head_dim, text, image = map(int, sizes)
    where, kind = torch.device(device), getattr(torch, dtype)
    given = tensors(where, kind, heads, head_dim, text, image, masked=bool(int(masked)))
    print(json.dumps(asdict(try_kernel(name, *given))))


if __name__ == "__main__":
    main()
