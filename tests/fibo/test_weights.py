"""Weights are streamed: one file or shards, each tensor brought to its type by itself."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from transformers import SmolLM3ForCausalLM

from sartor.fibo.checkpoint import load_checkpoint, load_text_encoder
from sartor.fibo.weights import FILE, read_weights, stream_weights


def test_shards_are_one(tmp_path: Path) -> None:
    tensors = {"a": torch.randn(3, 4), "b": torch.randn(5), "c": torch.randn(2)}
    shards = {"one.safetensors": ["a", "c"], "two.safetensors": ["b"]}
    for shard, names in shards.items():
        save_file({name: tensors[name] for name in names}, tmp_path / shard)
    index = {"weight_map": {name: shard for shard, names in shards.items() for name in names}}
    (tmp_path / f"{FILE}.index.json").write_text(json.dumps(index))
    found = read_weights(tmp_path)
    assert found.keys() == tensors.keys()
    assert all(torch.equal(found[name], tensors[name]) for name in tensors)


def test_types_are_changed_on_the_way(tmp_path: Path) -> None:
    save_file({"a": torch.randn(3, 4)}, tmp_path / FILE)
    ((_, half),) = stream_weights(tmp_path, dtype=torch.bfloat16)
    ((_, saved),) = stream_weights(tmp_path)
    assert (half.dtype, saved.dtype) == (torch.bfloat16, torch.float32)
    assert torch.equal(half, saved.bfloat16())


@pytest.mark.parametrize("tied", [False, True])
def test_the_text_encoder_is_what_transformers_loads(checkpoint_folder, tmp_path: Path, tied: bool) -> None:
    model = load_checkpoint(checkpoint_folder()).text_encoder
    model.config.tie_word_embeddings = tied
    if not tied:
        model.lm_head.weight = torch.nn.Parameter(torch.randn_like(model.lm_head.weight))
    model.save_pretrained(tmp_path)
    expected = SmolLM3ForCausalLM.from_pretrained(tmp_path, dtype=torch.float32).eval()
    ours = load_text_encoder(tmp_path, device="cpu", dtype=torch.float32).eval()
    assert ours.config._attn_implementation == expected.config._attn_implementation
    assert (ours.lm_head.weight is ours.model.embed_tokens.weight) is tied
    ids = torch.tensor([[3, 5, 8, 13]])
    with torch.no_grad():
        a, b = (each(ids, output_hidden_states=True) for each in (ours, expected))
    assert torch.equal(a.logits, b.logits)
    assert all(torch.equal(one, other) for one, other in zip(a.hidden_states, b.hidden_states, strict=True))
