"""How a LoRA is trained: what makes no sense is refused, and schedules are those of diffusers."""

from dataclasses import replace

import pytest
import torch
from diffusers.optimization import get_scheduler

from sartor.fibo.training_config import TrainingConfig, recipe


@pytest.mark.parametrize(
    "wrong",
    [
        {"steps": 0},
        {"rank": 0},
        {"batch_size": 0},
        {"checkpoint_every": 0},
        {"caption_dropout": 1.0},
        {"regularisation_share": -0.1},
        {"ema_decay": 1.0},
        {"learning_rate": 0.0},
        {"learning_rate": float("nan")},
        {"clip": 0.0},
        {"warmup_steps": -1},
        {"schedule": "sawtooth"},
        {"base_weights": "int8"},
        {"precision": "float16"},
        {"export_dtype": "int8"},
        {"alpha": 0.0},
        {"alpha": float("nan")},
        {"weight_decay": -1e-3},
    ],
)
def test_a_configuration_that_makes_no_sense_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        TrainingConfig(**wrong)  # type: ignore[arg-type]


def test_the_learning_rate_warms_up_and_falls() -> None:
    constant = TrainingConfig(steps=100, warmup_steps=9, learning_rate=1.0)
    assert [constant.rate(step) for step in (0, 4, 9, 50, 99)] == pytest.approx([0.1, 0.5, 1, 1, 1])
    cosine = replace(constant, schedule="cosine")
    assert cosine.rate(9) == pytest.approx(1.0)
    assert cosine.rate(9 + 91 // 2) == pytest.approx(0.5, abs=0.02)
    assert 0 < cosine.rate(99) < 0.001


@pytest.mark.parametrize("name", ["constant", "linear", "cosine", "cosine_with_restarts", "polynomial"])
def test_schedules_are_those_of_diffusers(name: str) -> None:
    config = TrainingConfig(steps=90, warmup_steps=0, learning_rate=1e-3, schedule=name)  # type: ignore[arg-type]
    optimiser = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=config.learning_rate)
    reference = get_scheduler(
        name, optimiser, num_warmup_steps=0, num_training_steps=config.steps, num_cycles=3, power=2.0
    )
    for step in range(config.steps):
        assert config.rate(step) == pytest.approx(reference.get_last_lr()[0], rel=1e-6), step
        optimiser.step()
        reference.step()


def test_restarts_and_powers_are_not_cosine_and_linear_again() -> None:
    rates = {
        name: TrainingConfig(steps=90, warmup_steps=0, learning_rate=1.0, schedule=name)  # type: ignore[arg-type]
        for name in ("linear", "cosine", "cosine_with_restarts", "polynomial")
    }
    assert rates["cosine_with_restarts"].rate(30) == pytest.approx(1.0)
    assert rates["cosine_with_restarts"].rate(29) < 0.01
    assert rates["polynomial"].rate(45) == pytest.approx(0.25, abs=1e-3)
    assert rates["linear"].rate(45) == pytest.approx(0.5)
    warm = TrainingConfig(steps=90, warmup_steps=9, learning_rate=1.0, schedule="constant_with_warmup")
    assert [warm.rate(step) for step in (0, 9, 89)] == pytest.approx([0.1, 1.0, 1.0])


def test_each_kind_of_checkpoint_has_its_recipe() -> None:
    assert recipe(1024 * 1024) == TrainingConfig()
    assert recipe(128 * 128).rank < recipe(1024 * 1024).rank
    assert recipe(256 * 256) == recipe(128 * 128)
