"""Frozen weights in 8 and 4 bits: against the levels written out, gradients, and full weights that come back."""

import pytest
import torch
from torch import nn

from sartor.fibo import rounded_base
from sartor.fibo.fp8 import rounded_linears
from sartor.fibo.rounded_base import GROUP, RoundedLinear, from_nf4, normal_levels, rounded, to_nf4
from sartor.fibo.training_config import BaseWeights
from tests.fibo.conftest import SHAPES, tiny_transformer

# NormalFloat as its paper's appendix E prints it (arXiv:2305.14314), to four places.
PUBLISHED = [-1.0, -0.6962, -0.5251, -0.3949, -0.2844, -0.1848, -0.0911, 0.0]
PUBLISHED += [0.0796, 0.1609, 0.2461, 0.3379, 0.4407, 0.5626, 0.7230, 1.0]


def test_the_levels_are_the_published_ones() -> None:
    torch.testing.assert_close(normal_levels(), torch.tensor(PUBLISHED), atol=6e-5, rtol=0)


def test_each_weight_becomes_the_nearest_level_of_its_group() -> None:
    torch.manual_seed(0)
    weight = torch.randn(6, 2 * GROUP) * torch.tensor([1e-3, 1.0, 40.0, 0.2, 5.0, 0.0])[:, None]
    packed, scale = to_nf4(weight)
    assert (packed.numel(), packed.dtype, scale.numel()) == (weight.numel() // 2, torch.uint8, weight.numel() // GROUP)
    found = from_nf4(packed, scale, weight.shape, torch.float32).view(-1, GROUP)
    groups = weight.view(-1, GROUP)
    candidates = normal_levels()[None, None] * scale.float()[:, :, None]
    nearest = (groups[..., None] - candidates).abs().argmin(-1)
    torch.testing.assert_close(found, candidates.expand(*groups.shape, 16).gather(-1, nearest[..., None])[..., 0])
    assert not found[-2:].any()


@pytest.mark.parametrize(("rounding", "error"), [("fp8", 0.04), ("nf4", 0.12)])
def test_products_and_gradients_are_those_of_the_rounded_weight(rounding: str, error: float) -> None:
    torch.manual_seed(0)
    linear = nn.Linear(2 * GROUP, 48)
    kept = RoundedLinear(linear, rounding)  # type: ignore[arg-type]
    weight = kept(torch.eye(2 * GROUP)).detach().t() - linear.bias.detach()[:, None]
    assert 1e-4 < float((weight - linear.weight.detach()).norm() / linear.weight.norm()) < error
    x = torch.randn(3, 5, 2 * GROUP, requires_grad=True)
    out = kept(x)
    torch.testing.assert_close(out, nn.functional.linear(x, weight, linear.bias), rtol=1e-4, atol=1e-5)
    gradient = torch.randn_like(out)
    (found,) = torch.autograd.grad(out, x, gradient)
    torch.testing.assert_close(found, gradient @ weight, rtol=1e-4, atol=1e-5)
    assert not any(parameter.requires_grad for parameter in kept.parameters())


@pytest.mark.parametrize(("rounding", "share"), [("fp8", 0.3), ("nf4", 0.2)])
def test_the_full_weights_come_back(rounding: str, share: float) -> None:
    transformer = tiny_transformer(SHAPES["deep text"])
    before = {name: value.clone() for name, value in transformer.state_dict().items()}
    linears = rounded_linears(transformer)
    full = sum(linear.weight.nbytes for linear in linears.values())
    with rounded(transformer, rounding):  # type: ignore[arg-type]
        replaced = [transformer.get_submodule(name) for name in linears]
        assert all(isinstance(module, RoundedLinear) for module in replaced)
        assert sum(m.weight.nbytes + m.get_buffer("scale").nbytes for m in replaced) < share * full  # type: ignore[operator, union-attr]
        assert not any(linear.weight.numel() for linear in linears.values())
    after = transformer.state_dict()
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_what_fails_half_way_leaves_the_full_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    transformer = tiny_transformer(SHAPES["deep text"])
    before = {name: value.clone() for name, value in transformer.state_dict().items()}
    done: list[str] = []

    def failing(linear: nn.Linear, rounding: BaseWeights) -> nn.Module:
        done.append(rounding)
        if len(done) == 4:
            raise MemoryError
        return RoundedLinear(linear, rounding)

    monkeypatch.setattr(rounded_base, "RoundedLinear", failing)
    with pytest.raises(MemoryError), rounded(transformer, "nf4"):
        pass
    after = transformer.state_dict()
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_nothing_is_rounded_unless_asked() -> None:
    transformer = tiny_transformer(SHAPES["deep text"])
    with rounded(transformer, "full"):
        assert not any(isinstance(module, RoundedLinear) for module in transformer.modules())
