"""``sartor generate``: the engine in this process, without a server; and what ``sartor train`` shares with it."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from sartor.assembly.factories import BridgeFactory, Once, bridge_factory, engine_factory
from sartor.bridge.base import BridgeError
from sartor.fibo import FiboError, Spec
from sartor.models.brands import Brand, find_brands
from sartor.settings import Settings
from sartor.vgl import InvalidStructuredPrompt, canonical, parse

BASE = "base"  # draws without a brand


class StudioError(Exception):
    """What the person at the terminal can mend; the message says how."""


def draw(
    settings: Settings,
    prompt: str,
    *,
    model: str,
    output: Path,
    seed: int | None,
    steps: int,
    guidance_scale: float,
    aspect_ratio: str,
    influence: float,
    negative_prompt: str,
    shift: float | None,
) -> None:
    """Writes the PNG to ``output`` and prints the structured prompt. Raises StudioError."""
    console = Console(stderr=True, highlight=False)
    brand = None if model == BASE else _find(settings, model)
    structured_prompt = structured(bridge_of(settings), prompt, brand)
    if seed is None:
        seed = secrets.randbelow(2**31)
        console.print(f"seed {seed}")
    spec = Spec(
        prompt=structured_prompt,
        seed=seed,
        steps=steps,
        guidance_scale=guidance_scale,
        aspect_ratio=aspect_ratio,
        negative_prompt=negative_prompt,
        adapter=brand.adapter if brand else None,
        influence=influence,
        caching=settings.caching,
        guidance_until=settings.guidance_until,
        shift=shift,
        model=brand.slug if brand else "",
    )
    try:
        with console.status("Loading the model ..."):
            engine = engine_factory(settings)()
            engine.warm_up()
        with progress_bar(console, "drawing", steps) as advance:
            result = engine.generate(spec, on_step=lambda done, _: advance(done))
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_bytes(result.png)
    except (FiboError, OSError) as error:
        raise StudioError(str(error)) from error
    print(structured_prompt)


def _find(settings: Settings, name: str) -> Brand:
    brands = find_brands(settings.brand_folders, bundled=settings.bundled_brands)
    for brand in brands:
        if name in (brand.slug, brand.name):
            return brand
    known = ", ".join(brand.slug for brand in brands) or "none are installed"
    raise StudioError(f"There is no brand {name!r}; the brands: {known}; `{BASE}` draws without one.")


def bridge_of(settings: Settings) -> BridgeFactory:
    """The bridge that the settings ask for, made by the first call, which raises BridgeUnavailable where it cannot."""
    return Once(lambda: bridge_factory(settings)())


def structured(bridge: BridgeFactory, prompt: str, brand: Brand | None) -> str:
    """Canonical JSON: the prompt itself where it is a structured one, else what the bridge makes of it. Raises
    StudioError."""
    try:
        if prompt.lstrip().startswith("{"):
            return canonical(parse(prompt))
        schema = brand.visual_schema if brand else None
        return canonical(bridge().translate(prompt, visual_schema=schema).structured_prompt)
    except (InvalidStructuredPrompt, BridgeError) as error:
        raise StudioError(str(error)) from error


@contextmanager
def progress_bar(console: Console, what: str, total: int) -> Iterator[Any]:
    """``advance(done, note)``."""
    columns = (
        TextColumn(what),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}"),
    )
    with Progress(*columns, console=console) as bar:
        task = bar.add_task(what, total=total, note="")
        yield lambda done, note="": bar.update(task, completed=done, note=note)
