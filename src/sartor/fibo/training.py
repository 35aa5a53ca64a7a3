"""Trains a LoRA from pictures and captions: resumable, stoppable between steps, one file out.

    result = train_lora(load_checkpoint(folder), examples, TrainingConfig(steps=400), directory)

The objective is flow matching: at noise level sigma the transformer sees (1 - sigma) image + sigma noise and answers
the velocity noise - image. Everything constant is computed once (training_data.py), one step's draws and arithmetic are
in training_step.py, and checkpoints hold everything that the next step depends on (training_state.py): a training that
was interrupted ends with the same bytes as one that was not, on the same CPU with the same number of threads. On a GPU
attention adds gradients in no fixed order.
"""

import hashlib
import json
import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from sartor.fibo.checkpoint import Checkpoint
from sartor.fibo.errors import Cancelled, TrainingMismatch
from sartor.fibo.lora import FILE_NAME, injected
from sartor.fibo.memory import free_host_bytes, give_back
from sartor.fibo.rounded_base import rounded
from sartor.fibo.training_compute import computing
from sartor.fibo.training_config import TrainingConfig, recipe
from sartor.fibo.training_data import Example, Picture, TextStates, encode_picture
from sartor.fibo.training_state import checkpoint_name, checkpoints, load_checkpoint_state, load_facts
from sartor.fibo.training_step import LoraRun, choose_precision

__all__ = [
    "Example",
    "Progress",
    "TrainingConfig",
    "TrainingResult",
    "recipe",
    "train_lora",
]

logger = logging.getLogger(__name__)

LOSSES = "losses.jsonl"
ATTENTION = "attention.json"


@dataclass(frozen=True)
class Progress:
    """After a step: how many are done, of how many; the step's loss; steps a second; seconds left at that rate."""

    step: int
    steps: int
    loss: float
    rate: float
    seconds_left: float


@dataclass(frozen=True)
class TrainingResult:
    """adapter: the file to serve if `finished`, else the one in the checkpoint; losses: JSON, a line a step."""

    adapter: Path
    checkpoint: Path
    losses: Path
    step: int
    finished: bool


def train_lora(
    checkpoint: Checkpoint,
    examples: Sequence[Example],
    config: TrainingConfig,
    directory: Path,
    *,
    regularisation: Sequence[Example] = (),
    until: int | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    stop: threading.Event | None = None,
) -> TrainingResult:
    """Trains, or continues from the directory's last checkpoint, and writes `pytorch_lora_weights.safetensors` there.

    until: return after this step (for a job whose durable steps are checkpoints). stop: looked at between steps; both
    leave a checkpoint. It is looked at while pictures are prepared, too: then Cancelled is raised and nothing is left.
    The checkpoint's transformer must carry no adapter, and is afterwards what it was.
    Raises ValueError without examples, TrainingMismatch where the directory holds another training, TrainingDiverged
    where the loss or its gradient is no longer finite, CaptionsTooLarge where their states have no room, OSError.
    """
    if not examples or bool(regularisation) != bool(config.regularisation_share):
        raise ValueError("a training needs examples, and regularisation examples exactly where it gives them a share")
    directory.mkdir(parents=True, exist_ok=True)
    origin = {
        "base": checkpoint.learned_sha256,
        "examples": _digest(examples),
        "regularisation": _digest(regularisation),
        "config": config.decisive(),
    }
    saved = _last_checkpoint(directory, origin)
    transformer = checkpoint.transformer
    autocast, reason = choose_precision(transformer.device, config.precision)
    logger.info("training in %s", reason)
    generator = torch.Generator().manual_seed(config.seed)
    pictures, texts = _prepare(checkpoint, (*examples, *regularisation), config, directory, stop)
    groups = [group for group in (pictures[: len(examples)], pictures[len(examples) :]) if group]
    last = config.steps if until is None else min(until, config.steps)

    def train() -> tuple[Path, int]:
        """The latest checkpoint and its step. What trains is gone afterwards: full weights need the room."""
        latest = saved
        with injected(transformer, config.rank, alpha=config.alpha, generator=generator) as layers:
            run = LoraRun(transformer, layers, groups, texts, checkpoint.scheduler_config, config, generator, autocast)
            if latest is not None:
                run.restore(*load_checkpoint_state(latest))
                logger.info("training continues after step %d", run.step)
            _cut(directory / LOSSES, run.step)
            if run.step < last and not (stop is not None and stop.is_set()):
                with computing(transformer, config, run.shape(), run.autocast, record=directory / ATTENTION):
                    latest = _advance(run, config, directory, origin, last, on_progress, stop) or latest
            if latest is None or latest.name != checkpoint_name(run.step):
                latest = run.save(directory, origin)
            if run.step >= config.steps:
                run.export(directory / FILE_NAME, origin)
        return latest, run.step

    try:
        with evicted(checkpoint.vae, checkpoint.text_encoder), rounded(transformer, config.base_weights):
            latest, step = train()
    finally:
        give_back()
    finished = step >= config.steps
    return TrainingResult((directory if finished else latest) / FILE_NAME, latest, directory / LOSSES, step, finished)


