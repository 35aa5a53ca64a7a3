"""Every stage on the "test" dial, from sprites to a checkpoint that the engine draws with, and its evaluation."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from sartor.fibo import Engine, Spec, load_checkpoint
from sartor.fibo.training import Example, TrainingConfig, train_lora
from sartor.nano import autoencoder, base, base_samples, evaluate, judges, text, tokenizer, trials
from sartor.nano.bank import Bank
from sartor.nano.dial import DIALS
from sartor.nano.export import export
from sartor.nano.latents import encode_all, load_latents, load_thing_latents
from sartor.nano.longhand import Filler
from sartor.nano.restore import restore
from sartor.nano.run import Clock, Run
from sartor.nano.scene import Composer
from tests.nano.conftest import CONCEPTS, SIDE, STYLES

DIAL = DIALS["test"]


@pytest.fixture(scope="module")
def trained(autoencoded: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A work folder in which every stage has run for a few steps, in order."""
    folder = tmp_path_factory.mktemp("trained") / "work"
    shutil.copytree(autoencoded, folder)
    encode_all(folder, DIAL)
    text.train(folder, DIAL, 3, batch=6)
    base.train(folder, DIAL, 3, compile_=False)
    export(folder, DIAL, folder / "checkpoint")
    return folder


def test_each_stage_leaves_its_log_and_its_pictures(trained: Path) -> None:
    for stage in ("autoencoder", "text", "base"):
        lines = [json.loads(line) for line in (trained / stage / "log.jsonl").read_text().splitlines()]
        assert lines[0]["step"] == 0
        assert (trained / stage / "last.safetensors").exists()
    assert (trained / "autoencoder" / "grid-000002.png").exists()
    assert (trained / "base" / "grid-000002.png").exists()


