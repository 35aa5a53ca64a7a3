"""The embedded model's tokenizer.

A lower-case byte-level BPE with the JSON scaffolding of structured prompts as single tokens and a beginning-of-sequence
token of its own. Every prompt ends with sixteen tokens that stand for the parts of the picture, four by four: the
sketch.
"""

from __future__ import annotations

import random
from pathlib import Path

import torch
from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import PreTrainedTokenizerFast

from sartor.nano.bank import Bank
from sartor.nano.captions import compact, vary
from sartor.nano.concepts import CONCEPTS
from sartor.nano.dial import Dial
from sartor.nano.vocabulary import BACKGROUND_COLOR_SYNONYMS, COLOR_SYNONYMS, STYLES

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


def load_tokenizer(work: Path, dial: Dial, bank: Bank | None = None) -> PreTrainedTokenizerFast:
    """The run's tokenizer, trained once, on the run's bank (which is opened for it unless given)."""
    folder = work / "text" / "tokenizer"
    if not (folder / "tokenizer.json").exists():
        tokenizer = train_tokenizer(bank or Bank(work), dial.vocabulary)
        tokenizer.save_pretrained(folder)
    return PreTrainedTokenizerFast.from_pretrained(folder)


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


def pad(sequences: list[list[int]], pad_id: int, multiple: int = 16) -> tuple[torch.Tensor, torch.Tensor]:
    """int64 [B, T] padded on the right, and lengths [B]. Causal attention keeps real tokens from seeing the padding."""
    lengths = torch.tensor([len(s) for s in sequences])
    width = -(-int(lengths.max()) // multiple) * multiple
    ids = torch.full((len(sequences), width), pad_id)
    for row, sequence in enumerate(sequences):
        ids[row, : len(sequence)] = torch.tensor(sequence)
    return ids, lengths
