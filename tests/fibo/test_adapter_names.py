"""Other trainers' names for a LoRA's tensors: the same adapter under each merges to the same weights."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor

from sartor.fibo.adapter_names import ALPHA, METADATA, PREFIX, A, B, rename_tensors, translate
from sartor.fibo.adapters import Merger, adapter_targets, read_adapter
from sartor.fibo.errors import InvalidAdapter
from sartor.fibo.full_size import FIBO_TRANSFORMER
from sartor.fibo.transformer import FiboTransformer

NANO = Path(__file__).parents[2] / "src/sartor/nano"
LAYERS = ("blocks.0.attn.to_q", "blocks.0.attn.to_out.0")


def respelled(prefix: str, down: str = A, up: str = B) -> Callable[[str], str]:
    """Diffusers' name -> one with this prefix and these ends; after an underscore with underscores."""

    def spell(name: str) -> str:
        end = next(end for end in (A, B, ALPHA) if name.endswith(end))
        layer = name.removeprefix(PREFIX).removesuffix(end)
        return prefix + (layer.replace(".", "_") if prefix.endswith("_") else layer) + {A: down, B: up}.get(end, end)

    return spell


KOHYA = ".lora_down.weight", ".lora_up.weight"
DIALECTS = [
    ("peft", respelled("base_model.model.")),
    ("peft", respelled("base_model.model.", ".lora_A.default.weight", ".lora_B.default.weight")),
    ("ComfyUI", respelled("diffusion_model.")),
    ("ComfyUI", respelled("diffusion_model.", *KOHYA)),
    ("kohya", respelled("lora_unet_", *KOHYA)),
    ("OneTrainer", respelled("lora_transformer_", *KOHYA)),
    ("LyCORIS", respelled("lycoris_", *KOHYA)),
    ("diffusers", respelled(PREFIX, ".lora.down.weight", ".lora.up.weight")),
    ("bare", respelled("", ".lora_A.default.weight", ".lora_B.default.weight")),
]


@pytest.fixture(scope="module")
def tensors() -> dict[str, Tensor]:
    """A bundled adapter of the embedded model, with an alpha of one and a half times the rank at every layer."""
    found = load_file(NANO / "brands/inkwell/pytorch_lora_weights.safetensors")
    alphas = {f"{name.removesuffix(A)}{ALPHA}": torch.tensor(24.0) for name in found if name.endswith(A)}
    return found | alphas


def embedded() -> FiboTransformer:
    return FiboTransformer.load(NANO / "checkpoint/transformer", dtype=torch.float32).requires_grad_(False)


@pytest.fixture(scope="module")
def merged(tensors: dict[str, Tensor], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Tensor]:
    path, transformer = tmp_path_factory.mktemp("diffusers") / "a.safetensors", embedded()
    save_file(tensors, path)
    before = transformer.proj_out.weight.clone()
    Merger(transformer).apply(read_adapter(path, transformer))
    assert not torch.equal(before, transformer.proj_out.weight)
    return transformer.state_dict()


@pytest.mark.parametrize(("dialect", "spell"), DIALECTS)
def test_the_same_adapter_is_the_same_weights(
    tensors: dict[str, Tensor],
    merged: dict[str, Tensor],
    tmp_path: Path,
    dialect: str,
    spell: Callable[[str], str],
) -> None:
    path, transformer = tmp_path / "a.safetensors", embedded()
    save_file({spell(name): tensor for name, tensor in tensors.items()}, path, metadata={"ss_network_dim": "16"})
    translation = translate(map(spell, tensors), adapter_targets(transformer))
    assert (translation.dialect, translation.problems) == (dialect, ())
    assert translation.names == {spell(name): name for name in tensors}
    adapter = read_adapter(path, transformer)
    assert {pair.scale for pair in adapter.pairs.values()} == {1.5}
    Merger(transformer).apply(adapter)
    assert all(torch.equal(merged[name], weight) for name, weight in transformer.state_dict().items())

    rename_tensors(path, translation)
    with safe_open(path, framework="pt") as file:
        assert file.keys() == sorted(tensors)
        assert all(torch.equal(file.get_tensor(name), tensor) for name, tensor in tensors.items())
        assert file.metadata() == {"ss_network_dim": "16"}
    assert [found.name for found in tmp_path.iterdir()] == ["a.safetensors"]
    assert not translate(load_file(path), adapter_targets(transformer)).is_needed


