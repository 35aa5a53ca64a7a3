"""The tokenizer and the text encoder, and stage 1b: teaching the encoder what its words look like.

    python -m sartor.nano.text --work DIR --steps 3000

The tokenizer is a lower-case byte-level BPE with the JSON scaffolding of structured prompts as single tokens and a
beginning-of-sequence token of its own; every prompt ends with sixteen tokens that stand for the parts of the picture,
four by four. Stage 1b trains the encoder on captions alone. At those sixteen it predicts the parts of the scene's
latent, a sketch of what the caption lets expect; at the last of them also the principal components of the whole latent
and of the drawing (the thing in that style); at each thing's name those of that thing's latent in any style. A
transformer that starts from such an encoder need not discover what words mean through noise. Run again, it goes on;
with a teacher, it learns long captions without unlearning what a base has come to read (`train`).
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from torch import nn
from transformers import PreTrainedTokenizerFast, SmolLM3Config, SmolLM3ForCausalLM

from sartor.nano.bank import Bank
from sartor.nano.captions import Scene, compact, vary
from sartor.nano.dial import DIALS, Dial
from sartor.nano.longhand import elaborate, in_short
from sartor.nano.run import Run, autocast, progress_bar, schedule, training_device
from sartor.nano.sources import filler_words
from sartor.nano.vocabulary import BACKGROUND_COLOR_SYNONYMS, COLOR_SYNONYMS, CONCEPTS, STYLES

BOS, PAD = "<|begin|>", "<|pad|>"
PARTS = 4  # of the sketch, along each side
SKETCH = [f"<|part-{row}-{column}|>" for row in range(PARTS) for column in range(PARTS)]
FIELDS = [
    "short_description",
    "objects",
    "description",
    "location",
    "relationship",
    "relative_size",
    "shape_and_color",
    "texture",
    "appearance_details",
    "number_of_objects",
    "pose",
    "expression",
    "clothing",
    "action",
    "gender",
    "skin_tone_and_texture",
    "orientation",
    "background_setting",
    "lighting",
    "conditions",
    "direction",
    "shadows",
    "aesthetics",
    "composition",
    "color_scheme",
    "mood_atmosphere",
    "photographic_characteristics",
    "depth_of_field",
    "focus",
    "camera_angle",
    "lens_focal_length",
    "style_medium",
    "text_render",
    "context",
    "artistic_style",
]
SCENE_CODE, THING_CODE, DRAWING_CODE = 96, 48, 96  # principal components predicted in stage 1b


def scaffolding() -> list[str]:
    """Pieces of JSON that structured prompts are made of, each one token."""
    pieces = ['"}', '"}}', '"}],', '{"objects":[{"description":"', '"},{"description":"', "}", "]", ","]
    for name in FIELDS:
        pieces += [f'","{name}":"', f'{{"{name}":"', f'"}},"{name}":"', f'"}}],"{name}":"', f'"{name}":']
    for section in ("lighting", "aesthetics", "photographic_characteristics"):
        pieces += [f'","{section}":', f'"}},"{section}":', f'"}}],"{section}":']
    pieces += ['","objects":[{"description":"', ',"orientation":"', ',"style_medium":"']
    return sorted(set(pieces), key=len, reverse=True)


def train_tokenizer(bank: Bank, size: int) -> PreTrainedTokenizerFast:
    """Learns the merges from captions of the bank and from every word of the vocabulary."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    tokenizer.decoder = decoders.ByteLevel()
    rng = random.Random(0)
    strip = str.maketrans('{}[]":', "      ")
    lines = [compact(vary(bank.scenes[i], rng)).translate(strip).replace("_", " ") for i in range(0, len(bank), 6)]
    for concept in CONCEPTS:
        lines += [f" {word} " for word in (concept.name, concept.plural_name, *concept.synonyms)] * 40
    lines += [
        f" {word} " for word in (*COLOR_SYNONYMS, *BACKGROUND_COLOR_SYNONYMS, *(s for x in STYLES for s in x.synonyms))
    ] * 20
    trainer = trainers.BpeTrainer(
        vocab_size=size - len(scaffolding()) - len(SKETCH) - 2,
        special_tokens=[],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(lines, trainer)
    tokenizer.add_special_tokens([BOS, PAD])
    tokenizer.add_tokens([AddedToken(piece, normalized=False) for piece in scaffolding()])
    frame(tokenizer)
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token=BOS, pad_token=PAD, eos_token=BOS)


