"""LoRA training end to end on a tiny checkpoint: it learns, can be interrupted, and the stock classes read it."""

import errno
import json
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Literal

import pytest
import torch
from diffusers import BriaFiboPipeline
from PIL import Image
from safetensors.torch import load_file
from torch import Tensor

from sartor.fibo.adapters import Merger, read_adapter
from sartor.fibo.checkpoint import Checkpoint, load_checkpoint
from sartor.fibo.encoding import PromptEncoder
from sartor.fibo.errors import Cancelled, TrainingDiverged, TrainingMismatch
from sartor.fibo.lora import FILE_NAME
from sartor.fibo.sampler import condition, generate_latents, velocity
from sartor.fibo.training import (
    Example,
    Progress,
    TrainingConfig,
    TrainingResult,
    train_lora,
)
from sartor.fibo.training_step import LoraRun
from tests.fibo.conftest import OTHER_PROMPT, PROMPT

EVERYTHING = TrainingConfig(
    steps=6,
    rank=2,
    learning_rate=1e-2,
    schedule="cosine",
    warmup_steps=2,
    batch_size=2,
    accumulation=2,
    caption_dropout=0.3,
    mirror=True,
    regularisation_share=0.3,
    ema_decay=0.9,
    precision="float32",
    checkpoint_every=2,
    export_dtype="float32",
)


def picture(width: int, height: int, seed: int) -> Image.Image:
    noise = torch.randint(0, 255, (3, 3, 3), generator=torch.Generator().manual_seed(seed), dtype=torch.uint8)
    return Image.fromarray(noise.numpy()).resize((width, height), Image.Resampling.BICUBIC)


EXAMPLES = [
    Example(picture(70, 70, 0), PROMPT),
    Example(picture(90, 60, 1), OTHER_PROMPT),
    Example(picture(64, 64, 2), '{"short_description":"a cup"}'),
]
REGULARISATION = [Example(picture(64, 64, 3), '{"short_description":"a hat"}'), Example(picture(64, 64, 4), PROMPT)]


@pytest.fixture
def checkpoint(checkpoint_folder: Callable[[str], Path]) -> Checkpoint:
    return load_checkpoint(checkpoint_folder("deep text"))


def everything(checkpoint: Checkpoint, directory: Path, **options: object) -> TrainingResult:
    return train_lora(checkpoint, EXAMPLES, EVERYTHING, directory, regularisation=REGULARISATION, **options)  # type: ignore[arg-type]


def assert_same_training(one: TrainingResult, other: TrainingResult) -> None:
    assert one.finished
    assert other.finished
    assert one.adapter.read_bytes() == other.adapter.read_bytes()
    assert one.losses.read_text() == other.losses.read_text()
    a, b = (load_file(result.checkpoint / "training_state.safetensors") for result in (one, other))
    assert a.keys() == b.keys()
    assert all(torch.equal(a[name], b[name]) for name in a)


@pytest.fixture
def uninterrupted(checkpoint: Checkpoint, tmp_path: Path) -> TrainingResult:
    return everything(checkpoint, tmp_path / "uninterrupted")


@pytest.mark.parametrize("at", [1, 2, 3, 5])
def test_stopped_and_continued_is_the_same_to_the_bit(
    checkpoint: Checkpoint, uninterrupted: TrainingResult, tmp_path: Path, at: int
) -> None:
    stop = threading.Event()

    def watch(progress: Progress) -> None:
        if progress.step == at:
            stop.set()

    part = everything(checkpoint, tmp_path / "part", on_progress=watch, stop=stop)
    assert (part.step, part.finished) == (at, False)
    assert part.checkpoint == tmp_path / "part" / f"checkpoint-{at:06d}"
    assert read_adapter(part.adapter, checkpoint.transformer).pairs
    assert not (tmp_path / "part" / FILE_NAME).exists()
    assert_same_training(everything(checkpoint, tmp_path / "part"), uninterrupted)


def test_killed_between_checkpoints_and_continued_is_the_same(
    checkpoint: Checkpoint, uninterrupted: TrainingResult, tmp_path: Path
) -> None:
    def die(progress: Progress) -> None:
        if progress.step == 5:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        everything(checkpoint, tmp_path / "part", on_progress=die)
    lines = (tmp_path / "part" / "losses.jsonl").read_text()
    (tmp_path / "part" / "losses.jsonl").write_text(lines + '{"step": 6, "lo')
    (tmp_path / "part" / ".checkpoint-000006.partial").mkdir()
    seen: list[int] = []
    result = everything(checkpoint, tmp_path / "part", on_progress=lambda progress: seen.append(progress.step))
    assert seen == [5, 6]
    assert_same_training(result, uninterrupted)


