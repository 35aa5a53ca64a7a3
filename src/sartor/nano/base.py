"""Stage 2: the base, a small FIBO transformer trained with flow matching on structured prompts.

    python -m sartor.nano.base --work DIR --steps 4000

Velocity target, logit-normal noise levels shifted towards noise, AdamW, an exponential average of the weights (which is
what ships), the text encoder trained along at half the rate, a tenth of the captions empty for guidance. Run it again
with more steps to go on from where it was: weights, average, optimiser and data position come back.
"""

from __future__ import annotations

import argparse
import itertools
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import PreTrainedTokenizerFast, SmolLM3ForCausalLM

from sartor.fibo.transformer import FiboTransformer
from sartor.nano import masked_attention
from sartor.nano.bank import Bank
from sartor.nano.base_samples import draw_grid, load_decoder
from sartor.nano.caption_source import GROUP, CaptionSource
from sartor.nano.dial import DIALS, Dial
from sartor.nano.latents import Latents, load_latents
from sartor.nano.longhand import Filler
from sartor.nano.run import (
    Run,
    Steps,
    ahead,
    autocast,
    ema_decay,
    optimizer_tensors,
    prefixed,
    restore_optimizer,
    schedule,
    set_rate,
    training_device,
    under,
)
from sartor.nano.sources import load_filler
from sartor.nano.text import build_encoder, hidden_states
from sartor.nano.tokenizer import load_tokenizer, pad

LONGHAND = 2  # of each GROUP of batches hold long captions
EMPTY_CAPTIONS = 0.1  # share of training steps without a caption
NOISE_MEAN = 0.4  # of the logit-normal noise level; above 0 leans towards noise
UNIFORM_SHARE = 0.1  # of noise levels drawn evenly, so that none is forgotten
AVERAGE = 0.999  # how much of the averaged weights a step leaves
WARM_UP = 300  # steps, at most a tenth of all


def build_transformer(dial: Dial) -> FiboTransformer:
    """An untrained transformer of the dial's size; modulations and the output start at zero, as DiT's do."""
    head = dial.head_width
    third = head // 4 // 2 * 2
    side = (head - third) // 2
    model = FiboTransformer.from_config(
        {
            "patch_size": 1,
            "in_channels": dial.channels,
            "num_layers": dial.double_blocks,
            "num_single_layers": dial.single_blocks,
            "attention_head_dim": head,
            "num_attention_heads": dial.heads,
            "joint_attention_dim": 2 * dial.text_width,
            "text_encoder_dim": dial.text_width,
            "axes_dims_rope": [third, side, side],
        }
    )
    for name, parameter in model.named_parameters():
        modulation = name.endswith(("norm1.linear.weight", "norm1_context.linear.weight", "norm.linear.weight"))
        if modulation or name.startswith(("norm_out.linear.", "proj_out.")) or name.endswith(".bias"):
            torch.nn.init.zeros_(parameter)
        elif parameter.ndim == 2:
            torch.nn.init.xavier_uniform_(parameter)
    return model


def noise_levels(count: int, generator: torch.Generator) -> torch.Tensor:
    """[count] in 0..1 on the generator's device: mostly sigmoid(N(NOISE_MEAN, 1)), some uniform."""
    where: dict[str, Any] = {"generator": generator, "device": generator.device}
    normal = torch.sigmoid(torch.randn(count, **where) + NOISE_MEAN)
    uniform = torch.rand(count, **where)
    return torch.where(torch.rand(count, **where) < UNIFORM_SHARE, uniform, normal)