def frame(tokenizer: Tokenizer) -> None:
    """Makes every text begin with BOS and end with the tokens of the sketch."""
    tokenizer.add_special_tokens(SKETCH)
    ends = [(token, tokenizer.token_to_id(token)) for token in (BOS, *SKETCH)]
    tokenizer.post_processor = processors.TemplateProcessing(single=" ".join((BOS, "$A", *SKETCH)), special_tokens=ends)


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


def pad(sequences: list[list[int]], pad_id: int, multiple: int = 16) -> tuple[torch.Tensor, torch.Tensor]:
    """int64 [B, T] padded on the right, and lengths [B]. Causal attention keeps real tokens from seeing the padding."""
    lengths = torch.tensor([len(s) for s in sequences])
    width = -(-int(lengths.max()) // multiple) * multiple
    ids = torch.full((len(sequences), width), pad_id)
    for row, sequence in enumerate(sequences):
        ids[row, : len(sequence)] = torch.tensor(sequence)
    return ids, lengths


DROPS = (0.35, 0.85)  # shares of fields that captions leave out in training: full ones and short ones in turn
PLAIN_SCENES = 0.5  # share drawn from scenes of one or two kinds of upright things in their own colours
GROUP = 8  # batches whose captions are sorted by length together, so that little of a batch is padding
RATE = 1.5e-3  # of AdamW at its highest
LONGHAND = 4  # of them hold long captions in stage 1b
KEPT = 8.0  # weight of a teacher's part in the loss
LONGEST, LONGEST_LONGHAND = 160, 896  # tokens of a caption in training


def is_plain(scene: Scene) -> bool:
    """Whether the scene has one or two kinds of things, all upright and in their own colours."""
    return len(scene.things) <= 2 and all(t.orientation == "upright" and not t.recolored for t in scene.things)


def draw_row(plain: list[int], count: int, rng: random.Random) -> int:
    """The number of a scene among `count`: one of the plain ones for PLAIN_SCENES of the draws."""
    return rng.choice(plain) if plain and rng.random() < PLAIN_SCENES else rng.randrange(count)


@dataclass(frozen=True)
class Caption:
    """A scene's number in the bank, what is said of it, and that in tokens, the sketch's at the end; of a long caption
    also the tokens of a short one that says the same."""

    row: int
    prompt: dict[str, Any]
    ids: list[int]
    short: list[int] | None = None


class CaptionSource:
    """Captions of a bank's scenes: most short, in the composer's own wording, some in many words."""

    def __init__(self, bank: Bank, count: int, tokenizer: PreTrainedTokenizerFast, words: Sequence[str]):
        """count: of the bank's scenes that may be drawn; words: see `elaborate`."""
        self.bank, self.count, self.tokenizer, self.words = bank, count, tokenizer, words
        self.plain = [i for i in range(count) if is_plain(bank.scenes[i])]

    def group(self, size: int, longhand: int, rng: random.Random) -> list[list[Caption]]:
        """GROUP batches in random order, captions of like length together: `size` short ones each, but `longhand` of
        the batches hold a quarter as many, long ones."""
        fewer = max(1, size // 4)
        rows = [draw_row(self.plain, self.count, rng) for _ in range(size * (GROUP - longhand))]
        told = [(row, vary(self.bank.scenes[row], rng, drop=rng.choice(DROPS))) for row in rows]
        rows = [draw_row(self.plain, self.count, rng) for _ in range(fewer * longhand)]
        retold = [(row, elaborate(self.bank.scenes[row], rng, self.words)) for row in rows]
        short, long = self._written(told, LONGEST), self._written(retold, LONGEST_LONGHAND)
        plain = self._written([(row, in_short(self.bank.scenes[row], prompt)) for row, prompt in retold], LONGEST)
        long = [replace(caption, short=same.ids) for caption, same in zip(long, plain, strict=True)]
        batches = by_length(short, size) + by_length(long, fewer)
        return rng.sample(batches, len(batches))

    def _written(self, prompts: list[tuple[int, dict[str, Any]]], longest: int) -> list[Caption]:
        if not prompts:
            return []
        tokens = self.tokenizer([compact(prompt) for _, prompt in prompts])["input_ids"]
        return [Caption(row, prompt, shorten(ids, longest)) for (row, prompt), ids in zip(prompts, tokens, strict=True)]


def shorten(ids: list[int], longest: int) -> list[int]:
    """At most `longest` tokens: the last words are left out, the sketch's tokens stay."""
    return ids if len(ids) <= longest else ids[: longest - len(SKETCH)] + ids[-len(SKETCH) :]


def by_length(captions: list[Caption], size: int) -> list[list[Caption]]:
    """Batches of `size`, the shortest captions first."""
    ordered = sorted(captions, key=lambda caption: len(caption.ids))
    return [ordered[start : start + size] for start in range(0, len(ordered), size)]


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


def name_positions(tokenizer: PreTrainedTokenizerFast, ids: list[int]) -> list[int]:
    """Index of the last token of each `description` value, in order of the objects."""
    table = tokenizer.convert_ids_to_tokens(ids)
    positions, inside = [], False
    for index, token in enumerate(table):
        if token.endswith('"description":"'):
            inside = True
        elif inside and (token.startswith('"') or '":' in token):
            positions.append(index - 1)
            inside = False
    return positions


class Teacher:
    """An encoder as it was, which a base has learned to read."""

    def __init__(self, path: Path, dial: Dial, tokenizer: PreTrainedTokenizerFast):
        """path: work/text/last.safetensors of an earlier run, or a copy of it."""
        self.tokenizer = tokenizer
        self.encoder = build_encoder(dial, tokenizer).to(training_device()).eval()
        tensors = load_file(path)
        self.encoder.model.load_state_dict({k[6:]: v for k, v in tensors.items() if k.startswith("model.")})

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
        encoder.model.load_state_dict({k[6:]: v for k, v in saved[0].items() if k.startswith("model.")})
        for name, head in heads.items():
            stored = {k.rsplit(".", 1)[1]: v for k, v in saved[0].items() if k.startswith(f"{name}.")}
            if stored:
                head.load_state_dict(stored)
    master = Teacher(teacher, dial, tokenizer) if teacher else None
    count = min(len(bank), len(codes.scene))
    source = CaptionSource(bank, count, tokenizer, filler_words(work))
    with progress_bar() as bar:
        task = bar.add_task("text encoder", total=steps, note="")
        for step in range(steps):
            if step % GROUP == 0:
                group = source.group(batch, longhand, random.Random(10_000_000 + before + step))
            chosen = group[step % GROUP]
            rows, prompts, ids = [c.row for c in chosen], [c.prompt for c in chosen], [c.ids for c in chosen]
            padded, lengths = (each.to(device) for each in pad(ids, tokenizer.pad_token_id, 8))
            for settings in optimizer.param_groups:
                settings["lr"] = rate * schedule(step, steps, hold=0.4)
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
            if step % 25 == 0:
                losses = {"scene": scene_loss.item(), "thing": thing_loss.item(), "drawing": drawing_loss.item()}
                losses["sketch"] = sketch_loss.item()
                if master:
                    losses["kept, of long" if chosen[0].short else "kept"] = kept.item()
                bar.update(task, completed=step, note=" ".join(f"{name} {loss:.3f}" for name, loss in losses.items()))
                run.log(step=step, **losses)
            if step % 100 == 99 or step == steps - 1:
                weights = {f"model.{k}": v for k, v in encoder.model.state_dict().items()}
                weights |= {f"{n}.head.{k}": v for n, head in heads.items() for k, v in head.state_dict().items()}
                run.save(weights, {"step": before + step + 1})


def parts(latents: torch.Tensor) -> torch.Tensor:
    """Latents [B, h * w, C], row by row, cut into PARTS by PARTS pieces [B, PARTS * PARTS, C * (h / PARTS) ** 2]."""
    side = round(latents.shape[1] ** 0.5)
    batch, _, channels = latents.shape
    pieces = latents.reshape(batch, PARTS, side // PARTS, PARTS, side // PARTS, channels).transpose(2, 3)
    return pieces.reshape(batch, PARTS * PARTS, -1)


def unexplained(guess: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
    """Squared error as a share of the truth's square: 0 is perfect, 1 knows nothing."""
    return (guess - truth).square().mean() / truth.square().mean()


def load_tokenizer(work: Path, dial: Dial, bank: Bank) -> PreTrainedTokenizerFast:
    """The run's tokenizer, trained once."""
    folder = work / "text" / "tokenizer"
    if not (folder / "tokenizer.json").exists():
        tokenizer = train_tokenizer(bank, dial.vocabulary)
        tokenizer.save_pretrained(folder)
    return PreTrainedTokenizerFast.from_pretrained(folder)


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
