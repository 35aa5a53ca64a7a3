"""FIBO's own shape, for what can be said and tried without its weights: memory, work, random models of its size.

Its text encoder is SmolLM3-3B, whose configuration is transformers' default `SmolLM3Config()`.
"""

from sartor.fibo.autoencoder import AutoencoderConfig
from sartor.fibo.transformer import TransformerConfig

FIBO_TRANSFORMER = TransformerConfig(in_channels=48, num_layers=8, num_single_layers=38)
"""8.29 B parameters; the other numbers are the defaults."""

FIBO_AUTOENCODER = AutoencoderConfig(
    base_dim=160,
    decoder_base_dim=256,
    z_dim=48,
    dim_mult=(1, 2, 4, 4),
    num_res_blocks=2,
    temperal_downsample=(False, True, True),
    latents_mean=(0.0,) * 48,
    latents_std=(1.0,) * 48,
    in_channels=12,
    out_channels=12,
    patch_size=2,
)
"""Wan 2.2's, but for the statistics of its latents."""
