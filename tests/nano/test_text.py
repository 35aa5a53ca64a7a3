"""Stage 1b finds the words it predicts from, and a teacher keeps what a base has come to read."""

import random
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from transformers import PreTrainedTokenizerFast, SmolLM3ForCausalLM

from sartor.nano.bank import Bank
from sartor.nano.caption_source import Caption, CaptionSource
from sartor.nano.dial import DIALS
from sartor.nano.longhand import Filler
from sartor.nano.text import Codes, Teacher, build_encoder, hidden_states, of_sketch, parts
from sartor.nano.tokenizer import pad

DIAL = DIALS["test"]


def test_a_teacher_keeps_short_captions_and_explains_long_ones(
    tokenizer: PreTrainedTokenizerFast, stored: Bank, tmp_path: Path
) -> None:
    torch.manual_seed(0)
    encoder, other = build_encoder(DIAL, tokenizer).eval(), build_encoder(DIAL, tokenizer).eval()
    save_file({f"model.{k}": v for k, v in encoder.model.state_dict().items()}, tmp_path / "last.safetensors")
    teacher = Teacher(tmp_path / "last.safetensors", DIAL, tokenizer)
    source = CaptionSource(stored, len(stored), tokenizer, Filler(["harbour"], ["a quiet harbour"]))
    group = sorted(source.group(8, 1, random.Random(1)), key=len)
    long, short = group[0], group[1]

    def loss(pupil: SmolLM3ForCausalLM, batch: list[Caption]) -> float:
        ids, lengths = pad([caption.ids for caption in batch], tokenizer.pad_token_id, 8)
        with torch.no_grad():
            return teacher.loss(batch, hidden_states(pupil, ids), lengths).item()

    assert loss(encoder, short) == 0, "nothing to change where it reads as it did"
    assert loss(other, short) > 0.5
    assert loss(encoder, long) > 0.001, "what was not yet carried over"
    same = [replace(caption, ids=caption.short or []) for caption in long]
    assert loss(encoder, same) == pytest.approx(0, abs=1e-6)


def test_the_sketch_is_where_each_caption_ends() -> None:
    layer = torch.arange(2 * 20).reshape(2, 20, 1)
    found = of_sketch(layer, torch.tensor([16, 20]))
    assert found[:, :, 0].tolist() == [list(range(16)), list(range(24, 40))]


def test_the_encoder_does_not_look_ahead(tokenizer: PreTrainedTokenizerFast) -> None:
    torch.manual_seed(0)
    encoder = build_encoder(DIAL, tokenizer).eval()
    short, _ = pad([[5, 6, 7]], tokenizer.pad_token_id, 1)
    longer, _ = pad([[5, 6, 7, 8, 9]], tokenizer.pad_token_id, 1)
    with torch.no_grad():
        for a, b in zip(hidden_states(encoder, short), hidden_states(encoder, longer), strict=True):
            torch.testing.assert_close(a, b[:, :3])


def test_codes_keep_what_differs_most() -> None:
    torch.manual_seed(0)
    basis = torch.randn(3, 4 * 2 * 2)
    latents = (torch.randn(40, 3) * torch.tensor([9.0, 3.0, 1.0]) @ basis).reshape(40, 4, 2, 2)
    things = {(name, style): torch.randn(4, 2, 2) for name in "abc" for style in "xy"}
    codes = Codes(latents, things)
    assert codes.scene.shape == (40, 16)
    assert codes.scene.std(0)[:3].min() > 20 * codes.scene.std(0)[3:].max(), "three directions hold it all"
    assert codes.concept["a"].shape == (6,)
    assert codes.drawing["a", ""] == pytest.approx((codes.drawing["a", "x"] + codes.drawing["a", "y"]) / 2)


def test_parts_are_the_pictures_squares() -> None:
    rows, columns = torch.meshgrid(torch.arange(8), torch.arange(8), indexing="ij")
    latents = torch.stack([rows, columns], dim=-1).reshape(1, 64, 2)
    found = parts(latents).reshape(4, 4, 4, 2)
    for row in range(4):
        for column in range(4):
            square = {tuple(token.tolist()) for token in found[row, column]}
            assert square == {(2 * row + i, 2 * column + j) for i in range(2) for j in range(2)}