def _advance(
    run: LoraRun,
    config: TrainingConfig,
    directory: Path,
    origin: Mapping[str, Any],
    last: int,
    on_progress: Callable[[Progress], None] | None,
    stop: threading.Event | None,
) -> Path | None:
    """Steps until the last one or a stop, with checkpoints on the way; the latest of them."""
    saved, first, began = None, run.step, time.monotonic()
    while run.step < last and not (stop is not None and stop.is_set()):
        loss, norm = run.advance()
        line = {"step": run.step, "loss": loss, "gradient_norm": norm, "learning_rate": config.rate(run.step - 1)}
        with (directory / LOSSES).open("a") as file:
            file.write(json.dumps(line) + "\n")
        if run.step % config.checkpoint_every == 0:
            saved = run.save(directory, origin)
        if on_progress is not None:
            rate = (run.step - first) / max(time.monotonic() - began, 1e-9)
            on_progress(Progress(run.step, config.steps, loss, rate, (config.steps - run.step) / rate))
    return saved


def _digest(examples: Sequence[Example]) -> str:
    return hashlib.sha256("".join(example.digest() for example in examples).encode()).hexdigest()


def _last_checkpoint(directory: Path, origin: Mapping[str, Any]) -> Path | None:
    """The checkpoint to continue from; raises TrainingMismatch where it began from something else."""
    if not (found := checkpoints(directory)):
        return None
    began = load_facts(found[-1])["origin"]
    known = TrainingConfig().decisive()  # an earlier version knew fewer of them, or others
    began["config"] = known | {key: value for key, value in began["config"].items() if key in known}
    if began != json.loads(json.dumps(origin)):
        before, now = (
            {key: value for key, value in side.items() if key != "config"} | side["config"] for side in (began, origin)
        )
        others = sorted(key for key in before | now if before.get(key) != now.get(key))
        raise TrainingMismatch(directory, others)
    return found[-1]


def _prepare(
    checkpoint: Checkpoint,
    examples: Sequence[Example],
    config: TrainingConfig,
    directory: Path,
    stop: threading.Event | None,
) -> tuple[list[Picture], TextStates]:
    """Every picture as latents, every caption (and the empty one) as text states."""
    encoder = checkpoint.prompt_encoder(cache_bytes=0)
    # The first call of a process has been seen to differ in its last bits: it is not kept.
    encoder.encode(examples[0].caption + " ")
    # By checkpoint: what one that was killed early left behind is not another one's.
    folder = directory / "captions" / checkpoint.sha256[:16]
    room = min(config.text_memory, free_host_bytes() // 2)
    texts = TextStates(checkpoint.transformer, encoder, folder, room)
    texts.check_room(["", *(example.caption for example in examples)])
    pictures = []
    for example in examples:
        if stop is not None and stop.is_set():
            raise Cancelled("stopped while the pictures were prepared")
        texts.add(example.caption)
        pictures.append(
            encode_picture(
                checkpoint.vae,
                example,
                checkpoint.training_area,
                device=checkpoint.transformer.device,
                mirror=config.mirror,
            )
        )
    texts.add("")
    return pictures, texts


@contextmanager
def evicted(*modules: nn.Module) -> Iterator[None]:
    """Keeps modules in host memory while the block runs, so that a GPU has room for activations."""
    homes = [next(module.parameters()).device for module in modules]
    for module in modules:
        module.to("cpu")
    if any(home.type == "cuda" for home in homes):
        torch.cuda.empty_cache()
    try:
        yield
    finally:
        for module, home in zip(modules, homes, strict=True):
            module.to(home)


def _cut(losses: Path, step: int) -> None:
    """Forgets the lines after a step: they belong to a part of the training that is done again."""
    lines = losses.read_text().splitlines(keepends=True)[:step] if losses.exists() else []
    draft = losses.with_suffix(".partial")  # what is killed here must not take the lines before with it
    draft.write_text("".join(lines))
    draft.replace(losses)
