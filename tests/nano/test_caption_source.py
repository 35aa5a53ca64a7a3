"""Batches of captions: how many, how long, and the same again."""

import random

from transformers import PreTrainedTokenizerFast

from sartor.nano.bank import Bank
from sartor.nano.caption_source import CaptionSource, shorten
from sartor.nano.longhand import Filler
from sartor.nano.tokenizer import SKETCH


def test_some_batches_are_of_long_captions(tokenizer: PreTrainedTokenizerFast, stored: Bank) -> None:
    source = CaptionSource(stored, len(stored), tokenizer, Filler(["harbour"], ["a quiet harbour"]))
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


def test_what_is_too_long_loses_its_last_words() -> None:
    ids = list(range(100))
    assert shorten(ids, 100) == ids
    assert shorten(ids, 30) == [*range(14), *range(84, 100)]
