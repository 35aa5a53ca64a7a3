"""The parts that FIBO's transformer is made of; `transformer.py` puts them together and explains the letters."""

import math
from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

TIME_CHANNELS = 256
EPS = 1e-6
FUSED = torch.backends.mkldnn.is_available() and hasattr(torch.ops.mkldnn, "_linear_pointwise")  # type: ignore[no-untyped-call]

Rotary = tuple[Tensor, Tensor]


def rotary_table(text_length: int, height: int, width: int, axes: Sequence[int], theta: float) -> Rotary:
    """Cosines and sines [S, head_dim / 2], fp32, text tokens first, then the image row by row.

    Every token has a position on three axes, (0, row, column); all text tokens stand at (0, 0, 0). The angles are taken
    in float64 and rounded once, so that far positions keep their phase (RoFormer, arXiv:2104.09864, per axis).
    """
    rows, columns = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    image = torch.stack([torch.zeros_like(rows), rows, columns], dim=-1).reshape(-1, 3)
    positions = torch.cat([torch.zeros(text_length, 3, dtype=image.dtype), image]).double()
    angles = []
    for axis, channels in enumerate(axes):
        frequencies = 1.0 / theta ** (torch.arange(0, channels, 2, dtype=torch.float64) / channels)
        angles.append(torch.outer(positions[:, axis], frequencies))
    table = torch.cat(angles, dim=-1)
    return table.cos().float(), table.sin().float()


def rotate(x: Tensor, rotary: Rotary) -> Tensor:
    """Turns each neighbouring pair of channels of x [B, S, heads, head_dim] by its token's angle, in fp32."""
    cos, sin = rotary
    pairs = x.float().reshape(*x.shape[:-1], -1, 2)
    if torch.compiler.is_compiling():  # compilers fuse real arithmetic only
        cos, sin = cos[:, None], sin[:, None]
        a, b = pairs.unbind(-1)
        return torch.stack([a * cos - b * sin, a * sin + b * cos], dim=-1).flatten(-2)
    # The same as one complex product, nine times as fast on a CPU.
    turned = torch.view_as_complex(pairs) * torch.complex(cos, sin)[:, None]
    return torch.view_as_real(turned).flatten(-2)


def attend(q: Tensor, k: Tensor, v: Tensor, rotary: Rotary, mask: Tensor | None) -> Tensor:
    """Attention of q [B, Q, heads, head_dim], the last Q of S tokens, over k and v [B, S, ...] -> [B, Q, D].

    All three go in with v's dtype, whatever autocast did.
    """
    cos, sin = rotary
    asking = k.shape[1] - q.shape[1]
    q, k = rotate(q, (cos[asking:], sin[asking:])).to(v.dtype), rotate(k, rotary).to(v.dtype)
    out = F.scaled_dot_product_attention(q.transpose(1, 2), k.transpose(1, 2), v.transpose(1, 2), attn_mask=mask)
    out = out.transpose(1, 2).flatten(2)
    return _ContiguousGradient.apply(out) if out.requires_grad else out  # type: ignore[no-untyped-call]


class _ContiguousGradient(torch.autograd.Function):
    """Hands its input on, and a contiguous gradient back.

    A single block's comes as a part of a wider tensor's, a double block's as a tensor of its own. PyTorch keeps what
    cuDNN made for the one, and would take it for the other (decision 14).
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return x.view_as(x)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        return gradients[0].contiguous()


def modulate(x: Tensor, shift: Tensor, scale: Tensor) -> Tensor:
    """Layer-normalises x [B, S, D] without affine weights, then scales and shifts it by [B, D] each; in x's dtype,
    though a GPU's autocast norms in fp32: otherwise every linear that reads it would keep a copy of its own."""
    return torch.addcmul(shift[:, None], F.layer_norm(x, x.shape[-1:], eps=EPS), 1 + scale[:, None]).to(x.dtype)


