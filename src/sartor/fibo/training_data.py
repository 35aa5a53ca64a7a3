"""What LoRA training reads: images as latents, captions as projected text states, each computed once, and their order.

Neither the VAE nor the text encoder is trained, and no adapter target lies on the caption projections, so everything up
to the blocks' inputs is constant. Letters: B batch, T text tokens, N image tokens, C latent channels, D width.
"""

import hashlib
import math
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from PIL import Image, ImageOps
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor

from sartor.fibo.aspect import ASPECT_RATIOS, GRID, image_size
from sartor.fibo.autoencoder import FrameAutoencoder, to_pixels
from sartor.fibo.encoding import PromptEncoder
from sartor.fibo.errors import CaptionsTooLarge
from sartor.fibo.transformer import FiboTransformer


@dataclass(frozen=True, eq=False)
class Example:
    """A picture of any size and mode, and the caption that the model is to draw it for (canonical JSON, as served)."""

    image: Image.Image
    caption: str

    def digest(self) -> str:
        """SHA-256 of the pixels and of the caption."""
        picture = flatten(self.image)
        return hashlib.sha256(b"%d %d\0%s\0%s" % (*picture.size, picture.tobytes(), self.caption.encode())).hexdigest()


@dataclass(frozen=True, eq=False)
class Picture:
    """latents [V, N, C], fp32, on the host: the picture and, where wanted, its mirror image; N = height * width."""

    latents: Tensor
    height: int
    width: int
    caption: str


@dataclass(frozen=True, eq=False)
class Batch:
    """What one forward reads, on the device: latents [B, N, C], text [B, T, joint], captions [B, T, D / 2] per block.

    mask [B, 1, 1, T + N] is there only where captions of several lengths meet.
    """

    latents: Tensor
    text: Tensor
    captions: list[Tensor]
    mask: Tensor | None


def flatten(image: Image.Image) -> Image.Image:
    """RGB, turned as its EXIF says, transparency laid over black, as where the service takes pictures in."""
    image = ImageOps.exif_transpose(image)
    if image.has_transparency_data:
        image = image.convert("RGBA")
        black = Image.new("RGBA", image.size, "black")
        return Image.alpha_composite(black, image).convert("RGB")
    return image.convert("RGB")


def bucket(width: int, height: int, training_area: int) -> tuple[int, int]:
    """The size in pixels (width, height), of those that the engine draws, nearest in shape to width x height pixels."""
    sizes = {image_size(ratio, training_area) for ratio in ASPECT_RATIOS}
    return min(sorted(sizes), key=lambda size: abs(math.log(size[0] / size[1] * height / width)))


def fitted(image: Image.Image, training_area: int) -> Image.Image:
    """A picture as it is trained on: `flatten`, scaled to cover its bucket, and cropped at its centre.

    Of what is fitted already it is a copy. Whoever keeps many pictures for a training keeps them so, in 3 bytes a pixel
    of the training area.
    """
    picture = flatten(image)
    return ImageOps.fit(picture, bucket(*picture.size, training_area), Image.Resampling.LANCZOS)


