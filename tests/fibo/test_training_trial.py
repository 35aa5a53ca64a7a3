"""Samples of a training: the served weights, the same noise for a seed, and no trace afterwards."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from sartor.fibo.checkpoint import Checkpoint, load_checkpoint
from sartor.fibo.engine import Engine, Spec
from sartor.fibo.errors import InvalidAdapter
from sartor.fibo.training import TrainingConfig, train_lora
from sartor.fibo.training_trial import draw_sample, merged
from tests.fibo.conftest import PROMPT
from tests.fibo.test_training import EXAMPLES

CONFIG = TrainingConfig(
    steps=10,
    rank=4,
    learning_rate=5e-3,
    warmup_steps=0,
    accumulation=1,
    precision="float32",
    export_dtype="float32",
)


@pytest.fixture(scope="module")
def checkpoint(checkpoint_folder: Callable[[str], Path]) -> Checkpoint:
    return load_checkpoint(checkpoint_folder("deep text"))


@pytest.fixture(scope="module")
def adapter(checkpoint: Checkpoint, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train_lora(checkpoint, EXAMPLES, CONFIG, tmp_path_factory.mktemp("training")).adapter


def test_samples_are_what_the_engine_draws(
    checkpoint: Checkpoint, adapter: Path, checkpoint_folder: Callable[[str], Path]
) -> None:
    spec = Spec(prompt=PROMPT, seed=1, steps=2, adapter=adapter)
    drawn = Engine.load(checkpoint_folder("deep text"), threads=1).generate(spec).image
    draw_sample(checkpoint, PROMPT, seed=0, steps=1)  # the first call of a text encoder may differ in its last bits
    with merged(checkpoint, adapter):
        assert draw_sample(checkpoint, PROMPT, seed=1, steps=2).tobytes() == drawn.tobytes()


def test_samples_are_guided_for_as_long_as_the_checkpoint_says(
    checkpoint: Checkpoint, checkpoint_folder: Callable[[str], Path]
) -> None:
    early = replace(checkpoint, extras={**checkpoint.extras, "guidance_until": 0.7})
    loaded = load_checkpoint(checkpoint_folder("deep text"))
    drawn = Engine(replace(loaded, extras=early.extras), threads=1).generate(Spec(prompt=PROMPT, seed=1, steps=4))
    draw_sample(checkpoint, PROMPT, seed=0, steps=1)
    sample = draw_sample(early, PROMPT, seed=1, steps=4)
    assert sample.tobytes() == drawn.image.tobytes()
    assert sample.tobytes() != draw_sample(checkpoint, PROMPT, seed=1, steps=4).tobytes()


def test_leaving_restores_the_base_even_after_an_error(checkpoint: Checkpoint, adapter: Path) -> None:
    weights = {name: value.clone() for name, value in checkpoint.transformer.state_dict().items()}
    base = draw_sample(checkpoint, PROMPT, seed=1, steps=2)
    with merged(checkpoint, adapter):
        assert draw_sample(checkpoint, PROMPT, seed=1, steps=2).tobytes() != base.tobytes()
    with pytest.raises(InterruptedError), merged(checkpoint, adapter):
        raise InterruptedError
    assert all(torch.equal(value, weights[name]) for name, value in checkpoint.transformer.state_dict().items())
    assert draw_sample(checkpoint, PROMPT, seed=1, steps=2).tobytes() == base.tobytes()


def test_a_merge_that_failed_half_way_is_taken_back(
    checkpoint: Checkpoint, adapter: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    weights = {name: value.clone() for name, value in checkpoint.transformer.state_dict().items()}
    added, calls = torch.addmm, iter(range(100))

    def full(*arguments: torch.Tensor, **named: float) -> torch.Tensor:
        if next(calls) == 3:
            raise torch.OutOfMemoryError
        return added(*arguments, **named)

    monkeypatch.setattr(torch, "addmm", full)
    with pytest.raises(torch.OutOfMemoryError), merged(checkpoint, adapter):
        pass
    assert next(calls) == 4
    assert all(torch.equal(value, weights[name]) for name, value in checkpoint.transformer.state_dict().items())


def test_another_seed_is_another_picture(checkpoint: Checkpoint) -> None:
    one, other = (draw_sample(checkpoint, PROMPT, seed=seed, steps=2) for seed in (1, 2))
    assert one.size == other.size == (64, 64)
    assert one.tobytes() != other.tobytes()


def test_a_file_that_is_no_adapter(checkpoint: Checkpoint, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"nothing")
    with pytest.raises(InvalidAdapter), merged(checkpoint, tmp_path / "file"):
        pass


def test_whoever_waits_is_asked_between_forwards(checkpoint: Checkpoint) -> None:
    calls: list[None] = []
    draw_sample(checkpoint, PROMPT, seed=1, steps=3, between=lambda: calls.append(None))
    assert len(calls) == 4

    def stop() -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        draw_sample(checkpoint, PROMPT, seed=1, between=stop)
