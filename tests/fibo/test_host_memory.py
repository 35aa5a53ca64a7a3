"""Copies in host memory: their own, cut from slabs; and models that visit the device with the same numbers."""

from itertools import pairwise

import pytest
import torch

from sartor.fibo.checkpoint import load_checkpoint
from sartor.fibo.encoding import PromptEncoder
from sartor.fibo.host_memory import ALIGNMENT, HostMemory, Visitor
from tests.fibo.conftest import PROMPT


def test_copies_are_equal_and_apart() -> None:
    memory = HostMemory(pinned=False, slab=4096)
    tensors = [torch.randn(7, 5), torch.randn(64, 9).bfloat16(), torch.arange(5), torch.randn(3, 2000), torch.randn(())]
    tensors.append(torch.randn(6, 4).t())
    kept = [memory.keep(tensor) for tensor in tensors]
    for tensor, copy in zip(tensors, kept, strict=True):
        assert torch.equal(tensor, copy)
        assert copy.dtype == tensor.dtype
        assert copy.is_contiguous()
        assert copy.data_ptr() % ALIGNMENT == kept[0].data_ptr() % ALIGNMENT or copy.nbytes > 4096
    ranges = sorted((copy.data_ptr(), copy.data_ptr() + copy.nbytes) for copy in kept)
    assert all(end <= start for (_, end), (start, _) in pairwise(ranges))
    kept[0].zero_()
    assert not tensors[0].eq(0).any()


def test_small_copies_share_a_slab() -> None:
    memory = HostMemory(pinned=False, slab=4096)
    a, b = memory.keep(torch.ones(4)), memory.keep(torch.ones(4))
    assert a.untyped_storage().data_ptr() == b.untyped_storage().data_ptr()


def test_a_visitor_encodes_the_same_and_goes_home(checkpoint_folder) -> None:
    checkpoint = load_checkpoint(checkpoint_folder())
    expected = PromptEncoder(checkpoint.text_encoder, checkpoint.tokenizer).encode(PROMPT)
    visitor = Visitor(checkpoint.text_encoder, "cpu")
    weight = checkpoint.text_encoder.model.embed_tokens.weight
    home = weight.data_ptr()
    places = []
    checkpoint.text_encoder.model.register_forward_hook(lambda *_: places.append(weight.data_ptr()))
    found = PromptEncoder(checkpoint.text_encoder, checkpoint.tokenizer, visit=visitor.here).encode(PROMPT)
    assert all(torch.equal(a, b) for a, b in zip(found.layers, expected.layers, strict=True))
    assert places != [home]
    assert weight.data_ptr() == home


def test_a_visitor_goes_home_after_an_error(checkpoint_folder) -> None:
    checkpoint = load_checkpoint(checkpoint_folder())
    visitor = Visitor(checkpoint.vae, "cpu")
    home = checkpoint.vae.post_quant_conv.weight.data_ptr()
    with pytest.raises(RuntimeError), visitor.here():
        raise RuntimeError
    assert checkpoint.vae.post_quant_conv.weight.data_ptr() == home
