"""Checkpoints of a given size with random weights, made where they are used: nothing is downloaded or written."""

import json
from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderKLWan, BriaFiboPipeline, BriaFiboTransformer2DModel, FlowMatchEulerDiscreteScheduler
from tokenizers import Tokenizer, models, pre_tokenizers
from torch import nn
from transformers import PreTrainedTokenizerFast, SmolLM3Config

from sartor.fibo.autoencoder import AutoencoderConfig
from sartor.fibo.checkpoint import FIBO_AREA, Checkpoint, load_checkpoint
from sartor.fibo.full_size import FIBO_AUTOENCODER, FIBO_TRANSFORMER
from sartor.fibo.memory import blank
from sartor.fibo.transformer import TransformerConfig

BEGIN = "<|begin|>"
EMBEDDED = Path(__file__).parents[1] / "src" / "sartor" / "nano" / "checkpoint"
REFERENCE_BOS = 128000
SCHEDULER = {"use_dynamic_shifting": True}

TINY_TRANSFORMER = TransformerConfig(
    in_channels=4,
    num_layers=1,
    num_single_layers=2,
    attention_head_dim=16,
    num_attention_heads=2,
    joint_attention_dim=64,
    text_encoder_dim=32,
    axes_dims_rope=(4, 6, 6),
)
TINY_TEXT = {
    "vocab_size": 300,
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 3,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
    "bos_token_id": 0,
    "eos_token_id": 0,
    "pad_token_id": 0,
}
TINY_AUTOENCODER = AutoencoderConfig(
    base_dim=4,
    decoder_base_dim=4,
    z_dim=4,
    dim_mult=(1, 2, 2, 2),
    num_res_blocks=1,
    temperal_downsample=(False, True, True),
    latents_mean=(0.0,) * 4,
    latents_std=(1.0,) * 4,
    in_channels=12,
    out_channels=12,
    patch_size=2,
)


def build(size: str, device: str, dtype: torch.dtype) -> Checkpoint:
    """tiny and full are random; embedded is the checkpoint in the package."""
    if size == "embedded":
        return load_checkpoint(EMBEDDED, device=device, dtype=dtype)
    full = size == "full"
    transformer_config = FIBO_TRANSFORMER if full else TINY_TRANSFORMER
    text_config = SmolLM3Config() if full else SmolLM3Config(**TINY_TEXT)
    autoencoder_config = FIBO_AUTOENCODER if full else TINY_AUTOENCODER
    transformer, text_encoder, vae = blank(transformer_config, text_config, autoencoder_config)
    for model in (transformer, text_encoder, vae):
        fill(model, device, dtype)
        model.eval().requires_grad_(False)
    text_encoder.tie_weights()
    rotary = type(text_encoder.model.rotary_emb)
    text_encoder.model.rotary_emb = rotary(config=text_config).to(device)
    return Checkpoint(
        transformer=transformer,
        vae=vae,
        text_encoder=text_encoder,
        tokenizer=byte_tokenizer(),
        scheduler_config={**FlowMatchEulerDiscreteScheduler(**SCHEDULER).config},
        sha256=f"random {size}",
        learned_sha256=f"random {size}",
        training_area=FIBO_AREA if full else 64 * 64,
    )


def fill(model: nn.Module, device: str, dtype: torch.dtype) -> None:
    """Gives a model on the meta device weights: norms 1, biases 0, the rest so small that numbers stay in range."""
    model.to(dtype).to_empty(device=device)
    generator = torch.Generator(device).manual_seed(0)
    for name, parameter in model.named_parameters():
        with torch.no_grad():
            if parameter.dim() > 1 and "gamma" not in name:
                parameter.normal_(std=parameter[0].numel() ** -0.5, generator=generator)
            else:
                parameter.fill_(0.0 if name.endswith("bias") else 1.0)


def byte_tokenizer() -> PreTrainedTokenizerFast:
    """One token a byte, and one to begin with."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    bytes_only = Tokenizer(models.BPE({BEGIN: 0, **{c: i + 1 for i, c in enumerate(alphabet)}}, []))
    bytes_only.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    return PreTrainedTokenizerFast(tokenizer_object=bytes_only, **dict.fromkeys(("bos_token", "pad_token"), BEGIN))


def stock_pipeline(checkpoint: Checkpoint) -> BriaFiboPipeline:
    """The installed reference pipeline over the same transformer and text encoder weights: shared, not copied.

    Its autoencoder is random where ours is: another one, of the same shape.
    """
    ours = checkpoint.transformer
    with torch.device("meta"):
        stock = BriaFiboTransformer2DModel.from_config(ours.config.to_dict())
    stock.load_state_dict(ours.state_dict(), strict=True, assign=True)
    pipeline = BriaFiboPipeline(
        transformer=stock.eval().requires_grad_(False),
        scheduler=FlowMatchEulerDiscreteScheduler.from_config(checkpoint.scheduler_config),
        vae=_stock_autoencoder(checkpoint),
        text_encoder=checkpoint.text_encoder,
        tokenizer=checkpoint.tokenizer,
    )
    pipeline.set_progress_bar_config(disable=True)
    forward, own = checkpoint.text_encoder.forward, checkpoint.tokenizer.bos_token_id

    def with_own_bos(input_ids: torch.Tensor, **rest: Any) -> Any:
        return forward(torch.where(input_ids == REFERENCE_BOS, own, input_ids), **rest)

    checkpoint.text_encoder.forward = with_own_bos
    return pipeline


def _stock_autoencoder(checkpoint: Checkpoint) -> AutoencoderKLWan:
    like = checkpoint.vae.post_quant_conv.weight
    if checkpoint.folder is not None:
        return AutoencoderKLWan.from_pretrained(checkpoint.folder / "vae", torch_dtype=like.dtype).to(like.device)
    config = {**vars(checkpoint.vae.config), "is_residual": True, "scale_factor_spatial": 16}
    with torch.device("meta"):
        model = AutoencoderKLWan(**json.loads(json.dumps(config)))
    fill(model, str(like.device), like.dtype)
    return model.eval().requires_grad_(False)
