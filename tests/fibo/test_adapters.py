"""Which layers an adapter may touch, which files are refused, what the cache keeps, merging from pristine weights."""

import hashlib
import json
import math
import pickle
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from sartor.fibo.adapter_names import METADATA
from sartor.fibo.adapters import AdapterCache, Merger, adapter_targets, read_adapter
from sartor.fibo.errors import InvalidAdapter, InvalidInfluence
from sartor.fibo.transformer import FiboTransformer

CONFIG = {
    "in_channels": 4,
    "num_layers": 1,
    "num_single_layers": 2,
    "attention_head_dim": 16,
    "num_attention_heads": 2,
    "joint_attention_dim": 8,
    "text_encoder_dim": 4,
    "axes_dims_rope": [4, 6, 6],
}


@pytest.fixture
def transformer() -> FiboTransformer:
    torch.manual_seed(0)
    return FiboTransformer.from_config(CONFIG).requires_grad_(False)


def lora(
    transformer: FiboTransformer, seed: int = 0, rank: int = 3, keep: Callable[[str], bool] = lambda name: True
) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    tensors = {}
    for name, linear in adapter_targets(transformer).items():
        if keep(name):
            tensors[f"transformer.{name}.lora_A.weight"] = torch.randn(rank, linear.in_features, generator=generator)
            tensors[f"transformer.{name}.lora_B.weight"] = torch.randn(linear.out_features, rank, generator=generator)
    return tensors


def write(path: Path, tensors: dict[str, Tensor], configuration: object = None) -> Path:
    metadata = {} if configuration is None else {METADATA: json.dumps(configuration)}
    save_file(tensors, path, metadata={"format": "pt"} | metadata)
    return path


def weights(transformer: FiboTransformer) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in transformer.state_dict().items()}


def same(a: dict[str, Tensor], b: dict[str, Tensor]) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def test_the_full_size_model_has_the_341_targets_of_the_public_trainer() -> None:
    with torch.device("meta"):
        fibo = FiboTransformer.from_config(
            {
                "in_channels": 48,
                "num_layers": 8,
                "num_single_layers": 38,
                "attention_head_dim": 128,
                "num_attention_heads": 24,
                "joint_attention_dim": 4096,
                "text_encoder_dim": 2048,
            }
        )
    targets = adapter_targets(fibo)
    assert len(targets) == 341
    assert {"proj_out", "transformer_blocks.7.norm1_context.linear", "single_transformer_blocks.37.proj_mlp"} <= {
        *targets
    }
    assert not any("caption" in name or "embed" in name or name.startswith("norm_out") for name in targets)
    numbers = sum(128 * (linear.in_features + linear.out_features) for linear in targets.values())
    assert round(2 * numbers / 1e6) == 943  # MB in bf16 at rank 128


@pytest.mark.parametrize("rank", [1, 3])
def test_a_good_file_is_read_whole(transformer: FiboTransformer, tmp_path: Path, rank: int) -> None:
    tensors = lora(transformer, rank=rank)
    adapter = read_adapter(write(tmp_path / "a.safetensors", tensors), transformer)
    assert adapter.pairs.keys() == adapter_targets(transformer).keys()
    pair = adapter.pairs["transformer_blocks.0.attn.to_q"]
    assert torch.equal(pair.down, tensors["transformer.transformer_blocks.0.attn.to_q.lora_A.weight"])
    assert torch.equal(pair.up, tensors["transformer.transformer_blocks.0.attn.to_q.lora_B.weight"])
    assert pair.scale == 1.0
    assert adapter.sha256 == hashlib.sha256((tmp_path / "a.safetensors").read_bytes()).hexdigest()
    assert adapter.nbytes == sum(tensor.nbytes for tensor in tensors.values())


