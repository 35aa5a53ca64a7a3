"""All stages in order, and none of them twice."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from sartor.nano import attributes, brand, export
from sartor.nano.dial import DIALS
from sartor.nano.drafts import FILE
from sartor.nano.run import Run
from sartor.nano.train import DRAWINGS, STAGES, commands, run

STEPS = DIALS["test"].steps


@pytest.fixture
def done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Stages that were run; each leaves what it would leave."""
    ran: list[str] = []

    def leave(command: list[str], **_: Any) -> None:
        stage = command[2].rpartition(".")[2]
        assert command[:2] == [sys.executable, "-m"]
        ran.append(stage)
        if stage == "sources":
            for name in DRAWINGS:
                (tmp_path / name).touch()
        elif stage == "bank":
            (tmp_path / "bank").mkdir()
            (tmp_path / "bank" / "0000.npy").touch()
        elif stage == "latents":
            (tmp_path / "latents.safetensors").touch()
        elif stage == "drafts":
            save_file({"latents": torch.zeros(DIALS["test"].drafts, 1)}, tmp_path / FILE)
        elif stage == "brand":
            (tmp_path / "made" / "inkwell").mkdir(parents=True)
            (tmp_path / "made" / "inkwell" / "model.json").touch()
        elif stage in STEPS:
            Run(tmp_path / stage).save({"model.a": torch.zeros(1)}, {"step": STEPS[stage]})

    monkeypatch.setattr(subprocess, "run", leave)
    return ran


def test_every_stage_once_and_in_order(done: list[str], tmp_path: Path) -> None:
    run(tmp_path, "test")
    assert done == [stage for stage in STAGES if stage != "joint"]
    done.clear()
    assert [stage for stage, _ in commands(tmp_path, "test")] == ["export", "brand", "evaluate"]


def test_what_was_interrupted_goes_on(done: list[str], tmp_path: Path) -> None:
    run(tmp_path, "test")
    Run(tmp_path / "text").save({"model.a": torch.zeros(1)}, {"step": STEPS["text"] - 1})
    stage, arguments = next(commands(tmp_path, "test"))
    assert stage == "text"
    assert arguments[arguments.index("--steps") + 1] == "1"


def test_the_evaluation_is_told_of_the_brands(done: list[str], tmp_path: Path) -> None:
    run(tmp_path, "test")
    *_, (stage, arguments) = commands(tmp_path, "test")
    assert stage == "evaluate"
    assert arguments[arguments.index("--brand") + 1] == str(tmp_path / "made" / "inkwell")


def test_a_gpu_trains_text_encoder_and_base_together_by_the_clock(done: list[str], tmp_path: Path) -> None:
    for name in DRAWINGS:
        (tmp_path / name).touch()
    (tmp_path / "bank").mkdir()
    for number in range(DIALS["gpu"].scenes // 1000):
        (tmp_path / "bank" / f"{number:04d}.npy").touch()
    for stage in ("autoencoder", "judges"):
        Run(tmp_path / stage).save({"model.a": torch.zeros(1)}, {"step": DIALS["gpu"].steps[stage]})
    stage, arguments = next(commands(tmp_path, "gpu"))
    assert (stage, arguments) == ("joint", ["--dial", "gpu", "--seconds", str(DIALS["gpu"].seconds)])
    Run(tmp_path / "base").save({"model.a": torch.zeros(1)}, {"step": 1, "seconds": 200.0})
    stage, arguments = next(commands(tmp_path, "gpu"))
    assert (stage, arguments) == ("joint", ["--dial", "gpu", "--seconds", "1000", "--text-seconds", "0"])
    Run(tmp_path / "base").save({"model.a": torch.zeros(1)}, {"step": 1, "seconds": 1200.1})
    assert next(commands(tmp_path, "gpu"))[0] == "drafts"


@pytest.mark.parametrize("named", [False, True])
def test_stages_called_alone_leave_the_package_alone(
    named: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They write into the work folder; what is packaged is replaced only where --target names it."""
    written: dict[str, Path] = {}
    monkeypatch.setattr(attributes, "train", lambda work, target, steps, **_: written.update(attributes=target))
    monkeypatch.setattr(export, "export", lambda work, dial, target: written.update(export=target))
    monkeypatch.setattr(brand, "make", lambda work, look, base, target, steps: written.update(brand=target))
    shipped = {"attributes": attributes.WEIGHTS, "export": export.CHECKPOINT, "brand": brand.BRANDS}
    for stage in (attributes, export, brand):
        name = stage.__name__.rpartition(".")[2]
        arguments = ["--work", str(tmp_path), *(["--target", str(shipped[name])] if named else [])]
        monkeypatch.setattr(sys, "argv", [name, *arguments, *(["--brand", "inkwell"] if stage is brand else [])])
        stage.main()
    own = {"attributes": tmp_path / "attributes" / "attributes.safetensors", "export": tmp_path / "checkpoint"}
    expected = shipped if named else own | {"brand": tmp_path / "made"}
    assert written == expected | {"brand": expected["brand"] / "inkwell"}


def test_the_brands_are_made_on_the_checkpoint_that_was_exported(done: list[str], tmp_path: Path) -> None:
    run(tmp_path, "test")
    arguments = dict(commands(tmp_path, "test"))
    assert arguments["export"] == ["--dial", "test"]
    assert arguments["brand"] == ["--checkpoint", str(tmp_path / export.EXPORTED)]
