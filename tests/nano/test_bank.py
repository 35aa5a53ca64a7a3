"""Scenes on disk: as JSON and back, drawn once, and only those that training may see."""

import random
from pathlib import Path

import numpy as np
import pytest

from sartor.nano import bank
from sartor.nano.bank import Bank, scene_from_json, scene_to_json
from sartor.nano.captions import Background, Scene, Thing
from sartor.nano.scene import Composer
from sartor.nano.sources import SpriteBank
from tests.nano.conftest import SCENES, SIDE


def test_scenes_come_back_from_json(composer: Composer) -> None:
    for seed in range(50):
        scene = composer.random_scene(random.Random(seed))
        assert scene_from_json(scene_to_json(scene)) == scene


def test_scene_i_is_drawn_from_seed_i(work: Path) -> None:
    stored = Bank(work)
    composer = Composer(SpriteBank.load(work / "sprites.npz"), SIDE)
    assert len(stored) == SCENES
    for index in (0, 7, SCENES - 1):
        rng = random.Random(index)
        scene = composer.random_scene(rng)
        assert stored.scenes[index] == scene
        assert np.array_equal(stored.pictures([index])[0], composer.draw(scene, rng))


def test_a_shard_is_drawn_once(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bank, "SHARD", SCENES)
    path = work / "bank" / "0000.npy"
    before = path.stat().st_mtime_ns
    assert bank.draw_shard(work, 0, SIDE) == 0
    assert path.stat().st_mtime_ns == before


def test_scenes_that_training_may_not_see_are_left_out(work: Path, sprites: SpriteBank, tmp_path: Path) -> None:
    unseen = sorted(Composer(sprites).unseen)[0]
    scenes = [
        Scene([Thing("cat")], "flat", Background()),
        Scene([Thing(unseen[0])], unseen[1], Background()),
        Scene([Thing("no such thing")], "flat", Background()),
        Scene([Thing("star")], "soft3d", Background()),
    ]
    (tmp_path / "bank").mkdir()
    sprites.save(tmp_path / "sprites.npz")
    np.save(tmp_path / "bank" / "0000.npy", np.arange(4, dtype=np.uint8).reshape(4, 1, 1, 1).repeat(3, -1))
    (tmp_path / "bank" / "0000.jsonl").write_text("\n".join(map(scene_to_json, scenes)) + "\n")
    stored = Bank(tmp_path)
    assert [scene.things[0].concept for scene in stored.scenes] == ["cat", "star"]
    assert stored.pictures([1, 0])[:, 0, 0, 0].tolist() == [3, 0], "rows stay with their scenes"


def test_no_bank_says_what_to_run(tmp_path: Path) -> None:
    (tmp_path / "bank").mkdir()
    with pytest.raises(FileNotFoundError, match=r"sartor\.nano\.bank"):
        Bank(tmp_path)
