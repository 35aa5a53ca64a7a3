"""Single frames in two dimensions against the autoencoder's own three."""

import numpy as np
import pytest
import torch
from PIL import Image

from sartor.fibo.decoding import FrameDecoder, FrameEncoder, to_image, to_pixels
from tests.fibo.conftest import tiny_vae

CONFIGS = {
    "wan 2.2": {},
    "wan 2.2, other times": {"temperal_downsample": [True, False, True], "dim_mult": [1, 2, 4, 4], "base_dim": 6},
    "separate decoder": {"decoder_base_dim": 8, "num_res_blocks": 2},
    "wan 2.1": {
        "is_residual": False,
        "patch_size": None,
        "in_channels": 3,
        "out_channels": 3,
        "dim_mult": [1, 2, 4, 4],
    },
}


def grid(name: str) -> int:
    return 8 if name == "wan 2.1" else 16


def relative(a: torch.Tensor, b: torch.Tensor) -> float:
    return ((a - b).norm() / b.norm()).item()


@pytest.mark.parametrize("name", CONFIGS)
def test_decoding_equals_the_autoencoders(name: str) -> None:
    vae = tiny_vae(4, seed=3, **CONFIGS[name])
    latents = torch.randn(2, 3 * 5, 4)
    mean, deviation = torch.tensor(vae.config.latents_mean), torch.tensor(vae.config.latents_std)
    frames = (latents * deviation + mean).transpose(1, 2).reshape(2, 4, 1, 3, 5)
    with torch.no_grad():
        expected = vae.decode(frames).sample[:, :, 0]
    found = FrameDecoder(vae).decode(latents, 3, 5)
    assert found.shape == (2, 3, 3 * grid(name), 5 * grid(name))
    assert relative(found, expected) < 1e-5
    assert expected.std() > 1e-3


@pytest.mark.parametrize("name", CONFIGS)
def test_encoding_equals_the_autoencoders(name: str) -> None:
    vae = tiny_vae(4, seed=4, **CONFIGS[name])
    pixels = torch.rand(2, 3, 48, 80) * 2 - 1
    with torch.no_grad():
        frames = vae.encode(pixels[:, :, None]).latent_dist.mode()
    mean, deviation = torch.tensor(vae.config.latents_mean), torch.tensor(vae.config.latents_std)
    expected = (frames.flatten(2).transpose(1, 2) - mean) / deviation
    assert relative(FrameEncoder(vae).encode(pixels), expected) < 1e-5


def test_the_autoencoder_is_left_as_it_was() -> None:
    vae = tiny_vae(4)
    before = {name: value.clone() for name, value in vae.state_dict().items()}
    FrameDecoder(vae)
    assert all(torch.equal(value, before[name]) for name, value in vae.state_dict().items())


def test_images_and_pixels_are_inverse() -> None:
    levels = np.random.default_rng(0).integers(0, 256, (6, 5, 3), dtype=np.uint8)
    assert np.array_equal(np.asarray(to_image(to_pixels(Image.fromarray(levels)))), levels)
    assert to_image(torch.tensor([-2.0, 0.0, 2.0]).view(1, 3, 1, 1)).getpixel((0, 0)) == (0, 128, 255)
