"""The comparison of sizes and optimizers: the same for all but those, and judged by scenes that none has seen."""

import argparse
import shutil
from pathlib import Path

import pytest

from benchmarks import bases
from sartor.nano import text
from sartor.nano.base import build_transformer
from sartor.nano.dial import DIALS
from sartor.nano.latents import encode_all

DIAL = DIALS["test"]
SIZE = {"dial": "test", "batch": 4}


@pytest.fixture(scope="module")
def encoded(autoencoded: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bases") / "work"
    shutil.copytree(autoencoded, folder)
    encode_all(folder, DIAL)
    text.train(folder, DIAL, 1, batch=4)
    return folder


def test_trials_differ_by_their_optimizer_alone(encoded: Path) -> None:
    first, again, other = (
        bases.run(encoded, name, (2, 1, 1), steps=3, **SIZE) for name in ("adamw:0.01", "adamw:0.01", "muon:0.01")
    )
    assert first.held_out == again.held_out
    assert first.held_out.keys() == other.held_out.keys() == {1, 2, 3}
    assert first.held_out != other.held_out
    assert first.parameters == other.parameters


def test_muon_has_the_matrices_within_blocks_and_no_modulations() -> None:
    transformer = build_transformer(DIAL)
    (adamw, _), (muon, rate) = bases.optimizers_for("muon:0.002", transformer)._peaks
    assert rate == 0.002
    names = {id(p): name for name, p in transformer.named_parameters()}
    by_muon = {names[id(p)] for group in muon.param_groups for p in group["params"]}
    by_adamw = {names[id(p)] for group in adamw.param_groups for p in group["params"]}
    assert by_muon | by_adamw == set(names.values())
    assert not by_muon & by_adamw
    assert any("attn.to_q.weight" in name for name in by_muon)
    assert not [name for name in by_muon if "norm" in name or "embedder" in name or "proj_out.bias" in name]


def test_a_finished_trial_is_not_run_again_but_one_of_another_size_is(
    encoded: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def command(*sizes: str) -> None:
        given = f"--work {encoded} --dial test --output {tmp_path} --trial adamw:0.001 --steps 1 --batch 4"
        each = [word for size in sizes for word in ("--size", size)]
        monkeypatch.setattr("sys.argv", ["bases", *given.split(), *each])
        bases.main()

    command("2-1-1")
    written = tmp_path / "test-2-1-1-adamw-0.001-1x4.json"
    first = written.stat().st_mtime_ns
    command("2-1-1", "1-1-1")
    assert written.stat().st_mtime_ns == first
    table = (tmp_path / "table.md").read_text()
    assert "| 2, 1, 1 | " in table
    assert "| 1, 1, 1 | " in table


@pytest.mark.parametrize("trial", ["sgd:0.1", "adamw", "adamw:0", "muon:fast"])
def test_another_trial_is_refused(trial: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="adamw:RATE"):
        bases.trial_name(trial)


@pytest.mark.parametrize("size", ["4", "4-3", "0-3-10", "4x3x10"])
def test_another_size_is_refused(size: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="HEADS-DOUBLE-SINGLE"):
        bases.size_of(size)
