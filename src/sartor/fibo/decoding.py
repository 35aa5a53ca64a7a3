"""Latents to pixels and back for single images, through diffusers' Wan autoencoder.

Its causal 3-D convolutions pad time with zeros in front, so that for one frame every temporal tap but the last meets
zeros only. `FrameDecoder` and `FrameEncoder` keep the last taps and convolve in two dimensions: the same numbers for
a third of the work.
"""

import copy
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor, nn


class LastTap(nn.Module):
    """A causal 3-D convolution as it acts on one frame [B, C, 1, H, W]."""

    def __init__(self, convolution: Any) -> None:
        super().__init__()
        self.weight = nn.Parameter(convolution.weight[:, :, -1].detach().contiguous(), requires_grad=False)
        self.bias = convolution.bias
        self.stride = convolution.stride[1:]
        left, _, top, *_ = convolution._padding  # both sides alike, in F.pad's order
        self.padding = (top, left)

    def forward(self, x: Tensor, cache: None = None) -> Tensor:
        return F.conv2d(x[:, :, 0], self.weight, self.bias, self.stride, self.padding).unsqueeze(2)


def for_one_frame(module: nn.Module) -> Any:
    """A copy of a Wan encoder, decoder or convolution in which every causal convolution is its last tap."""
    from diffusers.models.autoencoders.autoencoder_kl_wan import WanCausalConv3d

    def swap(parent: nn.Module) -> nn.Module:
        if isinstance(parent, WanCausalConv3d):
            return LastTap(parent)
        for name, child in parent.named_children():
            setattr(parent, name, swap(child))
        return parent

    return swap(copy.deepcopy(module)).eval().requires_grad_(False)


def _statistics(vae: Any, like: Tensor) -> tuple[Tensor, Tensor]:
    mean, deviation = (like.new_tensor(values) for values in (vae.config.latents_mean, vae.config.latents_std))
    return mean, deviation


class FrameDecoder:
    """`decode` of one AutoencoderKLWan; keeps a two-dimensional copy of its decoder, and nothing else of it."""

    def __init__(self, vae: Any) -> None:
        self._first, self._decoder = for_one_frame(vae.post_quant_conv), for_one_frame(vae.decoder)
        self._patch = vae.config.patch_size or 1
        self._mean, self._deviation = _statistics(vae, next(vae.decoder.parameters()))

    @torch.no_grad()
    def decode(self, latents: Tensor, height: int, width: int) -> Tensor:
        """Normalised latents [B, height * width, C] -> pixels [B, 3, 16 height, 16 width] in -1..1.

        height and width count latent tokens.
        """
        raw = latents.to(self._mean.dtype) * self._deviation + self._mean
        frames = raw.transpose(1, 2).unflatten(2, (1, height, width))  # type: ignore[no-untyped-call]
        patches = self._decoder(self._first(frames), first_chunk=True)[:, :, 0]
        return _unpatch(patches, self._patch).clamp(-1, 1)


class FrameEncoder:
    """`encode` of one AutoencoderKLWan, for training; keeps a two-dimensional copy of its encoder."""

    def __init__(self, vae: Any) -> None:
        self._encoder, self._last = for_one_frame(vae.encoder), for_one_frame(vae.quant_conv)
        self._patch = vae.config.patch_size or 1
        self._mean, self._deviation = _statistics(vae, next(vae.encoder.parameters()))

    @torch.no_grad()
    def encode(self, pixels: Tensor) -> Tensor:
        """Pixels [B, 3, H, W] in -1..1, sides multiples of 16 -> normalised latents [B, H * W / 256, C].

        The mean of the posterior, without its noise.
        """
        patches = _patch(pixels.to(self._mean.dtype), self._patch)
        mean = self._last(self._encoder(patches[:, :, None]))[:, :, 0].chunk(2, dim=1)[0]
        tokens: Tensor = mean.flatten(2).transpose(1, 2)
        return (tokens - self._mean) / self._deviation


def _unpatch(patches: Tensor, size: int) -> Tensor:
    # Channels hold (channel, column, row) of each patch: pixel_shuffle's order with its last two exchanged.
    batch, channels, height, width = patches.shape
    parts = patches.reshape(batch, -1, size, size, height, width)
    return parts.permute(0, 1, 4, 3, 5, 2).reshape(batch, channels // size**2, height * size, width * size)


def _patch(pixels: Tensor, size: int) -> Tensor:
    batch, channels, height, width = pixels.shape
    parts = pixels.reshape(batch, channels, height // size, size, width // size, size)
    return parts.permute(0, 1, 5, 3, 2, 4).reshape(batch, channels * size**2, height // size, width // size)


def to_image(pixels: Tensor) -> Image.Image:
    """Pixels [1, 3, H, W] in -1..1 -> an RGB image, rounded to the nearest of 256 levels."""
    levels = (pixels[0].float() / 2 + 0.5).clamp(0, 1).permute(1, 2, 0).cpu().numpy()
    return Image.fromarray((levels * 255).round().astype(np.uint8))


def to_pixels(image: Image.Image) -> Tensor:
    """An image -> pixels fp32 [1, 3, H, W] in -1..1."""
    levels = np.array(image.convert("RGB"), dtype=np.float32) / 255
    return torch.from_numpy(levels).permute(2, 0, 1)[None] * 2 - 1