class Base:
    """The two networks that stage 2 trains, and their average."""

    def __init__(self, dial: Dial, tokenizer: PreTrainedTokenizerFast):
        self.dial = dial
        self.tokenizer = tokenizer
        self.device = training_device()
        self.transformer = build_transformer(dial).to(self.device)
        self.encoder = build_encoder(dial, tokenizer)
        self.encoder.to(self.device)
        self.average: dict[str, torch.Tensor] = {}
        self.text_is_frozen = False

    def parameters(self) -> dict[str, torch.nn.Parameter]:
        named = {f"transformer.{k}": v for k, v in self.transformer.named_parameters()}
        return named | {f"encoder.{k}": v for k, v in self.encoder.model.named_parameters()}

    def load(self, tensors: dict[str, torch.Tensor], prefix: str, only: str = "") -> None:
        """Takes the weights stored under `prefix` ("model." or "average."); `only` those whose names begin so."""
        own = under(prefix, tensors)
        with torch.no_grad():
            for name, parameter in self.parameters().items():
                if name.startswith(only):
                    parameter.copy_(own[name])

    def velocity(
        self,
        transformer: Any,
        noisy: torch.Tensor,
        level: torch.Tensor,
        ids: torch.Tensor,
        lengths: torch.Tensor,
    ) -> torch.Tensor:
        """Batched guess [B, N, C] for noisy latents [B, N, C] with captions of different lengths."""
        with torch.set_grad_enabled(torch.is_grad_enabled() and not self.text_is_frozen):
            layers = hidden_states(self.encoder, ids)
        return self.guess(noisy, level, layers, lengths, transformer)

    def guess(
        self,
        noisy: torch.Tensor,
        level: torch.Tensor,
        layers: Sequence[torch.Tensor],
        lengths: torch.Tensor,
        transformer: Any = None,
    ) -> torch.Tensor:
        """As `velocity`, of captions that are encoded already: layers [B, T, d] from the words on."""
        transformer = self.transformer if transformer is None else transformer
        embeds = torch.cat([layers[-1], layers[-2]], dim=-1)
        depth = transformer.depth
        chosen = list(layers[-depth:]) if len(layers) >= depth else [*layers, *[layers[-1]] * (depth - len(layers))]
        tokens, text = noisy.shape[1], layers[0].shape[1]
        side = round(tokens**0.5)
        real = torch.arange(text, device=self.device)[None] < lengths[:, None]
        mask = torch.cat([real, real.new_ones(len(noisy), tokens)], dim=1)[:, None, None]
        captions = transformer.project_captions(chosen)
        rotary = transformer.rotary(text, side, side)
        guess: torch.Tensor = transformer(noisy, level * 1000, embeds, captions, rotary, mask=mask)
        return guess


@dataclass(frozen=True)
class Batch:
    """latents [B, N, C] normalised, ids int64 [B, T] padded, lengths [B], levels [B] in 0..1, noise [B, N, C]."""

    latents: torch.Tensor
    ids: torch.Tensor
    lengths: torch.Tensor
    levels: torch.Tensor
    noise: torch.Tensor

    def to(self, device: torch.device) -> Batch:
        return Batch(**{field.name: getattr(self, field.name).to(device) for field in fields(self)})


