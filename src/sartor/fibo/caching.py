"""Steps that reuse the last one's work: faster pictures that are not the same, for whoever asks for them.

From one step to the next the blocks change the image stream in almost the same way. So the first block is computed
always; where what it adds has changed little since the last full step, the sum of what all the others added then is
added again, and they are not computed. The idea is the one of TeaCache (arXiv:2411.19108), which watches the first
block's modulated input, in the form of ParaAttention's first-block cache, which watches its output and so needs no
polynomial fitted to the model.

Nothing is kept from one drawing to another: the state of a branch lives in an object made for one walk.
"""

from dataclasses import dataclass

from torch import Tensor

from sartor.fibo.sampler import Condition
from sartor.fibo.transformer import FiboTransformer

EXACT = "exact"


@dataclass(frozen=True)
class Caching:
    """A name, and the relative change of the first block's addition below which the rest is not computed."""

    name: str
    threshold: float


CACHINGS = {
    caching.name: caching
    for caching in (Caching("cached-1.5", 0.08), Caching("cached-2", 0.12), Caching("cached-3", 0.2))
}
"""By how many times fewer full steps the embedded model takes at 30 steps (docs/performance.md)."""


class CachedBranch:
    """One text's velocity during one walk. `computed` counts the full steps so far."""

    def __init__(self, transformer: FiboTransformer, given: Condition, caching: Caching) -> None:
        self._transformer, self._given, self._threshold = transformer, given, caching.threshold
        self._first: Tensor | None = None
        self._rest: Tensor | None = None
        self.computed = 0

    def __call__(self, latents: Tensor, timestep: Tensor) -> Tensor:
        """The velocity [1, N, C] at latents [1, N, C] and timestep [1]."""
        model, given = self._transformer, self._given
        before, text, time = model.embed(latents.to(model.dtype), timestep, given.text)
        image, text = model.double_block(0, before, text, time, given.captions, given.rotary)
        first = image - before
        if self._first is None or self._rest is None or change(first, self._first) >= self._threshold:
            last = model.blocks(image, text, time, given.captions, given.rotary, start=1)
            self._first, self._rest = first, last - image
            self.computed += 1
        else:
            last = image + self._rest
        return model.answer(last, time)


def change(now: Tensor, then: Tensor) -> float:
    """Mean absolute difference by mean absolute value."""
    return float((now.float() - then.float()).abs().mean() / then.float().abs().mean())
