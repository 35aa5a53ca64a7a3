"""Attention kernels for training: gradients are compared, and one that ends its process is left out."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch

from sartor.fibo import training_attention
from sartor.fibo.attention import DEFAULT, fastest
from sartor.fibo.blocks import attend
from sartor.fibo.training_attention import choose_training_attention, tensors, try_apart, try_kernel

CPU = torch.device("cpu")
SLIGHTLY_MORE_OF_VALUES = torch.tensor([1, 1, 1.1])[:, None, None]
ARGUMENTS = ["cpu", "float32", "2", "16", "12", "28"]


@pytest.mark.parametrize("masked", [False, True])
def test_kernels_are_tried_forward_and_backward_in_a_process_apart(masked: bool) -> None:
    trials = {trial.name: trial for trial in try_apart([*ARGUMENTS, str(int(masked))])}
    assert list(trials) == ["flash", "efficient", "math"]
    assert trials["math"].refused is None
    assert trials["math"].error < 1e-5
    assert trials["math"].seconds > 0
    assert trials["efficient"].refused
    assert fastest([*trials.values()]) in ("flash", "math")


def test_wrong_gradients_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    given = tensors(CPU, torch.float32, 1, 16, 8, 16, masked=False)
    assert try_kernel("math", *given, repeats=1).refused is None
    exact = training_attention.exact_gradient
    monkeypatch.setattr(training_attention, "exact_gradient", lambda *a: exact(*a) * SLIGHTLY_MORE_OF_VALUES)
    assert "its error is above" in str(try_kernel("math", *given, repeats=1).refused)


def test_numbers_that_are_none_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    given = tensors(CPU, torch.float32, 1, 16, 8, 16, masked=False)
    exact = training_attention.exact_gradient
    monkeypatch.setattr(training_attention, "exact_gradient", lambda *a: exact(*a) * float("nan"))
    assert "its error is above" in str(try_kernel("math", *given, repeats=1).refused)


def test_one_that_ends_the_process_does_not_keep_the_others_from_being_tried() -> None:
    asked = []

    def run(arguments: Sequence[str]) -> str:
        asked.append(arguments[1])
        if arguments[1] == "efficient":
            return "a warning, and then nothing"
        return "a warning\n" + json.dumps({"name": arguments[1], "seconds": 1.0, "error": 0.0, "refused": None})

    trials = try_apart(["shape"], run)
    assert [trial.name for trial in trials] == asked == ["flash", "efficient", "math"]
    assert [trial.refused is None for trial in trials] == [True, False, True]


def test_a_cpu_leaves_it_to_pytorch(tmp_path: Path) -> None:
    record = tmp_path / "attention.json"
    assert choose_training_attention(CPU, torch.float32, 2, 16, 12, 28, masked=True, record=record) == DEFAULT
    assert not record.exists()


@pytest.mark.parametrize("masked", [False, True])
def test_tokens_that_ask_for_nothing_are_tried_too(monkeypatch: pytest.MonkeyPatch, masked: bool) -> None:
    """As in the last block, which drops the text: a kernel that is wrong there alone is refused."""
    asked = []

    def attending(q: torch.Tensor, k: torch.Tensor, *rest: object) -> torch.Tensor:
        asked.append((q.shape[1], k.shape[1]))
        out: torch.Tensor = attend(q, k, *rest)  # type: ignore[arg-type]
        return out * (0.9 if q.shape[1] < k.shape[1] else 1)

    monkeypatch.setattr(training_attention, "attend", attending)
    given = tensors(CPU, torch.float32, 1, 16, 8, 16, masked=masked)
    assert "its error is above" in str(try_kernel("math", *given, repeats=1).refused)
    assert asked == [(24, 24), (16, 24), (24, 24)]
