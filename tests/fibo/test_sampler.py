"""The sampler against diffusers' scheduler and against the installed reference pipeline."""

import numpy as np
import pytest
import torch
from diffusers import BriaFiboPipeline, BriaFiboTransformer2DModel, FlowMatchEulerDiscreteScheduler
from diffusers.pipelines.flux.pipeline_flux import calculate_shift

from sartor.fibo.checkpoint import Checkpoint, load_checkpoint
from sartor.fibo.encoding import PromptEncoder
from sartor.fibo.errors import CheckpointError
from sartor.fibo.sampler import generate_latents, initial_noise, scheduler_settings, sigmas, time_shift
from sartor.fibo.transformer import FiboTransformer
from tests.fibo.conftest import PROMPT, SHAPES

HEIGHT, WIDTH, STEPS, SEED = 4, 6, 5, 11

SCHEDULERS = {
    "plain": {},
    "shift": {"shift": 3.0},
    "dynamic": {"use_dynamic_shifting": True},
    "linear": {"use_dynamic_shifting": True, "time_shift_type": "linear"},
    "other lines": {
        "use_dynamic_shifting": True,
        "base_image_seq_len": 64,
        "max_image_seq_len": 1024,
        "max_shift": 2.0,
    },
    "terminal": {"use_dynamic_shifting": True, "shift_terminal": 0.1},
}


@pytest.mark.parametrize("tokens", [16, 64, 256, 4096, 5000])
@pytest.mark.parametrize("name", SCHEDULERS)
def test_sigmas_are_the_schedulers_to_the_bit(name: str, tokens: int) -> None:
    scheduler = FlowMatchEulerDiscreteScheduler(**SCHEDULERS[name])
    for steps in (1, 2, 20, 50):
        if steps == 1 and name == "terminal":
            continue  # diffusers divides by zero there
        mu = calculate_shift(tokens) if name != "other lines" else calculate_shift(tokens, 64, 1024, 0.5, 2.0)
        scheduler.set_timesteps(sigmas=np.linspace(1.0, 1 / steps, steps), mu=mu)
        assert torch.equal(sigmas(steps, tokens, dict(scheduler.config)), scheduler.sigmas)


def test_a_single_step_goes_all_the_way_whatever_the_terminal_level() -> None:
    assert sigmas(1, 64, SCHEDULERS["terminal"]).tolist() == [1.0, 0.0]


def test_each_setting_of_the_scheduler_is_followed_with_its_default_or_refused() -> None:
    followed = scheduler_settings({})
    for name, default in FlowMatchEulerDiscreteScheduler().config.items():
        if name in followed:
            assert (name, followed[name]) == (name, default)
        elif not name.startswith("_"):
            with pytest.raises(CheckpointError, match=name):
                sigmas(4, 64, {name: True})


def test_an_unknown_kind_of_shift_is_refused() -> None:
    with pytest.raises(CheckpointError, match="cubic"):
        sigmas(4, 64, {"time_shift_type": "cubic"})


def test_a_shift_of_ones_own_takes_the_place_of_the_schedulers() -> None:
    config = {"use_dynamic_shifting": True, "base_shift": 0.5, "max_shift": 0.5}
    assert torch.equal(sigmas(12, 256, config, shift=0.5), sigmas(12, 256, config))
    assert torch.equal(sigmas(4, 256, config, shift=0.0), torch.tensor([1.0, 0.75, 0.5, 0.25, 0.0]))
    early = sigmas(12, 256, config, shift=1.0)
    assert (early[1:-1] > sigmas(12, 256, config)[1:-1]).all()
    assert (early[0], early[-1]) == (1, 0)


def test_time_shift_takes_arrays_and_tensors_alike() -> None:
    times = np.linspace(0.1, 1.0, 7, dtype=np.float32)
    assert np.allclose(time_shift(times, 0.8), time_shift(torch.from_numpy(times), 0.8).numpy())
    assert (time_shift(times, 0.8)[:-1] > times[:-1]).all()


def test_noise_is_the_seeds_own() -> None:
    torch.manual_seed(5)
    before = torch.get_rng_state()
    assert torch.equal(initial_noise(3, 4, 2, 5), initial_noise(3, 4, 2, 5))
    assert not torch.equal(initial_noise(3, 4, 2, 5), initial_noise(4, 4, 2, 5))
    assert torch.equal(torch.get_rng_state(), before)  # nobody else's generator is touched


