"""Adapters: which layers they may touch, how a LoRA file is read with suspicion, kept in memory, and merged.

The format is what diffusers writes: safetensors with `transformer.<layer>.lora_A.weight` [rank, in] and
`transformer.<layer>.lora_B.weight` [out, rank], optionally `transformer.<layer>.alpha`, and optionally the adapter's
configuration as JSON in the header under `lora_adapter_metadata`; other trainers' names are read as these
(adapter_names.py). Nothing else is accepted, a pickle least of all.

Merging is W = W0 + influence * scale * B @ A, computed in fp32 from pristine weights and rounded once, in place. Taking
an adapter off is a copy of W0, so any order of adapters leads to the same bytes; adding and subtracting would drift
(one cycle of fuse and unfuse changes 9.3% of bf16 weights).
"""

import hashlib
import json
import math
import sys
import threading
from collections import OrderedDict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from sartor.fibo.adapter_names import ALPHA, METADATA, PREFIX, A, B, Translation, prefixed, translate
from sartor.fibo.errors import InvalidAdapter, InvalidInfluence
from sartor.fibo.host_memory import HostMemory

TARGETS = (
    "attn.to_q",
    "attn.to_k",
    "attn.to_v",
    "attn.to_out.0",
    "attn.add_q_proj",
    "attn.add_k_proj",
    "attn.add_v_proj",
    "attn.to_add_out",
    "ff.net.0.proj",
    "ff.net.2",
    "ff_context.net.0.proj",
    "ff_context.net.2",
    "norm1.linear",
    "norm1_context.linear",
    "norm.linear",
    "proj_mlp",
    "proj_out",
)
"""Ends of the names of the linears that are adapted: the targets of Bria's public trainer (Bria-AI/FIBO, fine_tuning).

As in peft an end is a whole dotted part, so `proj_out` is every single block's and the model's own: 341 at full size.
The text side (context_embedder, caption_projection) is not among them, so encodings serve every adapter.
"""

DTYPES = {"F32", "F16", "BF16"}
ALPHA_DTYPES = DTYPES | {"F64", "I32", "I64"}
MAX_INFLUENCE = 1.5
LARGEST = torch.finfo(torch.float32).max


def adapter_targets(transformer: nn.Module) -> dict[str, nn.Linear]:
    """The linears of a transformer that an adapter may touch, by name, in the model's order."""
    return {
        name: module
        for name, module in transformer.named_modules()
        if isinstance(module, nn.Linear) and any(name == end or name.endswith(f".{end}") for end in TARGETS)
    }


@dataclass(frozen=True, eq=False)
class LoraPair:
    """One layer's change: scale * B @ A, with down A [rank, in], up B [out, rank] and scale alpha / rank."""

    down: Tensor
    up: Tensor
    scale: float


@dataclass(frozen=True, eq=False)
class Adapter:
    """A LoRA file that has been read and found to fit; sha256 is that of the file's bytes."""

    path: Path
    sha256: str
    pairs: Mapping[str, LoraPair]

    @property
    def nbytes(self) -> int:
        """Host memory that the pairs take, in bytes."""
        return sum(pair.down.nbytes + pair.up.nbytes for pair in self.pairs.values())

    @property
    def rank(self) -> int:
        """The largest of its layers'."""
        return max(pair.down.shape[0] for pair in self.pairs.values())


def read_adapter(path: str | Path, transformer: nn.Module) -> Adapter:
    """Reads a LoRA file for this transformer; tensors stay on the host in their saved dtype (pinned for a GPU).

    A layer's scale is alpha / rank, alpha from its `.alpha` key, else from the header's configuration, else the rank.
    Raises OSError where there is no file, and InvalidAdapter, with what is wrong, for one that is not safetensors or
    has unknown, missing, mis-shaped or non-finite tensors, or a product that is not finite.
    """
    path = Path(path)
    targets = adapter_targets(transformer)
    with path.open("rb") as content:
        sha256 = hashlib.file_digest(content, "sha256").hexdigest()
    try:
        with safe_open(path, framework="pt", device="cpu") as file:
            translation = translate(file.keys(), targets)
            held = {said.removeprefix(PREFIX): name for name, said in translation.names.items()}
            layers, problems = _layers(held, targets, translation)
            for name, linear in layers.items():
                problems += _shape_problems(name, linear, {end: file.get_slice(held[name + end]) for end in (A, B)})
                if name + ALPHA in held:
                    problems += _alpha_problems(name, file.get_slice(held[name + ALPHA]))
            if problems:
                raise InvalidAdapter(path.name, problems)
            tensors = {said: file.get_tensor(name) for said, name in held.items()}
            configuration = _configuration(path.name, file.metadata() or {}, translation.dialect)
    except SafetensorError as error:
        raise InvalidAdapter(path.name, [f"not a safetensors file ({error})"]) from error
    problems = [f"not finite: {PREFIX}{name}" for name, tensor in tensors.items() if not tensor.isfinite().all()]
    if problems:
        raise InvalidAdapter(path.name, problems)
    scales = _scales(path.name, tensors, layers, configuration)
    if beyond := [name for name in layers if _bound(tensors[name + A], tensors[name + B], scales[name]) > LARGEST]:
        raise InvalidAdapter(path.name, [f"its change is no finite number: {PREFIX}{name}" for name in beyond])
    pin = any(weight.is_cuda for weight in transformer.parameters())
    pairs = {}
    for name in layers:
        down, up = tensors[name + A].contiguous(), tensors[name + B].contiguous()
        pairs[name] = LoraPair(down.pin_memory() if pin else down, up.pin_memory() if pin else up, scales[name])
    return Adapter(path, sha256, pairs)


