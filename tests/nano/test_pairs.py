"""Scenes in pairs that differ in their background alone, and what a training makes of them."""

import random
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from transformers import PreTrainedTokenizerFast

from sartor.nano import bank, base
from sartor.nano.bank import Bank
from sartor.nano.caption_source import CaptionSource
from sartor.nano.dial import DIALS
from sartor.nano.latents import encode_all, load_latents
from sartor.nano.longhand import Filler
from sartor.nano.one_color import own_color, stands_apart
from sartor.nano.scene import Composer
from sartor.nano.sources import SpriteBank
from sartor.nano.vocabulary import ONE_COLOR_STYLES
from tests.nano.conftest import CONCEPTS, SCENES, SIDE, draw_sprite

FILLER = Filler(["harbour"], ["a quiet harbour"])
DIAL = replace(DIALS["test"], batch=4)


@pytest.fixture(scope="module")
def folder(autoencoded: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A trained autoencoder and a bank of pairs."""
    folder = tmp_path_factory.mktemp("pairs") / "work"
    shutil.copytree(autoencoded, folder)
    shutil.rmtree(folder / "bank")
    (folder / "bank").mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bank, "SHARD", SCENES)
        bank.draw_shard(folder, 0, SIDE, 0.0, pairs=True)
    return folder


@pytest.fixture(scope="module")
def pairs(folder: Path) -> Bank:
    return Bank(folder)


def test_only_the_background_is_another() -> None:
    styles = ["soft3d", *ONE_COLOR_STYLES]
    composer = Composer(SpriteBank({(c, s): draw_sprite(c, s) for c in CONCEPTS for s in styles}), SIDE)
    for style in styles:
        for seed in range(40):
            rng = random.Random(seed)
            scene = composer.random_scene(rng, style=style)
            other = composer.on_another_background(scene, rng)
            assert other.background != scene.background
            assert replace(other, background=scene.background) == scene
            if style in ONE_COLOR_STYLES:
                assert own_color(other.background) == own_color(scene.background), "or the things would change, too"
                assert all(stands_apart(thing.colors[0], other.background) for thing in other.things)


def test_a_bank_of_pairs_is_known(pairs: Bank, stored: Bank, tokenizer: PreTrainedTokenizerFast) -> None:
    assert pairs.paired()
    assert not stored.paired()
    with pytest.raises(ValueError, match="--pairs"):
        CaptionSource(stored, len(stored), tokenizer, FILLER, pairs=True)


@pytest.mark.parametrize("longhand", [0, 2])
def test_both_of_a_pair_are_told_alike(pairs: Bank, tokenizer: PreTrainedTokenizerFast, longhand: int) -> None:
    source = CaptionSource(pairs, len(pairs), tokenizer, FILLER, pairs=True)
    group = source.group(8, longhand, random.Random(2))
    assert sorted(map(len, group)) == [2] * longhand + [8] * (8 - longhand)
    for batch in group:
        for one, other in zip(batch[::2], batch[1::2], strict=True):
            assert one.row % 2 == 0
            assert other.row == one.row + 1
            if len(batch) == 8:
                assert one.prompt.keys() == other.prompt.keys()
                assert one.prompt.get("objects") == other.prompt.get("objects")
            assert one.prompt != other.prompt


def test_both_of_a_pair_get_the_same_noise(folder: Path, pairs: Bank, tokenizer: PreTrainedTokenizerFast) -> None:

    encode_all(folder, DIAL)
    model = base.Base(DIAL, tokenizer)
    supply = base.batches(model, pairs, load_latents(folder), FILLER, 4, 0, 0, pairs=True)
    silent = 0
    for _ in range(40):
        batch = next(supply)
        assert torch.equal(batch.noise[::2], batch.noise[1::2])
        assert torch.equal(batch.levels[::2], batch.levels[1::2])
        assert not torch.equal(batch.latents[::2], batch.latents[1::2])
        assert torch.equal(batch.lengths[::2] == 1, batch.lengths[1::2] == 1), "a caption both or neither"
        silent += int((batch.lengths == 1).sum())
    assert 0 < silent < 60


def test_only_what_tells_the_errors_of_a_pair_apart_counts() -> None:
    errors = torch.randn(3, 5, 2).repeat_interleave(2, 0)
    lengths = torch.tensor([9, 9, 1, 1, 7, 8])
    assert base.apart(errors, lengths) == 0
    errors[2] += 1.0
    assert base.apart(errors, lengths) == 0, "a pair without captions"
    errors[4] += 1.0
    assert base.apart(errors, lengths).item() == pytest.approx(1 / 3)


def test_a_training_with_pairs(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    work = tmp_path / "work"
    shutil.copytree(folder, work)

    encode_all(work, DIAL)
    monkeypatch.setattr(base, "draw_grid", lambda *_: None)
    base.train(work, DIAL, 2, compile_=False, longhand=0, pairs=1.0)
    assert '"apart"' in (work / "base" / "log.jsonl").read_text()