def test_where_names_are_bare_the_header_is(tmp_path: Path) -> None:
    transformer, path = embedded(), tmp_path / "a.safetensors"
    layer = "transformer_blocks.0.attn.to_q"
    linear = transformer.get_submodule(layer)
    pair = {f"{layer}{A}": torch.ones(2, linear.in_features), f"{layer}{B}": torch.ones(linear.out_features, 2)}
    save_file(pair, path, metadata={METADATA: json.dumps({"r": 2, "lora_alpha": 6})})
    for _ in range(2):
        assert read_adapter(path, transformer).pairs[layer].scale == 3.0
        rename_tensors(path, translate(load_file(path), adapter_targets(transformer)))
    assert set(load_file(path)) == {PREFIX + name for name in pair}


def test_no_two_modules_of_fibo_have_one_name_with_underscores() -> None:
    with torch.device("meta"):
        names = [name for name, _ in FiboTransformer.from_config(FIBO_TRANSFORMER.to_dict()).named_modules()]
    assert len({name.replace(".", "_") for name in names}) == len(names)


def test_underscores_that_two_layers_have_are_no_name() -> None:
    read = translate(["lora_unet_a_b.alpha", "lora_unet_c_d.alpha"], ["a.b", "a_b", "c.d"])
    assert read.names == {"lora_unet_c_d.alpha": "transformer.c.d.alpha"}
    assert read.problems == ("unknown: lora_unet_a_b.alpha",)


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["transformer.blocks.0.attn.to_q.lora_magnitude_vector"], "DoRA"),
        (["lora_unet_blocks_0_attn_to_q.dora_scale"], "DoRA"),
        (["lycoris_blocks_0_attn_to_q.lokr_w1", "lycoris_blocks_0_attn_to_q.lokr_w2_a"], "LoKr"),
        (["lora_unet_blocks_0_attn_to_q.hada_w1_a"], "LoHa"),
        (["lora_unet_blocks_0_attn_to_q.lora_mid.weight"], "a LoRA in three factors"),
        (["lora_te1_text_model_encoder_layers_0_mlp_fc1.lora_down.weight"], "a LoRA of the text encoder"),
    ],
)
def test_other_kinds_are_called_so_by_their_first_name(names: list[str], said: str) -> None:
    read = translate([*names, "transformer.blocks.0.attn.to_q.lora_A.weight", "lora_unet_x.alpha"], LAYERS)
    assert read.problems == (f"{said} is not supported: {names[0]}", "unknown: lora_unet_x.alpha")


@pytest.mark.parametrize(
    "name",
    [
        "lora_unet_double_blocks_0_img_attn_qkv.lora_down.weight",
        "lora_unet_blocks.0.attn.to_q.lora_down.weight",
        "diffusion_model.blocks_0_attn_to_q.lora_A.weight",
        "transformer.blocks.0.attn.to_q.lora_A.second.weight",
        "transformer.blocks.0.attn.to_q.lora_B.bias",
        "transformer.blocks.0.attn.to_q",
        "transformer.transformer.blocks.0.attn.to_q.lora_A.weight",
        "lora_unet_blocks_0_attn_to_q.scalar",
        "",
    ],
)
def test_what_is_no_layers_name_is_unknown(name: str) -> None:
    assert translate([name], LAYERS).problems == (f"unknown: {name}",)


def test_one_file_has_one_dialect_and_every_tensor_once() -> None:
    q, out = (f"transformer.{layer}.lora_A.weight" for layer in LAYERS)
    read = translate([q, out.replace("transformer.", "diffusion_model.")], LAYERS)
    assert read.problems == (f"names of several dialects: {out.replace('transformer.', 'diffusion_model.')}, {q}",)
    again = q.replace(".weight", ".default.weight")
    assert translate([q, again], LAYERS).problems == (f"there twice: {again}", f"there twice: {q}")


def test_a_name_that_has_no_place_is_in_the_error(tmp_path: Path) -> None:
    save_file({"lora_unet_x.lokr_w1": torch.zeros(1)}, tmp_path / "a.safetensors")
    with pytest.raises(InvalidAdapter, match=r"LoKr is not supported: lora_unet_x\.lokr_w1"):
        read_adapter(tmp_path / "a.safetensors", embedded())
