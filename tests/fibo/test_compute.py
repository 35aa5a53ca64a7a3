"""How the transformer computes: options are named and checked, and blocks compiled once for all lengths."""

from pathlib import Path

import pytest
import torch

from sartor.fibo import Engine, UnsupportedDevice
from sartor.fibo.compute import Compute, compile_blocks, prepare
from sartor.fibo.fp8 import Fp8Linear
from sartor.fibo.memory import MODES, mode_named
from tests.fibo.conftest import SHAPES, tiny_transformer

CPU = torch.device("cpu")


def test_a_cpu_computes_plainly_by_default() -> None:
    transformer = tiny_transformer(SHAPES["deep text"])
    prepare(transformer, CPU, Compute(), MODES[0], tokens=16, record=None)
    assert transformer.attention == "torch"
    assert not any(isinstance(module, Fp8Linear) for module in transformer.modules())
    assert not Compute().compiles(CPU)
    assert Compute().compiles(torch.device("cuda"))
    assert not Compute(compiled=False).compiles(torch.device("cuda"))


@pytest.mark.parametrize(("field", "value"), [("attention", "triton"), ("linears", "int4")])
def test_unknown_options_are_named(field: str, value: str) -> None:
    with pytest.raises(ValueError, match=value):
        Compute(**{field: value})


@pytest.mark.parametrize("memory", ["resident", "lean"])
def test_fp8_linears_stand_in_the_transformer(memory: str) -> None:
    transformer = tiny_transformer(SHAPES["deep text"])
    prepare(transformer, CPU, Compute(linears="fp8"), mode_named(memory), tokens=16, record=None)
    assert isinstance(transformer.single_transformer_blocks[0].proj_mlp, Fp8Linear)


def inputs(transformer, text_length: int, height: int, width: int) -> tuple:
    generator = torch.Generator().manual_seed(text_length)
    config = transformer.config
    layers = [torch.randn(1, text_length, config.text_encoder_dim, generator=generator)] * transformer.depth
    return (
        torch.randn(1, height * width, config.in_channels, generator=generator),
        torch.tensor([500.0]),
        torch.randn(1, text_length, config.joint_attention_dim, generator=generator),
        transformer.project_captions(layers),
        transformer.rotary(text_length, height, width),
    )


def test_compiled_blocks_serve_every_length_without_compiling_again() -> None:
    plain, compiled = (tiny_transformer(SHAPES["deep text"]) for _ in range(2))
    compile_blocks([*compiled.transformer_blocks, *compiled.single_transformer_blocks], backend="eager")
    with torch.no_grad():
        for length in (9, 1):  # a single token is a case of its own to the compiler
            compiled(*inputs(compiled, length, 4, 4))
        with torch._dynamo.config.patch(error_on_recompile=True):
            for length, height, width in ((9, 4, 4), (13, 4, 4), (30, 4, 6), (1, 6, 4), (2, 3, 5)):
                arguments = inputs(plain, length, height, width)
                torch.testing.assert_close(compiled(*arguments), plain(*arguments), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(("name", "said"), [("cuda:99", "no cuda:99 here"), ("gpu", "'gpu' is no device")])
@pytest.mark.parametrize("role", ["device", "second_device"])
def test_a_device_that_is_not_there_is_said_so_first(tmp_path: Path, role: str, name: str, said: str) -> None:
    with pytest.raises(UnsupportedDevice, match=said):
        Engine.load(tmp_path, **{role: name})
