"""``sartor train``: from a folder of pictures to a brand, in this process, by the same recipe as the service's jobs."""

from __future__ import annotations

import json
import shutil
import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from rich.console import Console

from sartor.assembly.factories import checkpoint_folder, device_name
from sartor.captioning.base import Subject
from sartor.cli.described import CAPTIONS, described, pictures_of
from sartor.cli.studio import BASE, StudioError, progress_bar
from sartor.datasets.pictures import whole_picture
from sartor.fibo import FiboError, TrainingMismatch
from sartor.models.brands import ADAPTER, LONGEST_NAME, find_brands, slug_of, write_brand
from sartor.models.pictures import loss_curve
from sartor.models.recipes import Recipe, automated
from sartor.models.samples import best_step, sample_captions, sample_steps, try_adapter
from sartor.projects.schemas import IpType, Medium
from sartor.settings import Settings
from sartor.vgl import VisualSchema, canonical, plain

if TYPE_CHECKING:
    from sartor.fibo import Checkpoint
    from sartor.fibo.training_data import Example

SAMPLES, CURVE = "samples.png", "losses.png"


@dataclass(frozen=True)
class Choices:
    """What the person chose instead of the recipe; None is the recipe's."""

    ip_type: str = "other"
    medium: str = "illustration"
    steps: int | None = None
    rank: int | None = None
    learning_rate: float | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        """Raises StudioError for a kind or a medium that there is not."""
        for value, known in ((self.ip_type, get_args(IpType)), (self.medium, get_args(Medium))):
            if value not in known:
                raise StudioError(f"{value!r} is none of {', '.join(known)}.")

    def recipe(self, training_area: int, images: int) -> Recipe:
        """What is trained; of a training with a number of steps of its own there are as many checkpoints, and no larger
        a share of it is warm-up."""
        found = automated(training_area, ip_type=self.ip_type, medium=self.medium, images=images)
        given: dict[str, Any] = {
            "steps": self.steps,
            "rank": self.rank,
            "learning_rate": self.learning_rate,
            "seed": self.seed,
        }
        config = replace(found.config, **{field: value for field, value in given.items() if value is not None})
        interval = -(-config.steps * found.interval // found.config.steps)
        warmup = min(found.config.warmup_steps, config.steps * found.config.warmup_steps // found.config.steps)
        return replace(found, config=replace(config, warmup_steps=warmup), interval=interval)


def train(settings: Settings, images: Path, *, name: str, choices: Choices) -> None:
    """Trains a LoRA and installs it as a brand in HOME/brands; prints the folder. Raises StudioError.

    What an interrupted training needs to go on is in HOME/training until the brand is installed.
    """
    from sartor.fibo.checkpoint import load_checkpoint
    from sartor.fibo.training_data import Example, fitted

    console = Console(stderr=True, highlight=False)
    folder = _new_folder(settings, name)
    work = settings.home / "training" / folder.name
    pictures = pictures_of(images)
    try:
        subject = Subject(ip_type=choices.ip_type, medium=choices.medium)
        schema, captions = described(settings, images, pictures, subject, work, console)
        with console.status("Loading the model ..."):
            checkpoint = load_checkpoint(checkpoint_folder(settings), device=device_name(settings))
        area = checkpoint.training_area
        examples = [
            Example(fitted(whole_picture((images / file).read_bytes()), area), canonical(captions[file]))
            for file in pictures
        ]
        recipe = choices.recipe(area, len(examples))
        recipe = replace(recipe, config=replace(recipe.config, base_weights=settings.base_weights))
        console.print(
            f"{len(examples)} pictures; {recipe.config.steps} steps at rank {recipe.config.rank} ({recipe.reason}). "
            "Ctrl-C stops; the same command goes on."
        )
        best = _trained(settings, checkpoint, examples, recipe, schema, work, console)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / ADAPTER).write_bytes((work / f"{best}.safetensors").read_bytes())
        for shown, kept_as in ((f"{best}.png", SAMPLES), (CURVE, CURVE)):
            (folder / kept_as).write_bytes((work / shown).read_bytes())
        kept = {file: plain(caption) for file, caption in captions.items()}
        (folder / CAPTIONS).write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n", "utf-8")
    except TrainingMismatch as error:
        raise StudioError(
            f"{error}. Give what it was begun with to go on, or delete the folder to begin anew."
        ) from error
    except (FiboError, OSError) as error:
        raise StudioError(str(error)) from error
    used = recipe.parameters() | {"seed": recipe.config.seed, "checkpoint": best}
    write_brand(folder, name=name, description=f"Trained on {len(examples)} pictures.", schema=schema, training=used)
    shutil.rmtree(work, ignore_errors=True)
    console.print(
        f"Samples: {folder / SAMPLES}\nDraw with it: sartor generate --model {folder.name} -o cat.png 'a cat'"
    )
    print(folder)


def _trained(
    settings: Settings,
    checkpoint: Checkpoint,
    examples: Sequence[Example],
    recipe: Recipe,
    schema: VisualSchema,
    work: Path,
    console: Console,
) -> int:
    """Trains from checkpoint to checkpoint, tries each out, and returns the step of the best one."""
    from sartor.fibo.training import LOSSES, train_lora

    samples = sample_captions([example.caption for example in examples], plain(schema))
    scores: dict[int, float] = {}
    with _interruptible() as stop, progress_bar(console, "training", recipe.config.steps) as advance:
        for until in recipe.checkpoint_steps():
            result = train_lora(
                checkpoint,
                examples,
                recipe.config,
                work,
                until=until,
                on_progress=lambda progress: advance(progress.step, f"loss {progress.loss:.4f}"),
                stop=stop,
            )
            if result.step < until:
                raise StudioError(f"Stopped after step {result.step}; run the same command to go on.")
            adapter, sheet = work / f"{until}.safetensors", work / f"{until}.png"
            if result.step == until:
                adapter.write_bytes(result.adapter.read_bytes())
            advance(until, "drawing samples")
            trial = try_adapter(
                checkpoint,
                adapter,
                samples,
                [example.image for example in examples],
                steps=sample_steps(settings.steps_num),
                guidance_scale=settings.guidance_scale,
            )
            scores[until] = trial.score
            sheet.write_bytes(trial.sheet)
    losses = [json.loads(line)["loss"] for line in (work / LOSSES).read_text("utf-8").splitlines()]
    (work / CURVE).write_bytes(loss_curve(losses, scores))
    for step, score in scores.items():
        console.print(f"checkpoint {step}: new things are {score:.4f} from the pictures' look")
    return best_step(scores)


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


@contextmanager
def _interruptible() -> Iterator[threading.Event]:
    """An event that Ctrl-C sets, instead of breaking off in the middle of a step."""
    stop = threading.Event()
    before = signal.signal(signal.SIGINT, lambda *_: stop.set())
    try:
        yield stop
    finally:
        signal.signal(signal.SIGINT, before)
