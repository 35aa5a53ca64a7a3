"""How a training computes: compiled where right, activations kept where there is room, and all undone afterwards."""

import logging
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import replace
from typing import Any

import pytest
import torch

from sartor.fibo import training_compute
from sartor.fibo.blocks import SingleBlock
from sartor.fibo.lora import injected
from sartor.fibo.training_compute import Shape, compile_agreeing, computing
from sartor.fibo.training_config import BaseWeights, TrainingConfig
from sartor.fibo.transformer import FiboTransformer
from tests.fibo.conftest import SHAPES, tiny_transformer

SHAPE = Shape(batch=1, text=9, height=4, width=4)


@pytest.fixture
def transformer() -> Iterator[FiboTransformer]:
    """With LoRA layers in it that change what it says."""
    model = tiny_transformer(SHAPES["shallow text"])
    generator = torch.Generator().manual_seed(0)
    with injected(model, 2, generator=generator) as layers:
        for parameter in layers.parameters().values():
            parameter.data.normal_(std=0.1, generator=generator)
        yield model


def answer_and_gradients(model: FiboTransformer) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    given = [
        torch.randn(1, 16, model.config.in_channels, generator=generator),
        torch.tensor([500.0]),
        torch.randn(1, 9, model.config.joint_attention_dim, generator=generator),
        [torch.randn(1, 9, model.config.width // 2, generator=generator) for _ in range(model.depth)],
        model.rotary(9, 4, 4),
    ]
    out = model(*given)
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    return [out.detach(), *torch.autograd.grad(out.square().mean(), trained)]


def compiled(model: FiboTransformer) -> list[bool]:
    return [model.block(number)._compiled_call_impl is not None for number in range(model.depth)]


@pytest.mark.parametrize("batch", [1, 2])
def test_blocks_are_compiled_and_say_the_same(transformer: FiboTransformer, batch: int) -> None:
    wanted = answer_and_gradients(transformer)
    compile_agreeing(transformer, replace(SHAPE, batch=batch), nullcontext, backend="aot_eager")
    assert compiled(transformer) == [True, True, True, True, False]  # all but the last, which drops the text
    for one, other in zip(answer_and_gradients(transformer), wanted, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("wrong", [1.01, float("nan")])
def test_a_kind_whose_gradients_are_wrong_is_left_plain(
    transformer: FiboTransformer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, wrong: float
) -> None:
    """Also in a new adapter, whose B is zero: there every gradient of A is, too."""
    trained = {name: p for name, p in transformer.named_parameters() if p.requires_grad}
    for name, parameter in trained.items():
        if name.endswith("up"):
            parameter.data.zero_()
    before = {name: parameter.detach().clone() for name, parameter in trained.items()}
    measured = training_compute._gradients

    def gradients(model: FiboTransformer, block: torch.nn.Module, *given: Any) -> list[torch.Tensor]:
        found = measured(model, block, *given)
        if isinstance(block, SingleBlock) and block._compiled_call_impl is not None:
            ranks = {id(p): p for p in block.parameters() if p.requires_grad}
            downs = [len(found) - len(ranks) + index for index, p in enumerate(ranks.values()) if p.shape[0] == 2]
            return [wrong * gradient if index in downs else gradient for index, gradient in enumerate(found)]
        return found

    monkeypatch.setattr(training_compute, "_gradients", gradients)
    compile_agreeing(transformer, SHAPE, nullcontext, backend="aot_eager")
    assert compiled(transformer) == [True, True, False, False, False]
    assert "single blocks are not compiled: their gradients differ" in caplog.text
    assert all(torch.equal(before[name], parameter) for name, parameter in trained.items()), "noise was for the trial"


def test_what_no_compiler_takes_is_left_plain(transformer: FiboTransformer, caplog: pytest.LogCaptureFixture) -> None:
    compile_agreeing(transformer, SHAPE, nullcontext, backend="no such backend")
    assert not any(compiled(transformer))
    assert caplog.text.count("blocks are not compiled") == 2


def test_a_device_that_a_compilers_code_broke_ends_the_training(
    transformer: FiboTransformer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> list[float]:
        raise torch.AcceleratorError("CUDA error: an illegal memory access was encountered")

    monkeypatch.setattr(training_compute, "_distances", broken)
    with pytest.raises(torch.AcceleratorError):
        compile_agreeing(transformer, SHAPE, nullcontext, backend="aot_eager")


@pytest.mark.parametrize("base", ["fp8", "nf4"])
def test_a_rounded_base_is_never_compiled(transformer: FiboTransformer, base: BaseWeights) -> None:
    config = TrainingConfig(compiled=True, base_weights=base, gradient_checkpointing=False)
    with computing(transformer, config, SHAPE, nullcontext, record=None):
        assert not any(compiled(transformer))


def test_activations_are_kept_where_there_is_room(
    transformer: FiboTransformer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, training_compute.logger.name)
    config = TrainingConfig()
    for free, kept in ((0, 0), (1 << 40, 5)):
        monkeypatch.setattr(training_compute, "free_bytes", lambda device, free=free: free)
        with computing(transformer, config, SHAPE, nullcontext, record=None):
            assert transformer.checkpointed_blocks == 5 - kept
        assert transformer.checkpointed_blocks == 0
        assert f"activations of {kept} of 5 blocks are kept" in caplog.text


@pytest.mark.parametrize(("wanted", "blocks"), [(True, 5), (False, 0)])
def test_the_configuration_may_decide(transformer: FiboTransformer, wanted: bool, blocks: int) -> None:
    config = TrainingConfig(gradient_checkpointing=wanted)
    with computing(transformer, config, SHAPE, nullcontext, record=None):
        assert transformer.checkpointed_blocks == blocks
