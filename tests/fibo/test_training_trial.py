"""A checkpoint's loss and samples: always the same noise, the served weights, and no trace afterwards."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from sartor.fibo.checkpoint import Checkpoint, load_checkpoint
from sartor.fibo.errors import InvalidAdapter
from sartor.fibo.training import TrainingConfig, train_lora
from sartor.fibo.training_trial import LEVELS, NOISES, caption_loss, draw_sample, merged
from tests.fibo.conftest import PROMPT
from tests.fibo.test_training import EXAMPLES

CONFIG = TrainingConfig(
    steps=60,
    rank=4,
    learning_rate=5e-3,
    warmup_steps=0,
    batch_size=3,
    accumulation=1,
    precision="float32",
    export_dtype="float32",
)


@pytest.fixture(scope="module")
def checkpoint(checkpoint_folder: Callable[[str], Path]) -> Checkpoint:
    return load_checkpoint(checkpoint_folder("deep text"))


@pytest.fixture(scope="module")
def adapter(checkpoint: Checkpoint, tmp_path_factory: pytest.TempPathFactory) -> Path:
    square = [replace(example, image=example.image.resize((64, 64))) for example in EXAMPLES]
    return train_lora(checkpoint, square, CONFIG, tmp_path_factory.mktemp("training")).adapter


def test_training_lowers_it_and_leaving_restores_the_base(checkpoint: Checkpoint, adapter: Path) -> None:
    weights = {name: value.clone() for name, value in checkpoint.transformer.state_dict().items()}
    before = caption_loss(checkpoint, EXAMPLES)
    with merged(checkpoint, adapter):
        trained = caption_loss(checkpoint, EXAMPLES)
        assert caption_loss(checkpoint, EXAMPLES) == trained
    assert trained < before
    assert caption_loss(checkpoint, EXAMPLES) == before
    assert all(torch.equal(value, weights[name]) for name, value in checkpoint.transformer.state_dict().items())


def test_the_base_is_restored_after_an_error_too(checkpoint: Checkpoint, adapter: Path) -> None:
    before = caption_loss(checkpoint, EXAMPLES[:1])
    with pytest.raises(InterruptedError), merged(checkpoint, adapter):
        raise InterruptedError
    assert caption_loss(checkpoint, EXAMPLES[:1]) == before


def test_a_file_that_is_no_adapter(checkpoint: Checkpoint, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"nothing")
    with pytest.raises(InvalidAdapter), merged(checkpoint, tmp_path / "file"):
        pass


def test_samples_are_the_same_for_a_seed_and_show_the_adapter(checkpoint: Checkpoint, adapter: Path) -> None:
    base = draw_sample(checkpoint, PROMPT, seed=1, steps=2)
    assert base.size == (64, 64)
    assert draw_sample(checkpoint, PROMPT, seed=1, steps=2).tobytes() == base.tobytes()
    assert draw_sample(checkpoint, PROMPT, seed=2, steps=2).tobytes() != base.tobytes()
    with merged(checkpoint, adapter):
        assert draw_sample(checkpoint, PROMPT, seed=1, steps=2).tobytes() != base.tobytes()


def test_whoever_waits_is_asked_between_forwards(checkpoint: Checkpoint) -> None:
    calls: list[None] = []
    caption_loss(checkpoint, EXAMPLES[:2], between=lambda: calls.append(None))
    assert len(calls) == 2 * (1 + len(LEVELS) * NOISES)
    calls.clear()
    draw_sample(checkpoint, PROMPT, seed=1, steps=3, between=lambda: calls.append(None))
    assert len(calls) == 4

    def stop() -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        caption_loss(checkpoint, EXAMPLES, between=stop)
