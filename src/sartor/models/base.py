"""The checkpoint that models are trained for: what can be told of it without loading its weights, and loading it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import structlog

from sartor.errors import Unavailable
from sartor.fibo.checkpoint import FIBO_AREA, HUB_ID

if TYPE_CHECKING:
    from sartor.fibo import Checkpoint
    from sartor.fibo.transformer import FiboTransformer

log = structlog.get_logger(__name__)

_LARGEST_RANK, _HEADER = 256, 1 << 20
_EMBEDDED = "Sartor embedded"
_HUB = "https://huggingface.co/"


class ServedBase:
    """``checkpoint`` is a folder, or a hub id, of which only small files are fetched until it is loaded."""

    def __init__(
        self, checkpoint: str | Path, *, device: Callable[[], str], embedded: bool, hash_memory: Path | None = None
    ) -> None:
        """``hash_memory`` is a file that keeps what large weights were found to hash to."""
        self._checkpoint = checkpoint
        self._device = device
        self._folder = Path(checkpoint).expanduser()
        self._hash_memory = hash_memory
        self.embedded = embedded

    @property
    def name(self) -> str:
        """As clients are told: never a path."""
        if self.embedded:
            return _EMBEDDED
        return self._folder.name if self._folder.is_dir() else str(self._checkpoint)

    @property
    def hub_page(self) -> str | None:
        """The address of its card on the hub, where it comes from there."""
        on_hub = not self._folder.is_dir() and HUB_ID.fullmatch(str(self._checkpoint))
        return f"{_HUB}{self._checkpoint}" if on_hub else None

    @cached_property
    def training_area(self) -> int:
        """Pixels of the pictures that it is trained on. Raises OSError and ValueError where it is no checkpoint."""
        return int(self._read("model_index.json").get("sartor", {}).get("training_area", FIBO_AREA))

    @cached_property
    def blank(self) -> FiboTransformer:
        """Its transformer without weights: what an adapter's names and shapes are checked against. Raises as above."""
        import torch

        from sartor.fibo.transformer import FiboTransformer

        with torch.device("meta"):
            return FiboTransformer.from_config(self._read("transformer/config.json"))

    @cached_property
    def largest_adapter(self) -> int:
        """Bytes that an adapter may have: rank 256 in fp32 on every layer, and a header. Raises as above."""
        from sartor.fibo.adapters import adapter_targets

        width = sum(linear.in_features + linear.out_features for linear in adapter_targets(self.blank).values())
        return width * _LARGEST_RANK * 4 + _HEADER

    @cached_property
    def sha256(self) -> str | None:
        """Of what adapters are made for; None where its weights are not on this machine's own disk."""
        from sartor.fibo.checkpoint import hash_learned

        return hash_learned(self._folder, self._hash_memory) if self._folder.is_dir() else None

    def load(self) -> Checkpoint:
        """A copy of its own, on the device. Raises CheckpointError."""
        from sartor.fibo import load_checkpoint

        return load_checkpoint(self._checkpoint, device=self._device(), hash_memory=self._hash_memory)

    def _read(self, name: str) -> dict[str, Any]:
        if self._folder.is_dir():
            path = self._folder / name
        else:
            from huggingface_hub import hf_hub_download

            path = Path(hf_hub_download(str(self._checkpoint), name))
        content = json.loads(path.read_text("utf-8"))
        if not isinstance(content, dict):
            raise ValueError(f"{name} holds no JSON object")
        return content


@contextmanager
def base_read() -> Iterator[None]:
    """Turns what reading a base that is no checkpoint raises into Unavailable."""
    try:
        yield
    except (OSError, ValueError, KeyError):
        log.exception("the base model cannot be read")
        raise Unavailable("The base model cannot be read; the log says why.") from None
