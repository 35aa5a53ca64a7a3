"""Everything besides the recipe that an image's pixels depend on.

Two images of one recipe have equal pixels where their fingerprints are equal; their PNGs are equal to the byte where
one zlib has compressed them. On another fingerprint the same recipe still draws the same picture, to rounding;
`differences` says what is not the same.
"""

import hashlib
import json
import platform
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, Self

import torch
import transformers

ARITHMETIC = 2
"""Raised by every change of the engine's own code that changes the bytes it draws."""


@dataclass(frozen=True)
class Fingerprint:
    checkpoint: str
    """SHA-256 over the checkpoint's files (checkpoint.py)."""
    device: str
    dtype: str
    threads: int
    mode: str = "eager"
    """How the transformer runs: compiled code rounds otherwise than eager code."""
    attention: str = "torch"
    """The kernel that attends (attention.py)."""
    linears: str = "full"
    """fp8 where the blocks' linears are rounded (fp8.py)."""
    upscaler: str | None = None
    reader: str | None = None
    """What says long texts in words that a small model knows (readers.py)."""
    torch: str = torch.__version__
    transformers: str = transformers.__version__
    arithmetic: int = ARITHMETIC
    adapter: str | None = None
    """SHA-256 of the LoRA file, where one was merged."""
    caching: str = "exact"
    """Which steps reused the last one's work (caching.py)."""
    second: str | None = None
    """The device with a transformer of its own for the negative prompt, and how it computes (guidance.py)."""

    @property
    def environment(self) -> str:
        """A short name for this engine, whatever it is asked to draw: 16 hexadecimal digits."""
        text = json.dumps(replace(self, adapter=None, caching="exact").to_dict(), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def differences(self, other: "Fingerprint") -> dict[str, tuple[Any, Any]]:
        """Field name -> (here, there), for the fields that differ; empty where the bytes must be the same."""
        here, there = asdict(self), asdict(other)
        return {name: (here[name], there[name]) for name in here if here[name] != there[name]}

    def to_dict(self) -> dict[str, Any]:
        """As JSON values. Without a second device nothing is said of one, as in what was written before it had a field:
        an environment keeps its name."""
        return {name: value for name, value in asdict(self).items() if name != "second" or value is not None}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Reads `to_dict` back; fields that this version does not know are left out. Raises TypeError."""
        known = {field.name for field in fields(cls)}
        return cls(**{name: value for name, value in values.items() if name in known})


def describe_device(device: torch.device) -> str:
    """The device as far as arithmetic depends on it: a processor's model and vector width, a GPU's name."""
    if device.type == "cuda":
        return f"cuda {torch.cuda.get_device_name(device)}"
    if device.type == "cpu":
        return f"cpu {_processor()} {torch.backends.cpu.get_cpu_capability()}"
    return str(device)


def _processor() -> str:
    # Matrix libraries choose their block sizes by model, and with them the order of summation.
    table = Path("/proc/cpuinfo")
    if table.exists():
        for line in table.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
