"""Brand folders: a tailored model as files, as the package brings some and as ``sartor train`` writes them.

<slug>/model.json                          name, description, ip_type, medium, visual_schema
<slug>/pytorch_lora_weights.safetensors    the adapter, a standard diffusers LoRA
<slug>/images/, <slug>/captions.json       what it was trained on
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import structlog

from sartor.vgl import VisualSchema, canonical, parse_visual_schema

log = structlog.get_logger(__name__)

ADAPTER = "pytorch_lora_weights.safetensors"
DESCRIPTION = "model.json"
# What the database holds of a name; SQLite would take more, PostgreSQL refuses.
LONGEST_NAME = 200


@dataclass(frozen=True)
class Brand:
    """What a folder holds. ``slug`` is the folder's name: lower case, digits and dashes."""

    slug: str
    name: str
    description: str
    visual_schema: VisualSchema
    training_parameters: dict[str, Any]
    folder: Path

    @property
    def adapter(self) -> Path:
        return self.folder / ADAPTER

    @property
    def schema_values(self) -> dict[str, Any]:
        """The visual schema as plain JSON values."""
        values = json.loads(canonical(self.visual_schema))
        assert isinstance(values, dict)
        return values


def bundled_folder() -> Path:
    """Where the package keeps its own brands; there may be none in it."""
    return Path(str(files("sartor"))) / "nano" / "brands"


def slug_of(name: str) -> str:
    """``Paper & Scissors`` -> ``paper-scissors``. Raises ValueError where nothing is left."""
    slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:80]
    if not slug:
        raise ValueError(f"{name!r} has no letter or digit to name a folder by")
    return slug


def read_brand(folder: Path) -> Brand:
    """The brand in ``folder``. Raises ValueError (OSError where files are missing) with the reason."""
    described = json.loads((folder / DESCRIPTION).read_text("utf-8"))
    if not isinstance(described, dict):
        raise ValueError(f"{DESCRIPTION} must hold a JSON object")
    if not (folder / ADAPTER).is_file():
        raise FileNotFoundError(f"{ADAPTER} is missing")
    name = str(described.get("name") or folder.name)
    if len(name) > LONGEST_NAME:
        raise ValueError(f"its name has more than {LONGEST_NAME} characters")
    training_parameters = described.get("training_parameters") or {}
    if not isinstance(training_parameters, dict):
        raise ValueError("training_parameters must be a JSON object")
    return Brand(
        slug=slug_of(folder.name),
        name=name,
        description=str(described.get("description") or ""),
        visual_schema=parse_visual_schema(described.get("visual_schema") or {}),
        training_parameters=training_parameters,
        folder=folder,
    )


def find_brands(folders: Iterable[Path], *, bundled: bool = True) -> list[Brand]:
    """The bundled brands, if wanted, then those in ``folders``, in order of name; the first of two equal slugs counts.

    A folder that cannot be read is logged and left out: one bad brand must not keep the service from starting.
    """
    found: dict[str, Brand] = {}
    for place in (*([bundled_folder()] if bundled else []), *folders):
        for folder in sorted(place.iterdir()) if place.is_dir() else []:
            if not (folder / DESCRIPTION).is_file():
                continue
            try:
                brand = read_brand(folder)
            except (OSError, ValueError) as error:
                log.warning("brand left out", folder=folder.name, reason=str(error))
                continue
            found.setdefault(brand.slug, brand)
    return list(found.values())


def write_brand(folder: Path, *, name: str, description: str, schema: VisualSchema, training: dict[str, Any]) -> None:
    """Writes ``model.json`` into ``folder``, where the adapter is."""
    described = {
        "name": name,
        "description": description,
        "visual_schema": json.loads(canonical(schema)),
        "training_parameters": training,
    }
    text = json.dumps(described, ensure_ascii=False, indent=2) + "\n"
    (folder / DESCRIPTION).write_text(text, "utf-8")