def gelu_linear(linear: nn.Module, x: Tensor) -> Tensor:
    """gelu(linear(x)) with the tanh approximation, in one kernel where a CPU draws in fp32.

    There the separate gelu takes a third as long as the product before it, and oneDNN's, written for torch.compile,
    next to nothing. Where gradients flow, or something else stands in for the linear, it is done in two steps.
    """
    plain = type(linear) is nn.Linear and x.device.type == "cpu" and x.dtype == linear.weight.dtype == torch.float32
    free = not (torch.is_grad_enabled() or torch.compiler.is_compiling() or torch.is_autocast_enabled("cpu"))
    if plain and free and FUSED:
        fused: Tensor = torch.ops.mkldnn._linear_pointwise(x, linear.weight, linear.bias, "gelu", [], "tanh")
        return fused
    return F.gelu(linear(x), approximate="tanh")


class HeadNorm(nn.Module):
    """Root-mean-square norm over each head's channels, computed in fp32."""

    def __init__(self, head_dim: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(head_dim))

    def forward(self, x: Tensor) -> Tensor:
        return F.rms_norm(x.float(), self.weight.shape, self.weight.float(), EPS).to(x.dtype)


class Modulation(nn.Module):
    """`parts` vectors of width D from the (already activated) time embedding [B, D]."""

    def __init__(self, width: int, parts: int) -> None:
        super().__init__()
        self.parts = parts
        self.linear = nn.Linear(width, parts * width)

    def forward(self, time: Tensor) -> tuple[Tensor, ...]:
        return tuple(self.linear(time).chunk(self.parts, dim=-1))


class GeluLinear(nn.Module):
    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.proj = nn.Linear(width, hidden)

    def forward(self, x: Tensor) -> Tensor:
        return gelu_linear(self.proj, x)


