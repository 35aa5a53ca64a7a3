"""One image's recipe, as it is asked for."""

from dataclasses import dataclass
from pathlib import Path

from sartor.fibo.adapters import MAX_INFLUENCE
from sartor.fibo.caching import CACHINGS, EXACT
from sartor.fibo.errors import InvalidInfluence, InvalidSpec

MAX_SHIFT = 5


@dataclass(frozen=True)
class Spec:
    """One image's recipe, in full. Checked by `Engine.generate`."""

    prompt: str
    """The structured prompt as canonical JSON; encoded exactly as it is."""
    seed: int
    """0 to 2^63 - 1."""
    steps: int = 50
    """1 to 1000."""
    guidance_scale: float = 5.0
    """Up to 1 means without guidance, and without a look at the negative prompt."""
    aspect_ratio: str = "1:1"
    negative_prompt: str = ""
    adapter: Path | None = None
    """A LoRA file in diffusers' format."""
    influence: float = 1.0
    """0 to 1.5: the share of the adapter that is merged; 0 is the base model exactly."""
    caching: str = "exact"
    """exact, or a name of caching.py's: faster, and not the same picture."""
    shift: float | None = None
    """0 to 5: how far the noise levels are moved towards 1, where the whole is decided (`sampler.time_shift`); None is
    the checkpoint's own way. With few steps more of it is better: another picture, in the same time."""
    guidance_until: float | None = None
    """0 to 1: the noise level below which the negative prompt's branch is left out (`guidance.Guidance`): faster, and
    not the same picture. 0 is guided to the end; None is the checkpoint's own way, to the end unless it says so."""
    model: str = ""
    """The tailored model as requests name it, for the recipe in the PNG; it changes nothing in the picture."""

    def check(self) -> None:
        """Raises InvalidSpec, which names the field."""
        if not 0 <= self.seed < 2**63:
            raise InvalidSpec(f"seed must be between 0 and 2^63 - 1, not {self.seed}")
        if not 1 <= self.steps <= 1000:
            raise InvalidSpec(f"steps must be between 1 and 1000, not {self.steps}")
        if not 0 <= self.guidance_scale <= 100:
            raise InvalidSpec(f"guidance_scale must be between 0 and 100, not {self.guidance_scale}")
        if not 0 <= self.influence <= MAX_INFLUENCE:
            raise InvalidInfluence(self.influence)
        if self.shift is not None and not 0 <= self.shift <= MAX_SHIFT:
            raise InvalidSpec(f"shift must be between 0 and {MAX_SHIFT}, not {self.shift}")
        if self.guidance_until is not None and not 0 <= self.guidance_until <= 1:
            raise InvalidSpec(f"guidance_until must be between 0 and 1, not {self.guidance_until}")
        if self.caching not in (EXACT, *CACHINGS):
            raise InvalidSpec(f"caching must be one of {', '.join((EXACT, *CACHINGS))}, not {self.caching!r}")
