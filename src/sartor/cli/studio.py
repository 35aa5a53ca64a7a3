"""``sartor generate`` and ``sartor train``: the engine and the trainer in this process, without a server."""

from __future__ import annotations

import json
import secrets
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from PIL import Image
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from sartor.app import bridge_factory, checkpoint_folder, device_name, engine_factory
from sartor.bridge.base import BridgeError
from sartor.fibo import FiboError, Spec
from sartor.models.brands import ADAPTER, LONGEST_NAME, Brand, find_brands, slug_of, write_brand
from sartor.models.looks import common_look
from sartor.settings import Settings
from sartor.vgl import InvalidStructuredPrompt, StructuredPrompt, canonical, parse

BASE = "base"  # draws without a brand
_PICTURES = {".png", ".jpg", ".jpeg", ".webp"}


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
) -> None:
    """Writes the PNG to ``output`` and prints the structured prompt. Raises StudioError."""
    console = Console(stderr=True, highlight=False)
    brand = None if model == BASE else _find(settings, model)
    structured_prompt = _structured(settings, prompt, brand)
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
        model=brand.name if brand else "",
    )
    try:
        with console.status("Loading the model ..."):
            engine = engine_factory(settings)()
            engine.warm_up()
        with _progress(console, "drawing", steps) as advance:
            result = engine.generate(spec, on_step=lambda done, _: advance(done))
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_bytes(result.png)
    except (FiboError, OSError) as error:
        raise StudioError(str(error)) from error
    print(structured_prompt)


def train(
    settings: Settings,
    images: Path,
    *,
    name: str,
    steps: int | None,
    rank: int | None,
    learning_rate: float | None,
    seed: int,
) -> None:
    """Trains a LoRA and installs it as a brand in HOME/brands; prints the folder. Raises StudioError.

    None is what the recipe for this checkpoint says.
    """
    from sartor.fibo.checkpoint import load_checkpoint
    from sartor.fibo.training import recipe, train_lora
    from sartor.fibo.training_data import Example

    console = Console(stderr=True, highlight=False)
    folder = _new_folder(settings, name)
    captions = _captions(settings, images)
    examples = [Example(_picture(images / file), canonical(caption)) for file, caption in captions.items()]
    try:
        with console.status("Loading the model ..."):
            checkpoint = load_checkpoint(checkpoint_folder(settings), device=device_name(settings))
    except FiboError as error:
        raise StudioError(str(error)) from error
    given: dict[str, Any] = {"steps": steps, "rank": rank, "learning_rate": learning_rate, "seed": seed}
    config = replace(
        recipe(checkpoint.training_area), **{field: value for field, value in given.items() if value is not None}
    )
    console.print(
        f"{len(examples)} pictures; training {config.steps} steps at rank {config.rank}. "
        "Ctrl-C stops; the same command goes on."
    )
    work = settings.home / "training" / slug_of(name)
    with _interruptible() as stop, _progress(console, "training", config.steps) as advance:
        try:
            result = train_lora(
                checkpoint,
                examples,
                config,
                work,
                on_progress=lambda progress: advance(progress.step, f"loss {progress.loss:.4f}"),
                stop=stop,
            )
        except (FiboError, OSError) as error:
            raise StudioError(str(error)) from error
    if not result.finished:
        raise StudioError(f"Stopped after step {result.step}; run the same command to go on.")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / ADAPTER).write_bytes(result.adapter.read_bytes())
    used = {
        "rank": config.rank,
        "learning_rate": config.learning_rate,
        "total_training_steps": config.steps,
        "seed": config.seed,
    }
    schema = common_look(list(captions.values()))
    write_brand(folder, name=name, description=f"Trained on {len(examples)} pictures.", schema=schema, training=used)
    print(folder)


def _new_folder(settings: Settings, name: str) -> Path:
    """Where the brand of this name goes; a second training of it replaces the first."""
    if len(name) > LONGEST_NAME:
        raise StudioError(f"A brand's name has {LONGEST_NAME} characters at most.")
    try:
        slug = slug_of(name)
    except ValueError as error:
        raise StudioError(str(error)) from error
    if slug == BASE or any(brand.slug == slug for brand in find_brands([])):
        raise StudioError(f"{slug} is taken by what Sartor itself brings, which would go before yours: choose another.")
    return settings.brand_folders[0] / slug


def _picture(path: Path) -> Image.Image:
    try:
        with Image.open(path) as picture:
            return picture.copy()
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise StudioError(f"{path} cannot be read as a picture: {error}") from error


def _find(settings: Settings, name: str) -> Brand:
    brands = find_brands(settings.brand_folders, bundled=settings.bundled_brands)
    for brand in brands:
        if name in (brand.slug, brand.name):
            return brand
    known = ", ".join(brand.slug for brand in brands) or "none are installed"
    raise StudioError(f"There is no brand {name!r}; the brands: {known}; `{BASE}` draws without one.")


def _structured(settings: Settings, prompt: str, brand: Brand | None) -> str:
    """Canonical JSON: the prompt itself where it is a structured one, else what the bridge makes of it."""
    try:
        if prompt.lstrip().startswith("{"):
            return canonical(parse(prompt))
        schema = brand.visual_schema if brand else None
        return canonical(bridge_factory(settings)().translate(prompt, visual_schema=schema).structured_prompt)
    except (InvalidStructuredPrompt, BridgeError) as error:
        raise StudioError(str(error)) from error


def _captions(settings: Settings, images: Path) -> dict[str, StructuredPrompt]:
    """File name -> caption, of every picture in the folder. Words become structured prompts by the bridge."""
    pictures = sorted(path.name for path in images.iterdir() if path.suffix.lower() in _PICTURES)
    if not pictures:
        raise StudioError(f"{images} holds no pictures ({', '.join(sorted(_PICTURES))}).")
    source = images / "captions.json"
    if not source.is_file():
        raise StudioError(
            f'{source} is missing: a JSON object from file name to caption, as in {{"{pictures[0]}": "a red apple on a '
            'table"}; a caption is words or a structured prompt.'
        )
    try:
        given: Any = json.loads(source.read_text("utf-8"))
    except ValueError as error:
        raise StudioError(f"{source} is not JSON: {error}") from error
    missing = [name for name in pictures if not isinstance(given, dict) or name not in given]
    if missing:
        raise StudioError(f"{source} has no caption for {', '.join(missing[:5])}.")
    captions = {}
    for name in pictures:
        try:
            value = given[name]
            text = value if isinstance(value, str) else json.dumps(value)
            captions[name] = parse(_structured(settings, text, None))
        except (StudioError, InvalidStructuredPrompt) as error:
            raise StudioError(f"{source}, {name}: {error}") from error
    return captions


@contextmanager
def _progress(console: Console, what: str, total: int) -> Iterator[Any]:
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


@contextmanager
def _interruptible() -> Iterator[threading.Event]:
    """An event that Ctrl-C sets, instead of breaking off in the middle of a step."""
    stop = threading.Event()
    before = signal.signal(signal.SIGINT, lambda *_: stop.set())
    try:
        yield stop
    finally:
        signal.signal(signal.SIGINT, before)
