"""What a training has come to: a loss to compare its checkpoints by, and pictures to look at.

    with merged(checkpoint, adapter_file):
        score = caption_loss(checkpoint, held_out)
        image = draw_sample(checkpoint, caption, seed=0)

Both are made with the adapter merged as it is served, and always with the same noise, so that two checkpoints of one
training differ only by what was learned between them. The noise levels avoid both ends: near 0 the loss is that of
tracing what is there already, near 1 that of guessing the average picture.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import torch
import torch.nn.functional as F
from PIL import Image

from sartor.fibo.adapters import Merger, read_adapter
from sartor.fibo.aspect import GRID, image_size
from sartor.fibo.autoencoder import to_image
from sartor.fibo.checkpoint import Checkpoint
from sartor.fibo.encoding import PromptEncoder
from sartor.fibo.sampler import condition, generate_latents, scheduler_settings, velocity
from sartor.fibo.training_data import Example, encode_picture

LEVELS = (0.3, 0.5, 0.7, 0.85)
"""Noise levels of the loss, 0 to 1."""
NOISES = 2
"""Noises of each picture and level."""


@contextmanager
def merged(checkpoint: Checkpoint, adapter: Path) -> Iterator[None]:
    """The checkpoint's transformer with this adapter while the block runs; afterwards exactly what it was.

    Raises as `read_adapter`. Pristine weights wait in host memory.
    """
    merger = Merger(checkpoint.transformer, pristine_device="cpu")
    merger.apply(read_adapter(adapter, checkpoint.transformer))
    try:
        yield
    finally:
        merger.apply(None)


@torch.no_grad()
def caption_loss(
    checkpoint: Checkpoint, examples: Sequence[Example], *, between: Callable[[], None] = lambda: None
) -> float:
    """Mean squared error of the velocity, given each picture's own caption, at LEVELS with NOISES noises each.

    between: called before each forward; what it raises ends the measurement.
    """
    transformer = checkpoint.transformer
    device = transformer.device
    encoder = PromptEncoder(checkpoint.text_encoder, checkpoint.tokenizer, cache_bytes=0)
    timesteps = scheduler_settings(checkpoint.scheduler_config)["num_train_timesteps"]
    total = 0.0
    for index, example in enumerate(examples):
        between()
        picture = encode_picture(checkpoint.vae, example, checkpoint.training_area, device=device)
        latents = picture.latents[:1].to(device)
        given = condition(transformer, encoder.encode(example.caption), picture.height, picture.width)
        generator = torch.Generator().manual_seed(index)
        for level in LEVELS:
            for _ in range(NOISES):
                between()
                noise = torch.randn(latents.shape, generator=generator).to(device)
                guess = velocity(
                    transformer, torch.lerp(latents, noise, level), torch.tensor([level * timesteps]).to(device), given
                )
                total += float(F.mse_loss(guess.float(), noise - latents))
    return total / (len(examples) * len(LEVELS) * NOISES)


@torch.no_grad()
def draw_sample(
    checkpoint: Checkpoint,
    caption: str,
    *,
    seed: int,
    steps: int = 20,
    guidance_scale: float = 5.0,
    between: Callable[[], None] = lambda: None,
) -> Image.Image:
    """A square picture as the transformer draws it, without any upscaling. between: called before each step."""
    encoder = PromptEncoder(checkpoint.text_encoder, checkpoint.tokenizer, cache_bytes=0)
    width, height = image_size("1:1", checkpoint.training_area)
    between()
    for _, latents in generate_latents(  # noqa: B007 - the last are kept
        checkpoint.transformer,
        encoder.encode(caption),
        encoder.encode(""),
        height=height // GRID,
        width=width // GRID,
        steps=steps,
        seed=seed,
        guidance_scale=guidance_scale,
        scheduler_config=checkpoint.scheduler_config,
    ):
        between()
    return to_image(checkpoint.vae.decode(latents, height // GRID, width // GRID))
