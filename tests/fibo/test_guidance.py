"""Two guidance branches at once, on two devices that are both this CPU: the same bytes. And guidance that ends."""

import threading

import pytest
import torch

from sartor.fibo.caching import CACHINGS
from sartor.fibo.checkpoint import Checkpoint, load_checkpoint
from sartor.fibo.encoding import PromptEncoder
from sartor.fibo.errors import CheckpointError
from sartor.fibo.guidance import Guidance, SecondDevice, guidance_until_of
from sartor.fibo.sampler import guided_velocity, sigmas
from tests.fibo.test_caching import STEPS, draw, walked


@pytest.fixture(scope="module")
def checkpoint(checkpoint_folder) -> Checkpoint:
    return load_checkpoint(checkpoint_folder())


@pytest.fixture
def second(checkpoint_folder):
    device = SecondDevice(load_checkpoint(checkpoint_folder()).transformer, threads=1)
    yield device
    device.close()


@pytest.mark.parametrize("scale", [1.0, 5.0])
def test_without_options_it_is_the_samplers_own(checkpoint: Checkpoint, scale: float) -> None:
    expected = draw(checkpoint, guided_velocity, scale=scale)
    assert torch.equal(draw(checkpoint, Guidance(), scale=scale), expected)


@pytest.mark.parametrize("scale", [1.0, 5.0])
@pytest.mark.parametrize("caching", [None, *CACHINGS.values()])
def test_two_devices_draw_the_same_bytes(checkpoint: Checkpoint, second: SecondDevice, caching, scale: float) -> None:
    expected = draw(checkpoint, Guidance(caching), scale=scale)
    assert torch.equal(draw(checkpoint, Guidance(caching, second), scale=scale), expected)


def test_below_its_noise_level_the_negative_prompt_is_not_asked(checkpoint: Checkpoint) -> None:
    calls = []
    hook = checkpoint.transformer.x_embedder.register_forward_hook(lambda *_: calls.append(None))
    levels = sigmas(STEPS, 16, checkpoint.scheduler_config)[:-1].tolist()
    until = (levels[4] + levels[5]) / 2
    draw(checkpoint, Guidance(until=until))
    hook.remove()
    assert len(calls) == 2 * 5 + (STEPS - 5)


def test_guidance_that_ends_early_is_the_same_until_then(checkpoint: Checkpoint) -> None:
    levels = sigmas(STEPS, 16, checkpoint.scheduler_config)[:-1].tolist()
    whole, early = (walked(checkpoint, Guidance(until=until)) for until in (0.0, (levels[4] + levels[5]) / 2))
    same = [torch.equal(one, other) for one, other in zip(whole, early, strict=True)]
    assert same == [True] * 5 + [False] * (STEPS - 5)
    alone = walked(checkpoint, Guidance(until=1.0))  # guided in the first step only, which begins at 1
    assert torch.equal(alone[0], whole[0])
    assert not torch.equal(alone[1], whole[1])


@pytest.mark.parametrize("caching", [None, *CACHINGS.values()])
def test_guidance_that_ends_early_draws_the_same_on_two_devices(
    checkpoint: Checkpoint, second: SecondDevice, caching
) -> None:
    expected = draw(checkpoint, Guidance(caching, until=0.6))
    assert torch.equal(draw(checkpoint, Guidance(caching, second, until=0.6)), expected)


def test_the_second_transformer_draws_the_negative_branch_in_its_own_thread(
    checkpoint: Checkpoint, checkpoint_folder
) -> None:
    own = torch.get_num_threads() + 1
    second = SecondDevice(load_checkpoint(checkpoint_folder()).transformer, threads=own)
    here, there = [], []
    for transformer, seen in ((checkpoint.transformer, here), (second.transformer, there)):
        transformer.x_embedder.register_forward_hook(
            lambda *_, seen=seen: seen.append((threading.current_thread().name, torch.get_num_threads()))
        )
    draw(checkpoint, Guidance(None, second))
    second.close()
    assert {name for name, _ in here} == {threading.current_thread().name}
    assert len(here) == len(there) == 12
    assert {count for _, count in there} == {own}
    assert all(name.startswith("second device") for name, _ in there)


def test_an_error_on_the_second_device_is_the_drawings(checkpoint: Checkpoint, second: SecondDevice) -> None:
    encoder = PromptEncoder(checkpoint.text_encoder, checkpoint.tokenizer)
    guess = Guidance(None, second)(
        checkpoint.transformer, encoder.encode("a"), encoder.encode(""), height=4, width=4, guidance_scale=5.0
    )
    second.transformer.x_embedder.register_forward_pre_hook(lambda *_: 1 / 0)
    with torch.no_grad(), pytest.raises(ZeroDivisionError):
        guess(torch.zeros(1, 16, 4), torch.tensor([500.0]))


def test_a_checkpoint_may_say_where_guidance_ends() -> None:
    assert [guidance_until_of(extras) for extras in ({}, {"guidance_until": 0.6}, {"guidance_until": 1})] == [0, 0.6, 1]
    for wrong in (True, "0.6", -0.1, 1.1, float("nan")):
        with pytest.raises(CheckpointError, match="guidance_until"):
            guidance_until_of({"guidance_until": wrong})
