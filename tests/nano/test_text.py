"""The tokenizer keeps every byte and knows the scaffolding; stage 1b finds the words it predicts from."""

import random
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from transformers import PreTrainedTokenizerFast, SmolLM3ForCausalLM

from sartor.nano.bank import Bank
from sartor.nano.captions import Background, Scene, Thing, compact, describe, vary
from sartor.nano.dial import DIALS
from sartor.nano.text import (
    BOS,
    SKETCH,
    Caption,
    CaptionSource,
    Codes,
    Teacher,
    build_encoder,
    hidden_states,
    load_tokenizer,
    name_positions,
    of_sketch,
    pad,
    parts,
    scaffolding,
    shorten,
    train_tokenizer,
)

DIAL = DIALS["test"]


@pytest.fixture(scope="module")
def stored(work: Path) -> Bank:
    return Bank(work)


@pytest.fixture(scope="module")
def tokenizer(stored: Bank) -> PreTrainedTokenizerFast:
    return train_tokenizer(stored, DIAL.vocabulary)


def inside(tokenizer: PreTrainedTokenizerFast, text: str) -> list[str]:
    """The tokens between the one that begins a prompt and those of the sketch that end it."""
    tokens: list[str] = tokenizer.convert_ids_to_tokens(tokenizer(text)["input_ids"])
    return tokens[1 : -len(SKETCH)]


def test_every_piece_of_scaffolding_is_one_token(tokenizer: PreTrainedTokenizerFast) -> None:
    for piece in scaffolding():
        assert inside(tokenizer, piece) == [piece]


def test_a_prompt_begins_with_its_own_token(tokenizer: PreTrainedTokenizerFast) -> None:
    assert tokenizer.bos_token == BOS
    assert tokenizer("anything")["input_ids"][0] == tokenizer.bos_token_id
    assert inside(tokenizer, "") == []
    assert tokenizer.pad_token_id != tokenizer.bos_token_id


def test_captions_survive_the_round_trip(tokenizer: PreTrainedTokenizerFast, stored: Bank) -> None:
    """Up to case and the spaces between tokens, which the scaffolding absorbs."""
    for index in range(20):
        text = compact(vary(stored.scenes[index], random.Random(index)))
        back = tokenizer.decode(tokenizer(text)["input_ids"], skip_special_tokens=True)
        assert back.replace(" ", "") == text.lower().replace(" ", "")


@pytest.mark.parametrize("text", ["Größe 10 µm", "日本語", "a\ttab and\nlines", "🍎 emoji"])
def test_any_text_survives(tokenizer: PreTrainedTokenizerFast, text: str) -> None:
    assert tokenizer.decode(tokenizer(text)["input_ids"], skip_special_tokens=True).strip() == text.lower()


def test_the_vocabulary_is_the_dials_size(tokenizer: PreTrainedTokenizerFast) -> None:
    assert len(tokenizer) <= DIAL.vocabulary


def test_scaffolding_costs_a_token_a_field(tokenizer: PreTrainedTokenizerFast) -> None:
    tokens = inside(tokenizer, '{"short_description":"dim","lighting":{"conditions":"dim"},"style_medium":"dim"}')
    word = len(inside(tokenizer, "dim"))
    scaffolding = ['{"short_description":"', '","lighting":', '{"conditions":"', '"},"style_medium":"', '"}']
    assert len(tokens) == len(scaffolding) + 3 * word


def test_it_is_trained_once(work: Path, stored: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    first = load_tokenizer(work, DIAL, stored)
    monkeypatch.setattr("sartor.nano.text.train_tokenizer", lambda *_: pytest.fail("trained again"))
    assert load_tokenizer(work, DIAL, stored).get_vocab() == first.get_vocab()


@pytest.mark.parametrize("recolored", [False, True])
def test_names_are_found(tokenizer: PreTrainedTokenizerFast, recolored: bool) -> None:
    things = [Thing("apple", "top left", colors=("red",)), Thing("cat", "bottom right", "medium", colors=("blue",))]
    things[1].recolored = recolored
    ids = tokenizer(compact(describe(Scene(things, "flat", Background()))))["input_ids"]
    positions = name_positions(tokenizer, ids)
    ends = [tokenizer.decode(ids[: position + 1]) for position in positions]
    assert len(ends) == 2
    assert ends[0].endswith("apple")
    assert ends[1].endswith("blue cat" if recolored else "cat")


def test_some_batches_are_of_long_captions(tokenizer: PreTrainedTokenizerFast, stored: Bank) -> None:
    source = CaptionSource(stored, len(stored), tokenizer, ["harbour"])
    group = source.group(8, 3, random.Random(1))
    assert sorted(len(batch) for batch in group) == [2, 2, 2, 8, 8, 8, 8, 8]
    lengths = {len(batch): [len(caption.ids) for caption in batch] for batch in group}
    assert min(lengths[2]) > max(lengths[8]), "a quarter as many, and longer"
    for batch in group:
        for caption in batch:
            assert caption.ids[-len(SKETCH) :] == tokenizer.convert_tokens_to_ids(SKETCH)
            assert 0 <= caption.row < len(stored)
            assert (caption.short is not None) == (len(batch) == 2)
    again = source.group(8, 3, random.Random(1))
    assert [[c.ids for c in batch] for batch in again] == [[c.ids for c in batch] for batch in group]


def test_a_teacher_keeps_short_captions_and_explains_long_ones(
    tokenizer: PreTrainedTokenizerFast, stored: Bank, tmp_path: Path
) -> None:
    torch.manual_seed(0)
    encoder, other = build_encoder(DIAL, tokenizer).eval(), build_encoder(DIAL, tokenizer).eval()
    save_file({f"model.{k}": v for k, v in encoder.model.state_dict().items()}, tmp_path / "last.safetensors")
    teacher = Teacher(tmp_path / "last.safetensors", DIAL, tokenizer)
    source = CaptionSource(stored, len(stored), tokenizer, ["harbour"])
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


def test_what_is_too_long_loses_its_last_words() -> None:
    ids = list(range(100))
    assert shorten(ids, 100) == ids
    assert shorten(ids, 30) == [*range(14), *range(84, 100)]


def test_padding_is_never_read() -> None:
    ids, lengths = pad([[1, 2, 3], [4]], pad_id=0, multiple=4)
    assert ids.tolist() == [[1, 2, 3, 0], [4, 0, 0, 0]]
    assert lengths.tolist() == [3, 1]


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


def test_every_prompt_ends_with_the_sketch(tokenizer: PreTrainedTokenizerFast) -> None:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer('{"short_description":"a cat"}')["input_ids"])
    assert tokens[-len(SKETCH) :] == SKETCH
    assert tokens.count(SKETCH[0]) == 1


def test_parts_are_the_pictures_squares() -> None:
    rows, columns = torch.meshgrid(torch.arange(8), torch.arange(8), indexing="ij")
    latents = torch.stack([rows, columns], dim=-1).reshape(1, 64, 2)
    found = parts(latents).reshape(4, 4, 4, 2)
    for row in range(4):
        for column in range(4):
            square = {tuple(token.tolist()) for token in found[row, column]}
            assert square == {(2 * row + i, 2 * column + j) for i in range(2) for j in range(2)}
