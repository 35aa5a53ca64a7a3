"""FIBO's diffusion transformer, written from its published architecture.

Two streams, text and image, run through `num_layers` double blocks (own weights per stream, one joint attention) and
then, joined, through `num_single_layers` single blocks: the MMDiT of FLUX (Black Forest Labs, 2024). What is FIBO's own
is DimFusion ("Generating an Image From 1,000 Words", Bria, 2025): before every block the second half of the text
stream's channels is replaced by a projection of one hidden layer of the text encoder, so that each depth of the image
model reads a depth of the language model.

Parameter names and configuration keys are those of diffusers' checkpoints, so that their state dicts and LoRA files
load unchanged. The captions do not change during sampling: `project_captions` is called once, `forward` every step.

Shapes: B batch, T text tokens, N image tokens (height * width), S = T + N, D = heads * head_dim, C latent channels.
"""

import json
import logging
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Self

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from sartor.fibo.attention import DEFAULT, kernel
from sartor.fibo.blocks import (
    CaptionProjection,
    DoubleBlock,
    Modulation,
    Rotary,
    SingleBlock,
    TimeEmbedding,
    modulate,
    rotary_table,
)
from sartor.fibo.weights import read_weights, write_weights

log = logging.getLogger(__name__)

ROTARY_TABLES = 16
"""How many rotary tables are remembered; one takes about 3 MB for 1,500 text and 4,096 image tokens."""


