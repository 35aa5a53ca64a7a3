"""The arithmetic of a step, against the figures that the decision to leave padding out rests on."""

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.work import branch_flops, roofline, step_flops
from sartor.fibo.full_size import FIBO_TRANSFORMER
from tests.fibo.conftest import SHAPES, tiny_transformer


def test_fibo_at_1500_tokens() -> None:
    padded = step_flops(FIBO_TRANSFORMER, (1500, 1500), 4096, captions=True)
    unpadded = step_flops(FIBO_TRANSFORMER, (1500, 1), 4096, captions=True)
    assert padded / 1e12 == pytest.approx(153.0, abs=0.1)
    assert unpadded / 1e12 == pytest.approx(128.6, abs=0.1)
    assert roofline(50 * padded) == pytest.approx(9.68, abs=0.01)
    assert roofline(50 * unpadded) == pytest.approx(8.14, abs=0.01)


@pytest.mark.parametrize("name", SHAPES)
def test_the_count_is_what_runs(name: str) -> None:
    model = tiny_transformer(SHAPES[name])
    config, text, image = model.config, 50, 24
    layers = [torch.randn(1, text, config.text_encoder_dim)] * model.depth
    model.attention = "math"  # which the counter sees into, as it does into a gelu where gradients flow
    counter = FlopCounterMode(display=False)
    with counter:
        captions = model.project_captions(layers)
        model(
            torch.randn(1, image, config.in_channels),
            torch.tensor([1.0]),
            torch.randn(1, text, config.joint_attention_dim),
            captions,
            model.rotary(text, 4, 6),
        )
    width = config.width
    modulations = 2 * width**2 * (12 * config.num_layers + 3 * config.num_single_layers + 2) + 2 * width * (256 + width)
    silent = text * (2 * 10 * width**2 + 4 * (text + image) * width)  # the last block's answers for the text
    expected = branch_flops(config, text, image, captions=True) + modulations - silent
    assert counter.get_total_flops() == expected
