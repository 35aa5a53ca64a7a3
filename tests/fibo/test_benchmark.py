"""The benchmark that a GPU will be asked with: its parts run at tiny size, and it keeps to its budget."""

import json
import time
from pathlib import Path

import pytest
import torch

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
    assert [row["value"] for row in rows if str(row["what"]).endswith("the same bytes")] == ["True"] * 4
    assert "| swap |" in bench.report.path.with_suffix(".md").read_text()


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
