"""What other trainers call a LoRA's tensors, read as diffusers' names, and a file written anew under these.

All of them keep the same two factors; the layers are those of diffusers' FIBO, dotted or with underscores. A scale is
alpha / rank everywhere, and 1 where a file says no alpha: its tensors are taken as they are, bit by bit.
"""

import json
import shutil
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

PREFIX = "transformer."
A, B, ALPHA = ".lora_A.weight", ".lora_B.weight", ".alpha"
METADATA = "lora_adapter_metadata"
DIALECTS = {
    PREFIX: "diffusers",
    "base_model.model.": "peft",
    "diffusion_model.": "ComfyUI",
    "lora_unet_": "kohya",
    "lora_transformer_": "OneTrainer",
    "lycoris_": "LyCORIS",
    "": "bare",
}
"""Who begins names so. After an underscore the layer's dots are underscores, too."""

ENDS = {
    A: A,
    B: B,
    ALPHA: ALPHA,
    ".lora_A.default.weight": A,
    ".lora_B.default.weight": B,
    ".lora_down.weight": A,
    ".lora_up.weight": B,
    ".lora.down.weight": A,
    ".lora.up.weight": B,
}
"""The ends of names, and diffusers' for the same."""

OTHER_KINDS = {
    "dora_scale": "DoRA",
    "lora_magnitude_vector": "DoRA",
    "lokr_": "LoKr",
    "hada_": "LoHa",
    "oft_": "OFT",
    "lora_mid": "a LoRA in three factors",
    "lora_te": "a LoRA of the text encoder",
    "text_encoder": "a LoRA of the text encoder",
}
"""What names have in them that belong to something else than two factors for a layer of the transformer."""


@dataclass(frozen=True)
class Translation:
    """`names`: diffusers' names of the tensors, by the file's; `problems`: what is to be said of those without one."""

    dialect: str
    names: Mapping[str, str]
    problems: tuple[str, ...]

    @property
    def is_needed(self) -> bool:
        return any(name != said for name, said in self.names.items())


def translate(names: Iterable[str], layers: Collection[str]) -> Translation:
    """Diffusers' names for those of a file, which are all of one dialect; layers are the dotted names it may touch.

    Two names for one tensor, names of two dialects, and underscores that two layers have are problems.
    """
    spelled = {"_": _underscored(layers), ".": {layer: layer for layer in layers}}
    found: dict[str, str] = {}
    kinds: dict[str, str] = {}
    prefixes: dict[str, str] = {}
    unknown = []
    for name in sorted(names):
        prefix = next(prefix for prefix in DIALECTS if name.startswith(prefix))
        end = next((end for end in ENDS if name.endswith(end)), "")
        layer = spelled[prefix[-1:] or "."].get(name.removeprefix(prefix).removesuffix(end))
        if end and layer is not None:
            prefixes.setdefault(prefix, name)
            found[name] = PREFIX + layer + ENDS[end]
        elif kind := next((kind for part, kind in OTHER_KINDS.items() if part in name), None):
            kinds.setdefault(kind, name)
        else:
            unknown.append(f"unknown: {name}")
    problems = [f"{kind} is not supported: {name}" for kind, name in kinds.items()]
    if len(prefixes) > 1:
        problems.append(f"names of several dialects: {', '.join(prefixes.values())}")
    twice = {said for said, times in Counter(found.values()).items() if times > 1}
    problems += [f"there twice: {name}" for name, said in found.items() if said in twice]
    return Translation(DIALECTS[next(iter(prefixes), PREFIX)], found, (*problems, *unknown))


def _underscored(layers: Collection[str]) -> dict[str, str]:
    """The layers whose name with underscores is no other's, by that name."""
    times = Counter(layer.replace(".", "_") for layer in layers)
    return {flat: layer for layer in layers if times[flat := layer.replace(".", "_")] == 1}


def rename_tensors(path: Path, translation: Translation) -> None:
    """Gives the tensors of a file that `read_adapter` takes diffusers' names, in place, complete or not at all.

    Only the header is another. Raises OSError.
    """
    partial = path.with_name(f"{path.name}.renamed")
    try:
        with path.open("rb") as source, partial.open("wb") as target:
            header = json.loads(source.read(int.from_bytes(source.read(8), "little")))
            header = {translation.names.get(name, name): value for name, value in header.items()}
            metadata = header.get("__metadata__") or {}  # null is taken, too
            if said := metadata.get(METADATA):
                metadata[METADATA] = json.dumps(prefixed(json.loads(said), translation.dialect))
            content = json.dumps(header, separators=(",", ":")).encode()
            content += b" " * (-len(content) % 8)  # the numbers begin at a multiple of 8 bytes
            target.write(len(content).to_bytes(8, "little") + content)
            shutil.copyfileobj(source, target)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def prefixed(configuration: Mapping[str, object], dialect: str) -> dict[str, object]:
    """The header's configuration as diffusers' pipelines write it: where names are bare, its keys are, too."""
    bare = dialect == DIALECTS[""]
    return {PREFIX + key if bare else key: value for key, value in configuration.items()}
