"""The attribute model's training: what it is shown, that it learns, and that a killed run goes on."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from sartor.captioning.naming import OTHER, SIDE, Namer
from sartor.nano import attributes
from sartor.nano.attribute_report import compare
from sartor.nano.attributes import CANVAS, batch_rows, draw, known_sprites, landscapes, names, on_canvas, train
from sartor.nano.captions import Background, Scene, Thing, describe
from sartor.nano.run import Clock, Run
from sartor.nano.sources import BRAND_STYLE, SpriteBank
from tests.nano.conftest import draw_sprite


@pytest.fixture
def folder(work: Path, tmp_path: Path) -> Path:
    """Four sprites, and a cache with shapes that no word fits."""
    sprites = SpriteBank.load(work / "sprites.npz").pixels
    SpriteBank({key: sprites[key] for key in list(sprites)[:4]}).save(tmp_path / "sprites.npz")
    (tmp_path / "run").mkdir()
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (10, 4, CANVAS, CANVAS), dtype=np.uint8)
    others = {"pixels": pixels, "styles": np.zeros(10, np.int64), "numbers": np.arange(10)}
    np.savez_compressed(tmp_path / "run" / "others.npz", **others)
    return tmp_path


def test_a_sprite_stands_in_the_middle_of_its_canvas() -> None:
    canvas = on_canvas(draw_sprite("apple", "flat"))
    assert canvas.shape == (4, CANVAS, CANVAS)
    box = Image.fromarray(canvas[3]).getbbox()
    assert box is not None
    assert abs(box[0] + box[2] - CANVAS) <= 2
    assert max(box[2] - box[0], box[3] - box[1]) == pytest.approx(attributes.FILL * CANVAS, abs=2)


def test_styles_that_are_not_the_bases_are_others() -> None:
    sprites = known_sprites(SpriteBank({("cat", s): draw_sprite("cat", "flat") for s in ("flat", BRAND_STYLE)}))
    things, styles = names()
    assert [things[i] for i in sprites.thing] == ["cat", "cat"]
    assert [styles[i] for i in sprites.style] == ["flat", OTHER]


def test_what_is_shown_follows_from_the_seed(sprites: SpriteBank) -> None:
    known, scenes = known_sprites(sprites), landscapes(4, 0)
    drawn = []
    for _ in range(2):
        torch.manual_seed(4)
        drawn.append(draw(known, scenes))
    assert all(torch.equal(one, other) for one, other in zip(*drawn, strict=True))
    pictures, thing, style = drawn[0]
    assert pictures.shape == (len(known.thing), 3, SIDE, SIDE)
    assert (pictures.min() >= -1, pictures.max() <= 1) == (True, True)
    assert torch.equal(thing, known.thing)
    assert ((style == known.style) | (style == len(names()[1]) - 1)).all()


def test_untreated_sprites_keep_their_styles(sprites: SpriteBank) -> None:
    known = known_sprites(sprites)
    assert torch.equal(draw(known, landscapes(4, 0), treated=False)[2], known.style)


def test_others_are_a_share_of_each_batch() -> None:
    torch.manual_seed(0)
    rows = batch_rows(100, 20, 5000)
    assert (rows >= 100).float().mean().item() == pytest.approx(attributes.OTHER_SHARE, abs=0.02)
    assert int(rows.max()) == 119


def test_a_few_steps_teach_it_something(folder: Path) -> None:
    target = folder / "weights.safetensors"
    train(folder, target, 41, output=folder / "run", batch=16)
    lines = [json.loads(line) for line in (folder / "run" / "log.jsonl").read_text().splitlines()]
    assert lines[-1]["thing"] < 0.7 * lines[0]["thing"]
    namer = Namer.load(target)
    assert (namer.things, namer.styles) == names()


def test_a_killed_training_goes_on(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = tmp_path / "whole"
    shutil.copytree(folder / "run", whole)
    train(folder, tmp_path / "whole.safetensors", 22, output=whole, batch=4)
    log = Run.log

    def stop(run: Run, **values: float) -> None:
        log(run, **values)
        if values["step"] == 20:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Run, "log", stop)
        patch.setattr(Clock, "due", lambda clock: True)
        with pytest.raises(KeyboardInterrupt):
            train(folder, tmp_path / "parts.safetensors", 22, output=folder / "run", batch=4)
    train(folder, tmp_path / "parts.safetensors", 22, output=folder / "run", batch=4)
    expected, resumed = Run(whole).load(), Run(folder / "run").load()
    assert expected is not None
    assert resumed is not None
    assert [name for name, tensor in expected[0].items() if not torch.equal(tensor, resumed[0][name])] == []
    assert (tmp_path / "whole.safetensors").read_bytes() == (tmp_path / "parts.safetensors").read_bytes()


def test_a_true_caption_is_right_in_everything_and_a_false_one_is_not() -> None:
    things = [Thing("cat", "top left", "medium"), Thing("car", "center", "small")]
    scene = Scene(things, "flat", Background("meadow", ()))
    assert {hit for _, hit in compare(scene, describe(scene))} == {True}
    other = Scene([Thing("dog", "center", "large", count=3)], "soft3d", Background("plain", ("red",)), shadow="soft")
    assert {hit for _, hit in compare(scene, describe(other))} == {False}