class FeedForward(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        # The middle place belongs to dropout in diffusers' numbering of the weights.
        self.net = nn.Sequential(GeluLinear(width, 4 * width), nn.Identity(), nn.Linear(4 * width, width))

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.net(x)
        return out


class SelfAttention(nn.Module):
    """Queries, keys and values of one stream, queries and keys normalised per head."""

    def __init__(self, heads: int, head_dim: int) -> None:
        super().__init__()
        self.heads = heads
        width = heads * head_dim
        self.norm_q, self.norm_k = HeadNorm(head_dim), HeadNorm(head_dim)
        self.to_q, self.to_k, self.to_v = (nn.Linear(width, width) for _ in range(3))

    def split(self, x: Tensor) -> Tensor:
        return x.reshape(*x.shape[:-1], self.heads, -1)

    def project(self, x: Tensor, silent: int = 0) -> tuple[Tensor, Tensor, Tensor]:
        q, k, v = (
            self.split(projection(tokens))
            for projection, tokens in ((self.to_q, x[:, silent:]), (self.to_k, x), (self.to_v, x))
        )
        return self.norm_q(q), self.norm_k(k), v

    def forward(self, x: Tensor, rotary: Rotary, mask: Tensor | None, silent: int = 0) -> Tensor:
        """x [B, S, D] -> [B, S - silent, D]: the first `silent` tokens are looked at, but do not ask themselves."""
        return attend(*self.project(x, silent), rotary, mask)


class JointAttention(SelfAttention):
    """The image stream's attention joined with a second stream, the text, that has weights of its own."""

    def __init__(self, heads: int, head_dim: int) -> None:
        super().__init__(heads, head_dim)
        width = heads * head_dim
        self.norm_added_q, self.norm_added_k = HeadNorm(head_dim), HeadNorm(head_dim)
        self.add_q_proj, self.add_k_proj, self.add_v_proj = (nn.Linear(width, width) for _ in range(3))
        self.to_out = nn.ModuleList([nn.Linear(width, width)])
        self.to_add_out = nn.Linear(width, width)

    def join(self, image: Tensor, text: Tensor, rotary: Rotary, mask: Tensor | None) -> tuple[Tensor, Tensor]:
        """image [B, N, D], text [B, T, D] -> the attention's answer for each, after its output projection."""
        q, k, v = (self.split(projection(text)) for projection in (self.add_q_proj, self.add_k_proj, self.add_v_proj))
        texts = (self.norm_added_q(q), self.norm_added_k(k), v)
        q, k, v = (torch.cat(pair, dim=1) for pair in zip(texts, self.project(image), strict=True))
        out = attend(q, k, v, rotary, mask)
        length = text.shape[1]
        return self.to_out[0](out[:, length:]), self.to_add_out(out[:, :length])


class DoubleBlock(nn.Module):
    def __init__(self, heads: int, head_dim: int) -> None:
        super().__init__()
        width = heads * head_dim
        self.norm1, self.norm1_context = Modulation(width, 6), Modulation(width, 6)
        self.attn = JointAttention(heads, head_dim)
        self.ff, self.ff_context = FeedForward(width), FeedForward(width)

    def forward(
        self, image: Tensor, text: Tensor, time: Tensor, rotary: Rotary, mask: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        shift, scale, gate, ff_shift, ff_scale, ff_gate = self.norm1(time)
        t_shift, t_scale, t_gate, t_ff_shift, t_ff_scale, t_ff_gate = self.norm1_context(time)
        for_image, for_text = self.attn.join(
            modulate(image, shift, scale), modulate(text, t_shift, t_scale), rotary, mask
        )
        image = image + gate[:, None] * for_image
        image = image + ff_gate[:, None] * self.ff(modulate(image, ff_shift, ff_scale))
        text = text + t_gate[:, None] * for_text
        text = text + t_ff_gate[:, None] * self.ff_context(modulate(text, t_ff_shift, t_ff_scale))
        return image, text


class SingleBlock(nn.Module):
    """Attention and feed-forward side by side over the joined stream, one output projection for both."""

    def __init__(self, heads: int, head_dim: int) -> None:
        super().__init__()
        width = heads * head_dim
        self.norm = Modulation(width, 3)
        self.attn = SelfAttention(heads, head_dim)
        self.proj_mlp = nn.Linear(width, 4 * width)
        self.proj_out = nn.Linear(5 * width, width)

    def forward(self, x: Tensor, time: Tensor, rotary: Rotary, mask: Tensor | None, silent: int = 0) -> Tensor:
        """x [B, S, D] -> [B, S - silent, D], without the first `silent` tokens, whose answer nobody will read."""
        shift, scale, gate = self.norm(time)
        h = modulate(x, shift, scale)
        both = torch.cat([self.attn(h, rotary, mask, silent), gelu_linear(self.proj_mlp, h[:, silent:])], dim=-1)
        out: Tensor = x[:, silent:] + gate[:, None] * self.proj_out(both)
        return out


class TimeEmbedder(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.linear_1, self.linear_2 = nn.Linear(TIME_CHANNELS, width), nn.Linear(width, width)

    def forward(self, waves: Tensor) -> Tensor:
        out: Tensor = self.linear_2(F.silu(self.linear_1(waves)))
        return out


class TimeEmbedding(nn.Module):
    """Timestep [B] in 0..1000 -> [B, D]: 128 cosines, 128 sines of falling frequency, then two linears."""

    def __init__(self, width: int, theta: float) -> None:
        super().__init__()
        self.theta = theta
        self.timestep_embedder = TimeEmbedder(width)

    def forward(self, timestep: Tensor) -> Tensor:
        half = TIME_CHANNELS // 2
        exponents = -math.log(self.theta) * torch.arange(half, dtype=torch.float32, device=timestep.device) / half
        angles = timestep[:, None].float() * exponents.exp()[None]
        embedded: Tensor = self.timestep_embedder(torch.cat([angles.cos(), angles.sin()], dim=-1).to(timestep.dtype))
        return embedded


class CaptionProjection(nn.Module):
    def __init__(self, text_dim: int, width: int) -> None:
        super().__init__()
        self.linear = nn.Linear(text_dim, width, bias=False)

    def forward(self, layer: Tensor) -> Tensor:
        out: Tensor = self.linear(layer)
        return out
