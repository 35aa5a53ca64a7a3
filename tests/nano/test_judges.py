"""Judges that can be trained, interrupted, stored and asked."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from sartor.nano import judges
from sartor.nano.judges import Against, Judges, accuracies, build_judge
from sartor.nano.renderings import SIDE, Renderings
from sartor.nano.run import Clock, Run
from sartor.nano.sources import SpriteBank

KEYS = [("apple", "flat"), ("cat", "flat"), ("apple", "cartoon"), ("cat", "cartoon")]


@pytest.fixture
def folder(work: Path, tmp_path: Path) -> Path:
    """Four sprites and no brand: enough to learn in seconds."""
    sprites = SpriteBank.load(work / "sprites.npz").pixels
    SpriteBank({key: sprites[key] for key in KEYS}).save(tmp_path / "sprites.npz")
    SpriteBank({}).save(tmp_path / "brand.npz")
    return tmp_path


def test_the_background_falls_away() -> None:
    plain = torch.rand(4, 3, 1, 1).expand(4, 3, 24, 24).clone()
    plain[:, :, 8:16, 8:16] = 0.5
    both = Against()(plain)
    assert both.shape == (4, 6, 24, 24)
    assert both[:, 3:, 0].abs().max() == 0
    assert torch.equal(both[:, :3], plain)


def test_a_few_steps_teach_it_something(folder: Path) -> None:
    judged = judges.train(folder, 30, views=6, batch=16)
    assert judged.concepts == ["apple", "cat"]
    assert judged.styles == ["cartoon", "flat"]
    assert judged.accuracy["renderings"] == 8
    first, last = (json.loads(line) for line in (folder / "judges" / "log.jsonl").read_text().splitlines())
    assert last["concept"] + last["style"] < first["concept"] + first["style"]

    loaded = Judges.load(folder)
    assert loaded.accuracy == judged.accuracy
    pictures = np.random.default_rng(0).integers(0, 256, (3, SIDE, SIDE, 3), dtype=np.uint8)
    for which in ("concept", "style"):
        found = loaded.probabilities(which, pictures)
        assert found.shape == (3, 2)
        torch.testing.assert_close(found.sum(1), torch.ones(3))
        torch.testing.assert_close(found, judged.probabilities(which, pictures), atol=1e-4, rtol=1e-3)


def test_a_killed_training_goes_on(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = tmp_path / "whole"
    shutil.copytree(folder, whole, ignore=shutil.ignore_patterns("whole"))
    judges.train(whole, 22, views=1, batch=4)
    log = Run.log

    def stop(run: Run, **values: float) -> None:
        log(run, **values)
        if values["step"] == 20:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Run, "log", stop)
        patch.setattr(Clock, "due", lambda clock: True)
        with pytest.raises(KeyboardInterrupt):
            judges.train(folder, 22, views=1, batch=4)
    judges.train(folder, 22, views=1, batch=4)
    expected, resumed = Run(whole / "judges").load(), Run(folder / "judges").load()
    assert expected is not None
    assert resumed is not None
    assert [name for name, tensor in expected[0].items() if not torch.equal(tensor, resumed[0][name])] == []


def test_accuracy_counts_the_first_and_the_first_five() -> None:
    names = [f"thing {index}" for index in range(8)]
    judged = Judges(names, ["one", "two"])
    for which, classes in (("concept", 8), ("style", 2)):
        network = build_judge(1, classes)
        torch.nn.init.zeros_(network[-1].weight)
        network[-1].bias.data = torch.arange(classes, 0, -1.0)
        judged.networks[which] = network
    held = Renderings(
        torch.zeros(4, 16, 16, 3, dtype=torch.uint8), torch.tensor([0, 1, 4, 5]), torch.tensor([0, 0, 0, 1])
    )
    found = accuracies(judged, held)
    assert found["concept crisp"] == 0.25
    assert found["concept crisp top 5"] == 0.75
    assert found["style soft"] == 0.75


def test_things_without_a_name_are_refused(folder: Path) -> None:
    sprites = SpriteBank.load(folder / "sprites.npz").pixels
    SpriteBank({("no such thing", "flat"): sprites["cat", "flat"]}).save(folder / "sprites.npz")
    with pytest.raises(ValueError, match="no such thing"):
        judges.train(folder, 1)


def test_no_judges_says_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"sartor\.nano\.judges"):
        Judges.load(tmp_path)