def batches(
    base: Base,
    bank: Bank,
    latents: Latents,
    filler: Filler,
    size: int,
    start: int,
    longhand: int = LONGHAND,
    pairs: bool = False,
) -> Iterator[Batch]:
    """Batches from step `start` on, for ever; what a step sees follows from its number alone. Of each GROUP of them
    `longhand` hold long captions. Both of a pair have one noise level and one noise, and a caption both or neither."""
    source = CaptionSource(bank, min(len(bank), len(latents.latents)), base.tokenizer, filler, pairs=pairs)
    together = source.together
    for number in itertools.count(start // GROUP):
        rng = random.Random(number)
        for offset, chosen in enumerate(source.group(size, longhand, rng)):
            step = number * GROUP + offset
            silent = [empty for _ in chosen[::together] for empty in [rng.random() < EMPTY_CAPTIONS] * together]
            if step < start:
                continue
            ids = [[base.tokenizer.bos_token_id] if empty else c.ids for c, empty in zip(chosen, silent, strict=True)]
            padded, lengths = pad(ids, base.tokenizer.pad_token_id, 8)
            x = latents.normalised([c.row for c in chosen])
            generator = torch.Generator().manual_seed(step)
            levels = noise_levels(len(x) // together, generator).repeat_interleave(together)
            noise = torch.randn(len(x) // together, *x.shape[1:], generator=generator).repeat_interleave(together, 0)
            yield Batch(x, padded, lengths, levels, noise)


def apart(error: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
    """How far the errors [B, N, C] of the two of each pair are from each other, squared, mean; of pairs with captions.

    Where both are wrong in the same way, what the pair has in common stays as it is when its background changes.
    """
    told = lengths[::2] > 1
    return (error[::2] - error[1::2])[told].square().sum() / error[::2].numel()


def train(
    work: Path,
    dial: Dial,
    steps: int,
    *,
    compile_: bool,
    fresh_text: bool = False,
    freeze_text: bool = False,
    take_text: bool = False,
    hold: float = 0.5,
    average: float = AVERAGE,
    longhand: int = LONGHAND,
    pairs: float = 0.0,
) -> None:
    """`pairs` is the weight of what tells the errors of a pair apart; with any the bank must be one of pairs."""
    torch.manual_seed(3)
    bank, latents = Bank(work), load_latents(work)
    base = Base(dial, load_tokenizer(work, dial, bank))
    text = Run(work / "text").load()
    if text is not None and not fresh_text:
        base.encoder.model.load_state_dict(under("model.", text[0]))
    base.text_is_frozen = freeze_text
    named = base.parameters()
    rates = {"transformer": 1.0, "encoder": 0.5}
    groups = [
        {"params": [p for k, p in named.items() if k.startswith(part)], "scale": scale} for part, scale in rates.items()
    ]
    optimizer = torch.optim.AdamW(groups, lr=dial.learning_rate, betas=(0.9, 0.98), weight_decay=0.01, foreach=True)
    run = Run(work / "base")
    start = 0
    if (saved := run.load()) is not None:
        base.load(saved[0], "model.", "transformer." if take_text else "")
        base.average = {k: v.float().to(base.device) for k, v in under("average.", saved[0]).items()}
        if take_text:
            base.average |= {k: v.detach().clone() for k, v in named.items() if k.startswith("encoder.")}
        restore_optimizer(optimizer, saved[0])
        start = saved[1]["step"]
    else:
        base.average = {k: v.detach().clone() for k, v in named.items()}
    averages = [base.average[k] for k in named]
    current = list(named.values())
    transformer: Any = base.transformer
    transformer.attention = masked_attention.chosen(masked_attention.start())
    if compile_:
        for blocks in (transformer.transformer_blocks, transformer.single_transformer_blocks):
            for block in blocks:
                block.compile(dynamic=True)
    vae = load_decoder(work, dial)
    supply = ahead(batches(base, bank, latents, load_filler(work), dial.batch, start, longhand, pairs > 0))

    def state_of_all() -> dict[str, torch.Tensor]:
        weights = prefixed("model.", base.parameters()) | prefixed("average.", base.average)
        return weights | optimizer_tensors(optimizer)

    def show(path: Path) -> None:
        draw_grid(base, vae, latents, path)

    taken = Steps(run, "base", start, steps, save=state_of_all, save_seconds=240, show=show, show_seconds=600)
    smooth, warm_up = 0.0, min(WARM_UP, steps // 10)
    for step in taken:
        batch = next(supply).to(base.device)
        noisy = torch.lerp(batch.latents, batch.noise, batch.levels[:, None, None])
        set_rate(optimizer, dial.learning_rate * schedule(step, steps, warm_up=warm_up, hold=hold))
        with autocast(base.device):
            guess = base.velocity(transformer, noisy, batch.levels, batch.ids, batch.lengths)
        error = guess.float() - (batch.noise - batch.latents)
        loss = error.square().mean()
        difference = apart(error, batch.lengths) if pairs else loss.new_zeros(())
        (loss + pairs * difference).backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(current, 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        torch._foreach_lerp_(averages, [p.detach() for p in current], 1 - ema_decay(step, average))
        value = loss.item()
        smooth = value if smooth == 0 else 0.98 * smooth + 0.02 * value
        taken.tell(loss=value, smooth=smooth, **({"apart": difference} if pairs else {}))
        if not np.isfinite(value):
            raise FloatingPointError(f"the loss of step {step} is {value}")


def load_base(work: Path, dial: Dial) -> tuple[Base, SmolLM3ForCausalLM]:
    """The averaged weights of a run, ready to export."""
    base = Base(dial, load_tokenizer(work, dial))
    saved = Run(work / "base").load()
    if saved is None:
        raise FileNotFoundError("train the base first")
    base.load(saved[0], "average.")
    return base, base.encoder


def main() -> None:
    parser = argparse.ArgumentParser(description="Trains the base")
    parser.add_argument("--work", type=Path, default=Path("var/nano"))
    parser.add_argument("--dial", choices=list(DIALS), default="cpu")
    parser.add_argument("--steps", type=int, default=4000)
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--fresh-text", action="store_true", help="do not start from stage 1b's text encoder")
    parser.add_argument("--freeze-text", action="store_true", help="leave the text encoder as it is")
    parser.add_argument("--take-text", action="store_true", help="go on with stage 1b's text encoder as it is now")
    parser.add_argument("--hold", type=float, default=0.5, help="share of the steps at full rate")
    parser.add_argument("--batch", type=int, help="pictures a step; the dial's by default")
    parser.add_argument("--rate", type=float, help="the highest learning rate; the dial's by default")
    parser.add_argument("--average", type=float, default=AVERAGE, help="share of the average that a step leaves")
    parser.add_argument("--longhand", type=int, default=LONGHAND, help=f"of {GROUP} steps hold long captions")
    parser.add_argument("--pairs", type=float, default=0.0, help="weight of the difference between errors of a pair")
    parser.add_argument("--threads", type=int, help="of the processor; as many as PyTorch would take")
    a = parser.parse_args()
    if a.threads:
        torch.set_num_threads(a.threads)
    dial = DIALS[a.dial]
    dial = replace(dial, batch=a.batch or dial.batch, learning_rate=a.rate or dial.learning_rate)
    words = {"fresh_text": a.fresh_text, "freeze_text": a.freeze_text, "take_text": a.take_text}
    data = {"longhand": a.longhand, "pairs": a.pairs}
    train(a.work, dial, a.steps, compile_=a.compile, hold=a.hold, average=a.average, **data, **words)


if __name__ == "__main__":
    main()
