"""Scenes from a stream of processes, and both networks trained by the clock on them."""

from __future__ import annotations

import itertools
import json
import random
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import PreTrainedTokenizerFast

from sartor.fibo import Engine, Spec, load_checkpoint
from sartor.nano import masked_attention
from sartor.nano.base import Base
from sartor.nano.dial import DIALS
from sartor.nano.export import export
from sartor.nano.joint import Joint, begin, rate
from sartor.nano.optimizers import Optimizers
from sartor.nano.run import Run
from sartor.nano.scene import Composer
from sartor.nano.sources import SpriteBank
from sartor.nano.stream import SHARD, SHORT, Maker, Shard, Stream
from sartor.nano.tokenizer import load_tokenizer

DIAL = DIALS["test"]


@pytest.fixture(scope="module")
def prepared(autoencoded: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A work folder as far as the autoencoder and the tokenizer."""
    folder = tmp_path_factory.mktemp("joint") / "work"
    shutil.copytree(autoencoded, folder)
    load_tokenizer(folder, DIAL)
    return folder


@pytest.fixture(scope="module")
def joint(prepared: Path) -> Joint:
    """A run over one shard, trained for a moment."""
    with Stream(prepared, DIAL, 1, 1, long=True) as stream:
        found = Joint(prepared, DIAL, stream, scenes=SHARD, longhand=2, compile_=False)
        found.take(least=1)
        found.learn_words(0.5)
        found.learn_pictures(1.0, 0.5)
    return found


@pytest.fixture(scope="module")
def shard(prepared: Path) -> Shard:
    return Maker.open(prepared, DIAL).shard(0)


def test_a_shard_is_its_number(shard: Shard, prepared: Path) -> None:
    again = Maker.open(prepared, DIAL).shard(0)
    assert np.array_equal(shard.pictures, again.pictures)
    assert np.array_equal(shard.long.ids, again.long.ids)
    composer = Composer(SpriteBank.load(prepared / "sprites.npz"), DIAL.side, jitter=DIAL.jitter)
    rng = random.Random(3)
    scene = composer.random_scene(rng)
    assert np.array_equal(shard.pictures[3], composer.draw(scene, rng))
    concepts = sorted({name for name, _ in composer.pixels})
    assert [concepts[number] for number in shard.things[3] if number >= 0] == [t.concept for t in scene.things]


def test_captions_belong_to_their_scenes(shard: Shard, prepared: Path) -> None:
    """Where a caption names a thing, the token there ends that thing's name."""
    tokenizer = PreTrainedTokenizerFast.from_pretrained(prepared / "text" / "tokenizer")
    concepts = Maker.open(prepared, DIAL).concepts
    named = 0
    for row in range(0, SHARD * SHORT, 40):
        text = tokenizer.decode(shard.short.ids[row, : shard.short.lengths[row]].tolist())
        for place, number in zip(shard.short.names[row], shard.things[shard.short.scenes[row]], strict=True):
            if place:
                assert number >= 0
                named += concepts[number] in text
    assert named > 10


def test_a_group_has_captions_of_like_length_and_their_latents(joint: Joint, shard: Shard) -> None:
    torch.manual_seed(0)
    batches = joint.pool.group(4, 8, long=False)
    assert [len(told.ids) for told in batches] == [4] * 8
    spans = sorted((int(told.lengths.min()), int(told.lengths.max())) for told in batches)
    assert all(before[1] <= after[0] for before, after in itertools.pairwise(spans))
    told = batches[0]
    raw = joint.pool.encoded(shard.pictures[told.scenes.numpy()])
    torch.testing.assert_close(
        joint.pool.latents[told.scenes].float(), joint.pool.normalised(raw), atol=0.05, rtol=0.05
    )


def test_both_networks_have_learned_and_can_be_exported(joint: Joint, prepared: Path, tmp_path: Path) -> None:
    lines = [json.loads(line) for line in joint.log.read_text().splitlines()]
    saved = Run(prepared / "base").load()
    assert saved is not None
    assert saved[1]["step"] > 0
    assert saved[1]["seconds"] >= 1
    assert all(np.isfinite(value) for line in lines for value in line.values())
    export(prepared, DIAL, tmp_path / "checkpoint")
    engine = Engine(load_checkpoint(tmp_path / "checkpoint"))
    assert engine.generate(Spec("{}", 0, steps=2)).image.size == (1024, 1024)


def test_a_deeper_model_begins_as_the_one_it_grows_from(prepared: Path, tmp_path: Path) -> None:
    """Where the shallow one has as many blocks as the text encoder has layers: both then read the same ones."""
    tokenizer = PreTrainedTokenizerFast.from_pretrained(prepared / "text" / "tokenizer")
    shallow = Base(replace(DIAL, single_blocks=3), tokenizer)
    torch.manual_seed(0)
    with torch.no_grad():
        for parameter in shallow.parameters().values():
            parameter.copy_(torch.randn(parameter.shape) * 0.1)
    weights = {f"average.{name}": tensor for name, tensor in shallow.parameters().items()}
    Run(tmp_path / "base").save(weights, {"step": 7})
    deep = Base(replace(DIAL, single_blocks=5), tokenizer)
    assert begin(deep, tmp_path) == (7, 0.0)
    ids, lengths = torch.tensor([[0, 5, 9, 12]]), torch.tensor([4])
    noisy, level = torch.randn(1, (DIAL.side // 16) ** 2, DIAL.channels), torch.tensor([0.7])
    with torch.no_grad():
        one = shallow.velocity(shallow.transformer, noisy, level, ids, lengths)
        other = deep.velocity(deep.transformer, noisy, level, ids, lengths)
    assert one.std() > 0.1
    torch.testing.assert_close(one, other, atol=1e-4, rtol=1e-3)


def test_the_rate_follows_the_clock() -> None:
    assert rate(0.0, 0, 0.5) < 0.01
    assert rate(0.3, 500, 0.5) == 1.0
    assert rate(0.75, 500, 0.5) == 0.5
    assert rate(1.0, 500, 0.5) == 0.0


def test_pictures_pass_through_files_that_do_not_stay(prepared: Path, shard: Shard) -> None:
    (prepared / "shards-left").mkdir()
    with Stream(prepared, DIAL, 1, 2, long=True) as stream:
        assert not (prepared / "shards-left").exists(), "one that was killed has left it"
        first = next(stream.ready(least=1))
        assert isinstance(first.pictures, np.memmap)
        assert np.array_equal(first.pictures, shard.pictures)
        assert np.array_equal(first.short.ids, shard.short.ids)
    assert list(prepared.glob("shards-*")) == []
    assert np.array_equal(first.pictures, shard.pictures), "what was taken outlives its file"


def test_without_a_gpu_no_kernel_is_tried() -> None:
    assert masked_attention.chosen(masked_attention.start()) == "torch"


def test_without_long_captions_none_are_written(prepared: Path) -> None:
    shard = Maker.open(prepared, DIAL, long=False).shard(0)
    assert len(shard.long.ids) == 0
    assert len(shard.short.ids) == SHARD * SHORT


def test_scenes_in_pairs_are_told_alike_and_stand_side_by_side(prepared: Path) -> None:
    with Stream(prepared, DIAL, 1, 1, long=True, together=2) as stream:
        found = Joint(prepared, DIAL, stream, scenes=SHARD, longhand=2, compile_=False)
        found.take(least=1)
        found.learn_pictures(1.0, 0.5, muon=0.002, pairs=0.5)
    assert '"apart"' in found.log.read_text()
    torch.manual_seed(1)
    tokenizer = PreTrainedTokenizerFast.from_pretrained(prepared / "text" / "tokenizer")
    for told in [*found.pool.group(4, 8, long=False), *found.pool.group(2, 2, long=True)]:
        one, other = told.scenes[::2], told.scenes[1::2]
        assert torch.equal(one + 1, other)
        assert not (one % 2).any()
        assert torch.equal(found.pool.things[one], found.pool.things[other])
        for ids, same in zip(told.ids[::2], told.ids[1::2], strict=True):
            first, second = (tokenizer.decode(i[i != tokenizer.pad_token_id].tolist()) for i in (ids, same))
            assert first.split("background")[0][:20] == second.split("background")[0][:20]


def test_muon_moves_the_matrices_within_blocks_and_adamw_the_rest() -> None:
    torch.manual_seed(0)
    matrix, other = torch.nn.Parameter(torch.randn(4, 6)), torch.nn.Parameter(torch.randn(3))
    before = matrix.detach().clone(), other.detach().clone()
    named = {"transformer.transformer_blocks.0.attn.to_q.weight": matrix, "transformer.x_embedder.bias": other}
    taken = Optimizers([(named, 0.5)], 0.1, muon=0.01)
    matrix.grad, other.grad = torch.randn(4, 6), torch.ones(3)
    taken.step(0.5)
    assert matrix.grad is None
    # AdamW's first step is the rate by the sign; Muon's is orthogonal, of an RMS of 0.2 times the rate.
    torch.testing.assert_close(before[1] * (1 - 0.025 * 0.01) - other, torch.full((3,), 0.025), rtol=1e-4, atol=1e-5)
    step = (before[0] * (1 - 0.0025 * 0.01) - matrix) / 0.0025
    assert step.square().mean().sqrt().item() == pytest.approx(0.2, rel=0.3)
