"""LoRA layers in and out of a transformer, and their file as the installed diffusers and peft read it."""

from pathlib import Path

import pytest
import torch
from diffusers import BriaFiboTransformer2DModel
from diffusers.loaders import FluxLoraLoaderMixin
from peft import LoraConfig, get_peft_model
from peft.utils import get_peft_model_state_dict
from safetensors.torch import save_file
from torch import Tensor

from sartor.fibo.adapter_names import rename_tensors, translate
from sartor.fibo.adapters import Merger, adapter_targets, read_adapter
from sartor.fibo.lora import FILE_NAME, LoraLayers, injected, write_adapter
from sartor.fibo.transformer import FiboTransformer
from tests.fibo.test_adapters import CONFIG

HEIGHT, WIDTH, TEXT, DEPTH = 2, 3, 5, 3


@pytest.fixture
def reference() -> BriaFiboTransformer2DModel:
    torch.manual_seed(0)
    model = BriaFiboTransformer2DModel(**CONFIG)
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    return model


@pytest.fixture
def transformer(reference: BriaFiboTransformer2DModel) -> FiboTransformer:
    model = FiboTransformer.from_config(CONFIG)
    model.load_state_dict(reference.state_dict())
    return model


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def forward(transformer: FiboTransformer) -> Tensor:
    generator = seeded(7)
    text = torch.randn(2, TEXT, 8, generator=generator)
    layers = torch.randn(DEPTH, 2, TEXT, 4, generator=generator)
    latents = torch.randn(2, HEIGHT * WIDTH, 4, generator=generator)
    captions = transformer.project_captions(list(layers))
    rotary = transformer.rotary(TEXT, HEIGHT, WIDTH)
    velocity: Tensor = transformer(latents, torch.tensor([100.0, 700.0]), text, captions, rotary)
    return velocity


def reference_forward(reference: BriaFiboTransformer2DModel) -> Tensor:
    generator = seeded(7)
    text = torch.randn(2, TEXT, 8, generator=generator)
    layers = torch.randn(DEPTH, 2, TEXT, 4, generator=generator)
    latents = torch.randn(2, HEIGHT * WIDTH, 4, generator=generator)
    rows, columns = torch.meshgrid(torch.arange(HEIGHT), torch.arange(WIDTH), indexing="ij")
    places = torch.stack([torch.zeros_like(rows), rows, columns], -1).reshape(-1, 3)
    velocity: Tensor = reference(
        hidden_states=latents,
        encoder_hidden_states=text,
        text_encoder_layers=list(layers),
        timestep=torch.tensor([100.0, 700.0]),
        img_ids=places,
        txt_ids=torch.zeros(TEXT, 3),
        return_dict=False,
    )[0]
    return velocity


def stir(layers: LoraLayers, seed: int = 1) -> None:
    """Gives B numbers, as training would."""
    generator = seeded(seed)
    with torch.no_grad():
        for parameter in layers.parameters().values():
            parameter.copy_(0.1 * torch.randn(parameter.shape, generator=generator))


def test_a_fresh_lora_changes_nothing(transformer: FiboTransformer) -> None:
    before, targets = forward(transformer), adapter_targets(transformer)
    with injected(transformer, 4, generator=seeded()) as layers:
        assert layers.layers.keys() == targets.keys()
        assert torch.equal(forward(transformer), before)


def test_a_begins_gaussian_and_b_at_zero(transformer: FiboTransformer) -> None:
    with injected(transformer, 8, generator=seeded()) as layers:
        parameters = layers.parameters()
        downs = torch.cat([p.detach().flatten() for name, p in parameters.items() if "lora_A" in name])
        assert downs.std() == pytest.approx(1 / 8, rel=0.05)
        assert abs(float(downs.mean())) < 0.01
        assert all((p == 0).all() for name, p in parameters.items() if "lora_B" in name)
        assert {p.dtype for p in parameters.values()} == {torch.float32}


def test_the_transformer_is_what_it_was_afterwards(transformer: FiboTransformer) -> None:
    transformer.x_embedder.requires_grad_(False)
    state = {name: value.clone() for name, value in transformer.state_dict().items()}
    flags = {name: p.requires_grad for name, p in transformer.named_parameters()}
    before = forward(transformer)

    def train_and_fail() -> None:
        with injected(transformer, 4, generator=seeded()) as layers:
            stir(layers)
            assert not torch.equal(forward(transformer), before)
            raise InterruptedError

    with pytest.raises(InterruptedError):
        train_and_fail()
    after = transformer.state_dict()
    assert state.keys() == after.keys()
    assert all(torch.equal(state[name], after[name]) for name in state)
    assert flags == {name: p.requires_grad for name, p in transformer.named_parameters()}
    assert torch.equal(forward(transformer), before)


def test_every_layer_of_the_lora_and_nothing_else_learns(transformer: FiboTransformer) -> None:
    with injected(transformer, 4, generator=seeded()) as layers:
        stir(layers)
        forward(transformer).square().mean().backward()
        parameters = layers.parameters()
        assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in parameters.values())
        own = {id(p) for p in parameters.values()}
        assert all(p.grad is None for p in transformer.parameters() if id(p) not in own)


@pytest.mark.parametrize("rank", [0, -1])
def test_a_rank_below_one_is_refused(transformer: FiboTransformer, rank: int) -> None:
    with pytest.raises(ValueError, match="rank"), injected(transformer, rank, generator=seeded()):
        pass


