"""The comparison of optimizers: the same for all but the optimizer, and judged by scenes that none has seen."""

import argparse
import shutil
from pathlib import Path

import pytest

from benchmarks import optimizers
from sartor.nano import text
from sartor.nano.base import build_transformer
from sartor.nano.dial import DIALS
from sartor.nano.latents import encode_all

DIAL = DIALS["test"]
SIZE = {"dial": "test", "heads": 2, "double": 1, "single": 1, "batch": 4}


@pytest.fixture(scope="module")
def encoded(autoencoded: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("optimizers") / "work"
    shutil.copytree(autoencoded, folder)
    encode_all(folder, DIAL)
    text.train(folder, DIAL, 1, batch=4)
    return folder


def test_trials_differ_by_their_optimizer_alone(encoded: Path) -> None:
    first, again, other = (
        optimizers.run(encoded, name, steps=3, **SIZE) for name in ("adamw:0.01", "adamw:0.01", "muon:0.01")
    )
    assert first.held_out == again.held_out
    assert first.held_out.keys() == other.held_out.keys() == {1, 2, 3}
    assert first.held_out != other.held_out
    assert first.parameters == other.parameters


def test_muon_has_the_matrices_within_blocks_and_no_modulations() -> None:
    transformer = build_transformer(DIAL)
    muon, adamw = optimizers.optimizers_for("muon:0.002", transformer)
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
    def command(heads: int) -> None:
        given = (
            f"--work {encoded} --dial test --output {tmp_path} --trial adamw:0.001 --steps 1 --batch 4 --heads {heads}"
        )
        monkeypatch.setattr("sys.argv", ["optimizers", *given.split(), "--double", "1", "--single", "1"])
        optimizers.main()

    command(2)
    written = tmp_path / "adamw-0.001-1.json"
    first = written.stat().st_mtime_ns
    command(2)
    assert written.stat().st_mtime_ns == first
    command(1)
    assert written.stat().st_mtime_ns > first
    assert "| adamw, 0.001 |" in (tmp_path / "table.md").read_text()


@pytest.mark.parametrize("trial", ["sgd:0.1", "adamw", "adamw:0", "muon:fast"])
def test_another_trial_is_refused(trial: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="adamw:RATE"):
        optimizers.trial_name(trial)
