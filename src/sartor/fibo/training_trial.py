"""What a training has come to, to look at: pictures drawn with the adapter merged as it is served.

with merged(checkpoint, adapter_file):
    image = draw_sample(checkpoint, caption, seed=0)
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from PIL import Image

from sartor.fibo.adapters import Merger, read_adapter
from sartor.fibo.aspect import GRID, image_size
from sartor.fibo.autoencoder import to_image
from sartor.fibo.checkpoint import Checkpoint
from sartor.fibo.guidance import Guidance, guidance_until_of
from sartor.fibo.memory import give_back
from sartor.fibo.sampler import generate_latents


@contextmanager
def merged(checkpoint: Checkpoint, adapter: Path) -> Iterator[None]:
    """The checkpoint's transformer with this adapter while the block runs; afterwards exactly what it was.

    Raises as `read_adapter`. Pristine weights wait in host memory.
    """
    merger = Merger(checkpoint.transformer, pristine_device="cpu")
    found = read_adapter(adapter, checkpoint.transformer)
    try:
        merger.apply(found)
        yield
    finally:
        merger.apply(None)
        give_back()


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
    encoder = checkpoint.prompt_encoder(cache_bytes=0)
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
        guidance=Guidance(until=guidance_until_of(checkpoint.extras)),
    ):
        between()
    return to_image(checkpoint.vae.decode(latents, height // GRID, width // GRID))
