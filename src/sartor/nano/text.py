"""The text encoder, and stage 1b: teaching the encoder what its words look like.

    python -m sartor.nano.text --work DIR --steps 3000

Stage 1b trains the encoder on captions alone. At the sixteen tokens that end every prompt (`tokenizer.py`) it predicts
the parts of the scene's latent, a sketch of what the caption lets expect; at the last of them also the principal
components of the whole latent and of the drawing (the thing in that style); at each thing's name those of that thing's
latent in any style. A transformer that starts from such an encoder need not discover what words mean through noise. Run
again, it goes on; with a teacher, it learns long captions without unlearning what a base has come to read (`train`).
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import nn
from transformers import PreTrainedTokenizerFast, SmolLM3Config, SmolLM3ForCausalLM

from sartor.nano.bank import Bank
from sartor.nano.caption_source import GROUP, Caption, CaptionSource
from sartor.nano.dial import DIALS, Dial
from sartor.nano.run import Run, Steps, autocast, prefixed, schedule, set_rate, training_device, under
from sartor.nano.sources import load_filler
from sartor.nano.tokenizer import PARTS, SKETCH, load_tokenizer, name_positions, pad

SCENE_CODE, THING_CODE, DRAWING_CODE = 96, 48, 96  # principal components that are predicted
RATE = 1.5e-3  # of AdamW at its highest
LONGHAND = 4  # of each GROUP of batches hold long captions
KEPT = 8.0  # weight of a teacher's part in the loss


def build_encoder(dial: Dial, tokenizer: PreTrainedTokenizerFast) -> SmolLM3ForCausalLM:
    """An untrained SmolLM3 of the dial's size. Rotary positions on every layer but the last."""
    config = SmolLM3Config(
        vocab_size=len(tokenizer),
        hidden_size=dial.text_width,
        intermediate_size=4 * dial.text_width,
        num_hidden_layers=dial.text_layers,
        num_attention_heads=dial.text_width // 32 if dial.text_width < 256 else 4,
        num_key_value_heads=dial.text_width // 32 if dial.text_width < 256 else 4,
        max_position_embeddings=4096,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        tie_word_embeddings=True,
        initializer_range=0.05,
        use_cache=False,
    )
    return SmolLM3ForCausalLM(config)


def hidden_states(encoder: SmolLM3ForCausalLM, ids: torch.Tensor) -> tuple[torch.Tensor, ...]:
    """Every layer [B, T, d], from the words on, the last one normalised: what FIBO reads."""
    states: tuple[torch.Tensor, ...] = encoder.model(ids, output_hidden_states=True, use_cache=False).hidden_states
    return states