def test_latents_are_those_of_the_bank(trained: Path) -> None:
    found = load_latents(trained)
    assert found.latents.shape == (len(Bank(trained)), DIAL.channels, SIDE // 16, SIDE // 16)
    rows = found.normalised(list(range(len(found.latents))))
    assert rows.shape == (len(found.latents), (SIDE // 16) ** 2, DIAL.channels)
    assert rows.mean(dim=(0, 1)).abs().max() < 0.6
    vae = base_samples.load_decoder(trained, DIAL)
    with torch.no_grad():
        again = autoencoder.encode(vae, autoencoder.to_tensor(Bank(trained).pictures([5])))[0]
    torch.testing.assert_close(found.latents[5].float(), again, atol=0.05, rtol=0.05)


def test_held_out_sprites_have_no_code(trained: Path, composer: Composer) -> None:
    assert set(load_thing_latents(trained)) == {(c, s) for c in CONCEPTS for s in STYLES} - composer.unseen


def test_the_checkpoint_draws(trained: Path) -> None:
    engine = Engine.load(trained / "checkpoint", threads=1)
    result = engine.generate(Spec('{"short_description":"A cat"}', seed=1, steps=2))
    assert result.image.size == (1024, 1024), "four times the model's own size, and then to the least that is delivered"


@pytest.fixture(scope="module")
def brand(trained: Path) -> Path:
    """A brand's folder whose adapter was trained for two steps, at a rate that shows."""
    folder = trained / "inkwell"
    (folder / "images").mkdir(parents=True)
    Image.new("RGB", (SIDE, SIDE), "navy").save(folder / "images" / "cat.png")
    captions = {f"{name}.png": json.dumps({"objects": [{"description": name}]}) for name in ("apple", "cat")}
    (folder / "captions.json").write_text(json.dumps(captions))
    (folder / "model.json").write_text(json.dumps({"visual_schema": {"style_medium": "ink"}}))
    examples = [Example(Image.new("RGB", (SIDE, SIDE), "navy"), caption) for caption in captions.values()]
    config = TrainingConfig(steps=2, rank=2, learning_rate=1.0, batch_size=1, warmup_steps=0, checkpoint_every=10)
    result = train_lora(load_checkpoint(trained / "checkpoint"), examples, config, trained / "lora")
    shutil.copy(result.adapter, folder / "pytorch_lora_weights.safetensors")
    return folder


def test_the_evaluation_measures_it(trained: Path, brand: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A model of three steps draws nothing: what counts is that everything is asked, drawn, judged and written down."""
    (trained / "judges").mkdir(exist_ok=True)
    judged = judges.train(trained, 2, views=1, batch=4)
    assert set(judged.accuracy) == {
        "renderings",
        "concept crisp",
        "concept crisp top 5",
        "concept soft",
        "concept soft top 5",
        "style crisp",
        "style soft",
    }
    told = [
        {"concept": "moon", "style": "flat", "background": color, "place": "center", "size": "large"}
        for color in ("red", None)
    ]
    told_file = trained / "told.jsonl"
    told_file.write_text("".join(json.dumps(one | {"prompt": {"short_description": "A moon"}}) + "\n" for one in told))
    monkeypatch.setattr(trials, "LONGHAND", told_file)
    settings = evaluate.Settings(steps=1, guidance=2.0)
    report = evaluate.evaluate(
        trained, trained / "checkpoint", [brand], count=6, brand_count=2, longhand_count=9, settings=settings
    )
    assert report["pictures"] == 7 + 2 + 2 + 3 * 2, "two of the trials have a second picture; a brand's have three"
    assert report["scores"]["long prompts: style"]["count"] == 2
    assert report["scores"]["long prompts: background"]["count"] == 1, "the other has no colour to compare with"
    assert report["composer"]["long prompts: concept top 5"]["count"] == 1
    assert report["scores"]["background"]["count"] == 7
    assert report["scores"]["inkwell at 0.5: style"]["count"] == 2
    assert {row["concept"] for row in report["brand rows"]["inkwell"]["1"]} <= set(CONCEPTS) - {"apple", "cat"}
    unadapted = [row["background distance"] for row in report["brand rows"]["inkwell"]["0"]]
    adapted = [row["background distance"] for row in report["brand rows"]["inkwell"]["1"]]
    assert adapted != unadapted, "the adapter is merged"
    near, far = (report["scores"][f"inkwell at {influence}: look distance"]["value"] for influence in (1, 0))
    assert near != far
    assert report["composer"]["inkwell at 1: look distance"]["value"] > 0
    assert report["composer"]["place"]["value"] == 1.0
    assert report["composer"]["count"]["value"] == 1.0
    assert report["composer"]["background"]["value"] == 1.0
    assert report["composer"]["recolored: rest unchanged"]["value"] == 1.0
    assert json.loads((trained / "evaluation" / "report.json").read_text())["rows"] == report["rows"]
    assert "| background |" in (trained / "evaluation" / "report.md").read_text()
    assert (trained / "evaluation" / "worst.png").exists()
    assert (trained / "evaluation" / "worst-inkwell.png").exists()


def interrupt_at(step: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets the base save after every step, and stops it, as a killed process stops, when it logs this one."""
    log = Run.log

    def stop(run: Run, **values: float) -> None:
        log(run, **values)
        if values["step"] == step:
            raise KeyboardInterrupt

    monkeypatch.setattr(Run, "log", stop)
    monkeypatch.setattr(Clock, "due", lambda clock: clock.seconds < 500)  # saves, and no grids


def test_an_interrupted_base_ends_where_an_uninterrupted_one_does(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folders = [tmp_path / "whole", tmp_path / "interrupted"]
    for folder in folders:
        shutil.copytree(trained, folder, ignore=shutil.ignore_patterns("base", "checkpoint", "evaluation"))
    monkeypatch.setattr(base, "draw_grid", lambda *_: None)
    base.train(folders[0], DIAL, 22, compile_=False)
    with monkeypatch.context() as patch:
        interrupt_at(20, patch)
        with pytest.raises(KeyboardInterrupt):
            base.train(folders[1], DIAL, 22, compile_=False)
    saved = Run(folders[1] / "base").load()
    assert saved is not None
    assert saved[1]["step"] == 20
    base.train(folders[1], DIAL, 22, compile_=False)
    whole, resumed = (Run(folder / "base").load() for folder in folders)
    assert whole is not None
    assert resumed is not None
    assert whole[1] == resumed[1] == {"step": 22}
    assert [name for name, tensor in whole[0].items() if not torch.equal(tensor, resumed[0][name])] == []


def test_batches_follow_from_their_step_alone(trained: Path) -> None:
    bank, latents = Bank(trained), load_latents(trained)
    model = base.Base(DIAL, tokenizer.load_tokenizer(trained, DIAL, bank))
    supply = base.batches(model, bank, latents, Filler(["harbour"], ["a quiet harbour"]), 4, 0)
    first = [next(supply) for _ in range(12)]
    later = next(base.batches(model, bank, latents, Filler(["harbour"], ["a quiet harbour"]), 4, 11))
    for name in ("latents", "ids", "lengths", "levels", "noise"):
        assert torch.equal(getattr(first[11], name), getattr(later, name))
    assert not torch.equal(first[0].noise, first[1].noise)


def test_noise_levels_lean_towards_noise() -> None:
    levels = base.noise_levels(4000, torch.Generator().manual_seed(0))
    assert levels.min() > 0
    assert levels.max() < 1
    assert 0.53 < levels.mean() < 0.65


def test_pictures_and_tensors_are_each_others_inverse() -> None:
    pictures = np.random.default_rng(0).integers(0, 256, (2, 4, 4, 3), dtype=np.uint8)
    sheet = np.asarray(autoencoder.to_grid([autoencoder.to_tensor(pictures)]))
    assert np.abs(sheet.astype(int) - np.concatenate(list(pictures), axis=1)).max() <= 1


def test_a_checkpoint_is_enough_to_go_on_from(trained: Path, tmp_path: Path) -> None:
    restore(trained / "checkpoint", tmp_path)
    saved = Run(tmp_path / "base").load()
    assert saved is not None
    exported = load_file(trained / "checkpoint" / "transformer" / "diffusion_pytorch_model.safetensors")
    for name, weight in exported.items():
        for prefix in ("model", "average"):
            assert torch.equal(saved[0][f"{prefix}.transformer.{name}"], weight.float())
    autoencoder = Run(tmp_path / "autoencoder").load()
    assert autoencoder is not None
    assert autoencoder[1]["mean"] == pytest.approx(load_latents(trained).mean.tolist())
    with pytest.raises(FileExistsError, match="training already"):
        restore(trained / "checkpoint", tmp_path)
