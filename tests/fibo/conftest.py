"""Tiny random checkpoints in diffusers' folder format, of several shapes, built once a session."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from diffusers import AutoencoderKLWan, FlowMatchEulerDiscreteScheduler
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast, SmolLM3Config, SmolLM3ForCausalLM

from sartor.fibo.transformer import FiboTransformer

PROMPT = '{"short_description":"a red apple on grass","style_medium":"3d render","objects":[{"description":"apple"}]}'
OTHER_PROMPT = '{"short_description":"two blue cars at night"}'

# Blocks against text layers: more layers than blocks (the last are taken), and fewer (the last is repeated).
SHAPES = {
    "deep text": {"double": 1, "single": 2, "heads": 2, "head_dim": 16, "text_layers": 4, "text_dim": 24, "latent": 4},
    "shallow text": {
        "double": 2,
        "single": 3,
        "heads": 1,
        "head_dim": 32,
        "text_layers": 2,
        "text_dim": 16,
        "latent": 6,
    },
}


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def tiny_tokenizer() -> PreTrainedTokenizerFast:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=300,
        special_tokens=["<|begin|>", "<|end|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator([PROMPT, OTHER_PROMPT], trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token="<|begin|>", eos_token="<|end|>", pad_token="<|end|>"
    )


def tiny_vae(latent: int, seed: int = 0, **changes: object) -> AutoencoderKLWan:
    torch.manual_seed(seed)
    statistics = {
        "latents_mean": [0.3 * index - 0.5 for index in range(latent)],
        "latents_std": [0.8 + 0.2 * index for index in range(latent)],
    }
    wan22 = {
        "base_dim": 4,
        "z_dim": latent,
        "dim_mult": [1, 2, 2, 2],
        "num_res_blocks": 1,
        "temperal_downsample": [False, True, True],
        "is_residual": True,
        "patch_size": 2,
        "in_channels": 12,
        "out_channels": 12,
        "scale_factor_spatial": 16,
    }
    return AutoencoderKLWan(**{**wan22, **statistics, **changes}).eval()


def tiny_transformer(shape: dict[str, int], seed: int = 0) -> FiboTransformer:
    torch.manual_seed(seed)
    channels = shape["head_dim"] // 8 * 3
    model = FiboTransformer.from_config(
        {
            "in_channels": shape["latent"],
            "num_layers": shape["double"],
            "num_single_layers": shape["single"],
            "num_attention_heads": shape["heads"],
            "attention_head_dim": shape["head_dim"],
            "joint_attention_dim": 2 * shape["text_dim"],
            "text_encoder_dim": shape["text_dim"],
            "axes_dims_rope": [shape["head_dim"] - 2 * channels, channels, channels],
        }
    )
    for parameter in model.parameters():  # large enough that texts and steps matter
        if parameter.dim() > 1:
            torch.nn.init.normal_(parameter, std=0.7 / parameter.shape[1] ** 0.5)
    return model.eval()


def build_checkpoint(folder: Path, name: str = "deep text", *, seed: int = 0, training_area: int = 64 * 64) -> Path:
    """A whole checkpoint of about 100,000 parameters; weights in fp32 so that nothing is lost on the way."""
    shape = SHAPES[name]
    tokenizer = tiny_tokenizer()
    torch.manual_seed(seed + 1)
    text_encoder = SmolLM3ForCausalLM(
        SmolLM3Config(
            vocab_size=len(tokenizer),
            hidden_size=shape["text_dim"],
            intermediate_size=2 * shape["text_dim"],
            num_hidden_layers=shape["text_layers"],
            num_attention_heads=2,
            num_key_value_heads=1,
            initializer_range=0.3,
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
        )
    )
    tiny_transformer(shape, seed).save(folder / "transformer")
    tiny_vae(shape["latent"], seed).save_pretrained(folder / "vae")
    text_encoder.save_pretrained(folder / "text_encoder")
    tokenizer.save_pretrained(folder / "tokenizer")
    FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=True).save_pretrained(folder / "scheduler")
    index = {
        "_class_name": "BriaFiboPipeline",
        "transformer": ["diffusers", "BriaFiboTransformer2DModel"],
        "vae": ["diffusers", "AutoencoderKLWan"],
        "text_encoder": ["transformers", "SmolLM3ForCausalLM"],
        "tokenizer": ["transformers", "PreTrainedTokenizerFast"],
        "scheduler": ["diffusers", "FlowMatchEulerDiscreteScheduler"],
        "sartor": {"training_area": training_area},
    }
    (folder / "model_index.json").write_text(json.dumps(index, indent=2))
    return folder


@pytest.fixture(scope="session")
def checkpoint_folder(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Name of a shape -> its folder. Shared: read only."""
    made: dict[str, Path] = {}

    def folder(name: str = "deep text") -> Path:
        if name not in made:
            made[name] = build_checkpoint(tmp_path_factory.mktemp("checkpoint"), name)
        return made[name]

    return folder
