"""Other ways to make the guided velocity than sampler.py's own: with cached steps, on two devices at once, and guided
only while there is much noise.

A `Guidance` stands where sampler.py has `guided_velocity`, for one drawing. Without options it makes the same bytes.
"""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from sartor.fibo.caching import CachedBranch, Caching
from sartor.fibo.encoding import EncodedPrompt
from sartor.fibo.errors import CheckpointError
from sartor.fibo.sampler import Velocity, condition, guided, velocity
from sartor.fibo.transformer import FiboTransformer

NOISE_ONLY = 1000.0  # the timestep at noise level 1


class SecondDevice:
    """A second copy of the transformer, and the thread that draws the negative prompt's branch with it."""

    def __init__(self, transformer: FiboTransformer, threads: int) -> None:
        """threads: of the CPU, where that is the device; the same number as elsewhere, for the same bytes."""
        self.transformer = transformer
        self._thread = ThreadPoolExecutor(1, "second device", initializer=torch.set_num_threads, initargs=(threads,))

    def both(self, towards: Velocity, away: Velocity, latents: Tensor, timestep: Tensor) -> tuple[Tensor, Tensor]:
        """Both guesses at once, on the first device. away is computed here, and has finished when this returns."""
        device = self.transformer.device
        far = self._thread.submit(self._alone, away, latents.to(device), timestep.to(device))
        try:
            near = towards(latents, timestep)
        finally:
            there = far.result()
        return near, there.to(latents.device)

    def close(self) -> None:
        """Ends the thread."""
        self._thread.shutdown()

    @torch.no_grad()
    def _alone(self, away: Velocity, latents: Tensor, timestep: Tensor) -> Tensor:
        return away(latents, timestep)


def guidance_until_of(extras: Mapping[str, Any]) -> float:
    """Where a checkpoint's extras let guidance end, 0 for nowhere. Raises CheckpointError for no number in 0..1."""
    until = extras.get("guidance_until", 0.0)
    if isinstance(until, bool) or not isinstance(until, int | float) or not 0 <= until <= 1:
        raise CheckpointError(f"the checkpoint's guidance_until must be a number between 0 and 1, not {until!r}")
    return float(until)


@dataclass(frozen=True)
class Guidance:
    """Options of one drawing; branches is filled with what was made, for whoever wants to look at it."""

    caching: Caching | None = None
    second: SecondDevice | None = None
    until: float = 0.0
    """The noise level, 0 to 1, below which the negative prompt is not asked any more: the lower end of a guidance
    interval (Kynkäänniemi et al., arXiv:2404.07724), whose upper end is 1 here."""
    branches: list[Velocity] = field(default_factory=list, compare=False)

    def __call__(
        self,
        transformer: FiboTransformer,
        prompt: EncodedPrompt,
        negative_prompt: EncodedPrompt | None,
        height: int,
        width: int,
        guidance_scale: float,
    ) -> Velocity:
        """As sampler.py's `guided_velocity`."""
        towards = self._branch(transformer, prompt, height, width)
        if negative_prompt is None or guidance_scale <= 1:
            return towards
        elsewhere = self.second.transformer if self.second else transformer
        away = self._branch(elsewhere, negative_prompt, height, width)

        def guess(latents: Tensor, timestep: Tensor) -> Tensor:
            # Reading the level waits for the device, once a step, and only where guidance ends early.
            if self.until and float(timestep) < self.until * NOISE_ONLY:
                return towards(latents, timestep)
            if self.second is not None:
                return guided(*self.second.both(towards, away, latents, timestep), guidance_scale)
            near = towards(latents, timestep)
            return guided(near, away(latents, timestep), guidance_scale)

        return guess

    def _branch(self, transformer: FiboTransformer, prompt: EncodedPrompt, height: int, width: int) -> Velocity:
        prompt = prompt.to(transformer.device)
        given = condition(transformer, prompt, height, width)

        def exact(latents: Tensor, timestep: Tensor) -> Tensor:
            return velocity(transformer, latents, timestep, given)

        branch: Velocity = exact if self.caching is None else CachedBranch(transformer, given, self.caching)
        self.branches.append(branch)
        return branch