def _layers(
    held: Collection[str], targets: Mapping[str, nn.Linear], translation: Translation
) -> tuple[dict[str, nn.Linear], list[str]]:
    """The targets that have both halves, and a line for each key that is unknown or whose other half is missing."""
    problems = list(translation.problems)
    layers: dict[str, nn.Linear] = {}
    for key in held:
        name = next(key.removesuffix(end) for end in (A, B, ALPHA) if key.endswith(end))
        if missing := [PREFIX + name + half for half in (A, B) if name + half not in held]:
            problems.append(f"missing: {', '.join(missing)}")
        else:
            layers[name] = targets[name]
    if not held and not problems:
        problems.append("it holds no tensors")
    return layers, problems


def _shape_problems(name: str, linear: nn.Linear, slices: Mapping[str, Any]) -> list[str]:
    """A line for each half whose shape or dtype cannot belong to this linear; reads the header only."""
    (down, up), problems = (list(slices[end].get_shape()) for end in (A, B)), []
    rank = down[0] if down else 0
    expected = {A: [rank, linear.in_features], B: [linear.out_features, rank]}
    for end, found in ((A, down), (B, up)):
        if rank < 1 or found != expected[end]:
            problems.append(f"mis-shaped: {PREFIX}{name}{end} is {found}, expected {expected[end]}")
        if (dtype := slices[end].get_dtype()) not in DTYPES:
            problems.append(f"dtype {dtype} is not a floating type of 16 or 32 bits: {PREFIX}{name}{end}")
    return problems


def _alpha_problems(name: str, found: Any) -> list[str]:
    """A line for an alpha that is not one number; reads the header only."""
    one = math.prod(found.get_shape()) == 1 and found.get_dtype() in ALPHA_DTYPES
    return [] if one else [f"alpha must be one number: {PREFIX}{name}{ALPHA}"]


def _bound(down: Tensor, up: Tensor, scale: float) -> float:
    """What neither the scale nor a number of scale * B @ A is above, at the largest influence."""
    narrow, wide = (max(abs(float(end)) for end in half.aminmax()) for half in (down, up))
    return MAX_INFLUENCE * abs(scale) * max(1.0, down.shape[0] * narrow * wide)


def _configuration(file: str, metadata: Mapping[str, str], dialect: str) -> dict[str, Any]:
    """The transformer's part of the configuration that diffusers writes into the header, {} where there is none."""
    try:
        parsed = json.loads(metadata.get(METADATA) or "{}")
    except (ValueError, RecursionError) as error:
        raise InvalidAdapter(file, [f"the header's {METADATA} is not JSON"]) from error
    if not isinstance(parsed, dict):
        raise InvalidAdapter(file, [f"the header's {METADATA} is not an object"])
    said = prefixed(parsed, dialect)
    configuration: dict[str, Any] = {key.removeprefix(PREFIX): said[key] for key in said if key.startswith(PREFIX)}
    if kinds := [kind for kind in ("use_dora", "lora_bias") if configuration.get(kind)]:
        raise InvalidAdapter(file, [f"the header asks for {kind}, which is not supported" for kind in kinds])
    return configuration