class StockShaped(torch.nn.Module):
    """The reference transformer behind our two-part interface: tells a difference in the loop from one in the model."""

    def __init__(self, stock: BriaFiboTransformer2DModel, ours: FiboTransformer) -> None:
        super().__init__()
        self.stock, self.config, self.depth = stock, ours.config, ours.depth
        self.dtype, self.device = torch.float32, torch.device("cpu")

    def project_captions(self, layers):
        return layers

    def rotary(self, text_length: int, height: int, width: int):
        image = torch.zeros(height, width, 3)
        image[..., 1] += torch.arange(height)[:, None]
        image[..., 2] += torch.arange(width)[None]
        return torch.zeros(text_length, 3), image.reshape(-1, 3)

    def forward(self, latents, timestep, text, captions, rotary):
        text_ids, image_ids = rotary
        return self.stock(
            hidden_states=latents,
            timestep=timestep,
            encoder_hidden_states=text,
            text_encoder_layers=captions,
            txt_ids=text_ids,
            img_ids=image_ids,
            return_dict=False,
        )[0]


def stock_pipeline(folder) -> BriaFiboPipeline:
    pipeline = BriaFiboPipeline.from_pretrained(folder)
    pipeline.set_progress_bar_config(disable=True)
    # The reference writes SmolLM3's own token 128000 for the empty prompt; a small vocabulary has its own.
    forward, own = pipeline.text_encoder.forward, pipeline.tokenizer.bos_token_id

    def with_own_bos(input_ids, **rest):
        return forward(torch.where(input_ids == 128000, own, input_ids), **rest)

    pipeline.text_encoder.forward = with_own_bos
    return pipeline


def stock_latents(pipeline: BriaFiboPipeline, guidance: float, negative: str = "") -> torch.Tensor:
    return pipeline(
        PROMPT,
        height=16 * HEIGHT,
        width=16 * WIDTH,
        num_inference_steps=STEPS,
        guidance_scale=guidance,
        negative_prompt=negative,
        generator=torch.Generator().manual_seed(SEED),
        output_type="latent",
    ).images


def our_latents(checkpoint: Checkpoint, transformer, guidance: float, negative: str = "") -> torch.Tensor:
    encoder = PromptEncoder(checkpoint.text_encoder, checkpoint.tokenizer)
    *_, (step, latents) = generate_latents(
        transformer,
        encoder.encode(PROMPT),
        encoder.encode(negative),
        height=HEIGHT,
        width=WIDTH,
        steps=STEPS,
        seed=SEED,
        guidance_scale=guidance,
        scheduler_config=checkpoint.scheduler_config,
    )
    assert step == STEPS
    return latents


def relative(a: torch.Tensor, b: torch.Tensor) -> float:
    return ((a - b).norm() / b.norm()).item()


@pytest.mark.parametrize("name", SHAPES)
def test_the_loop_equals_the_reference_pipeline(name: str, checkpoint_folder) -> None:
    pipeline = stock_pipeline(checkpoint_folder(name))
    checkpoint = load_checkpoint(checkpoint_folder(name))
    bridge = StockShaped(pipeline.transformer, checkpoint.transformer)

    unguided = stock_latents(pipeline, 1.0)
    assert torch.equal(our_latents(checkpoint, bridge, 1.0), unguided)
    assert relative(our_latents(checkpoint, checkpoint.transformer, 1.0), unguided) < 1e-4

    for negative in ("", "blurry, dark"):
        guided = stock_latents(pipeline, 5.0, negative)
        assert relative(our_latents(checkpoint, bridge, 5.0, negative), guided) < 1e-4
        assert relative(our_latents(checkpoint, checkpoint.transformer, 5.0, negative), guided) < 1e-4
        assert relative(guided, unguided) > 1e-2  # or the comparison would say nothing


def test_the_caller_owns_the_walk(checkpoint_folder) -> None:
    checkpoint = load_checkpoint(checkpoint_folder())
    encoder = PromptEncoder(checkpoint.text_encoder, checkpoint.tokenizer)
    walk = generate_latents(
        checkpoint.transformer,
        encoder.encode(PROMPT),
        None,
        height=2,
        width=2,
        steps=3,
        seed=0,
        guidance_scale=1.0,
        scheduler_config=checkpoint.scheduler_config,
    )
    step, latents = next(walk)
    assert (step, latents.shape, latents.dtype) == (1, (1, 4, 4), torch.float32)
    assert torch.is_grad_enabled()  # between steps the caller's settings are its own
    assert [step for step, _ in walk] == [2, 3]
