"""What moves the base's weights: AdamW, or Muon for the matrices within the blocks and AdamW for the rest.

Muon (K. Jordan, 2024; `torch.optim.Muon`) makes a matrix's step orthogonal. Its steps are made as large as AdamW's are,
so that the rates of both compare. Which of the two ends better at length has not been measured: docs/nano-log.md has
what a short comparison gave (`python -m benchmarks.bases`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import nn

from sartor.nano.run import set_rate

BETAS, DECAY = (0.9, 0.98), 0.01  # of AdamW; weight decay of both


def is_hidden_matrix(name: str, parameter: nn.Parameter) -> bool:
    """Whether it is a matrix within a block, and no modulation (those begin at zero and are driven by one vector)."""
    return parameter.ndim == 2 and "transformer_blocks." in name and ".norm" not in name


class Optimizers:
    """AdamW, and Muon beside it where it has a rate, as one."""

    def __init__(
        self,
        parts: Sequence[tuple[Mapping[str, nn.Parameter], float]],
        rate: float,
        *,
        muon: float | None = None,
        **options: Any,
    ):
        """parts: parameters by name, and the factor of the rate that is theirs. rate: AdamW's. muon: Muon's, for the
        matrices within blocks of every part. options: AdamW's own."""
        self._peaks: list[tuple[torch.optim.Optimizer, float]] = []
        matrices, groups = [], []
        for named, scale in parts:
            hidden = {name for name, p in named.items() if muon is not None and is_hidden_matrix(name, p)}
            groups.append({"params": [p for name, p in named.items() if name not in hidden], "scale": scale})
            matrices.append({"params": [named[name] for name in hidden], "scale": scale})
        adamw = torch.optim.AdamW(groups, lr=rate, betas=BETAS, weight_decay=DECAY, **options)
        self._peaks.append((adamw, rate))
        if muon is not None:
            own: Any = [group for group in matrices if group["params"]]
            moved = torch.optim.Muon(own, lr=muon, weight_decay=DECAY, adjust_lr_fn="match_rms_adamw")
            self._peaks.append((moved, muon))

    def step(self, factor: float) -> None:
        """One step at this share of the rates, 0 to 1; the gradients are gone after it."""
        for optimizer, peak in self._peaks:
            set_rate(optimizer, peak * factor)
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
