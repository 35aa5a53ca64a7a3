"""Attention kernels: candidates are tried, wrong and missing ones refused, the choice recorded and kept."""

import json
import threading
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F

from sartor.fibo import attention
from sartor.fibo.attention import DEFAULT, Trial, choose_attention, fastest, kernel, recorded, try_backends


def test_candidates_are_tried_on_the_device() -> None:
    trials = {trial.name: trial for trial in try_backends("cpu", torch.float32, 2, 16, 40, repeats=2)}
    assert list(trials) == ["flash", "cudnn", "efficient", "math"]
    for name in ("flash", "math"):  # a CPU has these
        assert trials[name].refused is None
        assert trials[name].error < 1e-5
        assert trials[name].seconds > 0
    for name in ("cudnn", "efficient"):
        assert trials[name].refused
        assert trials[name].seconds is None
    assert fastest([*trials.values()]) in ("flash", "math")


def test_an_inexact_kernel_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(attention.TOLERANCE, torch.bfloat16, 1e-9)
    trials = try_backends("cpu", torch.bfloat16, 1, 16, 24, repeats=1)
    assert fastest(trials) == DEFAULT
    assert "its error is above" in next(trial.refused for trial in trials if trial.name == "math")


def test_the_fastest_of_the_good_is_taken() -> None:
    trials = [Trial("flash", 1.0, 0.5, "wrong"), Trial("cudnn", 3.0, 0.0), Trial("math", 2.0, 0.0), Trial("efficient")]
    assert fastest(trials) == "math"


def test_a_choice_is_kept(tmp_path: Path) -> None:
    record, asked = tmp_path / "kept" / "attention.json", []

    def trial(name: str) -> list[Trial]:
        asked.append(name)
        return [Trial(name, 1.0, 0.0)]

    assert recorded("a GPU", record, lambda: trial("flash")) == "flash"
    assert recorded("a GPU", record, lambda: trial("cudnn")) == "flash"
    assert recorded("another", record, lambda: trial("cudnn")) == "cudnn"
    assert asked == ["flash", "cudnn"]
    assert json.loads(record.read_text())["a GPU"]["trials"][0]["seconds"] == 1.0
    assert recorded("a GPU", None, lambda: trial("math")) == "math"


def test_a_cpu_leaves_it_to_pytorch(tmp_path: Path) -> None:
    record = tmp_path / "attention.json"
    assert choose_attention("cpu", torch.float32, 2, 16, 40, record) == DEFAULT
    assert not record.exists()


def test_the_kernel_is_the_one_that_runs() -> None:
    q = torch.randn(1, 2, 40, 16)
    with kernel(DEFAULT):
        F.scaled_dot_product_attention(q, q, q)
    with kernel("cudnn"), pytest.raises(RuntimeError):
        F.scaled_dot_product_attention(q, q, q)
    with pytest.raises(KeyError):
        kernel("triton")


def test_beside_a_training_pytorch_still_chooses_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its switches are the process's: whoever leaves the choice to it waits until a chosen kernel has run."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    training, looked = threading.Event(), threading.Event()
    seen: list[bool] = []

    def draw() -> None:
        training.wait(10)
        with kernel(DEFAULT):
            seen.append(torch.backends.cuda.flash_sdp_enabled())
        looked.set()

    before = torch.backends.cuda.flash_sdp_enabled()
    thread = threading.Thread(target=draw)
    thread.start()
    with kernel("math"):
        training.set()
        assert not looked.wait(0.2)
        assert not torch.backends.cuda.flash_sdp_enabled()
    thread.join(10)
    assert seen == [before]


@pytest.mark.parametrize("gpu", [False, True])
def test_within_a_kernel_another_may_be_asked_for(gpu: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: gpu)
    with kernel(DEFAULT), kernel("math"), kernel(DEFAULT):
        assert torch.ones(1).item() == 1