def test_losses_outlive_a_disk_that_fills_up_while_they_are_cut(
    checkpoint: Checkpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    part = everything(checkpoint, tmp_path, until=2)
    lines = part.losses.read_text()

    def full(path: Path, text: str) -> None:
        path.open("w").close()
        raise OSError(errno.ENOSPC, "no space left")

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(OSError, match="no space"):
        everything(checkpoint, tmp_path)
    assert part.losses.read_text() == lines


def test_another_process_continues_with_the_same_bytes(
    checkpoint: Checkpoint, uninterrupted: TrainingResult, tmp_path: Path
) -> None:
    everything(checkpoint, tmp_path / "part", until=3)
    program = (
        "import sys, torch; from pathlib import Path; torch.set_num_threads(1); sys.path.insert(0, sys.argv[1]);"
        "import test_training as t; from sartor.fibo.checkpoint import load_checkpoint;"
        "t.everything(load_checkpoint(Path(sys.argv[2])), Path(sys.argv[3]))"
    )
    folders = [str(path) for path in (Path(__file__).parent, checkpoint.folder, tmp_path / "part")]
    subprocess.run([sys.executable, "-c", program, *folders], check=True, timeout=120)
    assert (tmp_path / "part" / "checkpoint-000006").is_dir()
    assert_same_training(everything(checkpoint, tmp_path / "part"), uninterrupted)


def test_in_durable_pieces_it_is_the_same(
    checkpoint: Checkpoint, uninterrupted: TrainingResult, tmp_path: Path
) -> None:
    for step in (2, 4):
        assert everything(checkpoint, tmp_path / "pieces", until=step).step == step
    result = everything(checkpoint, tmp_path / "pieces", until=100)
    assert_same_training(result, uninterrupted)
    modified = result.adapter.stat().st_mtime_ns
    again = everything(checkpoint, tmp_path / "pieces", on_progress=lambda progress: pytest.fail("trained again"))
    assert again.finished
    assert again.adapter.stat().st_mtime_ns >= modified
    assert_same_training(again, uninterrupted)


def test_another_seed_is_another_adapter(checkpoint: Checkpoint, uninterrupted: TrainingResult, tmp_path: Path) -> None:
    other = train_lora(
        checkpoint, EXAMPLES, replace(EVERYTHING, seed=1), tmp_path / "other", regularisation=REGULARISATION
    )
    assert other.adapter.read_bytes() != uninterrupted.adapter.read_bytes()


def test_stopped_before_the_first_step(checkpoint: Checkpoint, tmp_path: Path) -> None:
    stop = threading.Event()
    stop.set()
    with pytest.raises(Cancelled):
        everything(checkpoint, tmp_path / "stopped", stop=stop)
    assert not list((tmp_path / "stopped").glob("checkpoint-*"))


def test_stopped_while_pictures_are_prepared(checkpoint: Checkpoint, tmp_path: Path) -> None:
    class Third(threading.Event):
        looks = 0

        def is_set(self) -> bool:
            self.looks += 1
            return self.looks == 3

    stop = Third()
    with pytest.raises(Cancelled):
        everything(checkpoint, tmp_path / "stopped", stop=stop)
    assert stop.looks == 3


def test_only_the_latest_checkpoints_are_kept(checkpoint: Checkpoint, uninterrupted: TrainingResult) -> None:
    kept = sorted(path.name for path in uninterrupted.checkpoint.parent.iterdir())
    assert kept == ["checkpoint-000004", "checkpoint-000006", "losses.jsonl", FILE_NAME]


def test_a_directory_of_another_training_is_refused(checkpoint: Checkpoint, tmp_path: Path) -> None:
    everything(checkpoint, tmp_path, until=1)
    with pytest.raises(TrainingMismatch, match=r"same: examples, seed$"):
        train_lora(checkpoint, EXAMPLES[:2], replace(EVERYTHING, seed=1), tmp_path, regularisation=REGULARISATION)
    with pytest.raises(TrainingMismatch, match=r"same: base$"):
        train_lora(
            replace(checkpoint, learned_sha256="0" * 64), EXAMPLES, EVERYTHING, tmp_path, regularisation=REGULARISATION
        )
    bookkeeping = replace(EVERYTHING, checkpoint_every=5, keep_checkpoints=1)
    assert train_lora(checkpoint, EXAMPLES, bookkeeping, tmp_path, regularisation=REGULARISATION, until=2).step == 2


def test_progress_and_losses_are_told(checkpoint: Checkpoint, tmp_path: Path) -> None:
    told: list[Progress] = []
    result = everything(checkpoint, tmp_path, on_progress=told.append)
    assert [progress.step for progress in told] == [1, 2, 3, 4, 5, 6]
    assert {progress.steps for progress in told} == {6}
    assert all(progress.rate > 0 for progress in told)
    assert told[-1].seconds_left == 0
    assert told[2].seconds_left == pytest.approx(3 / told[2].rate)
    lines = [json.loads(line) for line in result.losses.read_text().splitlines()]
    assert [line["loss"] for line in lines] == [progress.loss for progress in told]
    assert [line["step"] for line in lines] == [1, 2, 3, 4, 5, 6]
    assert lines[0]["learning_rate"] == pytest.approx(1e-2 / 3)
    assert all(line["gradient_norm"] > 0 for line in lines)


def test_the_checkpoint_is_what_it_was_afterwards(checkpoint: Checkpoint, tmp_path: Path) -> None:
    before = {name: value.clone() for name, value in checkpoint.transformer.state_dict().items()}
    everything(checkpoint, tmp_path, until=2)
    after = checkpoint.transformer.state_dict()
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert not any(parameter.requires_grad for parameter in checkpoint.transformer.parameters())
    assert checkpoint.transformer.checkpointed_blocks == 0


SMALL = TrainingConfig(
    steps=4, rank=4, learning_rate=3e-3, warmup_steps=0, batch_size=2, accumulation=1, export_dtype="float32"
)


def error(checkpoint: Checkpoint, latents: Tensor) -> float:
    """Mean squared error of the velocity at fixed noise, for the first example."""
    given = condition(
        checkpoint.transformer, PromptEncoder(checkpoint.text_encoder, checkpoint.tokenizer).encode(PROMPT), 4, 4
    )
    generator = torch.Generator().manual_seed(9)
    total = 0.0
    with torch.no_grad():
        for sigma in (0.2, 0.4, 0.6, 0.8):
            noise = torch.randn(latents.shape, generator=generator)
            guess = velocity(
                checkpoint.transformer, torch.lerp(latents, noise, sigma), torch.tensor([sigma * 1000]), given
            )
            total += float((guess - (noise - latents)).square().mean())
    return total / 4


def test_it_learns(checkpoint: Checkpoint, tmp_path: Path) -> None:
    from sartor.fibo.training_data import encode_picture

    latents = encode_picture(checkpoint.vae, EXAMPLES[0], 64 * 64, device=torch.device("cpu")).latents
    before = error(checkpoint, latents)
    config = replace(SMALL, steps=60, precision="float32")
    result = train_lora(checkpoint, EXAMPLES[:1], config, tmp_path)
    merger = Merger(checkpoint.transformer)
    adapter = read_adapter(result.adapter, checkpoint.transformer)
    errors = []
    for influence in (0.0, 0.5, 1.0):
        merger.apply(adapter, influence)
        errors.append(error(checkpoint, latents))
    assert errors[0] == before
    assert errors[0] > errors[1] > errors[2]
    assert errors[2] < 0.7 * before


def test_the_stock_pipeline_draws_what_the_engine_draws(checkpoint: Checkpoint, tmp_path: Path) -> None:
    result = train_lora(checkpoint, EXAMPLES, SMALL, tmp_path)
    Merger(checkpoint.transformer).apply(read_adapter(result.adapter, checkpoint.transformer))
    prompt = PromptEncoder(checkpoint.text_encoder, checkpoint.tokenizer).encode(PROMPT)
    options = {"height": 4, "width": 4, "steps": 3, "seed": 5, "guidance_scale": 1.0}
    *_, (_, ours) = generate_latents(
        checkpoint.transformer, prompt, None, scheduler_config=checkpoint.scheduler_config, **options
    )
    pipeline = BriaFiboPipeline.from_pretrained(checkpoint.folder)
    pipeline.set_progress_bar_config(disable=True)
    arguments = {"height": 64, "width": 64, "num_inference_steps": 3, "guidance_scale": 1.0, "output_type": "latent"}
    plain = pipeline(prompt=PROMPT, generator=torch.Generator().manual_seed(5), **arguments).images
    pipeline.load_lora_weights(tmp_path)
    stock = pipeline(prompt=PROMPT, generator=torch.Generator().manual_seed(5), **arguments).images
    torch.testing.assert_close(ours, stock, rtol=1e-4, atol=1e-4)
    assert not torch.allclose(plain, stock, rtol=1e-2, atol=1e-2)


def test_recomputing_activations_changes_nothing(checkpoint: Checkpoint, tmp_path: Path) -> None:
    one = train_lora(checkpoint, EXAMPLES, replace(SMALL, precision="float32"), tmp_path / "one")
    other = train_lora(
        checkpoint,
        EXAMPLES,
        replace(SMALL, precision="float32", gradient_checkpointing=True),
        tmp_path / "other",
    )
    losses = [[json.loads(line)["loss"] for line in r.losses.read_text().splitlines()] for r in (one, other)]
    assert losses[0] == losses[1]


@pytest.mark.parametrize("base", ["fp8", "nf4"])
def test_a_rounded_base_trains_and_is_whole_again_afterwards(
    checkpoint: Checkpoint, tmp_path: Path, base: Literal["fp8", "nf4"]
) -> None:
    before = {name: value.clone() for name, value in checkpoint.transformer.state_dict().items()}
    runs = {
        kind: train_lora(checkpoint, EXAMPLES, replace(SMALL, precision="float32", base_weights=kind), tmp_path / kind)
        for kind in ("full", base)
    }
    losses = {
        kind: [json.loads(line)["loss"] for line in run.losses.read_text().splitlines()] for kind, run in runs.items()
    }
    assert losses[base] != losses["full"]
    assert losses[base] == pytest.approx(losses["full"], rel=0.1)
    after = checkpoint.transformer.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert read_adapter(runs[base].adapter, checkpoint.transformer).pairs


def test_a_training_of_an_earlier_version_goes_on(checkpoint: Checkpoint, tmp_path: Path) -> None:
    part = everything(checkpoint, tmp_path, until=2)
    facts = part.checkpoint / "training_state.json"
    began = json.loads(facts.read_text())
    began["origin"]["config"] |= {"gradient_checkpointing": False, "an_option_that_is_gone": 1}
    del began["origin"]["config"]["base_weights"]
    facts.write_text(json.dumps(began))
    assert everything(checkpoint, tmp_path, until=3).step == 3


def test_half_precision_follows_full_precision(checkpoint: Checkpoint, tmp_path: Path) -> None:
    results = [
        train_lora(checkpoint, EXAMPLES, replace(SMALL, precision=precision), tmp_path / precision)
        for precision in ("float32", "bfloat16")
    ]
    losses = [[json.loads(line)["loss"] for line in r.losses.read_text().splitlines()] for r in results]
    assert losses[0] != losses[1]
    assert losses[0] == pytest.approx(losses[1], rel=0.05)


def test_a_loss_that_is_no_number_ends_the_training(checkpoint: Checkpoint, tmp_path: Path) -> None:
    with pytest.raises(TrainingDiverged, match="loss of step"):
        train_lora(checkpoint, EXAMPLES, replace(SMALL, learning_rate=1e30, steps=5), tmp_path)


def test_a_gradient_that_is_no_number_ends_the_training_before_it_is_applied(
    checkpoint: Checkpoint, uninterrupted: TrainingResult, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = LoraRun._loss

    def spoilt(run: LoraRun) -> Tensor:
        loss = original(run)
        if run.step == 3:
            loss.register_hook(lambda gradient: gradient * float("nan"))
        return loss

    with monkeypatch.context() as patched:
        patched.setattr(LoraRun, "_loss", spoilt)
        with pytest.raises(TrainingDiverged, match="gradient of step 4"):
            everything(checkpoint, tmp_path / "part")
    assert not (tmp_path / "part" / "checkpoint-000004").exists()
    assert_same_training(everything(checkpoint, tmp_path / "part"), uninterrupted)


def test_what_cannot_be_trained_is_refused(checkpoint: Checkpoint, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="needs examples"):
        train_lora(checkpoint, [], SMALL, tmp_path)
    with pytest.raises(ValueError, match="regularisation"):
        train_lora(checkpoint, EXAMPLES, SMALL, tmp_path, regularisation=REGULARISATION)
    with pytest.raises(ValueError, match="regularisation"):
        train_lora(checkpoint, EXAMPLES, EVERYTHING, tmp_path)


def test_going_on_in_another_precision_is_said(
    checkpoint: Checkpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for instructions in ("_is_amx_tile_supported", "_is_avx512_bf16_supported"):
        monkeypatch.setattr(torch.cpu, instructions, lambda: False)
    train_lora(checkpoint, EXAMPLES, SMALL, tmp_path, until=1)
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: True)
    assert train_lora(checkpoint, EXAMPLES, SMALL, tmp_path).finished
    assert "goes on with torch.bfloat16" in caplog.text