Q = "transformer.transformer_blocks.0.attn.to_q"


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"transformer.context_embedder.lora_A.weight": (3, 8)}, "unknown: transformer.context_embedder.lora_A.weight"),
        (
            {"text_encoder.layers.0.lora_A.weight": (3, 8)},
            "text encoder is not supported: text_encoder.layers.0.lora_A",
        ),
        ({"transformer_blocks.0.attn.to_q.lora_A.weight": (3, 32)}, f"there twice: {Q}.lora_A.weight"),
        ({f"{Q}.lora_B.bias": (32,)}, f"unknown: {Q}.lora_B.bias"),
        ({f"{Q}.dora_scale": (32,)}, f"DoRA is not supported: {Q}.dora_scale"),
        ({f"{Q}.lora_B.weight": None}, f"missing: {Q}.lora_B.weight"),
        ({f"{Q}.lora_A.weight": None}, f"missing: {Q}.lora_A.weight"),
        ({f"{Q}.lora_A.weight": (3, 31)}, f"mis-shaped: {Q}.lora_A.weight is [3, 31], expected [3, 32]"),
        ({f"{Q}.lora_B.weight": (32, 2)}, f"mis-shaped: {Q}.lora_B.weight is [32, 2], expected [32, 3]"),
        ({f"{Q}.lora_A.weight": (0, 32)}, "mis-shaped"),
        ({f"{Q}.lora_A.weight": ()}, "mis-shaped"),
        ({f"{Q}.alpha": (2,)}, f"alpha must be one number: {Q}.alpha"),
    ],
)
def test_keys_that_do_not_fit_are_refused_by_name(
    transformer: FiboTransformer, tmp_path: Path, change: dict[str, tuple[int, ...] | None], expected: str
) -> None:
    tensors = lora(transformer)
    for name, shape in change.items():
        if shape is None:
            del tensors[name]
        else:
            tensors[name] = torch.zeros(shape)
    with pytest.raises(InvalidAdapter) as caught:
        read_adapter(write(tmp_path / "a.safetensors", tensors), transformer)
    assert expected in str(caught.value)
    assert "a.safetensors" in str(caught.value)
    assert str(tmp_path) not in str(caught.value)


def test_every_problem_is_listed_and_a_long_list_is_cut(transformer: FiboTransformer, tmp_path: Path) -> None:
    strange = {f"strange.{index}": torch.zeros(1) for index in range(500)}
    with pytest.raises(InvalidAdapter) as caught:
        read_adapter(write(tmp_path / "a.safetensors", strange), transformer)
    assert str(caught.value).count("unknown:") == 20
    assert "and 480 more" in str(caught.value)
    assert len(caught.value.problems) == 500


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_numbers_that_are_not_finite_are_refused(transformer: FiboTransformer, tmp_path: Path, value: float) -> None:
    tensors = lora(transformer)
    tensors[f"{Q}.lora_A.weight"][1, 2] = value
    with pytest.raises(InvalidAdapter, match="not finite"):
        read_adapter(write(tmp_path / "a.safetensors", tensors), transformer)


def test_integers_are_refused(transformer: FiboTransformer, tmp_path: Path) -> None:
    tensors = {**lora(transformer), f"{Q}.lora_A.weight": torch.zeros(3, 32, dtype=torch.int64)}
    with pytest.raises(InvalidAdapter, match="dtype I64"):
        read_adapter(write(tmp_path / "a.safetensors", tensors), transformer)


def test_an_empty_file_of_tensors_is_refused(transformer: FiboTransformer, tmp_path: Path) -> None:
    with pytest.raises(InvalidAdapter, match="holds no tensors"):
        read_adapter(write(tmp_path / "a.safetensors", {}), transformer)


class Bomb:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return Path.touch, (Path("exploded"),)