def encode_picture(
    encoder: FrameAutoencoder, example: Example, training_area: int, *, device: torch.device, mirror: bool = False
) -> Picture:
    """An example `fitted` and encoded; with its mirror image if asked. device: where the encoder's weights are."""
    picture = fitted(example.image, training_area)
    width, height = picture.size
    pixels = to_pixels(picture).to(device)
    # One at a time: a batch's bytes may differ from a single picture's.
    views = [encoder.encode(view).float().cpu() for view in ((pixels, pixels.flip(-1)) if mirror else (pixels,))]
    return Picture(torch.cat(views), height // GRID, width // GRID, example.caption)


@dataclass(eq=False)
class TextStates:
    """Captions as the blocks read them: embeddings [1, T, joint] and one projection [1, T, D / 2] per block.

    About 224 MB a caption of 1,500 tokens at full size: the first `memory` bytes stay in host memory, the rest is
    written to `folder` and read back when its turn comes.
    """

    transformer: FiboTransformer
    encoder: PromptEncoder
    folder: Path
    memory: int
    _kept: dict[str, dict[str, Tensor]] = field(default_factory=dict)

    def check_room(self, captions: Iterable[str]) -> None:
        """Before the first is added: raises CaptionsTooLarge where all of these have no room, and fills no disk."""
        config = self.transformer.config
        of_a_token = (config.joint_attention_dim + self.transformer.depth * config.width // 2) * (
            self.transformer.dtype.itemsize
        )
        new = [caption for caption in set(captions) if not self._file(caption).exists()]
        wanted = sum(self.encoder.token_ids(caption).shape[1] for caption in new) * of_a_token
        free = shutil.disk_usage(next(path for path in self.folder.parents if path.exists())).free
        if wanted > self.memory + free:
            raise CaptionsTooLarge(wanted, self.memory, free)

    @torch.no_grad()
    def add(self, caption: str) -> None:
        """Encodes a caption that is not yet known."""
        if caption in self._kept or self._file(caption).exists():
            return
        encoded = self.encoder.encode(caption)
        dtype, device = self.transformer.dtype, self.transformer.device
        layers = [layer.to(device, dtype) for layer in encoded.layers_for(self.transformer.depth)]
        captions = torch.cat(self.transformer.project_captions(layers))
        state = {"text": encoded.embeds.to("cpu", dtype).clone(), "captions": captions.cpu().clone()}
        if sum(tensor.nbytes for kept in (*self._kept.values(), state) for tensor in kept.values()) <= self.memory:
            self._kept[caption] = state
        else:
            self.folder.mkdir(parents=True, exist_ok=True)
            partial = self._file(caption).with_suffix(".partial")
            save_file(state, partial)
            partial.replace(self._file(caption))

    def length(self, caption: str) -> int:
        """T of a caption that was added."""
        if caption in self._kept:
            return int(self._kept[caption]["text"].shape[1])
        with safe_open(self._file(caption), "pt") as file:
            return int(file.get_slice("text").get_shape()[1])

    def get(self, caption: str) -> tuple[Tensor, Tensor]:
        """(embeddings [1, T, joint], projections [blocks, T, D / 2]) of a caption that was added, on the host."""
        state = self._kept.get(caption) or load_file(self._file(caption))
        return state["text"], state["captions"]

    def _file(self, caption: str) -> Path:
        return self.folder / f"{hashlib.sha256(caption.encode()).hexdigest()}.safetensors"


def collate(latents: Sequence[Tensor], texts: Sequence[tuple[Tensor, Tensor]], device: torch.device) -> Batch:
    """Pads captions to the longest and masks the padding; one caption, or all of one length, needs no mask."""
    lengths = [text.shape[1] for text, _ in texts]
    longest, tokens = max(lengths), latents[0].shape[0]
    text = torch.cat([F.pad(text, (0, 0, 0, longest - text.shape[1])) for text, _ in texts]).to(device)
    layers = torch.stack([F.pad(layer, (0, 0, 0, longest - layer.shape[1])) for _, layer in texts], dim=1).to(device)
    mask = None
    if min(lengths) < longest:
        real = torch.arange(longest + tokens)[None] < torch.tensor(lengths)[:, None]
        real[:, longest:] = True
        mask = real[:, None, None].to(device)
    return Batch(torch.stack(list(latents)).to(device), text, list(layers.unbind()), mask)


class DataOrder:
    """An endless order of batches: every picture once a round, each batch from one bucket.

    Pictures wait in their bucket until a batch is full, over rounds where need be, so that none is seen more often.
    """

    def __init__(self, sizes: Sequence[tuple[int, int]], batch_size: int) -> None:
        self._sizes = sizes
        self._batch_size = batch_size
        self._round: list[int] = []
        self._waiting: dict[tuple[int, int], list[int]] = {}

    def next(self, generator: torch.Generator) -> list[int]:
        """The indices of the next batch."""
        while True:
            if not self._round:
                self._round = torch.randperm(len(self._sizes), generator=generator).tolist()
            index = self._round.pop()
            group = self._waiting.setdefault(self._sizes[index], [])
            group.append(index)
            if len(group) == self._batch_size:
                return self._waiting.pop(self._sizes[index])

    def state(self) -> dict[str, Any]:
        """The position, as JSON."""
        return {"round": self._round, "waiting": list(self._waiting.values())}

    def restore(self, state: dict[str, Any]) -> None:
        """Continues from a position that `state` gave."""
        self._round = list(state["round"])
        self._waiting = {self._sizes[group[0]]: list(group) for group in state["waiting"]}
