"""How FIBO draws: from noise to a picture's latents along a straight-line flow, in Euler steps.

A picture x and noise e are joined by the line  z(t) = (1 - t) x + t e,  whose velocity is  e - x  everywhere. The
transformer learned to guess that velocity from z(t), t and a text. Drawing starts at t = 1, pure noise, and walks the
guessed velocity back to t = 0:

    sigmas            which times to stop at; larger pictures stay longer near noise
    initial_noise     where to start: the seed's own noise
    condition         what never changes on the way: text, projected captions, rotary table
    velocity          the transformer's guess for one text
    guided_velocity   the guess with the prompt, pushed away from the guess with the negative prompt
    generate_latents  the walk itself, yielding after each step

All functions are pure. The two guesses are separate calls of batch 1, each at its text's own length, without a mask:
padding one text to the other's length only adds work. Training uses `shift_exponent` and `time_shift` too. Other ways
to guess, cheaper or on two devices, are in guidance.py.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor

from sartor.fibo.blocks import Rotary
from sartor.fibo.encoding import EncodedPrompt
from sartor.fibo.errors import CheckpointError
from sartor.fibo.transformer import FiboTransformer

Times = TypeVar("Times", np.ndarray, Tensor)
Velocity = Callable[[Tensor, Tensor], Tensor]
"""Of one drawing: latents [1, N, C] and timestep [1] in 0..1000 -> velocity [1, N, C]."""

# What diffusers' FlowMatchEulerDiscreteScheduler assumes where its configuration is silent.
SCHEDULER_DEFAULTS: dict[str, Any] = {
    "num_train_timesteps": 1000,
    "shift": 1.0,
    "use_dynamic_shifting": False,
    "base_shift": 0.5,
    "max_shift": 1.15,
    "base_image_seq_len": 256,
    "max_image_seq_len": 4096,
    "shift_terminal": None,
    "time_shift_type": "exponential",
}
UNSUPPORTED = (
    "invert_sigmas",
    "use_karras_sigmas",
    "use_exponential_sigmas",
    "use_beta_sigmas",
    "stochastic_sampling",
)


def scheduler_settings(config: Mapping[str, Any]) -> dict[str, Any]:
    """The configuration with its defaults filled in. Raises CheckpointError for a schedule that is not ours."""
    if on := [name for name in UNSUPPORTED if config.get(name)]:
        raise CheckpointError(f"the scheduler asks for {', '.join(on)}, which FIBO's sampler does not have")
    settings = {name: config.get(name, default) for name, default in SCHEDULER_DEFAULTS.items()}
    if settings["time_shift_type"] not in ("exponential", "linear"):
        raise CheckpointError(f"unknown time_shift_type {settings['time_shift_type']!r}")
    return settings


def shift_exponent(tokens: int, config: Mapping[str, Any]) -> float:
    """mu at `tokens` image tokens: linear from (base_image_seq_len, base_shift) to (max_image_seq_len, max_shift)."""
    settings = scheduler_settings(config)
    low, high = settings["base_image_seq_len"], settings["max_image_seq_len"]
    slope = (settings["max_shift"] - settings["base_shift"]) / (high - low)
    return float(tokens * slope + (settings["base_shift"] - slope * low))


def time_shift(times: Times, mu: float, kind: str = "exponential") -> Times:
    """Moves times in (0, 1] towards 1, the more the larger mu: s / (s + 1/t - 1) with s = e^mu, or s = mu for "linear".

    Stable Diffusion 3, arXiv:2403.03206, section 5.3.2; with e^mu as FLUX has it.
    """
    strength = math.exp(mu) if kind == "exponential" else mu
    return strength / (strength + (1 / times - 1))


def sigmas(steps: int, tokens: int, config: Mapping[str, Any], shift: float | None = None) -> Tensor:
    """fp32 [steps + 1], falling from 1 to 0: the noise levels to stop at, for a picture of `tokens` latent tokens.

    Equal to what diffusers' FlowMatchEulerDiscreteScheduler, configured by config, makes of `steps` even levels. shift:
    mu of `time_shift`, instead of the configuration's: the larger, the more of the steps go where all is noise still.
    """
    settings = scheduler_settings(config)
    levels = np.linspace(1.0, 1 / steps, steps).astype(np.float32)
    if shift is not None:
        levels = time_shift(levels, shift)
    elif settings["use_dynamic_shifting"]:
        levels = time_shift(levels, shift_exponent(tokens, settings), settings["time_shift_type"])
    else:
        shift = settings["shift"]
        levels = shift * levels / (1 + (shift - 1) * levels)
    if settings["shift_terminal"] and steps > 1:  # a single level is where the walk begins, and stays 1
        rest = 1 - levels
        levels = 1 - rest / (rest[-1] / (1 - settings["shift_terminal"]))
    return torch.cat([torch.from_numpy(levels).float(), torch.zeros(1)])


def initial_noise(seed: int, channels: int, height: int, width: int) -> Tensor:
    """fp32 [1, height * width, channels] from a generator of its own on the CPU, so that devices agree on the start."""
    generator = torch.Generator("cpu").manual_seed(seed)
    noise = torch.randn((1, channels, height, width), generator=generator, dtype=torch.float32)
    return noise.flatten(2).transpose(1, 2).contiguous()


@dataclass(frozen=True)
class Condition:
    """One text, ready for every step: text [1, T, joint], a caption [1, T, D / 2] per block, the rotary table."""

    text: Tensor
    captions: Sequence[Tensor]
    rotary: Rotary


def condition(transformer: FiboTransformer, prompt: EncodedPrompt, height: int, width: int) -> Condition:
    """Prepares an encoded prompt for pictures of height * width latent tokens."""
    layers = [layer.to(transformer.dtype) for layer in prompt.layers_for(transformer.depth)]
    return Condition(
        text=prompt.embeds.to(transformer.dtype),
        captions=transformer.project_captions(layers),
        rotary=transformer.rotary(prompt.length, height, width),
    )


def velocity(transformer: FiboTransformer, latents: Tensor, timestep: Tensor, given: Condition) -> Tensor:
    """The transformer's guess [1, N, C] at latents [1, N, C] and timestep [1] in 0..1000."""
    guess: Tensor = transformer(latents.to(transformer.dtype), timestep, given.text, given.captions, given.rotary)
    return guess


