"""Pixels to latents and back: the Wan 2.2 autoencoder, for single pictures, in two dimensions.

The autoencoder was made for video (Wan, arXiv:2503.20314; Wan 2.2's residual form). Its convolutions are causal in
time: they pad with zero frames in front, so that for a single frame every temporal tap but the last meets zeros only.
Here only the last taps exist: the same numbers for a third of the weights and of the work. Parameter names are those of
diffusers' AutoencoderKLWan, from whose files `load` reads.

Shapes: B batch, C latent channels, N = h * w latent tokens of 16 x 16 pixels each.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor, nn

from sartor.fibo.attention import DEFAULT, kernel
from sartor.fibo.weights import stream_weights


@dataclass(frozen=True)
class AutoencoderConfig:
    """What of `vae/config.json` matters for single pictures."""

    base_dim: int
    decoder_base_dim: int
    z_dim: int
    dim_mult: tuple[int, ...]
    num_res_blocks: int
    temperal_downsample: tuple[bool, ...]
    latents_mean: tuple[float, ...]
    latents_std: tuple[float, ...]
    in_channels: int
    out_channels: int
    patch_size: int

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Reads a diffusers config. Raises ValueError for what is not Wan 2.2's form, KeyError for what is missing."""
        if not values.get("is_residual"):
            raise ValueError("the autoencoder is not of Wan 2.2's residual form")
        if values.get("attn_scales"):
            raise ValueError("the autoencoder has attention outside its middle, which Wan 2.2's has not")
        config = cls(
            base_dim=values["base_dim"],
            decoder_base_dim=values.get("decoder_base_dim") or values["base_dim"],
            z_dim=values["z_dim"],
            dim_mult=tuple(values["dim_mult"]),
            num_res_blocks=values["num_res_blocks"],
            temperal_downsample=tuple(values["temperal_downsample"]),
            latents_mean=tuple(values["latents_mean"]),
            latents_std=tuple(values["latents_std"]),
            in_channels=values["in_channels"],
            out_channels=values["out_channels"],
            patch_size=values.get("patch_size") or 1,
        )
        if not len(config.latents_mean) == len(config.latents_std) == config.z_dim:
            raise ValueError("latents_mean and latents_std must have z_dim numbers each")
        return config