def _scales(
    file: str, tensors: Mapping[str, Tensor], layers: Mapping[str, nn.Linear], configuration: Mapping[str, Any]
) -> dict[str, float]:
    """alpha / rank of each layer (alpha / sqrt(rank) where the header says `use_rslora`), finite.

    peft reads the keys of `alpha_pattern` as regular expressions; they come from a stranger, so here they are plain
    ends of names, and one that fits no layer is refused rather than passed over.
    """
    patterns = configuration.get("alpha_pattern") or {}
    default = configuration.get("lora_alpha")
    given = [] if default is None else [default]
    if not isinstance(patterns, dict) or not all(map(_is_finite, [*patterns.values(), *given])):
        raise InvalidAdapter(file, ["the header's lora_alpha and alpha_pattern must be finite numbers"])
    unused, scales = set(patterns), {}
    for name in layers:
        rank = tensors[name + A].shape[0]
        alpha = float(rank) if default is None else float(default)
        for pattern, value in patterns.items():
            if name == pattern.removeprefix("^") or name.endswith(f".{pattern}"):
                alpha = float(value)
                unused.discard(pattern)
        if name + ALPHA in tensors:
            alpha = float(tensors[name + ALPHA].item())
        scales[name] = alpha / (math.sqrt(rank) if configuration.get("use_rslora") else rank)
    if unused:
        raise InvalidAdapter(file, [f"alpha_pattern fits no layer: {pattern}" for pattern in sorted(unused)])
    return scales


def _is_finite(value: object) -> bool:
    """JSON knows integers that no float can hold, and NaN is not below anything."""
    return isinstance(value, int | float) and abs(value) <= sys.float_info.max


class AdapterCache:
    """The adapters used last, at most max_bytes of host memory of them; a file that changed on disk is read again."""

    def __init__(self, transformer: nn.Module, max_bytes: int) -> None:
        self._transformer = transformer
        self._max_bytes = max_bytes
        self._kept: OrderedDict[tuple[str, int, int, int], Adapter] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, path: str | Path) -> Adapter:
        """The adapter in this file. Raises as `read_adapter`. One larger than the whole budget is not kept."""
        resolved = Path(path).resolve()
        with self._lock:
            found = resolved.stat()
            key = (str(resolved), found.st_ino, found.st_size, found.st_mtime_ns)
            adapter = self._kept.pop(key, None) or read_adapter(resolved, self._transformer)
            self._kept[key] = adapter
            while self.nbytes > self._max_bytes:
                self._kept.popitem(last=False)
            return adapter

    @property
    def nbytes(self) -> int:
        """Host memory in use, in bytes."""
        return sum(adapter.nbytes for adapter in self._kept.values())


class Merger:
    """Owns which adapter a transformer carries. The transformer must be pristine when the merger is made.

    W0 of a layer is kept from the first adapter that touches it, on the weights' own device or, where that is short of
    memory, in host memory (pristine_device "cpu"): the base model alone costs nothing extra. pristine: the W0 of layers
    whose active weight is rounded, by name; these layers round what they `take`.
    """

    def __init__(
        self,
        transformer: nn.Module,
        *,
        pristine_device: str | None = None,
        pristine: Mapping[str, Tensor] | None = None,
    ) -> None:
        self._linears = adapter_targets(transformer)
        self._weights: dict[str, Tensor] = {name: linear.weight for name, linear in self._linears.items()}
        self._rounded = frozenset(pristine or ())
        self._pristine: dict[str, Tensor] = dict(pristine or {})
        pinned = any(weight.is_cuda for weight in self._weights.values())
        self._host = HostMemory(pinned=pinned) if pristine_device == "cpu" else None
        self._touched: set[str] = set()
        self._state: tuple[str, float] | None = ("", 0.0)

    @torch.no_grad()
    def apply(self, adapter: Adapter | None, influence: float = 1.0) -> None:
        """Makes the weights those of the base model plus this adapter; None, or influence 0, is the base model exactly.

        influence 0..1.5. What an earlier adapter touched and this one does not is restored. Raises InvalidInfluence.
        After an error half-way the next call starts over.
        """
        if not math.isfinite(influence) or not 0.0 <= influence <= MAX_INFLUENCE:
            raise InvalidInfluence(influence)
        pairs = adapter.pairs if adapter is not None and influence > 0 else {}
        wanted = (adapter.sha256, influence) if adapter is not None and pairs else ("", 0.0)
        if wanted == self._state:
            return
        self._state = None
        for name in sorted(self._touched - pairs.keys()):
            self._put(name, self._pristine[name])
            self._touched.discard(name)
        for name, pair in pairs.items():
            weight = self._weights[name]
            if name not in self._pristine:
                self._pristine[name] = self._host.keep(weight) if self._host else weight.detach().clone()
            self._touched.add(name)
            base = self._pristine[name].to(weight.device, non_blocking=True).float()
            up, down = (half.to(weight.device, torch.float32, non_blocking=True) for half in (pair.up, pair.down))
            self._put(name, torch.addmm(base, up, down, alpha=influence * pair.scale))
        self._state = wanted

    def _put(self, name: str, weight: Tensor) -> None:
        if name in self._rounded:
            linear: Any = self._linears[name]
            linear.take(weight.to(linear.weight.device))
        else:
            self._weights[name].copy_(weight)
