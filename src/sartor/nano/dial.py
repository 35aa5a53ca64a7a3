"""One dial for the size of everything: how large each network is and how long each stage trains.

`DIALS["cpu"]` is what two cores reach in a day; `DIALS["gpu"]` draws twice as many things four times as large where a
card is at hand, and trains by the clock (`joint.py`); `DIALS["test"]` runs through in seconds and draws nothing worth
seeing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace


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


_CPU = Dial(
    side=128,
    channels=24,
    encoder_width=24,
    decoder_width=32,
    text_width=256,
    text_layers=4,
    vocabulary=2048,
    heads=4,
    head_width=64,
    double_blocks=3,
    single_blocks=6,
    batch=32,
    learning_rate=1.2e-3,
    jitter=0.0,
    scenes=30_000,
    drafts=1600,
    steps=_steps(autoencoder=6000, text=6000, base=12_000, decoder=2200, judges=900),
)
DIALS = {
    "cpu": _CPU,
    "gpu": replace(
        _CPU,
        side=256,
        single_blocks=10,
        batch=256,
        learning_rate=1e-3,
        scenes=20_000,
        steps=_steps(autoencoder=8000, text=0, base=0, decoder=2200, judges=1800),
        more_things=True,
        seconds=1200,
    ),
    "test": Dial(64, 8, 8, 8, 32, 2, 512, 2, 16, 1, 1, 4, 1e-3, 1.0, 1000, 6, _steps(3, 3, 3, 2, 2)),
}
