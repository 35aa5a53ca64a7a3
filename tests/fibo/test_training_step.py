"""Noise levels and the choice of precision."""

import math

import pytest
import torch

from sartor.fibo.sampler import shift_exponent
from sartor.fibo.training_step import choose_precision, draw_sigmas

DYNAMIC = {"use_dynamic_shifting": True}
COUNT = 20000


def levels(tokens: int, config: dict[str, object], share: float = 0.0) -> torch.Tensor:
    return draw_sigmas(COUNT, tokens, config, share, torch.Generator().manual_seed(0))


@pytest.mark.parametrize("tokens", [64, 256, 4096])
def test_noise_levels_are_logit_normal_around_the_shift(tokens: int) -> None:
    logits = torch.logit(levels(tokens, DYNAMIC).double())
    assert logits.mean() == pytest.approx(shift_exponent(tokens, DYNAMIC), abs=0.02)
    assert logits.std() == pytest.approx(1.0, abs=0.02)


def test_the_shift_is_the_schedules_own() -> None:
    assert torch.logit(levels(64, {"shift": 3.0})).mean() == pytest.approx(math.log(3.0), abs=0.02)
    linear = {**DYNAMIC, "time_shift_type": "linear"}
    assert torch.logit(levels(4096, linear)).mean() == pytest.approx(math.log(1.15), abs=0.02)


def test_a_share_of_the_noise_levels_is_uniform() -> None:
    low = [float((levels(4096, DYNAMIC, share) < 0.02).float().mean()) for share in (0.0, 0.5)]
    assert low[0] < 0.001
    assert low[1] == pytest.approx(0.01, abs=0.003)
    assert (levels(4096, DYNAMIC, 0.5) <= 1).all()


def test_precision_is_chosen_with_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    assert choose_precision(torch.device("cpu"), "float32")[0] is None
    assert choose_precision(torch.device("cpu"), "bfloat16")[0] is torch.bfloat16
    assert choose_precision(torch.device("cuda"), "auto")[0] is torch.bfloat16
    for amx, avx, dtype in ((True, False, torch.bfloat16), (False, True, torch.bfloat16), (False, False, None)):
        monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda amx=amx: amx)
        monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda avx=avx: avx)
        chosen, reason = choose_precision(torch.device("cpu"), "auto")
        assert chosen is dtype
        assert "AMX" in reason
