"""Attention kernels for training: gradients are compared, and one that ends its process is left out."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F

from sartor.fibo import training_attention
from sartor.fibo.attention import DEFAULT, fastest
from sartor.fibo.blocks import DoubleBlock, SingleBlock, attend
from sartor.fibo.training_attention import Asked, choose_training_attention, try_apart, try_kernel

CPU = torch.device("cpu")
ARGUMENTS = ["cpu", "float32", "2", "16", "12", "28"]


@pytest.mark.parametrize("masked", [False, True])
def test_kernels_are_tried_forward_and_backward_in_a_process_apart(masked: bool) -> None:
    trials = {trial.name: trial for trial in try_apart([*ARGUMENTS, str(int(masked))])}
    assert list(trials) == ["flash", "cudnn", "efficient", "math"]
    assert trials["math"].refused is None
    assert trials["math"].error < 1e-5
    assert trials["math"].seconds > 0
    assert trials["efficient"].refused
    assert trials["cudnn"].refused
    assert fastest([*trials.values()]) in ("flash", "math")


@pytest.mark.parametrize(("share", "refused"), [(1.0, False), (1.1, True), (float("nan"), True)])
def test_wrong_gradients_are_refused(monkeypatch: pytest.MonkeyPatch, share: float, refused: bool) -> None:
    exact = training_attention.exact_gradients
    monkeypatch.setattr(training_attention, "exact_gradients", lambda a: [*exact(a)[:2], share * exact(a)[2]])
    found = try_kernel("math", asked(), repeats=1)
    assert ("its error is above" in str(found.refused)) is refused


def test_one_that_ends_the_process_does_not_keep_the_others_from_being_tried() -> None:
    asked = []

    def run(arguments: Sequence[str]) -> str:
        asked.append(arguments[1])
        if arguments[1] == "efficient":
            return "a warning, and then nothing"
        return "a warning\n" + json.dumps({"name": arguments[1], "seconds": 1.0, "error": 0.0, "refused": None})

    trials = try_apart(["shape"], run=run)
    assert [trial.name for trial in trials] == asked == ["flash", "cudnn", "efficient", "math"]
    assert [trial.refused is None for trial in trials] == [True, True, False, True]


def test_for_compiled_blocks_one_kernel_is_no_candidate(monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[list[str]] = []

    def apart(_: Sequence[str], kernels: Sequence[str]) -> list[training_attention.Trial]:
        tried.append(list(kernels))
        return [training_attention.Trial(name, 1.0, 0.0) for name in kernels]

    monkeypatch.setattr(training_attention, "try_apart", apart)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda _: "a GPU")
    for compiled in (False, True):
        choose_training_attention(
            torch.device("cuda"), torch.bfloat16, 2, 16, 12, 28, masked=False, compiled=compiled, record=None
        )
    assert tried == [["flash", "cudnn", "efficient", "math"], ["flash", "efficient", "math"]]


def test_a_cpu_leaves_it_to_pytorch(tmp_path: Path) -> None:
    record = tmp_path / "attention.json"
    assert (
        choose_training_attention(CPU, torch.float32, 2, 16, 12, 28, masked=True, compiled=False, record=record)
        == DEFAULT
    )
    assert not record.exists()


@pytest.mark.parametrize("masked", [False, True])
def test_a_kernel_that_is_wrong_for_the_last_block_alone_is_refused(
    monkeypatch: pytest.MonkeyPatch, masked: bool
) -> None:
    lengths = set()

    def attending(q: torch.Tensor, k: torch.Tensor, *rest: object) -> torch.Tensor:
        lengths.add((q.shape[1], k.shape[1]))
        out: torch.Tensor = attend(q, k, *rest)  # type: ignore[arg-type]
        return out * (0.9 if q.shape[1] < k.shape[1] else 1)

    monkeypatch.setattr(training_attention, "attend", attending)
    assert "its error is above" in str(try_kernel("math", asked(masked=masked), repeats=1).refused)
    assert lengths == {(24, 24), (16, 24), (21, 21), (16, 21), (17, 17), (16, 17)}


def test_what_is_tried_lies_in_memory_as_in_the_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Strides of queries, keys, values and of the gradient that comes back, in a model and in the trial, in order."""
    plain = F.scaled_dot_product_attention
    seen: list[object] = []

    def watched(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, **options: object) -> torch.Tensor:
        out: torch.Tensor = plain(q, k, v, **options)  # type: ignore[arg-type]
        strides = tuple(each.stride() for each in (q, k, v))
        out.register_hook(lambda gradient: seen.append((q.shape[2] < k.shape[2], *strides, gradient.stride())))
        return out

    monkeypatch.setattr(F, "scaled_dot_product_attention", watched)
    heads, head_dim, text, image = 2, 16, 8, 16
    double, single = DoubleBlock(heads, head_dim), SingleBlock(heads, head_dim)
    turning = torch.ones(text + image, head_dim // 2)
    time, rotary = torch.randn(1, 32), (turning, torch.zeros_like(turning))
    two = double(torch.randn(1, image, 32), torch.randn(1, text, 32), time, rotary, None)
    joined = torch.cat(two[::-1], dim=1)
    single(single(joined, time, rotary, None), time, rotary, None, text).square().sum().backward()
    model = list(seen)
    seen.clear()
    longest = asked()
    for form in longest.forms():
        if form.q.shape == longest.q.shape:
            form.gradients("math")
    assert len(set(model)) == 2, "the last block's, and one of single and double blocks: their gradients are contiguous"
    assert seen == model


def asked(*, masked: bool = False) -> Asked:
    return Asked.random(torch.empty(0), 8, 16, 2, 16, masked=masked)
