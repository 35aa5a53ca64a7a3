"""Cached steps: exact where nothing is reused, cheaper where something is, and nothing left for the next drawing."""

import pytest
import torch

from sartor.fibo.caching import CACHINGS, CachedBranch, Caching, change
from sartor.fibo.checkpoint import Checkpoint, load_checkpoint
from sartor.fibo.encoding import PromptEncoder
from sartor.fibo.guidance import Guidance
from sartor.fibo.sampler import condition, generate_latents, guided_velocity
from tests.fibo.conftest import OTHER_PROMPT, PROMPT, SHAPES

STEPS = 12


@pytest.fixture(scope="module", params=SHAPES)
def checkpoint(request: pytest.FixtureRequest, checkpoint_folder) -> Checkpoint:
    return load_checkpoint(checkpoint_folder(request.param))


def draw(checkpoint: Checkpoint, guidance, prompt: str = PROMPT, scale: float = 5.0) -> torch.Tensor:
    return walked(checkpoint, guidance, prompt, scale)[-1]


def walked(checkpoint: Checkpoint, guidance, prompt: str = PROMPT, scale: float = 5.0) -> list[torch.Tensor]:
    """The latents after each step."""
    encoder = PromptEncoder(checkpoint.text_encoder, checkpoint.tokenizer)
    walk = generate_latents(
        checkpoint.transformer,
        encoder.encode(prompt),
        encoder.encode(""),
        height=4,
        width=4,
        steps=STEPS,
        seed=3,
        guidance_scale=scale,
        scheduler_config=checkpoint.scheduler_config,
        guidance=guidance,
    )
    return [latents for _, latents in walk]


@pytest.mark.parametrize("scale", [1.0, 5.0])
def test_a_threshold_of_zero_is_exact(checkpoint: Checkpoint, scale: float) -> None:
    guidance = Guidance(Caching("never", 0.0))
    torch.testing.assert_close(
        draw(checkpoint, guidance, scale=scale), draw(checkpoint, guided_velocity, scale=scale), rtol=0, atol=0
    )
    assert [branch.computed for branch in guidance.branches] == [STEPS] * (2 if scale > 1 else 1)


def test_a_higher_threshold_computes_less(checkpoint: Checkpoint) -> None:
    exact, counts = draw(checkpoint, guided_velocity), []
    for threshold in (0.01, 0.2, 0.6, 1e9):
        guidance = Guidance(Caching("some", threshold))
        found = draw(checkpoint, guidance)
        assert found.isfinite().all()
        counts.append(sum(branch.computed for branch in guidance.branches))
        if counts[-1] < 2 * STEPS:
            assert not torch.equal(found, exact)
    assert counts == sorted(counts, reverse=True)
    assert counts[-1] == 2  # each branch must compute its first step
    assert len(set(counts)) > 2


def test_what_is_reused_is_what_the_blocks_added(checkpoint: Checkpoint) -> None:
    model = checkpoint.transformer
    encoded = PromptEncoder(checkpoint.text_encoder, checkpoint.tokenizer).encode(PROMPT)
    given = condition(model, encoded, 4, 4)
    branch = CachedBranch(model, given, Caching("always", 1e9))
    torch.manual_seed(0)
    one, other = (torch.randn(1, 16, model.config.in_channels) for _ in range(2))
    time = torch.tensor([700.0])
    with torch.no_grad():
        branch(one, time)
        image, text, embedded = model.embed(one, time, given.text)
        image, text = model.double_block(0, image, text, embedded, given.captions, given.rotary)
        rest = model.blocks(image, text, embedded, given.captions, given.rotary, start=1) - image
        image, text, embedded = model.embed(other, time, given.text)
        image, _ = model.double_block(0, image, text, embedded, given.captions, given.rotary)
        assert torch.equal(branch(other, time), model.answer(image + rest, embedded))
    assert branch.computed == 1


def test_nothing_stays_for_the_next_drawing(checkpoint: Checkpoint) -> None:
    caching = Caching("some", 0.3)
    alone = draw(checkpoint, Guidance(caching))
    draw(checkpoint, Guidance(caching), OTHER_PROMPT)
    assert torch.equal(draw(checkpoint, Guidance(caching)), alone)


def test_change_is_relative() -> None:
    then = torch.tensor([1.0, -2.0, 3.0])
    assert change(1.1 * then, then) == pytest.approx(0.1)
    assert change(then, then) == 0


def test_names_say_what_to_expect() -> None:
    assert list(CACHINGS) == ["cached-1.5", "cached-2", "cached-3"]
    thresholds = [caching.threshold for caching in CACHINGS.values()]
    assert thresholds == sorted(thresholds)