@dataclass(frozen=True)
class TransformerConfig:
    """What `transformer/config.json` says; the defaults are diffusers' own."""

    patch_size: int = 1
    in_channels: int = 64
    num_layers: int = 19
    num_single_layers: int = 38
    attention_head_dim: int = 128
    num_attention_heads: int = 24
    joint_attention_dim: int = 4096
    pooled_projection_dim: int | None = None
    guidance_embeds: bool = False
    axes_dims_rope: tuple[int, ...] = (16, 56, 56)
    rope_theta: float = 10000
    time_theta: float = 10000
    text_encoder_dim: int = 2048

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Reads a diffusers config; keys that begin with an underscore are its bookkeeping. Raises ValueError.

        As in diffusers an unknown key is passed over with a warning: weights that need it will not load.
        """
        known = {field.name for field in fields(cls)}
        if unknown := sorted(key for key in values.keys() - known if not key.startswith("_")):
            log.warning("the transformer's config has unknown keys: %s", ", ".join(unknown))
        given = {key: value for key, value in values.items() if key in known}
        if "axes_dims_rope" in given:
            given["axes_dims_rope"] = tuple(given["axes_dims_rope"])
        config = cls(**given)
        if config.guidance_embeds:
            raise ValueError("transformer config asks for guidance_embeds, which no FIBO checkpoint has")
        if sum(config.axes_dims_rope) != config.attention_head_dim or len(config.axes_dims_rope) != 3:
            raise ValueError("axes_dims_rope must be three numbers that add up to attention_head_dim")
        return config

    def to_dict(self) -> dict[str, Any]:
        """The content of `config.json`, with the class name that diffusers looks for."""
        return {"_class_name": "BriaFiboTransformer2DModel", **asdict(self), "axes_dims_rope": [*self.axes_dims_rope]}

    @property
    def width(self) -> int:
        return self.num_attention_heads * self.attention_head_dim


class FiboTransformer(nn.Module):
    """The velocity field of FIBO: see the module's first lines, `project_captions`, `rotary` and `forward`.

    While training, the first `checkpointed_blocks` blocks keep no activations and run a second time in the backward
    pass; `attention` names the kernel that attends (attention.py).
    """

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        self.config = config
        self.checkpointed_blocks = 0
        self.attention = DEFAULT
        self._tables: OrderedDict[tuple[Any, ...], Rotary] = OrderedDict()
        heads, head_dim, width = config.num_attention_heads, config.attention_head_dim, config.width
        self.time_embed = TimeEmbedding(width, config.time_theta)
        self.context_embedder = nn.Linear(config.joint_attention_dim, width)
        self.x_embedder = nn.Linear(config.in_channels, width)
        self.transformer_blocks = nn.ModuleList(DoubleBlock(heads, head_dim) for _ in range(config.num_layers))
        self.single_transformer_blocks = nn.ModuleList(
            SingleBlock(heads, head_dim) for _ in range(config.num_single_layers)
        )
        self.norm_out = Modulation(width, 2)
        self.proj_out = nn.Linear(width, config.patch_size**2 * config.in_channels)
        self.caption_projection = nn.ModuleList(
            CaptionProjection(config.text_encoder_dim, width // 2) for _ in range(self.depth)
        )

    @property
    def depth(self) -> int:
        """Blocks in all, and so the number of text layers that are read."""
        return self.config.num_layers + self.config.num_single_layers

    @property
    def dtype(self) -> torch.dtype:
        return self.x_embedder.weight.dtype

    @property
    def device(self) -> torch.device:
        return self.x_embedder.weight.device

    def project_captions(self, text_layers: Sequence[Tensor]) -> list[Tensor]:
        """One text-encoder layer [B, T, text_encoder_dim] per block -> [B, T, D / 2] each. Raises ValueError."""
        if len(text_layers) != self.depth:
            raise ValueError(f"{self.depth} blocks need as many text layers, {len(text_layers)} were given")
        return [project(layer) for project, layer in zip(self.caption_projection, text_layers, strict=True)]

    def rotary(self, text_length: int, height: int, width: int) -> Rotary:
        """The rotary table for text_length text tokens and height * width image tokens, remembered."""
        key = (text_length, height, width, self.device)
        table = self._tables.pop(key, None)
        if table is None:
            cos, sin = rotary_table(text_length, height, width, self.config.axes_dims_rope, self.config.rope_theta)
            table = cos.to(self.device), sin.to(self.device)
        self._tables[key] = table
        while len(self._tables) > ROTARY_TABLES:
            self._tables.popitem(last=False)
        return table

    def forward(
        self,
        latents: Tensor,
        timestep: Tensor,
        text: Tensor,
        captions: Sequence[Tensor],
        rotary: Rotary,
        *,
        mask: Tensor | None = None,
    ) -> Tensor:
        """The velocity noise - image [B, N, C] at latents [B, N, C].

        timestep [B] in 0..1000; text [B, T, joint_attention_dim]; captions from `project_captions`; rotary from
        `rotary`; mask, only for captions of several lengths in one batch, bool [B, 1, 1, T + N]: True is a real key.
        """
        image, text, time = self.embed(latents, timestep, text)
        return self.answer(self.blocks(image, text, time, captions, rotary, mask), time)

    def embed(self, latents: Tensor, timestep: Tensor, text: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """What the blocks begin with: image [B, N, D], text [B, T, D], time [B, D]. Arguments as `forward` has them."""
        # Under autocast linears answer in half precision: the residual streams stay in the weights' own dtype.
        image = self.x_embedder(latents).to(self.dtype)
        text = self.context_embedder(text).to(self.dtype)
        return image, text, F.silu(self.time_embed(timestep.to(self.dtype)).to(self.dtype))

    def blocks(
        self,
        image: Tensor,
        text: Tensor,
        time: Tensor,
        captions: Sequence[Tensor],
        rotary: Rotary,
        mask: Tensor | None = None,
        *,
        start: int = 0,
    ) -> Tensor:
        """The image stream [B, N, D] after the last block, from the streams before block number `start` on.

        start is at most the number of double blocks.
        """
        for place in range(start, self.config.num_layers):
            image, text = self.double_block(place, image, text, time, captions, rotary, mask)
        length = text.shape[1]
        for number in range(self.config.num_layers, self.depth):
            joined = torch.cat([self._read(text, captions[number]), image], dim=1)
            if number == self.depth - 1:  # the text has said all it will
                image = self._run(number, joined, time, rotary, mask, length)
            else:
                text, image = self._run(number, joined, time, rotary, mask).split([length, image.shape[1]], dim=1)
        return image

    def double_block(
        self,
        place: int,
        image: Tensor,
        text: Tensor,
        time: Tensor,
        captions: Sequence[Tensor],
        rotary: Rotary,
        mask: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Both streams after the double block number `place`."""
        streams: tuple[Tensor, Tensor] = self._run(place, image, self._read(text, captions[place]), time, rotary, mask)
        return streams

    def answer(self, image: Tensor, time: Tensor) -> Tensor:
        """The velocity [B, N, C] from the image stream after the last block."""
        scale, shift = self.norm_out(time)
        velocity: Tensor = self.proj_out(modulate(image, shift, scale))
        return velocity

    def _read(self, text: Tensor, caption: Tensor) -> Tensor:
        """DimFusion: the second half of the text stream's channels is this depth's caption."""
        return torch.cat([text[..., : self.config.width // 2], caption.to(text.dtype)], dim=-1)

    def block(self, number: int) -> nn.Module:
        """The blocks in the order in which they run, the double ones first."""
        doubles = self.config.num_layers
        return self.transformer_blocks[number] if number < doubles else self.single_transformer_blocks[number - doubles]

    def _run(self, number: int, *arguments: Any) -> Any:
        if number < self.checkpointed_blocks and torch.is_grad_enabled():
            return checkpoint(self.attending, self.block(number), *arguments, use_reentrant=False)
        return self.attending(self.block(number), *arguments)

    def attending(self, block: nn.Module, *arguments: Any) -> Any:
        """Inside what is computed again: the second time must attend as the first."""
        with kernel(self.attention):
            return block(*arguments)

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Self:
        """A model with fresh weights from the content of a diffusers `config.json`. Raises ValueError."""
        return cls(TransformerConfig.from_dict(config))

    @classmethod
    def load(cls, folder: str | Path, *, dtype: torch.dtype | None = None, device: torch.device | str = "cpu") -> Self:
        """Reads config.json and the weights (one file or shards) from a diffusers transformer folder.

        dtype None keeps what is saved; the weights go straight to the device. Raises OSError, ValueError, and
        RuntimeError for weights that do not fit.
        """
        folder = Path(folder)
        with torch.device("meta"):
            model = cls.from_config(json.loads((folder / "config.json").read_text()))
        model.load_state_dict(read_weights(folder, device=device, dtype=dtype), strict=True, assign=True)
        return model

    def save(self, folder: str | Path, *, dtype: torch.dtype | None = None) -> None:
        """Writes config.json and one safetensors file, in dtype where given, as diffusers would."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "config.json").write_text(json.dumps(self.config.to_dict(), indent=2) + "\n")
        weights = {
            name: value.to("cpu", dtype or value.dtype).contiguous() for name, value in self.state_dict().items()
        }
        write_weights(weights, folder)
