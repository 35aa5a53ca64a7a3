"""Prompt encoding: the layers, the empty prompt, and a cache that stays within its bytes."""

import pytest
import torch

from sartor.fibo.checkpoint import Checkpoint, load_checkpoint
from sartor.fibo.encoding import PromptEncoder
from tests.fibo.conftest import OTHER_PROMPT, PROMPT


@pytest.fixture(scope="module")
def checkpoint(checkpoint_folder) -> Checkpoint:
    return load_checkpoint(checkpoint_folder())


def test_all_layers_and_the_last_two_joined(checkpoint: Checkpoint) -> None:
    encoded = PromptEncoder(checkpoint.text_encoder, checkpoint.tokenizer).encode(PROMPT)
    ids = torch.tensor([checkpoint.tokenizer(PROMPT)["input_ids"]])
    with torch.no_grad():
        whole = checkpoint.text_encoder(ids, output_hidden_states=True).hidden_states
    assert len(encoded.layers) == len(whole) == 5
    assert encoded.length == ids.shape[1]
    assert torch.allclose(encoded.embeds, torch.cat([whole[-1], whole[-2]], dim=-1))
    assert encoded.nbytes == (5 + 2) * ids.shape[1] * 24 * 4


def test_logits_are_never_computed(checkpoint: Checkpoint) -> None:
    called = []
    handle = checkpoint.text_encoder.lm_head.register_forward_hook(lambda *_: called.append(1))
    PromptEncoder(checkpoint.text_encoder, checkpoint.tokenizer).encode(PROMPT)
    handle.remove()
    assert not called


def test_the_empty_prompt_is_the_tokenizers_own_bos(checkpoint: Checkpoint) -> None:
    encoder = PromptEncoder(checkpoint.text_encoder, checkpoint.tokenizer)
    assert encoder.token_ids("").tolist() == [[checkpoint.tokenizer.bos_token_id]]
    assert encoder.encode("").length == 1


def test_long_texts_are_cut(checkpoint: Checkpoint, caplog: pytest.LogCaptureFixture) -> None:
    encoder = PromptEncoder(checkpoint.text_encoder, checkpoint.tokenizer)
    assert encoder.token_ids("a b c d " * 3000).shape == (1, 3000)
    assert "cut" in caplog.text


def test_layers_for_takes_the_last_or_repeats_it(checkpoint: Checkpoint) -> None:
    encoded = PromptEncoder(checkpoint.text_encoder, checkpoint.tokenizer).encode(PROMPT)
    assert [id(layer) for layer in encoded.layers_for(3)] == [id(layer) for layer in encoded.layers[2:]]
    longer = encoded.layers_for(8)
    assert [id(layer) for layer in longer] == [id(layer) for layer in (*encoded.layers, *[encoded.layers[-1]] * 3)]


def test_the_cache_is_bounded_by_bytes(checkpoint: Checkpoint) -> None:
    plain = PromptEncoder(checkpoint.text_encoder, checkpoint.tokenizer)
    size = plain.encode(PROMPT).nbytes
    encoder = PromptEncoder(checkpoint.text_encoder, checkpoint.tokenizer, cache_bytes=size)
    first = encoder.encode(PROMPT)
    assert encoder.encode(PROMPT) is first
    encoder.encode(OTHER_PROMPT)  # pushes the first one out
    again = encoder.encode(PROMPT)
    assert again is not first
    assert torch.equal(again.embeds, first.embeds)
    encoder.forget()
    afresh = encoder.encode(PROMPT)
    assert afresh is not again
    assert encoder.encode(PROMPT) is afresh  # there is room for it again


def test_the_cache_keeps_what_was_used_last(checkpoint: Checkpoint) -> None:
    size = PromptEncoder(checkpoint.text_encoder, checkpoint.tokenizer).encode("a").nbytes
    encoder = PromptEncoder(checkpoint.text_encoder, checkpoint.tokenizer, cache_bytes=2 * size)
    first, second = encoder.encode("a"), encoder.encode("b")
    assert encoder.encode("a") is first
    encoder.encode("c")  # the second was used longest ago
    assert encoder.encode("a") is first
    assert encoder.encode("b") is not second
