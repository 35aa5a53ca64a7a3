"""The tokenizer keeps every byte, knows the scaffolding and ends every prompt with the sketch."""

import random
from pathlib import Path

import pytest
from transformers import PreTrainedTokenizerFast

from sartor.nano.bank import Bank
from sartor.nano.captions import Background, Scene, Thing, compact, describe, vary
from sartor.nano.dial import DIALS
from sartor.nano.tokenizer import BOS, SKETCH, load_tokenizer, name_positions, pad, scaffolding

DIAL = DIALS["test"]


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
    monkeypatch.setattr("sartor.nano.tokenizer.train_tokenizer", lambda *_: pytest.fail("trained again"))
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


def test_padding_is_never_read() -> None:
    ids, lengths = pad([[1, 2, 3], [4]], pad_id=0, multiple=4)
    assert ids.tolist() == [[1, 2, 3, 0], [4, 0, 0, 0]]
    assert lengths.tolist() == [3, 1]


def test_every_prompt_ends_with_the_sketch(tokenizer: PreTrainedTokenizerFast) -> None:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer('{"short_description":"a cat"}')["input_ids"])
    assert tokens[-len(SKETCH) :] == SKETCH
    assert tokens.count(SKETCH[0]) == 1
