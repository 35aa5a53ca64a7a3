"""Which attention kernel a GPU can train with where captions of one batch have several lengths.

    python -m sartor.nano.masked_attention          prints its name

Forward and backward through a mask are seen to agree with the plain kernel. It is a program of its own, because a
kernel that fails in the backward pass takes the whole process with it: on an H200, PyTorch 2.11's own choice did.
"""

import subprocess
import sys

import torch
import torch.nn.functional as F

from sartor.fibo.attention import DEFAULT, kernel

CANDIDATES, SAFE = ("efficient",), "math"
SHAPES = ((256, 320, 320), (256, 256, 320), (64, 1152, 1152), (64, 256, 1152))  # batch, queries, keys
TOLERANCE = 3e-2  # of bf16 gradients, relative, in the 2-norm


def gradients(name: str, batch: int, asking: int, tokens: int) -> list[torch.Tensor]:
    """Of queries, keys and values of random numbers, four heads of 64."""
    generator = torch.Generator("cuda").manual_seed(0)

    def numbers(length: int) -> torch.Tensor:
        shape = (batch, 4, length, 64)
        drawn = torch.randn(shape, generator=generator, device="cuda", dtype=torch.bfloat16)
        return drawn.requires_grad_(True)

    q, k, v = numbers(asking), numbers(tokens), numbers(tokens)
    lengths = torch.randint(tokens // 2, tokens, (batch, 1), generator=generator, device="cuda")
    mask = (torch.arange(tokens, device="cuda")[None] < lengths)[:, None, None]
    with kernel(name):
        F.scaled_dot_product_attention(q, k, v, attn_mask=mask).float().square().sum().backward()  # type: ignore[no-untyped-call]
    return [x.grad.float() for x in (q, k, v) if x.grad is not None]


def agrees(name: str) -> bool:
    for shape in SHAPES:
        pairs = zip(gradients(name, *shape), gradients(SAFE, *shape), strict=True)
        if not all(float((a - b).norm() / b.norm()) <= TOLERANCE for a, b in pairs):
            return False
    return True


def start() -> subprocess.Popen[str] | None:
    """The trial in a process of its own; None where there is no GPU to try."""
    if not torch.cuda.is_available():
        return None
    return subprocess.Popen([sys.executable, "-m", "sartor.nano.masked_attention"], stdout=subprocess.PIPE, text=True)


def chosen(trial: subprocess.Popen[str] | None) -> str:
    """What the trial found; the plain kernel where it failed."""
    if trial is None:
        return DEFAULT
    found = trial.communicate()[0].strip()
    return found if trial.returncode == 0 and found in CANDIDATES else SAFE


if __name__ == "__main__":
    print(next((name for name in CANDIDATES if agrees(name)), SAFE))