@pytest.mark.parametrize("kind", ["pickle", "torch", "text", "empty", "truncated"])
def test_what_is_not_safetensors_is_refused_and_not_run(
    transformer: FiboTransformer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "a.safetensors"
    if kind == "pickle":
        path.write_bytes(pickle.dumps({Q: Bomb()}))
    elif kind == "torch":
        torch.save({"state": Bomb()}, path)
    elif kind == "truncated":
        path.write_bytes(write(tmp_path / "b.safetensors", lora(transformer)).read_bytes()[:-10])
    else:
        path.write_bytes(b"not a model" if kind == "text" else b"")
    with pytest.raises(InvalidAdapter, match="not a safetensors file"):
        read_adapter(path, transformer)
    assert not (tmp_path / "exploded").exists()


def test_a_missing_file_is_an_os_error(transformer: FiboTransformer, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_adapter(tmp_path / "none.safetensors", transformer)


@pytest.mark.parametrize(
    ("configuration", "alpha", "expected"),
    [
        (None, None, 1.0),
        ({}, None, 1.0),
        ({"transformer.lora_alpha": 6, "transformer.r": 3}, None, 2.0),
        ({"text_encoder.lora_alpha": 6}, None, 1.0),
        (None, 1.5, 0.5),
        ({"transformer.lora_alpha": 6}, 1.5, 0.5),
        ({"transformer.alpha_pattern": {"attn.to_q": 12}}, None, 4.0),
        ({"transformer.alpha_pattern": {"^transformer_blocks.0.attn.to_q": 12}}, None, 4.0),
        ({"transformer.lora_alpha": 6, "transformer.use_rslora": True}, None, 6 / math.sqrt(3)),
    ],
)
def test_the_scale_is_alpha_over_rank(
    transformer: FiboTransformer, tmp_path: Path, configuration: object, alpha: float | None, expected: float
) -> None:
    tensors = lora(transformer)
    if alpha is not None:
        tensors[f"{Q}.alpha"] = torch.tensor(alpha)
    adapter = read_adapter(write(tmp_path / "a.safetensors", tensors, configuration), transformer)
    assert adapter.pairs["transformer_blocks.0.attn.to_q"].scale == pytest.approx(expected)


@pytest.mark.parametrize(
    ("configuration", "expected"),
    [
        ([], "not an object"),
        ({"transformer.lora_alpha": "6"}, "finite numbers"),
        ({"transformer.lora_alpha": math.inf}, "finite numbers"),
        ({"transformer.alpha_pattern": {"(a+)+$": 1}}, "alpha_pattern fits no layer: (a+)+$"),
        ({"transformer.alpha_pattern": [1]}, "finite numbers"),
        ({"transformer.alpha_pattern": 5}, "finite numbers"),
        ({"transformer.alpha_pattern": True}, "finite numbers"),
        ({"transformer.alpha_pattern": {"attn.to_q": None}}, "finite numbers"),
        ({"transformer.lora_alpha": 10**400}, "finite numbers"),
        ({"transformer.use_dora": True}, "asks for use_dora"),
        ({"transformer.lora_bias": True}, "asks for lora_bias"),
    ],
)
def test_a_configuration_that_cannot_be_followed_is_refused_and_why(
    transformer: FiboTransformer, tmp_path: Path, configuration: object, expected: str
) -> None:
    with pytest.raises(InvalidAdapter) as caught:
        read_adapter(write(tmp_path / "a.safetensors", lora(transformer), configuration), transformer)
    assert expected in caught.value.problems[0]


@pytest.mark.parametrize("dtype", [torch.float8_e4m3fn, torch.complex64, torch.bool])
def test_an_alpha_of_a_type_that_is_no_number_is_refused(
    transformer: FiboTransformer, tmp_path: Path, dtype: torch.dtype
) -> None:
    tensors = {**lora(transformer), f"{Q}.alpha": torch.ones(1).to(dtype)}
    with pytest.raises(InvalidAdapter, match="alpha must be one number"):
        read_adapter(write(tmp_path / "a.safetensors", tensors), transformer)


@pytest.mark.parametrize("alpha", [3e38, 1e300])
def test_a_change_that_is_not_finite_is_refused(transformer: FiboTransformer, tmp_path: Path, alpha: float) -> None:
    path = write(tmp_path / "a.safetensors", lora(transformer), {"transformer.lora_alpha": alpha})
    with pytest.raises(InvalidAdapter) as caught:
        read_adapter(path, transformer)
    assert f"its change is no finite number: {Q}" in caught.value.problems


def test_a_header_that_is_not_json_is_refused(transformer: FiboTransformer, tmp_path: Path) -> None:
    save_file(lora(transformer), tmp_path / "a.safetensors", metadata={METADATA: "{" * 10})
    with pytest.raises(InvalidAdapter, match="not JSON"):
        read_adapter(tmp_path / "a.safetensors", transformer)


def test_the_cache_keeps_the_latest_within_its_budget(transformer: FiboTransformer, tmp_path: Path) -> None:
    paths = [write(tmp_path / f"{index}.safetensors", lora(transformer, index)) for index in range(3)]
    size = read_adapter(paths[0], transformer).nbytes
    cache = AdapterCache(transformer, max_bytes=2 * size)
    first, second = cache.get(paths[0]), cache.get(paths[1])
    assert cache.get(paths[0]) is first
    cache.get(paths[2])  # the second was used longest ago
    assert cache.nbytes == 2 * size
    assert cache.get(paths[0]) is first
    assert cache.get(paths[1]) is not second


def test_the_cache_does_not_keep_what_is_larger_than_it(transformer: FiboTransformer, tmp_path: Path) -> None:
    cache = AdapterCache(transformer, max_bytes=1)
    assert cache.get(write(tmp_path / "a.safetensors", lora(transformer))).pairs
    assert cache.nbytes == 0


def test_the_cache_reads_a_changed_file_again(transformer: FiboTransformer, tmp_path: Path) -> None:
    cache = AdapterCache(transformer, max_bytes=1 << 30)
    before = cache.get(write(tmp_path / "a.safetensors", lora(transformer, 1)))
    write(tmp_path / "b.safetensors", lora(transformer, 2)).replace(tmp_path / "a.safetensors")
    assert cache.get(tmp_path / "a.safetensors").sha256 != before.sha256


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_merging_is_w0_plus_the_scaled_product(
    transformer: FiboTransformer, tmp_path: Path, dtype: torch.dtype
) -> None:
    transformer.to(dtype)
    base = weights(transformer)
    adapter = read_adapter(
        write(tmp_path / "a.safetensors", lora(transformer), {"transformer.lora_alpha": 6}), transformer
    )
    Merger(transformer).apply(adapter, 0.75)
    merged = weights(transformer)
    for name, pair in adapter.pairs.items():
        exact = base[f"{name}.weight"].double() + 0.75 * 2.0 * pair.up.double() @ pair.down.double()
        tolerance = {"rtol": 1e-5, "atol": 1e-6} if dtype == torch.float32 else {"rtol": 2**-8, "atol": 1e-6}
        torch.testing.assert_close(merged[f"{name}.weight"].double(), exact, **tolerance)
    others = base.keys() - {f"{name}.weight" for name in adapter.pairs}
    assert all(torch.equal(base[name], merged[name]) for name in others)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("pristine_device", [None, "cpu"])
def test_a_b_a_and_back_are_the_same_bytes(
    transformer: FiboTransformer, tmp_path: Path, dtype: torch.dtype, pristine_device: str | None
) -> None:
    transformer.to(dtype)
    base = weights(transformer)
    a = read_adapter(write(tmp_path / "a.safetensors", lora(transformer, 1)), transformer)
    b = read_adapter(write(tmp_path / "b.safetensors", lora(transformer, 2)), transformer)
    merger = Merger(transformer, pristine_device=pristine_device)
    merger.apply(a, 1.0)
    with_a = weights(transformer)
    assert not same(with_a, base)
    merger.apply(b, 1.5)
    assert not same(weights(transformer), with_a)
    merger.apply(a, 1.0)
    assert same(weights(transformer), with_a)
    merger.apply(a, 0.5)
    assert not same(weights(transformer), with_a)
    merger.apply(a, 0.0)
    assert same(weights(transformer), base)
    merger.apply(b, 1.0)
    merger.apply(None)
    assert same(weights(transformer), base)


def test_weights_that_only_the_earlier_adapter_touched_are_restored(
    transformer: FiboTransformer, tmp_path: Path
) -> None:
    base = weights(transformer)
    whole = read_adapter(write(tmp_path / "a.safetensors", lora(transformer, 1)), transformer)
    part = read_adapter(
        write(tmp_path / "b.safetensors", lora(transformer, 2, keep=lambda name: "proj_mlp" in name)), transformer
    )
    merger = Merger(transformer)
    merger.apply(whole)
    merger.apply(part)
    changed = {name for name, value in weights(transformer).items() if not torch.equal(value, base[name])}
    assert changed == {f"single_transformer_blocks.{index}.proj_mlp.weight" for index in range(2)}


def test_weights_stay_in_place(transformer: FiboTransformer, tmp_path: Path) -> None:
    places = {name: value.data_ptr() for name, value in transformer.state_dict().items()}
    merger = Merger(transformer)
    merger.apply(read_adapter(write(tmp_path / "a.safetensors", lora(transformer)), transformer))
    merger.apply(None)
    assert places == {name: value.data_ptr() for name, value in transformer.state_dict().items()}


def test_a_merge_that_failed_half_way_is_done_again(transformer: FiboTransformer, tmp_path: Path) -> None:
    base = weights(transformer)
    path = write(tmp_path / "a.safetensors", lora(transformer, 1))
    good, broken = read_adapter(path, transformer), read_adapter(path, transformer)
    last = [*broken.pairs][-1]
    broken.pairs[last] = type(broken.pairs[last])(torch.zeros(1, 1), torch.zeros(1, 1), 1.0)  # type: ignore[index]
    merger = Merger(transformer)
    with pytest.raises(RuntimeError):
        merger.apply(broken)
    merger.apply(good)
    expected = FiboTransformer.from_config(CONFIG)
    expected.load_state_dict(base)
    Merger(expected).apply(good)
    assert same(weights(transformer), weights(expected))
    merger.apply(None)
    assert same(weights(transformer), base)


@pytest.mark.parametrize("influence", [-0.01, 1.51, math.nan, math.inf])
def test_an_influence_out_of_range_is_refused(transformer: FiboTransformer, influence: float) -> None:
    with pytest.raises(InvalidInfluence, match="influence"):
        Merger(transformer).apply(None, influence)
