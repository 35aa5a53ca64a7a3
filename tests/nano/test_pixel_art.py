"""Pictures in squares, scenes of them, and an autoencoder that goes on with them."""

import json
import random
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from sartor.fibo.squares import SQUARE
from sartor.nano import bank, judges, more_styles
from sartor.nano.autoencoder import batch_of
from sartor.nano.bank import Bank
from sartor.nano.dial import DIALS
from sartor.nano.pixel_art import PALETTE, squared
from sartor.nano.renderings import NO_STYLE, names, render
from sartor.nano.run import Run
from sartor.nano.scene import Composer
from sartor.nano.sources import SpriteBank
from sartor.nano.vocabulary import PIXEL_ART
from tests.nano.conftest import CONCEPTS, SCENES, SIDE, draw_sprite

DIAL = DIALS["test"]


@pytest.fixture(scope="module")
def more(sprites: SpriteBank) -> SpriteBank:
    return SpriteBank(sprites.pixels | {(c, PIXEL_ART): draw_sprite(c, "soft3d") for c in CONCEPTS})


def in_squares(picture: np.ndarray) -> bool:
    height, width = picture.shape[:2]
    blocks = picture.reshape(height // SQUARE, SQUARE, width // SQUARE, SQUARE, 3)
    return bool((blocks == blocks[:, :1, :, :1]).all())


def test_a_picture_becomes_squares_of_few_colors() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (64, 96, 3), dtype=np.uint8)
    picture = squared(noise)
    assert picture.shape == noise.shape
    assert picture.dtype == np.uint8
    assert in_squares(picture)
    assert not in_squares(noise)
    assert 2 < len(np.unique(picture.reshape(-1, 3), axis=0)) <= PALETTE


def test_what_squares_do_not_fill_is_refused() -> None:
    with pytest.raises(ValueError, match="60 x 64 pixels are not whole squares of 8"):
        squared(np.zeros((64, 60, 3), np.uint8))


def test_scenes_in_pixel_art_are_squares_from_edge_to_edge(more: SpriteBank) -> None:
    composer = Composer(more, 128)
    for style in composer.styles:
        for seed in range(4):
            rng = random.Random(seed)
            scene = composer.random_scene(rng, style=style)
            picture = composer.draw(scene, rng)
            if len(np.unique(picture.reshape(-1, 3), axis=0)) > 1:
                assert in_squares(picture) == (style == PIXEL_ART)


@pytest.fixture(scope="module")
def folder(more: SpriteBank, autoencoded: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A trained autoencoder and a bank whose every second scene is pixel art."""
    folder = tmp_path_factory.mktemp("more") / "work"
    shutil.copytree(autoencoded, folder)
    more.save(folder / "sprites.npz")
    shutil.rmtree(folder / "bank")
    (folder / "bank").mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bank, "SHARD", SCENES)
        bank.draw_shard(folder, 0, SIDE, 0.0, PIXEL_ART)
    return folder


def test_every_second_scene_is_in_the_style_that_is_new(folder: Path) -> None:
    styles = [json.loads(line)["style"] for line in (folder / "bank" / "0000.jsonl").read_text().splitlines()]
    assert set(styles[1::2]) == {PIXEL_ART}
    assert len(set(styles[::2])) > 1


def test_crops_begin_where_the_cells_do(folder: Path) -> None:
    stored = Bank(folder)
    rows = [row for row, scene in enumerate(stored.scenes) if scene.style == PIXEL_ART]
    crops = batch_of(stored, 12, random.Random(3), 32, rows=rows, scribbled=0)
    for crop in crops.add(1).mul(127.5).round().byte().permute(0, 2, 3, 1).numpy():
        assert in_squares(crop)


def test_the_autoencoder_goes_on_and_what_it_knows_is_held(folder: Path, tmp_path: Path) -> None:
    work = tmp_path / "work"
    shutil.copytree(folder, work)
    before = Run(work / "autoencoder").load()
    assert before is not None
    found = more_styles.train(work, DIAL, [PIXEL_ART], 30, batch=4, compile_=False)
    assert found["new after"] < found["new before"]
    assert found["known gone"] < 0.2
    after = Run(work / "autoencoder").load()
    assert after is not None
    assert after[1] == before[1]
    assert any(not torch.equal(before[0][name], after[0][name]) for name in after[0])
    assert (work / "more_styles" / "grid-000029.png").exists()


def test_a_bank_without_the_new_styles_teaches_none(autoencoded: Path, tmp_path: Path) -> None:
    shutil.copytree(autoencoded, tmp_path / "work")
    with pytest.raises(ValueError, match="scenes in the new styles"):
        more_styles.train(tmp_path / "work", DIAL, [PIXEL_ART], 1, compile_=False)


def test_judges_name_its_things_and_leave_the_style_to_a_rule(more: SpriteBank, tmp_path: Path) -> None:
    assert PIXEL_ART not in names(more)[1]
    few = SpriteBank({(c, s): more.pixels[c, s] for c in ("apple", "cat") for s in ("flat", "cartoon", PIXEL_ART)})
    shown = render(few, 2, 1)
    assert shown.style.tolist().count(NO_STYLE) == 4
    few.save(tmp_path / "sprites.npz")
    SpriteBank({}).save(tmp_path / "brand.npz")
    judged = judges.train(tmp_path, 3, views=2, batch=4)
    assert judged.styles == ["cartoon", "flat"]
    assert judged.accuracy["renderings"] == 12
