"""Are attention's gradients right where blocks hand them on in two layouts, one after the other?

    python -m benchmarks.attention_gradients            on a GPU, some seconds; tiny shapes on a CPU

PyTorch keeps cuDNN's backward pass by the strides of q, k and v, and makes it for the gradient's as well (decision 14).
Each row is a process of its own, for a fault ends it: a kernel, the layouts of the gradients that come in, in their
order, and the relative errors, in the 2-norm, of what q, k and v get, against flash's of contiguous gradients (on a
CPU the plain kernel's of both). Launches are awaited and memory is not cached, so that reading beyond a tensor shows.
"""

import os
import subprocess
import sys
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from sartor.fibo.attention import kernel

KERNELS = ("cudnn", "flash", "efficient")
ORDERS = ["double double", "single single", "last", "single double", "double single"]
"""Of blocks: a double one's gradient is contiguous, a single one's a part of a tensor five times as wide, the last
one's so with fewer queries. Backward passes come from the last to the first double one."""
FILLING = 7.0
"""In the rest of the wide tensor, so that what is read from there shows."""
LIMIT = 120
"""Seconds of a row."""


class Probe:
    """q, k, v [1, S, heads, head_dim] and a gradient [1, S, D], random, in FIBO's shape where there is a GPU."""

    def __init__(self) -> None:
        self.gpu = torch.cuda.is_available()
        tokens, self.text, heads, head_dim = (5596, 1500, 24, 128) if self.gpu else (56, 15, 2, 16)
        generator = torch.Generator().manual_seed(0)

        def numbers(*shape: int) -> Tensor:
            drawn = torch.randn(1, tokens, *shape, generator=generator)
            return drawn.to("cuda" if self.gpu else "cpu", torch.bfloat16)

        self.asked = [numbers(heads, head_dim).requires_grad_() for _ in range(3)]
        self.gradient = numbers(heads * head_dim)

    def gradients(self, name: str, block: str, *, contiguous: bool) -> tuple[Tensor, ...]:
        """What q, k and v get, where the gradient comes as in this block, or made contiguous before."""
        silent = self.text if block == "last" else 0
        q, k, v = (each.transpose(1, 2) for each in self.asked)
        with kernel(name if self.gpu else "math"):
            out = F.scaled_dot_product_attention(q[:, :, silent:], k, v).transpose(1, 2).flatten(2)
        given = self.gradient[:, silent:]
        if block != "double":
            wide = given.new_full((*given.shape[:2], 5 * given.shape[2]), FILLING)
            given = wide[..., : given.shape[2]].copy_(given)
        return torch.autograd.grad(out, self.asked, given.contiguous() if contiguous else given)


def main() -> None:
    if len(sys.argv) > 1:
        _row(*sys.argv[1:])
        return
    print(f"torch {torch.__version__}, cuDNN {torch.backends.cudnn.version()}")
    wanted = [("cudnn", order, False) for order in ORDERS] + [(name, "last single double", True) for name in KERNELS]
    for name, order, contiguous in wanted:
        found, code = _apart(name, order, contiguous)
        title = f"{name}, {order}{', made contiguous' if contiguous else ''}"
        print(f"{title}: {'; '.join(found)}{f'; it ended with {code}' if code else ''}", flush=True)


def _apart(name: str, order: str, contiguous: bool) -> tuple[Sequence[str], int]:
    command = [sys.executable, "-m", "benchmarks.attention_gradients", name, str(int(contiguous)), *order.split()]
    environment = os.environ | {"PYTORCH_NO_CUDA_MEMORY_CACHING": "1", "CUDA_LAUNCH_BLOCKING": "1"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=LIMIT, check=False)
    return done.stdout.splitlines(), done.returncode


def _row(name: str, contiguous: str, *blocks: str) -> None:
    probe = Probe()
    # All of flash's before the first of cuDNN's.
    exact = {block: probe.gradients("flash", block, contiguous=True) for block in blocks}
    for block in blocks:
        found = probe.gradients(name, block, contiguous=bool(int(contiguous)))
        pairs = zip(found, exact[block], strict=True)
        errors = [float((one.float() - other.float()).norm() / other.float().norm()) for one, other in pairs]
        print(f"{block} {' '.join(f'{error:.3g}' for error in errors)}", flush=True)


if __name__ == "__main__":
    main()