@pytest.mark.parametrize("alpha", [None, 2.0])
def test_training_layers_merged_weights_and_the_stock_class_agree(
    transformer: FiboTransformer, reference: BriaFiboTransformer2DModel, tmp_path: Path, alpha: float | None
) -> None:
    before = forward(transformer)
    with injected(transformer, 4, alpha=alpha, generator=seeded()) as layers:
        stir(layers)
        trained = forward(transformer)
        write_adapter(tmp_path / FILE_NAME, layers.parameters(), rank=4, alpha=layers.alpha)
    Merger(transformer).apply(read_adapter(tmp_path / FILE_NAME, transformer), 1.0)
    merged = forward(transformer)
    reference.load_lora_adapter(str(tmp_path), use_safetensors=True)
    stock = reference_forward(reference)
    assert not torch.allclose(before, merged, rtol=1e-2)
    torch.testing.assert_close(merged, trained, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(merged, stock, rtol=1e-4, atol=1e-5)
    assert len(reference.peft_config) == 1


def test_a_file_that_the_stock_class_wrote_is_read(
    transformer: FiboTransformer, reference: BriaFiboTransformer2DModel, tmp_path: Path
) -> None:
    config = adapted(reference, alpha=6)
    FluxLoraLoaderMixin.save_lora_weights(
        tmp_path,
        transformer_lora_layers=get_peft_model_state_dict(reference),
        transformer_lora_adapter_metadata=config.to_dict(),
    )
    adapter = read_adapter(tmp_path / FILE_NAME, transformer)
    assert {pair.scale for pair in adapter.pairs.values()} == {3.0}
    Merger(transformer).apply(adapter)
    torch.testing.assert_close(forward(transformer), reference_forward(reference), rtol=1e-4, atol=1e-5)


def adapted(reference: BriaFiboTransformer2DModel, alpha: int) -> LoraConfig:
    """The stock class with a peft adapter of rank 2 that has been trained."""
    config = LoraConfig(r=2, lora_alpha=alpha, target_modules=["attn.to_q", "proj_mlp", "ff.net.2"])
    reference.add_adapter(config)
    for name, parameter in reference.named_parameters():
        if "lora_" in name:
            torch.nn.init.normal_(parameter, std=0.1)
    return config


def test_bare_names_of_the_stock_class_are_read(
    transformer: FiboTransformer, reference: BriaFiboTransformer2DModel, tmp_path: Path
) -> None:
    adapted(reference, alpha=6)
    reference.save_lora_adapter(str(tmp_path))
    adapter = read_adapter(tmp_path / FILE_NAME, transformer)
    assert {pair.scale for pair in adapter.pairs.values()} == {3.0}
    Merger(transformer).apply(adapter)
    torch.testing.assert_close(forward(transformer), reference_forward(reference), rtol=1e-4, atol=1e-5)


def test_what_peft_saves_is_read(
    transformer: FiboTransformer, reference: BriaFiboTransformer2DModel, tmp_path: Path
) -> None:
    wrapped = get_peft_model(reference, LoraConfig(r=2, lora_alpha=2, target_modules=["attn.to_q", "proj_mlp"]))
    for name, parameter in wrapped.named_parameters():
        if "lora_" in name:
            torch.nn.init.normal_(parameter, std=0.1)
    wrapped.save_pretrained(str(tmp_path))
    Merger(transformer).apply(read_adapter(tmp_path / "adapter_model.safetensors", transformer))
    torch.testing.assert_close(forward(transformer), reference_forward(reference), rtol=1e-4, atol=1e-5)


def test_what_was_renamed_is_read_by_the_stock_class(
    transformer: FiboTransformer, reference: BriaFiboTransformer2DModel, tmp_path: Path
) -> None:
    tensors = {}
    for layer in ("transformer_blocks.0.attn.to_q", "transformer_blocks.0.ff.net.2"):
        name = layer.replace(".", "_")
        linear = transformer.get_submodule(layer)
        tensors[f"lora_unet_{name}.lora_down.weight"] = torch.randn(2, linear.in_features, generator=seeded(1))
        tensors[f"lora_unet_{name}.lora_up.weight"] = torch.randn(linear.out_features, 2, generator=seeded(2))
        tensors[f"lora_unet_{name}.alpha"] = torch.tensor(1.0 if "ff" in layer else 6.0)
    path = tmp_path / FILE_NAME
    save_file(tensors, path)
    rename_tensors(path, translate(tensors, adapter_targets(transformer)))
    Merger(transformer).apply(read_adapter(path, transformer))
    state, alphas = FluxLoraLoaderMixin.lora_state_dict(str(tmp_path), return_alphas=True)
    reference.load_lora_adapter(state, network_alphas=alphas)
    torch.testing.assert_close(forward(transformer), reference_forward(reference), rtol=1e-4, atol=1e-5)


def test_the_same_tensors_make_the_same_bytes(transformer: FiboTransformer, tmp_path: Path) -> None:
    with injected(transformer, 2, generator=seeded()) as layers:
        for name in ("a", "b"):
            facts = {"base": "0" * 64, "step": 7}
            write_adapter(tmp_path / name, layers.parameters(), rank=2, alpha=2, dtype=torch.bfloat16, facts=facts)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b"]
    assert {pair.down.dtype for pair in read_adapter(tmp_path / "a", transformer).pairs.values()} == {torch.bfloat16}
