"""How the transformer computes while it is trained: attention, compiled blocks, which activations are kept.

None of it is part of the result but for rounding. On a CPU PyTorch chooses the kernel.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor, nn

from sartor.fibo.activations import Streams, free_bytes, measure
from sartor.fibo.compute import compile_blocks
from sartor.fibo.training_attention import choose_training_attention, first_line
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
    parts = transformer.config
    compiled = config.compiled and config.base_weights == "full"  # compiled, a rounded base keeps its weights in full
    try:
        transformer.attention = choose_training_attention(
            transformer.device,
            _compute_dtype(transformer, autocast),
            parts.num_attention_heads,
            parts.attention_head_dim,
            shape.text,
            shape.height * shape.width,
            masked=shape.batch > 1,
            compiled=compiled,
            record=record,
        )
        if compiled:
            compile_agreeing(transformer, shape, autocast)
        transformer.checkpointed_blocks = _checkpointed(transformer, config, shape, autocast)
        yield
    finally:
        transformer.attention, transformer.checkpointed_blocks = before
        if config.compiled:
            plain([transformer.block(number) for number in range(transformer.depth)])


def _checkpointed(transformer: FiboTransformer, config: TrainingConfig, shape: Shape, autocast: Autocast) -> int:
    """How many blocks keep no activations; says so."""
    if config.gradient_checkpointing != "auto":
        return transformer.depth if config.gradient_checkpointing else 0
    trained = sum(parameter.nbytes for parameter in transformer.parameters() if parameter.requires_grad)
    activations = measure(transformer, _streams(transformer, shape), autocast)
    count = activations.checkpointed(free_bytes(transformer.device) - trained)  # their gradients are still to come
    kept, total = transformer.depth - count, sum(activations.blocks) / 2**30
    logger.info("activations of %d of %d blocks are kept (all: %.1f GiB)", kept, transformer.depth, total)
    return count


def compile_agreeing(
    transformer: FiboTransformer, shape: Shape, autocast: Autocast, *, backend: str = "inductor"
) -> None:
    """Compiles the blocks of each kind whose compiled gradients are those of the plain block.

    Lengths are open, since every caption has its own. The last block, which drops the text, stays as it is. What a
    compiler cannot do is a warning, not an error. Raises torch.AcceleratorError where what it made broke the device.
    """
    doubles = list(transformer.transformer_blocks)
    singles = list(transformer.single_transformer_blocks)[:-1]
    limit = AGREEMENT[_compute_dtype(transformer, autocast)]
    for kind, blocks in (("double", doubles), ("single", singles)):
        if not blocks:
            continue
        try:
            distances = _distances(transformer, blocks[0], shape, autocast, backend)
        except torch.AcceleratorError:  # the device is lost, and with it the training
            raise
        except Exception as error:  # compilers raise many kinds, and a training goes on without one
            plain(blocks)
            logger.warning("%s blocks are not compiled: %s", kind, first_line(error))
            continue
        if all(distance <= limit for distance in distances):  # which no NaN is
            compile_blocks(blocks[1:], backend=backend)
        else:
            plain(blocks)
            logger.warning("%s blocks are not compiled: their gradients differ by up to %.2g", kind, max(distances))


def plain(blocks: Sequence[nn.Module]) -> None:
    """Takes the blocks' compiled code away."""
    for block in blocks:
        block._compiled_call_impl = None


def _distances(
    transformer: FiboTransformer, block: nn.Module, shape: Shape, autocast: Autocast, backend: str
) -> list[float]:
    """How far each gradient of the compiled block is from the plain one's; leaves the block compiled.

    In all the forms that training runs it in: captions long and short and the empty one, which is a single token;
    streams that ask for a gradient and, before the first block, do not. B is zero in a new adapter, and would hide
    what becomes of A: here it is noise.
    """
    found = []
    with _noisy(block):
        for text in (shape.text, shape.text // 2 + 1, 1):
            for asks in (True, False):
                streams = _streams(transformer, replace(shape, text=text), asks=asks)
                plain([block])
                wanted = _gradients(transformer, block, streams, autocast)
                compile_blocks([block], backend=backend)
                compiled = _gradients(transformer, block, streams, autocast)
                found += [_distance(one, other) for one, other in zip(compiled, wanted, strict=True)]
    return found


@contextmanager
def _noisy(block: nn.Module) -> Iterator[None]:
    """What is trained in the block is small noise for a while."""
    trained = {parameter: parameter.detach().clone() for parameter in block.parameters() if parameter.requires_grad}
    generator = torch.Generator().manual_seed(0)
    try:
        for parameter in trained:
            noise = torch.randn(parameter.shape, generator=generator) / parameter.shape[-1]
            parameter.data.copy_(noise)
        yield
    finally:
        for parameter, value in trained.items():
            parameter.data.copy_(value)


def _streams(transformer: FiboTransformer, shape: Shape, *, asks: bool = True) -> Streams:
    """Random ones, which ask for gradients or not; of several pictures the first has one token less of text."""
    generator = torch.Generator().manual_seed(0)

    def stream(tokens: int) -> Tensor:
        drawn = torch.randn(shape.batch, tokens, transformer.config.width, generator=generator)
        return drawn.to(transformer.device, transformer.dtype).requires_grad_(asks)

    cos, sin = transformer.rotary(shape.text, shape.height, shape.width)
    mask = None
    if shape.batch > 1 and shape.text > 1:
        mask = torch.ones(shape.batch, 1, 1, shape.tokens, dtype=torch.bool, device=transformer.device)
        mask[0, ..., shape.text - 1] = False
    image, text = stream(shape.height * shape.width), stream(shape.text)
    return Streams(image, text, stream(shape.tokens), stream(1)[:, 0].detach(), (cos.clone(), sin.clone()), mask)


def _gradients(transformer: FiboTransformer, block: nn.Module, given: Streams, autocast: Autocast) -> list[Tensor]:
    """A block's, for the streams that it reads and for what is trained in it."""
    streams = given.read_by(block)
    wanted = [x for x in (*streams, *block.parameters()) if x.requires_grad]
    with torch.enable_grad():
        with autocast():
            out = transformer.attending(block, *streams, given.time, given.rotary, given.mask)
        outs = out if isinstance(out, tuple) else (out,)
        found = torch.autograd.grad(outs, wanted, [each.detach() for each in outs], allow_unused=True)
    return [gradient.detach() for gradient in found if gradient is not None]


def _distance(one: Tensor, other: Tensor) -> float:
    size = float(other.float().norm())
    return float((one.float() - other.float()).norm()) / size if size else float(one.float().norm())


def _compute_dtype(transformer: FiboTransformer, autocast: Autocast) -> torch.dtype:
    device = transformer.device.type
    with autocast():
        enabled = torch.is_autocast_enabled(device)
        return torch.get_autocast_dtype(device) if enabled else transformer.dtype
