"""Where the parts of a checkpoint live: how much each takes, and the fastest mode that fits.

Every mode draws the same bytes; what differs is how much has to travel between host and device:

    resident            nothing
    parts-on-host       the text encoder for each new text, the VAE for each picture
    pristine-on-host    the pristine copy of the adapted weights for each swap of adapters
    lean                all of these

All figures are computed from the numbers of parameters and the shapes of activations, in bytes. On an H200 the
measured peaks were 2.2 to 2.4 GiB below them, for texts half as long (docs/performance.md).
"""

import ctypes
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from sartor.fibo.adapters import adapter_targets
from sartor.fibo.aspect import GRID
from sartor.fibo.autoencoder import AutoencoderConfig, FrameAutoencoder
from sartor.fibo.checkpoint import FIBO_AREA
from sartor.fibo.encoding import CACHE_BYTES, MAX_TOKENS
from sartor.fibo.errors import CheckpointError, NotEnoughMemory
from sartor.fibo.fp8 import rounded_linears
from sartor.fibo.full_size import FIBO_AUTOENCODER, FIBO_TRANSFORMER
from sartor.fibo.transformer import FiboTransformer, TransformerConfig

RESERVE = 2**30
"""Assumed for the driver's context, the libraries' workspaces and what an allocator cannot use."""
LIVE, LIVE_IN_FP32 = 16, 4
"""Tensors as large as the joined stream that are alive at once in a single block: the stream before and after its norm,
the wide half before and after its gelu (4 each), attention's answer and the two joined (5); rotations are in fp32."""
GIB = 2**30
_MEMINFO = Path("/proc/meminfo")  # Linux alone


@dataclass(frozen=True)
class Mode:
    """One way to place the parts: whether the pristine copy, and the text encoder and VAE, stay on the device."""

    name: str
    pristine_on_device: bool
    parts_on_device: bool


MODES = (
    Mode("resident", True, True),
    Mode("parts-on-host", True, False),
    Mode("pristine-on-host", False, True),
    Mode("lean", False, False),
)
"""From the fastest on: 16 GB for a swap of adapters is more than the 7 GB for a picture with a new text."""


@dataclass(frozen=True)
class Sizes:
    """What a checkpoint takes, in bytes: weights, what is kept between pictures, and working memory of each stage."""

    transformer: int
    adapted: int
    """The pristine copy: the weights of every layer that an adapter may touch."""
    text_encoder: int
    autoencoder: int
    encodings: int
    encoding: int
    drawing: int
    decoding: int


@dataclass(frozen=True)
class MemoryPlan:
    """A mode and its computed need in bytes."""

    mode: Mode
    device_bytes: int
    host_bytes: int

    def __str__(self) -> str:
        host = f" and {self.host_bytes / GIB:.1f} GiB of host memory" if self.host_bytes else ""
        return f"{self.mode.name} {self.device_bytes / GIB:.1f} GiB{host}"


def plan(mode: Mode, sizes: Sizes) -> MemoryPlan:
    """What a mode needs at its peak. A part that visits the device is there together with its own stage only."""
    visits = 0 if mode.parts_on_device else 1
    stays = 1 - visits
    pristine = sizes.adapted if mode.pristine_on_device else 0
    stages = (
        visits * sizes.text_encoder + sizes.encoding,
        sizes.drawing,
        visits * sizes.autoencoder + sizes.decoding,
    )
    parts = sizes.text_encoder + sizes.autoencoder
    return MemoryPlan(
        mode,
        RESERVE + sizes.transformer + pristine + stays * parts + sizes.encodings + max(stages),
        sizes.adapted - pristine + visits * parts,
    )


def plans(sizes: Sizes) -> list[MemoryPlan]:
    """Every mode's need, in the order in which they are preferred."""
    return [plan(mode, sizes) for mode in MODES]


def choose_memory(free_device_bytes: int, free_host_bytes: int, sizes: Sizes) -> MemoryPlan:
    """The first of MODES that fits into what is free. Raises NotEnoughMemory, which says what each would need."""
    for found in plans(sizes):
        if found.device_bytes <= free_device_bytes and found.host_bytes <= free_host_bytes:
            return found
    raise NotEnoughMemory(
        f"{free_device_bytes / GIB:.1f} GiB of device memory and {free_host_bytes / GIB:.1f} GiB of host memory are "
        f"free; needed is one of: {', '.join(map(str, plans(sizes)))}"
    )


def mode_named(name: str) -> Mode:
    """Raises ValueError, which lists the names."""
    for mode in MODES:
        if mode.name == name:
            return mode
    raise ValueError(f"a memory mode is one of {', '.join(mode.name for mode in MODES)}, not {name!r}")


def nbytes(module: nn.Module, itemsize: int) -> int:
    """Bytes of a module's parameters, tied ones once, in numbers of `itemsize` bytes; it may be on the meta device."""
    return itemsize * sum(parameter.numel() for parameter in module.parameters())


