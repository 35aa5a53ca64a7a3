"""The benchmark that a GPU will be asked with: its parts run at tiny size, and it keeps to its budget."""

import json
import time
from pathlib import Path

import pytest
import torch

from benchmarks import attention_gradients
from benchmarks.fibo import PARTS, run
from benchmarks.parts import Bench
from benchmarks.random_models import build
from benchmarks.report import Report

CPU = torch.device("cpu")


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(
        "tiny", build("tiny", "cpu", torch.float32), CPU, Report(tmp_path / "out" / "tiny", "a command", "cpu")
    )


def saved(bench: Bench) -> list[dict[str, object]]:
    return json.loads(bench.report.path.with_suffix(".json").read_text())["rows"]


def test_every_part_runs(bench: Bench) -> None:
    run(bench, list(PARTS), time.monotonic() + 600)
    rows = saved(bench)
    assert {row["part"] for row in rows} == set(PARTS)
    assert [row for row in rows if str(row["what"]).startswith(("failed", "left out: the budget"))] == []
    same = [(row["part"], row["value"]) for row in rows if str(row["what"]).endswith("the same bytes")]
    assert same == [("swap", "True")] * 4 + [("modes", "True")]
    assert {row["what"] for row in rows if row["part"] == "modes"} >= {
        f"{mode}: a new text, a swap and 4 steps" for mode in ("resident", "parts-on-host", "pristine-on-host", "lean")
    }
    assert "| swap |" in bench.report.path.with_suffix(".md").read_text()


def test_gradients_are_probed_in_processes_apart(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["attention_gradients"])
    monkeypatch.setattr(attention_gradients, "ORDERS", ["single double"])
    attention_gradients.main()
    first, *rest = capsys.readouterr().out.splitlines()
    assert first.startswith(f"torch {torch.__version__}")
    assert rest[0].startswith("cudnn, single double: single ")
    assert len(rest) == 4
    assert all("it ended with" not in row for row in rest)
    errors = [float(word) for row in rest for word in row.replace(";", " ").split() if word[0].isdigit()]
    assert len(errors) == 3 * (2 + 3 * 3)
    assert max(errors) < 1e-2, "the plain kernel's, on a CPU"


def test_a_gradient_of_a_single_block_is_a_part_of_a_wider_tensor() -> None:
    probe = attention_gradients.Probe()
    one, other = (probe.gradients("math", block, contiguous=False) for block in ("single", "double"))
    torch.testing.assert_close(one, other, msg="what is beside it in memory is not read")


def test_what_the_budget_does_not_reach_for_is_named(bench: Bench) -> None:
    run(bench, ["memory", "stages"], time.monotonic() - 1)
    assert [row["what"] for row in saved(bench)] == ["left out: the budget does not reach for it"] * 2


def test_a_part_that_fails_leaves_the_others(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: Bench) -> None:
        raise RuntimeError("no kernel")

    monkeypatch.setitem(PARTS, "attention", (broken, 0))
    run(bench, ["attention", "memory"], time.monotonic() + 600)
    assert saved(bench)[0]["what"] == "failed: RuntimeError: no kernel"
    assert any(row["what"] == "computed need of lean" for row in saved(bench))