class Codes:
    """Principal components of latents, what stage 1b predicts: `scene` [N, 96], `concept[name]` [48], and of a thing in
    one style `drawing[(name, style)]`, in any style `drawing[(name, "")]` [96]."""

    def __init__(self, latents: torch.Tensor, things: dict[tuple[str, str], torch.Tensor]):
        flat = latents.flatten(1).float()
        sample = flat[:: max(1, len(flat) // 8000)]
        self.scene = self._project(flat, sample, SCENE_CODE)
        stacked = torch.stack([latent.flatten().float() for latent in things.values()])
        self.concept = _over_styles(dict(zip(things, self._project(stacked, stacked, THING_CODE), strict=True)))
        self.drawing = dict(zip(things, self._project(stacked, stacked, DRAWING_CODE), strict=True))
        self.drawing |= {(name, ""): code for name, code in _over_styles(self.drawing).items()}

    @staticmethod
    def _project(flat: torch.Tensor, sample: torch.Tensor, size: int) -> torch.Tensor:
        mean = sample.mean(0)
        size = min(size, *sample.shape)
        _, scale, basis = torch.pca_lowrank(sample - mean, q=size, center=False)
        code: torch.Tensor = (flat - mean) @ basis / (scale[0] / len(sample) ** 0.5)
        return code


def _over_styles(codes: dict[tuple[str, str], torch.Tensor]) -> dict[str, torch.Tensor]:
    """Each concept's mean over its styles."""
    return {n: torch.stack([c for (m, _), c in codes.items() if m == n]).mean(0) for n in {name for name, _ in codes}}


class Teacher:
    """An encoder as it was, which a base has learned to read."""

    def __init__(self, path: Path, dial: Dial, tokenizer: PreTrainedTokenizerFast):
        """path: work/text/last.safetensors of an earlier run, or a copy of it."""
        self.tokenizer = tokenizer
        self.encoder = build_encoder(dial, tokenizer).to(training_device()).eval()
        tensors = load_file(path)
        self.encoder.model.load_state_dict(under("model.", tensors))

    @torch.no_grad()
    def read(self, chosen: list[Caption]) -> list[torch.Tensor]:
        """Every layer's states [B, T, d] of the captions, or those of the sketch [B, 16, d] where captions are long."""
        long = all(caption.short is not None for caption in chosen)
        ids, lengths = pad([caption.short or caption.ids for caption in chosen], self.tokenizer.pad_token_id, 8)
        layers = hidden_states(self.encoder, ids.to(training_device()))
        return [of_sketch(layer, lengths.to(layer.device)) if long else layer for layer in layers]

    def loss(self, chosen: list[Caption], layers: Sequence[torch.Tensor], lengths: torch.Tensor) -> torch.Tensor:
        """How far the pupil's layers [B, T, d] are from what is to be kept or carried over, as a share of it."""
        wanted = self.read(chosen)
        if chosen[0].short is not None:
            pairs = [(of_sketch(layer, lengths), goal) for layer, goal in zip(layers, wanted, strict=True)]
        else:
            real = torch.arange(layers[0].shape[1], device=lengths.device)[None] < lengths[:, None]
            pairs = [(layer[real], goal[real]) for layer, goal in zip(layers, wanted, strict=True)]
        return torch.stack([unexplained(guess.float(), goal.float()) for guess, goal in pairs]).mean()


def of_sketch(layer: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
    """The states [B, 16, d] of the sketch's tokens, which end captions of these lengths, from [B, T, d]."""
    ends = lengths[:, None] + torch.arange(-len(SKETCH), 0, device=lengths.device)
    return layer[torch.arange(len(lengths), device=lengths.device)[:, None], ends]


def train(
    work: Path,
    dial: Dial,
    steps: int,
    batch: int = 64,
    longhand: int = LONGHAND,
    rate: float = RATE,
    teacher: Path | None = None,
) -> None:
    """Stage 1b. Writes work/text/ (safetensors of the encoder, tokenizer/).

    teacher: an encoder saved earlier. Short captions go on being read as it reads them, so that a base trained with it
    need not learn anew, and long ones end in the sketch that it makes of short ones that say the same.
    """
    from sartor.nano.latents import load_latents, load_thing_latents

    torch.manual_seed(2)
    device = training_device()
    bank = Bank(work)
    tokenizer = load_tokenizer(work, dial, bank)
    encoder = build_encoder(dial, tokenizer)
    latents = load_latents(work)
    codes = Codes(latents.latents, load_thing_latents(work))
    scene_head = nn.Linear(dial.text_width, codes.scene.shape[1])
    thing_head = nn.Linear(dial.text_width, next(iter(codes.concept.values())).shape[0])
    drawing_head = nn.Linear(dial.text_width, next(iter(codes.drawing.values())).shape[0])
    sketch_head = nn.Linear(dial.text_width, dial.channels * (dial.side // 16 // PARTS) ** 2)
    heads = {"scene": scene_head, "thing": thing_head, "drawing": drawing_head, "sketch": sketch_head}
    for module in (encoder, *heads.values()):
        module.to(device)
    parameters = [p for m in (encoder.model, *heads.values()) for p in m.parameters()]
    optimizer = torch.optim.AdamW(parameters, lr=rate, betas=(0.9, 0.98), weight_decay=0.01)
    run = Run(work / "text")
    before = 0  # steps of earlier runs: this one draws other captions
    if (saved := run.load()) is not None:
        before = saved[1]["step"]
        encoder.model.load_state_dict(under("model.", saved[0]))
        for name, head in heads.items():
            if stored := under(f"{name}.head.", saved[0]):
                head.load_state_dict(stored)
    master = Teacher(teacher, dial, tokenizer) if teacher else None
    count = min(len(bank), len(codes.scene))
    source = CaptionSource(bank, count, tokenizer, load_filler(work))

    def state_of_all() -> dict[str, torch.Tensor]:
        weights = prefixed("model.", encoder.model.state_dict())
        return weights | {
            k: v for name, head in heads.items() for k, v in prefixed(f"{name}.head.", head.state_dict()).items()
        }

    taken = Steps(run, "text encoder", before, before + steps, save=state_of_all, save_seconds=60)
    for number in taken:
        step = number - before
        if step % GROUP == 0:
            group = source.group(batch, longhand, random.Random(10_000_000 + number))
        chosen = group[step % GROUP]
        rows, prompts, ids = [c.row for c in chosen], [c.prompt for c in chosen], [c.ids for c in chosen]
        padded, lengths = (each.to(device) for each in pad(ids, tokenizer.pad_token_id, 8))
        set_rate(optimizer, rate * schedule(step, steps, hold=0.4))
        every = torch.arange(len(chosen), device=device)
        with autocast(device):
            layers = hidden_states(encoder, padded)
            last = layers[-1]
            scene = scene_head(last[every, lengths - 1]).float()
            drawing = drawing_head(last[every, lengths - 1]).float()
            sketch = sketch_head(of_sketch(last, lengths)).float()
            row_of, position, target, drawn_targets = [], [], [], []
            for row, i in enumerate(rows):
                style = bank.scenes[i].style if "style_medium" in prompts[row] else ""
                shown = [codes.drawing[thing.concept, style or ""] for thing in bank.scenes[i].things]
                drawn_targets.append(torch.stack(shown).mean(0))
                if "objects" not in prompts[row]:
                    continue
                for at, thing in zip(name_positions(tokenizer, ids[row]), bank.scenes[i].things, strict=False):
                    row_of.append(row)
                    position.append(at)
                    target.append(codes.concept[thing.concept])
            things = thing_head(last[row_of, position]).float()
            kept = master.loss(chosen, layers, lengths) if master else torch.zeros((), device=device)
        scene_loss = unexplained(scene, codes.scene[rows].to(device))
        thing_loss = unexplained(things, torch.stack(target).to(device))
        drawing_loss = unexplained(drawing, torch.stack(drawn_targets).to(device))
        sketch_loss = unexplained(sketch, parts(latents.normalised(rows)).to(device))
        learned = scene_loss + thing_loss + drawing_loss + 2 * sketch_loss
        (learned + KEPT * kept).backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        told = {"kept, of long" if chosen[0].short else "kept": kept} if master else {}
        taken.tell(scene=scene_loss, thing=thing_loss, drawing=drawing_loss, sketch=sketch_loss, **told)


def parts(latents: torch.Tensor) -> torch.Tensor:
    """Latents [B, h * w, C], row by row, cut into PARTS by PARTS pieces [B, PARTS * PARTS, C * (h / PARTS) ** 2]."""
    side = round(latents.shape[1] ** 0.5)
    batch, _, channels = latents.shape
    pieces = latents.reshape(batch, PARTS, side // PARTS, PARTS, side // PARTS, channels).transpose(2, 3)
    return pieces.reshape(batch, PARTS * PARTS, -1)


def unexplained(guess: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
    """Squared error as a share of the truth's square: 0 is perfect, 1 knows nothing."""
    return (guess - truth).square().mean() / truth.square().mean()


def main() -> None:
    parser = argparse.ArgumentParser(description="Trains the tokenizer and the text encoder")
    parser.add_argument("--work", type=Path, default=Path("var/nano"))
    parser.add_argument("--dial", choices=list(DIALS), default="cpu")
    parser.add_argument("--steps", type=int, default=3000)
    parser.add_argument("--batch", type=int, default=64, help="captions a step")
    parser.add_argument(
        "--longhand", type=int, default=LONGHAND, help=f"of {GROUP} steps hold a quarter, but long ones"
    )
    parser.add_argument(
        "--rate", type=float, default=RATE, help="lower, to change little of an encoder that a base knows"
    )
    parser.add_argument(
        "--teacher", type=Path, help="an earlier last.safetensors, whose reading of short captions stays"
    )
    a = parser.parse_args()
    train(a.work, DIALS[a.dial], a.steps, a.batch, a.longhand, a.rate, a.teacher)


if __name__ == "__main__":
    main()
