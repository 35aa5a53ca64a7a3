"""How much arithmetic a picture is, and the least time that a device could take for it."""

from sartor.fibo.transformer import TransformerConfig

H200_BF16 = 790e12
"""FLOP/s that large bf16 products reach on an H200; an H100's cores are the same."""


def branch_flops(config: TransformerConfig, text: int, image: int, *, captions: bool) -> float:
    """Floating-point operations of one transformer call for one text; a multiplication and an addition are two.

    captions: whether the projections of the text's layers are computed in the call, as the reference pipeline does.
    Counted are matrix products and attention; per token and block both kinds of blocks have 12 products of width^2.
    """
    width, tokens = config.width, text + image
    blocks = config.num_layers + config.num_single_layers
    linears = 2 * 12 * width**2 * tokens * blocks
    attention = 4 * tokens**2 * width * blocks
    ends = 2 * text * config.joint_attention_dim * width + 2 * 2 * image * config.in_channels * width
    projections = 2 * text * config.text_encoder_dim * (width // 2) * blocks if captions else 0
    return float(linears + attention + ends + projections)


def step_flops(config: TransformerConfig, texts: tuple[int, int], image: int, *, captions: bool) -> float:
    """One guided step: the prompt's branch and the negative prompt's, at these lengths in tokens."""
    return sum(branch_flops(config, text, image, captions=captions) for text in texts)


def roofline(flops: float, flops_per_second: float = H200_BF16) -> float:
    """The least seconds for this much arithmetic."""
    return flops / flops_per_second
