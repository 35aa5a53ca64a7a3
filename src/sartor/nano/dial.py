"""One dial for the size of everything: how large each network is and how long each stage trains.

`DIALS["cpu"]` is what two cores reach in a day; `DIALS["gpu"]` draws twice as many things four times as large where a
card is at hand, and trains by the clock (`joint.py`); `DIALS["test"]` runs through in seconds and draws nothing worth
seeing.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Dial:
    side: int  # pixels of a training picture's side
    channels: int  # of the latent
    encoder_width: int  # of the autoencoder's encoder, first level
    decoder_width: int
    text_width: int
    text_layers: int
    vocabulary: int  # tokens
    heads: int
    head_width: int
    double_blocks: int
    single_blocks: int
    batch: int
    learning_rate: float
    jitter: float  # 0..1, of things' places, sizes and angles in the composed scenes
    scenes: int  # in the bank
    drafts: int  # scenes that the base draws for the decoder to learn from
    steps: dict[str, int]  # of each stage that is trained
    more_things: bool = False  # whether the scenes show MORE_CONCEPTS too
    seconds: int = 0  # of text encoder and base together, on a GPU, by the clock; 0: one after the other, by steps

    @property
    def width(self) -> int:
        """Channels of the transformer."""
        return self.heads * self.head_width


def _steps(autoencoder: int, text: int, base: int, decoder: int, judges: int) -> dict[str, int]:
    return {"autoencoder": autoencoder, "text": text, "base": base, "decoder": decoder, "judges": judges}


DIALS = {
    "cpu": Dial(
        128, 24, 24, 32, 256, 4, 2048, 4, 64, 3, 6, 32, 1.2e-3, 0.0, 30_000, 1600, _steps(6000, 6000, 12_000, 2200, 900)
    ),
    "gpu": Dial(
        256,
        24,
        24,
        32,
        256,
        4,
        2048,
        4,
        64,
        3,
        10,
        256,
        1e-3,
        0.0,
        20_000,
        1600,
        _steps(8000, 0, 0, 2200, 1800),
        True,
        1200,
    ),
    "test": Dial(64, 8, 8, 8, 32, 2, 512, 2, 16, 1, 1, 4, 1e-3, 1.0, 1000, 6, _steps(3, 3, 3, 2, 2)),
}
