"""Which attention kernel a GPU trains with: as attention.py chooses one for drawing, with the backward pass besides.

    python -m sartor.fibo.training_attention DEVICE DTYPE HEADS HEAD_DIM TEXT IMAGE MASKED KERNEL

tries a kernel and prints a line of JSON. It is a program of its own, because a kernel that fails in its backward pass
takes the whole process's GPU with it: with a mask, PyTorch 2.11's own choice on an H200 did. What is tried is what the
blocks do, to the strides, for captions long and short and the empty one, which is a single token.
"""

from __future__ import annotations

import json
import logging
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
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
    compiled: bool,
    record: Path | None,
) -> str:
    """The fastest right kernel for training on this device, the plain one where none was; DEFAULT on a CPU.

    text, image: tokens of each. masked: whether captions of several lengths meet in a batch. compiled: whether blocks
    will be; then cuDNN's is no candidate, for a compiler may lay gradients out in memory as it likes. record: as
    `choose_attention` has it. Raises OSError, ValueError.
    """
    if device.type != "cuda":
        return DEFAULT
    shape = f"{dtype}, {heads} x {head_dim}{', masked' if masked else ''}{', compiled' if compiled else ''}"
    key = f"training as the blocks attend, {torch.cuda.get_device_name(device)}, {shape}, torch {torch.__version__}"
    arguments = [str(device), str(dtype).removeprefix("torch."), *map(str, (heads, head_dim, text, image, int(masked)))]
    kernels = [name for name in BACKENDS if not (compiled and name == "cudnn")]
    chosen = recorded(key, record, lambda: try_apart(arguments, kernels))
    return SAFE if chosen == DEFAULT else chosen


def try_apart(
    arguments: Sequence[str], kernels: Iterable[str] = tuple(BACKENDS), run: Run | None = None
) -> list[Trial]:
    """Tries each in a process apart."""
    trials = []
    for name in kernels:
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


def try_kernel(name: str, longest: Asked, repeats: int = 5) -> Trial:
    """One kernel, forward and backward: timed on the longest caption, and right for shorter ones too."""
    try:
        times = []
        errors = [error for asked in longest.forms() for error in asked.errors(asked.gradients(name))]
        for _ in range(repeats):
            wait(longest.q)
            start = time.perf_counter()
            longest.gradients(name)
            wait(longest.q)
            times.append(time.perf_counter() - start)
    except RuntimeError as error:
        return Trial(name, refused=first_line(error))
    limit = TOLERANCE[longest.q.dtype]
    good = all(error <= limit for error in errors)  # which no NaN is
    return Trial(
        name, statistics.median(times), max(errors) if good else None, None if good else f"its error is above {limit:g}"
    )


@dataclass(frozen=True)
class Asked:
    """What is attended over, as a block has it: q, k, v [B, S, heads, head_dim]; a mask where there are two captions.

    The first `text` tokens are the caption's. The first `silent` tokens ask for nothing, as in the last block.
    `joined`: the gradient comes in as part of a wider tensor's, as in all single blocks.
    """

    q: Tensor
    k: Tensor
    v: Tensor
    text: int
    mask: Tensor | None
    silent: int = 0
    joined: bool = False

    @classmethod
    def random(cls, like: Tensor, text: int, image: int, heads: int, head_dim: int, *, masked: bool) -> Asked:
        """Random numbers of the device and dtype of `like`."""
        generator = torch.Generator().manual_seed(0)
        shape = (2 if masked else 1, text + image, heads, head_dim)
        q, k, v = (torch.randn(shape, generator=generator).to(like).requires_grad_(True) for _ in range(3))
        seen = torch.ones(2, text + image, dtype=torch.bool, device=like.device)
        seen[1, text // 2 : text] = False
        return cls(q, k, v, text, seen[:, None, None] if masked and text > 1 else None)

    def forms(self) -> Iterator[Asked]:
        """As the last, the single and the double blocks ask, for three lengths of the caption.

        In the order of the backward pass: a kernel that kept what it made for one block's gradient, and took it for
        another's that lies otherwise in memory, would be wrong here as it would be there. `attend` sees to it that they
        lie alike.
        """
        heads, head_dim = self.q.shape[2:]
        for text in sorted({self.text, self.text // 2 + 1, 1}):
            shape = text, self.q.shape[1] - self.text, heads, head_dim
            given = Asked.random(self.q.detach(), *shape, masked=self.mask is not None)
            yield from (replace(given, joined=True, silent=text), replace(given, joined=True), given)

    def gradients(self, name: str) -> tuple[Tensor, ...]:
        """Of half the sum of the answer's squares, for q, k and v."""
        turning = torch.ones(self.q.shape[1], self.q.shape[-1] // 2, device=self.q.device)
        with kernel(name):
            out = attend(self.q[:, self.silent :], self.k, self.v, (turning, torch.zeros_like(turning)), self.mask)
            if self.joined:
                out = torch.cat([out, out.new_zeros(*out.shape[:2], 4 * out.shape[2])], dim=-1)
            return torch.autograd.grad(out, (self.q, self.k, self.v), out.detach())

    def errors(self, found: Sequence[Tensor]) -> list[float]:
        """How far the first head's are from the exact ones, relative, in the 2-norm."""
        pairs = zip(found, exact_gradients(self), strict=True)
        return [float((one[:, :, :1].float() - exact).norm() / exact.norm()) for one, exact in pairs]


def first_line(error: Exception) -> str:
    """What an error says, in short."""
    return (str(error).splitlines() or [type(error).__name__])[0]


def exact_gradients(asked: Asked) -> tuple[Tensor, ...]:
    """Those of the first head [B, S, 1, head_dim], in fp32, step by step."""
    first = [each[:, :, :1].detach().float().requires_grad_(True) for each in (asked.q, asked.k, asked.v)]
    q, k, v = (each.transpose(1, 2) for each in first)
    scores = q[:, :, asked.silent :] @ k.transpose(-2, -1) / q.shape[-1] ** 0.5
    if asked.mask is not None:
        scores = scores.masked_fill(~asked.mask, float("-inf"))
    out = torch.softmax(scores, dim=-1) @ v
    return torch.autograd.grad(out, first, out.detach())


def main() -> None:
    device, dtype, *sizes, masked, name = sys.argv[1:]
    heads, head_dim, text, image = map(int, sizes)
    like = torch.empty(0, device=device, dtype=getattr(torch, dtype))
    longest = Asked.random(like, text, image, heads, head_dim, masked=bool(int(masked)))
    print(json.dumps(asdict(try_kernel(name, longest))))


if __name__ == "__main__":
    main()
