"""How the transformer computes while it is trained: attention, compiled blocks, which activations are kept.

None of it is part of the result but for rounding. On a CPU blocks are not compiled and PyTorch chooses the kernel.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from sartor.fibo.activations import free_bytes, measure
from sartor.fibo.compute import compile_blocks
from sartor.fibo.training_attention import choose_training_attention
from sartor.fibo.training_config import TrainingConfig
from sartor.fibo.transformer import FiboTransformer

logger = logging.getLogger(__name__)

AGREEMENT = {torch.float32: 1e-3, torch.float16: 2e-2, torch.bfloat16: 5e-2}
"""Largest relative difference, in the 2-norm, of a compiled block's gradients from the plain block's."""

Autocast = Callable[[], AbstractContextManager[object]]


@dataclass(frozen=True)
class Shape:
    """Of the largest batch that is trained: B pictures of height * width tokens with up to `text` tokens."""

    batch: int
    text: int
    height: int
    width: int

    @property
    def tokens(self) -> int:
        return self.text + self.height * self.width


@contextmanager
def computing(
    transformer: FiboTransformer, config: TrainingConfig, shape: Shape, autocast: Autocast, *, record: Path | None
) -> Iterator[None]:
    """The transformer with its LoRA layers computes as the configuration asks and the memory allows, inside the block.

    record: where the choice of attention is kept (attention.py). Raises OSError, ValueError.
    """
    before = transformer.attention, transformer.checkpointed_blocks
    device, heads = transformer.device, transformer.config
    compiled: list[nn.Module] = []
    try:
        transformer.attention = choose_training_attention(
            device,
            _compute_dtype(transformer, autocast),
            heads.num_attention_heads,
            heads.attention_head_dim,
            shape.tokens,
            masked=shape.batch > 1,
            record=record,
        )
        if device.type == "cuda" if config.compiled is None else config.compiled:
            compiled += compile_agreeing(transformer, shape, autocast)
        transformer.checkpointed_blocks = _checkpointed(transformer, config, shape, autocast)
        yield
    finally:
        transformer.attention, transformer.checkpointed_blocks = before
        for block in compiled:
            plain(block)


def _checkpointed(transformer: FiboTransformer, config: TrainingConfig, shape: Shape, autocast: Autocast) -> int:
    """How many blocks keep no activations; says so."""
    if config.gradient_checkpointing != "auto":
        return transformer.depth if config.gradient_checkpointing else 0
    trained = sum(parameter.nbytes for parameter in transformer.parameters() if parameter.requires_grad)
    activations = measure(transformer, *_streams(transformer, shape), autocast)
    count = activations.checkpointed(free_bytes(transformer.device) - trained)  # their gradients are still to come
    total = sum(activations.blocks) / 2**30
    logger.info(
        "activations of %d of %d blocks are kept (all: %.1f GiB)", transformer.depth - count, transformer.depth, total
    )
    return count


def compile_agreeing(
    transformer: FiboTransformer, shape: Shape, autocast: Autocast, *, backend: str = "inductor"
) -> list[nn.Module]:
    """Compiles the blocks of each kind whose compiled gradients are those of the plain block, and returns them.

    Lengths are open, since every caption has its own. The last block, which drops the text, stays as it is: PyTorch
    2.11 made wrong code for its backward pass. What a compiler cannot do is a warning, not an error.
    """
    done: list[nn.Module] = []
    doubles = list(transformer.transformer_blocks)
    singles = list(transformer.single_transformer_blocks)[:-1]
    for kind, blocks in (("double", doubles), ("single", singles)):
        if not blocks:
            continue
        try:
            worst = 0.0
            for part in (shape, Shape(shape.batch, shape.text // 2 + 1, shape.height, shape.width)):
                image, text, joined, time, rotary = _streams(transformer, part)
                given = (image, text) if kind == "double" else (joined,)
                call = _Gradients(transformer, blocks[0], given, time, rotary, autocast)
                plain(blocks[0])
                wanted = call()
                compile_blocks(blocks[:1], backend=backend)
                worst = max(worst, *(_distance(one, other) for one, other in zip(call(), wanted, strict=True)))
        except (RuntimeError, OSError) as error:  # no compiler, no memory, or what it cannot express
            logger.warning("%s blocks are not compiled: %s", kind, str(error).splitlines()[0])
            plain(blocks[0])
            continue
        if worst > AGREEMENT[_compute_dtype(transformer, autocast)]:
            logger.warning("%s blocks are not compiled: their gradients would differ by %.2g", kind, worst)
            plain(blocks[0])
            continue
        compile_blocks(blocks[1:], backend=backend)
        done += blocks
    return done


def plain(block: nn.Module) -> None:
    """Takes a block's compiled code away."""
    block._compiled_call_impl = None


@dataclass(frozen=True)
class _Gradients:
    """A block's gradients for the streams that it reads and for what is trained in it."""

    transformer: FiboTransformer
    block: nn.Module
    streams: tuple[Tensor, ...]
    time: Tensor
    rotary: tuple[Tensor, Tensor]
    autocast: Autocast

    def __call__(self) -> list[Tensor]:
        wanted = [*self.streams, *(p for p in self.block.parameters() if p.requires_grad)]
        with torch.enable_grad():
            with self.autocast():
                out = self.transformer.attending(self.block, *self.streams, self.time, self.rotary, None)
            outs = out if isinstance(out, tuple) else (out,)
            found = torch.autograd.grad(outs, wanted, [each.detach() for each in outs], allow_unused=True)
        return [gradient.detach() for gradient in found if gradient is not None]


def _distance(one: Tensor, other: Tensor) -> float:
    size = float(other.float().norm())
    return float((one.float() - other.float()).norm()) / size if size else float(one.float().norm())


def _streams(
    transformer: FiboTransformer, shape: Shape
) -> tuple[Tensor, Tensor, Tensor, Tensor, tuple[Tensor, Tensor]]:
    """Random image [B, N, D], text [B, T, D], joined [B, T + N, D] and time [B, D], and their rotary table."""
    generator = torch.Generator().manual_seed(0)

    def stream(tokens: int) -> Tensor:
        drawn = torch.randn(shape.batch, tokens, transformer.config.width, generator=generator)
        return drawn.to(transformer.device, transformer.dtype).requires_grad_(True)

    table = transformer.rotary(shape.text, shape.height, shape.width)
    time = stream(1)[:, 0].detach()
    return stream(shape.height * shape.width), stream(shape.text), stream(shape.tokens), time, table


def _compute_dtype(transformer: FiboTransformer, autocast: Autocast) -> torch.dtype:
    device = transformer.device.type
    with autocast():
        enabled = torch.is_autocast_enabled(device)
        return torch.get_autocast_dtype(device) if enabled else transformer.dtype
