"""8-bit linears: against a cast written out, in memory, and with adapters merged into full weights."""

import pytest
import torch
from torch import nn

from sartor.fibo.adapters import Adapter, LoraPair, Merger, adapter_targets
from sartor.fibo.fp8 import LARGEST, Fp8Linear, quantise, rounded_linears, to_rows
from tests.fibo.conftest import SHAPES, tiny_transformer

CPU = torch.device("cpu")


def emulated(weight: torch.Tensor) -> torch.Tensor:
    """weight [rows, n] rounded to e4m3 per row, by arithmetic: 3 bits of mantissa, 2^-9 steps below 2^-6."""
    scale = weight.abs().amax(dim=1, keepdim=True) / LARGEST
    scaled = weight / scale
    exponent = torch.floor(torch.log2(scaled.abs().clamp_min(2.0**-9))).clamp_min(-6)
    step = 2.0 ** (exponent - 3)
    return torch.round(scaled / step) * step * scale  # ties to even, as the hardware


@pytest.fixture
def linear() -> nn.Linear:
    torch.manual_seed(0)
    return nn.Linear(64, 48)


def test_it_computes_with_the_rounded_numbers(linear: nn.Linear) -> None:
    x = torch.randn(2, 5, 64) * torch.tensor([0.01, 1.0, 30.0, 1e-4, 5.0])[:, None]
    found = Fp8Linear(linear, CPU)(x).detach()
    rounded = emulated(x.reshape(-1, 64)).reshape(x.shape)
    expected = nn.functional.linear(rounded, emulated(linear.weight.detach()), linear.bias)
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-6)
    exact = linear(x).detach()
    assert 1e-3 < float((found - exact).norm() / exact.norm()) < 0.06  # and is not the full linear
    assert found.dtype == x.dtype


def test_rows_of_zeros_stay_zeros() -> None:
    rounded, scale = to_rows(torch.zeros(2, 16))
    assert torch.equal(rounded.float() * scale, torch.zeros(2, 16))


def test_a_token_does_not_change_another(linear: nn.Linear) -> None:
    layer, x = Fp8Linear(linear, CPU), torch.randn(4, 64)
    louder = torch.cat([x[:1], 100 * x[1:]])
    assert torch.equal(layer(x)[0], layer(louder)[0])


def test_the_blocks_token_linears_are_replaced_and_nothing_else() -> None:
    transformer = tiny_transformer(SHAPES["deep text"])
    targets = adapter_targets(transformer)
    rounded = set(rounded_linears(transformer))
    assert rounded == {name for name in targets if name != "proj_out" and ".norm" not in name}
    before = sum(parameter.nbytes for parameter in transformer.parameters())
    full = {name: targets[name].weight.detach().clone() for name in rounded}
    pristine = quantise(transformer, "cpu", torch.Tensor.clone)
    assert {name for name, module in transformer.named_modules() if isinstance(module, Fp8Linear)} == rounded
    assert all(torch.equal(pristine[name], full[name]) for name in rounded)
    saved = 3 * sum(weight.numel() for weight in full.values())
    assert sum(parameter.nbytes for parameter in transformer.parameters()) == before - saved
    assert list(adapter_targets(transformer)) == list(targets)


def test_adapters_are_merged_into_full_weights_and_come_off_again() -> None:
    transformer = tiny_transformer(SHAPES["deep text"])
    pristine = quantise(transformer, "cpu", torch.Tensor.clone)
    merger = Merger(transformer, pristine=pristine)
    base = {name: value.clone() for name, value in transformer.state_dict().items()}
    torch.manual_seed(1)
    adapters = []
    for number in range(2):
        pairs = {
            name: LoraPair(torch.randn(2, linear.in_features) * 0.1, torch.randn(linear.out_features, 2) * 0.1, 1.0)
            for name, linear in adapter_targets(transformer).items()
        }
        adapters.append(Adapter(path=None, sha256=str(number), pairs=pairs))  # type: ignore[arg-type]

    def weights(adapter: Adapter | None, influence: float = 1.0) -> dict[str, torch.Tensor]:
        merger.apply(adapter, influence)
        return {name: value.clone() for name, value in transformer.state_dict().items()}

    a, b, again = weights(adapters[0]), weights(adapters[1]), weights(adapters[0])
    name = "single_transformer_blocks.0.proj_mlp"
    pair = adapters[0].pairs[name]
    expected, _ = to_rows(pristine[name] + pair.up @ pair.down)
    assert torch.equal(a[f"{name}.weight"].float(), expected.float())
    assert all(torch.equal(a[key].float(), again[key].float()) for key in a)
    assert any(not torch.equal(a[key].float(), b[key].float()) for key in a)
    for back in (weights(adapters[0], 0.0), weights(None)):
        assert all(torch.equal(back[key].float(), base[key].float()) for key in base)