def guided(towards: Tensor, away: Tensor, guidance_scale: float) -> Tensor:
    """Classifier-free guidance, n + scale (p - n) (Ho and Salimans, arXiv:2207.12598)."""
    return away + guidance_scale * (towards - away)


def guided_velocity(
    transformer: FiboTransformer,
    prompt: EncodedPrompt,
    negative_prompt: EncodedPrompt | None,
    height: int,
    width: int,
    guidance_scale: float,
) -> Velocity:
    """The guided guess for two texts; that of the prompt alone without a negative prompt or where the scale is <= 1."""
    positive = condition(transformer, prompt, height, width)
    negative = None
    if negative_prompt is not None and guidance_scale > 1:
        negative = condition(transformer, negative_prompt, height, width)

    def guess(latents: Tensor, timestep: Tensor) -> Tensor:
        towards = velocity(transformer, latents, timestep, positive)
        if negative is None:
            return towards
        return guided(towards, velocity(transformer, latents, timestep, negative), guidance_scale)

    return guess


@torch.no_grad()
def generate_latents(
    transformer: FiboTransformer,
    prompt: EncodedPrompt,
    negative_prompt: EncodedPrompt | None,
    *,
    height: int,
    width: int,
    steps: int,
    seed: int,
    guidance_scale: float,
    scheduler_config: Mapping[str, Any],
    shift: float | None = None,
    guidance: Callable[..., Velocity] = guided_velocity,
) -> Iterator[tuple[int, Tensor]]:
    """Yields (step, latents) for step 1 to `steps`; the last latents, fp32 [1, height * width, C], are the picture.

    height and width count latent tokens (16 pixels each). The negative prompt is not looked at where
    guidance_scale <= 1. Whoever iterates decides on progress, stopping and what is kept. shift: as `sigmas` has it.
    guidance: what makes the velocity for these texts.
    """
    levels = sigmas(steps, height * width, scheduler_config, shift)
    times = levels * scheduler_settings(scheduler_config)["num_train_timesteps"]
    guess = guidance(transformer, prompt, negative_prompt, height, width, guidance_scale)
    latents = initial_noise(seed, transformer.config.in_channels, height, width).to(transformer.device)
    for step in range(steps):
        timestep = times[step : step + 1].to(transformer.device)
        latents = latents + (levels[step + 1] - levels[step]).item() * guess(latents, timestep).float()
        yield step + 1, latents
