"""Recipes: every kind of brand has one, with a reason, and what is stored of it gives it back."""

import dataclasses
import itertools
from typing import get_args

import pytest

from sartor.fibo.training_config import Schedule
from sartor.models.recipes import ROWS, Expert, automated, expert, from_parameters
from sartor.models.schemas import Scheduler, TrainingBody
from sartor.projects.schemas import IpType, Medium

EMBEDDED_AREA, FIBO_AREA = 256 * 256, 1024 * 1024
# Seconds of one core for an optimiser step of the embedded model at batch 15: docs/training.md.
STEP_SECONDS = 2.8
CASES = list(itertools.product((EMBEDDED_AREA, FIBO_AREA), get_args(IpType), get_args(Medium), (5, 15, 60, 200, 5000)))


@pytest.mark.parametrize(("area", "ip_type", "medium", "images"), CASES)
def test_there_is_one_for_every_brand(area: int, ip_type: str, medium: str, images: int) -> None:
    recipe = automated(area, ip_type=ip_type, medium=medium, images=images)
    parameters = recipe.parameters()
    TrainingBody.model_validate(
        {name: parameters[name] for name in TrainingBody.model_fields} | {"checkpoint_interval": 100}
    )
    assert recipe.reason.startswith(f"{ip_type}: ")
    assert len(recipe.checkpoint_steps()) == 4
    assert recipe.checkpoint_steps()[-1] == recipe.config.steps
    assert from_parameters(area, parameters) == recipe


@pytest.mark.parametrize("ip_type", get_args(IpType))
def test_the_embedded_model_learns_fifteen_pictures_within_a_quarter_of_an_hour(ip_type: str) -> None:
    recipe = automated(EMBEDDED_AREA, ip_type=ip_type, medium="illustration", images=15)
    assert recipe.config.batch_size == 15
    assert recipe.config.steps * STEP_SECONDS < 15 * 60, "of one core, without the samples"


def test_more_pictures_are_trained_longer_and_the_base_decides() -> None:
    steps = [
        automated(FIBO_AREA, ip_type="other", medium="photography", images=n).config.steps for n in (5, 15, 60, 500)
    ]
    assert steps == sorted(set(steps))
    small, large = (
        automated(area, ip_type="other", medium="photography", images=15) for area in (EMBEDDED_AREA, FIBO_AREA)
    )
    assert small.config.rank < large.config.rank
    assert small.config.learning_rate > large.config.learning_rate


def test_every_row_is_reached() -> None:
    reasons = {automated(*case[:1], ip_type=case[1], medium=case[2], images=case[3]).reason for case in CASES}
    assert [row for row in ROWS if not any(row.reason in reason for reason in reasons)] == []


def test_experts_begin_with_the_documented_defaults() -> None:
    recipe = expert(FIBO_AREA, TrainingBody().expert())
    assert recipe.parameters() == recipe.parameters() | {
        "rank": 128,
        "learning_rate": 0.0001,
        "lr_scheduler": "constant_with_warmup",
        "total_training_steps": 750,
        "checkpoint_interval": 500,
        "lr_warmup_steps": 100,
    }
    assert recipe.checkpoint_steps() == [500, 750]


@pytest.mark.parametrize("scheduler", get_args(Scheduler))
def test_every_scheduler_is_trained_as_it_is_called(scheduler: str) -> None:
    recipe = expert(EMBEDDED_AREA, dataclasses.replace(Expert(), lr_scheduler=scheduler))
    assert recipe.config.schedule == scheduler
    assert recipe.config.warmup_steps == (100 if scheduler == "constant_with_warmup" else 0)
    assert from_parameters(EMBEDDED_AREA, recipe.parameters()) == recipe


def test_the_schedulers_of_the_api_are_those_of_the_trainer() -> None:
    assert set(get_args(Scheduler)) == set(get_args(Schedule))
