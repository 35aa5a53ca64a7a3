"""Single frames in two dimensions against diffusers' autoencoder, from the same files."""

from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers import AutoencoderKLWan
from PIL import Image

from sartor.fibo.autoencoder import AutoencoderConfig, FrameAutoencoder, patch, to_image, to_pixels, unpatch
from tests.fibo.conftest import tiny_vae

CONFIGS = {
    "as it is": {},
    "other times": {"temperal_downsample": [True, False, True], "dim_mult": [1, 2, 4, 4], "base_dim": 6},
    "no times": {"temperal_downsample": [False, False, False]},
    "separate decoder": {"decoder_base_dim": 8, "num_res_blocks": 2},
    "three levels, no patches": {
        "patch_size": None,
        "in_channels": 3,
        "out_channels": 3,
        "dim_mult": [1, 2, 2],
        "temperal_downsample": [True, True],
    },
}


def both(name: str, folder: Path) -> tuple[AutoencoderKLWan, FrameAutoencoder, int]:
    """The reference, ours from its files, and the pixels of a token's side."""
    vae = tiny_vae(4, seed=3, **CONFIGS[name])
    for parameter in vae.parameters():  # gammas and biases too
        torch.nn.init.normal_(parameter, std=0.3)
    vae.save_pretrained(folder)
    return vae, FrameAutoencoder.load(folder), 4 if "three levels" in name else 16


def statistics(vae: AutoencoderKLWan) -> tuple[torch.Tensor, torch.Tensor]:
    return torch.tensor(vae.config.latents_mean), torch.tensor(vae.config.latents_std)


def relative(a: torch.Tensor, b: torch.Tensor) -> float:
    return ((a - b).norm() / b.norm()).item()


@pytest.mark.parametrize("name", CONFIGS)
def test_decoding_equals_the_reference(name: str, tmp_path: Path) -> None:
    vae, ours, side = both(name, tmp_path)
    mean, deviation = statistics(vae)
    latents = torch.randn(2, 3 * 5, 4)
    frames = (latents * deviation + mean).transpose(1, 2).reshape(2, 4, 1, 3, 5)
    with torch.no_grad():
        expected = vae.decode(frames).sample[:, :, 0]
    found = ours.decode(latents, 3, 5)
    assert found.shape == (2, 3, 3 * side, 5 * side)
    assert relative(found, expected) < 1e-5
    assert 0.05 < expected.std() < 0.95  # neither flat nor all clamped


@pytest.mark.parametrize("name", CONFIGS)
def test_encoding_equals_the_reference(name: str, tmp_path: Path) -> None:
    vae, ours, _ = both(name, tmp_path)
    mean, deviation = statistics(vae)
    pixels = torch.rand(2, 3, 48, 80) * 2 - 1
    with torch.no_grad():
        frames = vae.encode(pixels[:, :, None]).latent_dist.mode()
    expected = (frames.flatten(2).transpose(1, 2) - mean) / deviation
    assert relative(ours.encode(pixels), expected) < 1e-5


def test_half_precision_follows_the_reference(tmp_path: Path) -> None:
    both("as it is", tmp_path)
    full, half = FrameAutoencoder.load(tmp_path), FrameAutoencoder.load(tmp_path, dtype=torch.bfloat16)
    latents = torch.randn(1, 4, 4)
    assert relative(half.decode(latents, 2, 2).float(), full.decode(latents, 2, 2)) < 0.1
    assert half.encode(torch.zeros(1, 3, 32, 32)).dtype == torch.bfloat16


def test_patches_are_inverse() -> None:
    pixels = torch.randn(2, 3, 8, 12)
    assert torch.equal(unpatch(patch(pixels, 2), 2), pixels)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"is_residual": False}, "residual"),
        ({"attn_scales": [0.5]}, "attention"),
        ({"latents_mean": [0.0]}, "z_dim"),
    ],
)
def test_other_autoencoders_are_refused(change: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        AutoencoderConfig.from_dict({**tiny_vae(4).config, **change})


def test_images_and_pixels_are_inverse() -> None:
    levels = np.random.default_rng(0).integers(0, 256, (6, 5, 3), dtype=np.uint8)
    assert np.array_equal(np.asarray(to_image(to_pixels(Image.fromarray(levels)))), levels)
    assert to_image(torch.tensor([-2.0, 0.0, 2.0]).view(1, 3, 1, 1)).getpixel((0, 0)) == (0, 128, 255)