def measure(
    transformer: FiboTransformer,
    text_encoder: Any,
    autoencoder: FrameAutoencoder,
    area: int,
    itemsize: int,
    *,
    fp8: bool = False,
) -> Sizes:
    """The sizes of these models in numbers of itemsize bytes, for pictures of `area` pixels and the longest texts.

    text_encoder is transformers' language model; fp8 says that the blocks' linears will be so (fp8.py). They may be on
    the meta device, as `blank` makes them.
    """
    width, text = transformer.config.width, text_encoder.config
    layers = text.num_hidden_layers + 3  # the words' own, and the two that are joined
    states = layers * text.hidden_size * MAX_TOKENS * itemsize
    captions = transformer.depth * width // 2 * MAX_TOKENS * itemsize
    saved = (
        sum(linear.weight.numel() for linear in rounded_linears(transformer).values()) * (itemsize - 1) if fp8 else 0
    )
    stream = (area // GRID**2 + MAX_TOKENS) * width
    return Sizes(
        transformer=nbytes(transformer, itemsize) - saved,
        adapted=itemsize * sum(linear.weight.numel() for linear in adapter_targets(transformer).values()),
        text_encoder=nbytes(text_encoder, itemsize),
        autoencoder=nbytes(autoencoder, itemsize),
        encodings=CACHE_BYTES,
        encoding=states + 3 * text.intermediate_size * MAX_TOKENS * itemsize,
        drawing=2 * captions + stream * (LIVE * itemsize + LIVE_IN_FP32 * 4),
        decoding=_decoding(autoencoder.config, area, itemsize),
    )


def blank(
    transformer: TransformerConfig, text_encoder: Any, autoencoder: AutoencoderConfig
) -> tuple[FiboTransformer, Any, FrameAutoencoder]:
    """The three models of these configurations without weights, on the meta device."""
    from transformers import SmolLM3ForCausalLM

    with torch.device("meta"):
        return FiboTransformer(transformer), SmolLM3ForCausalLM(text_encoder), FrameAutoencoder(autoencoder)


def sizes_of(folder: Path, itemsize: int, *, fp8: bool = False) -> Sizes:
    """What the checkpoint in a folder will take, from its configurations. Raises OSError, ValueError, KeyError."""
    from transformers import SmolLM3Config

    def read(name: str) -> Any:
        return json.loads((folder / name).read_text())

    models = blank(
        TransformerConfig.from_dict(read("transformer/config.json")),
        SmolLM3Config.from_pretrained(folder / "text_encoder"),
        AutoencoderConfig.from_dict(read("vae/config.json")),
    )
    area = int(read("model_index.json").get("sartor", {}).get("training_area", FIBO_AREA))
    return measure(*models, area, itemsize, fp8=fp8)


def fibo_sizes() -> Sizes:
    """What FIBO itself takes in bf16."""
    from transformers import SmolLM3Config

    return measure(*blank(FIBO_TRANSFORMER, SmolLM3Config(), FIBO_AUTOENCODER), FIBO_AREA, 2)


def _decoding(config: AutoencoderConfig, area: int, itemsize: int) -> int:
    """Four of the decoder's largest feature maps in the weights' type and two, of the norms, in fp32."""
    widths = [config.decoder_base_dim * by for by in reversed(config.dim_mult)]
    pixels, largest = area // config.patch_size**2 // 4 ** (len(widths) - 1), 0
    for width in widths:
        pixels = min(4 * pixels, area // config.patch_size**2)
        largest = max(largest, width * pixels)
    return largest * (4 * itemsize + 2 * 4)


def free_host_bytes() -> int:
    """Host memory that programs can still have, in bytes, as the system estimates it: half of all where it does not."""
    if _MEMINFO.exists():
        for line in _MEMINFO.read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2


def give_back() -> None:
    """Returns host memory that was freed, in whichever thread, to the system.

    glibc's allocator keeps it for the thread that had it: a training whose every part runs in another thread would
    hold its peak once for each of them. Other C libraries are left to themselves.
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def choose_mode(folder: Path, device: torch.device | str, itemsize: int, *, fp8: bool = False) -> Mode:
    """The mode for a checkpoint folder on a device as it is now, in numbers of itemsize bytes.

    A CPU's memory is the host's: there nothing is gained by moving anything. Raises NotEnoughMemory, CheckpointError.
    """
    device = torch.device(device)
    if device.type != "cuda":
        return MODES[0]
    try:
        sizes = sizes_of(folder, itemsize, fp8=fp8)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CheckpointError(f"{folder} is not a FIBO checkpoint: {error}") from error
    free, _ = torch.cuda.mem_get_info(device)
    return choose_memory(free, free_host_bytes(), sizes).mode