class ChannelNorm(nn.Module):
    """Each pixel's channels at length sqrt(channels), then scaled; computed in fp32."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.ones(channels, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        normal = F.normalize(x.float(), dim=1).to(x.dtype)
        return normal * math.sqrt(self.gamma.shape[0]) * self.gamma


class ResidualBlock(nn.Module):
    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.norm1, self.conv1 = ChannelNorm(inputs), nn.Conv2d(inputs, outputs, 3, padding=1)
        self.norm2, self.conv2 = ChannelNorm(outputs), nn.Conv2d(outputs, outputs, 3, padding=1)
        self.conv_shortcut = nn.Conv2d(inputs, outputs, 1) if inputs != outputs else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        h = self.conv2(F.silu(self.norm2(self.conv1(F.silu(self.norm1(x))))))
        out: Tensor = h + self.conv_shortcut(x)
        return out


class PixelAttention(nn.Module):
    """One head of attention over all pixels."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = ChannelNorm(channels)
        self.to_qkv, self.proj = nn.Conv2d(channels, 3 * channels, 1), nn.Conv2d(channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        tokens = self.to_qkv(self.norm(x)).flatten(2).transpose(1, 2)[:, None].contiguous()
        q, k, v = tokens.chunk(3, dim=-1)
        with kernel(DEFAULT):
            answer = F.scaled_dot_product_attention(q, k, v)[:, 0].transpose(1, 2).reshape(x.shape)
        out: Tensor = x + self.proj(answer)
        return out


class MiddleBlock(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.resnets = nn.ModuleList(ResidualBlock(channels, channels) for _ in range(2))
        self.attentions = nn.ModuleList([PixelAttention(channels)])

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.resnets[1](self.attentions[0](self.resnets[0](x)))
        return out


class Resampler(nn.Module):
    """Halves (the last row and column padded with zeros) or doubles the sides, with one convolution."""

    def __init__(self, channels: int, *, up: bool) -> None:
        super().__init__()  # the first place of the next holds what has no weights in diffusers' numbering
        self.resample = nn.Sequential(
            nn.Upsample(scale_factor=2.0, mode="nearest-exact") if up else nn.ZeroPad2d((0, 1, 0, 1)),
            nn.Conv2d(channels, channels, 3, padding=1) if up else nn.Conv2d(channels, channels, 3, stride=2),
        )

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.resample(x)
        return out


class DownBlock(nn.Module):
    """Residual blocks and, but for the last, a halving; beside them a shortcut of averages."""

    def __init__(self, inputs: int, outputs: int, depth: int, *, last: bool, in_time: bool) -> None:
        super().__init__()
        self.outputs, self.in_time, self.factor = outputs, in_time and not last, 1 if last else 2
        self.resnets = nn.ModuleList(ResidualBlock(outputs if n else inputs, outputs) for n in range(depth))
        self.downsampler = nn.Identity() if last else Resampler(outputs, up=False)

    def forward(self, x: Tensor) -> Tensor:
        h = x
        for block in self.resnets:
            h = block(h)
        out: Tensor = self.downsampler(h) + self._average(x)
        return out

    def _average(self, x: Tensor) -> Tensor:
        parts = F.pixel_unshuffle(x, self.factor)
        if self.in_time:  # the frame before the first is zero
            parts = parts.unflatten(1, (x.shape[1], 1, -1))  # type: ignore[no-untyped-call]
            parts = torch.cat([torch.zeros_like(parts), parts], dim=2).flatten(1, 3)
        batch, _, height, width = parts.shape
        return parts.reshape(batch, self.outputs, -1, height, width).mean(dim=2)


class UpBlock(nn.Module):
    """Residual blocks and, but for the last, a doubling, beside which a shortcut repeats channels into space."""

    def __init__(self, inputs: int, outputs: int, depth: int, *, last: bool, in_time: bool) -> None:
        super().__init__()
        self.outputs, self.frames = outputs, 2 if in_time else 1
        self.resnets = nn.ModuleList(ResidualBlock(outputs if n else inputs, outputs) for n in range(depth + 1))
        self.upsampler = None if last else Resampler(outputs, up=True)

    def forward(self, x: Tensor) -> Tensor:
        h = x
        for block in self.resnets:
            h = block(h)
        return h if self.upsampler is None else self.upsampler(h) + self._repeat(x)

    def _repeat(self, x: Tensor) -> Tensor:
        parts = x.repeat_interleave(self.outputs * self.frames * 4 // x.shape[1], dim=1)
        batch, _, height, width = parts.shape
        parts = parts.reshape(batch, self.outputs, self.frames, 4, height, width)[:, :, -1]
        return F.pixel_shuffle(parts.flatten(1, 2), 2)


class Encoder(nn.Module):
    def __init__(self, config: AutoencoderConfig) -> None:
        super().__init__()
        widths, last = [config.base_dim * by for by in (1, *config.dim_mult)], len(config.dim_mult) - 1
        times = (*config.temperal_downsample, False)
        self.conv_in = nn.Conv2d(config.in_channels, widths[0], 3, padding=1)
        self.down_blocks = nn.ModuleList(
            DownBlock(widths[n], widths[n + 1], config.num_res_blocks, last=n == last, in_time=times[n])
            for n in range(last + 1)
        )
        self.mid_block, self.norm_out = MiddleBlock(widths[-1]), ChannelNorm(widths[-1])
        self.conv_out = nn.Conv2d(widths[-1], 2 * config.z_dim, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv_in(x)
        for block in self.down_blocks:
            x = block(x)
        out: Tensor = self.conv_out(F.silu(self.norm_out(self.mid_block(x))))
        return out


class Decoder(nn.Module):
    def __init__(self, config: AutoencoderConfig) -> None:
        super().__init__()
        multiples, last = (config.dim_mult[-1], *reversed(config.dim_mult)), len(config.dim_mult) - 1
        widths = [config.decoder_base_dim * by for by in multiples]
        times = (*reversed(config.temperal_downsample), False)
        self.conv_in, self.mid_block = nn.Conv2d(config.z_dim, widths[0], 3, padding=1), MiddleBlock(widths[0])
        self.up_blocks = nn.ModuleList(
            UpBlock(widths[n], widths[n + 1], config.num_res_blocks, last=n == last, in_time=times[n])
            for n in range(last + 1)
        )
        self.norm_out = ChannelNorm(widths[-1])
        self.conv_out = nn.Conv2d(widths[-1], config.out_channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.mid_block(self.conv_in(x))
        for block in self.up_blocks:
            x = block(x)
        out: Tensor = self.conv_out(F.silu(self.norm_out(x)))
        return out


class FrameAutoencoder(nn.Module):
    """`encode` and `decode` single pictures; latents are normalised by the config's mean and deviation per channel."""

    def __init__(self, config: AutoencoderConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder, self.quant_conv = Encoder(config), nn.Conv2d(2 * config.z_dim, 2 * config.z_dim, 1)
        self.decoder, self.post_quant_conv = Decoder(config), nn.Conv2d(config.z_dim, config.z_dim, 1)

    @classmethod
    def load(cls, folder: str | Path, *, dtype: torch.dtype | None = None, device: torch.device | str = "cpu") -> Self:
        """Reads a diffusers AutoencoderKLWan folder; dtype None keeps what is saved.

        The weights go straight to the device. Raises OSError, ValueError, KeyError, and RuntimeError.
        """
        folder = Path(folder)
        with torch.device("meta"):
            model = cls(AutoencoderConfig.from_dict(json.loads((folder / "config.json").read_text())))
        video = stream_weights(folder, device=device, dtype=dtype)
        frame = {name: for_one_frame(name, value) for name, value in video if ".time_conv." not in name}
        model.load_state_dict(frame, strict=True, assign=True)
        return model

    @torch.no_grad()
    def encode(self, pixels: Tensor) -> Tensor:
        """Pixels [B, 3, H, W] in -1..1, sides multiples of 16 -> latents [B, N, C]: the posterior's mean, no noise."""
        mean, deviation = self._statistics()
        patches = patch(pixels.to(mean.dtype), self.config.patch_size)
        found = self.quant_conv(self.encoder(patches)).chunk(2, dim=1)[0]
        latents: Tensor = (found.flatten(2).transpose(1, 2) - mean) / deviation
        return latents

    @torch.no_grad()
    def decode(self, latents: Tensor, height: int, width: int) -> Tensor:
        """Latents [B, height * width, C] -> pixels [B, 3, 16 height, 16 width] in -1..1."""
        mean, deviation = self._statistics()
        raw = (latents.to(mean.dtype) * deviation + mean).transpose(1, 2)
        frame = raw.reshape(*raw.shape[:2], height, width)
        return unpatch(self.decoder(self.post_quant_conv(frame)), self.config.patch_size).clamp(-1, 1)

    def _statistics(self) -> tuple[Tensor, Tensor]:
        like = self.post_quant_conv.weight
        return like.new_tensor(self.config.latents_mean), like.new_tensor(self.config.latents_std)


def for_one_frame(name: str, weight: Tensor) -> Tensor:
    """A weight of the video autoencoder as single frames need it: a convolution's last temporal tap."""
    if name.endswith(".gamma"):
        return weight.reshape(-1, 1, 1)
    return weight[:, :, -1].contiguous() if weight.dim() == 5 else weight


def unpatch(patches: Tensor, size: int) -> Tensor:
    """[B, channels * size^2, h, w] -> [B, channels, h * size, w * size]; within a patch columns come before rows."""
    batch, channels, height, width = patches.shape
    parts = patches.reshape(batch, -1, size, size, height, width)
    return parts.permute(0, 1, 4, 3, 5, 2).reshape(batch, channels // size**2, height * size, width * size)


def patch(pixels: Tensor, size: int) -> Tensor:
    """The inverse of `unpatch`."""
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
