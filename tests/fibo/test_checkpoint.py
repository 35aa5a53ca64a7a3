"""Loading a folder: what is read, what identifies it, and what is said when something is wrong."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from sartor.fibo.checkpoint import FIBO_AREA, hash_folder, hash_learned, load_checkpoint
from sartor.fibo.errors import CheckpointError


@pytest.fixture
def folder(checkpoint_folder, tmp_path: Path) -> Path:
    """A copy that a test may spoil."""
    return Path(shutil.copytree(checkpoint_folder(), tmp_path / "checkpoint"))


def edit(path: Path, **changes: object) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def test_everything_is_loaded_and_identified(folder: Path) -> None:
    checkpoint = load_checkpoint(folder)
    assert checkpoint.training_area == 64 * 64
    assert checkpoint.extras == {"training_area": 64 * 64}
    assert checkpoint.scheduler_config["use_dynamic_shifting"] is True
    assert checkpoint.sha256 == hash_folder(folder)
    assert checkpoint.learned_sha256 == hash_learned(folder)
    for model in (checkpoint.transformer, checkpoint.vae, checkpoint.text_encoder):
        assert not model.training
        assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}
        assert not any(parameter.requires_grad for parameter in model.parameters())


def test_half_precision_files_are_brought_to_the_serving_type(folder: Path) -> None:
    for part in ("transformer", "vae", "text_encoder"):
        (path,) = (folder / part).glob("*.safetensors")
        halves = {name: value.half() for name, value in load_file(path).items()}
        save_file(halves, path, metadata={"format": "pt"})
    edit(folder / "text_encoder" / "config.json", dtype="float16")
    checkpoint = load_checkpoint(folder)
    for model in (checkpoint.transformer, checkpoint.vae, checkpoint.text_encoder):
        assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}
    bf16 = load_checkpoint(folder, dtype=torch.bfloat16)
    assert {parameter.dtype for parameter in bf16.text_encoder.parameters()} == {torch.bfloat16}


def test_without_our_object_it_is_fibo(folder: Path) -> None:
    index = json.loads((folder / "model_index.json").read_text())
    del index["sartor"]
    (folder / "model_index.json").write_text(json.dumps(index))
    assert load_checkpoint(folder).training_area == FIBO_AREA


def test_the_hash_sees_weights_and_names_and_nothing_beside_the_parts(folder: Path) -> None:
    before = hash_folder(folder)
    (folder / "golden.json").write_text("{}")
    (folder / "README.md").write_text("a card")
    assert hash_folder(folder) == before
    weights = folder / "transformer" / "diffusion_pytorch_model.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    assert hash_folder(folder) != before


@pytest.mark.parametrize(("part", "other"), [("transformer", True), ("text_encoder", True), ("vae", False)])
def test_an_adapter_does_not_care_for_the_decoder(folder: Path, part: str, other: bool) -> None:
    before, whole = hash_learned(folder), hash_folder(folder)
    with (folder / part / "config.json").open("a") as file:
        file.write("\n")
    assert (hash_learned(folder) != before) is other
    assert hash_folder(folder) != whole


@pytest.mark.parametrize("part", ["transformer", "vae", "text_encoder", "tokenizer", "scheduler"])
def test_a_missing_part_is_named(folder: Path, part: str) -> None:
    shutil.rmtree(folder / part)
    with pytest.raises(CheckpointError, match=f"has no {part}"):
        load_checkpoint(folder)


@pytest.mark.parametrize("part", ["transformer", "vae", "text_encoder"])
def test_missing_weights_are_named(folder: Path, part: str) -> None:
    next((folder / part).glob("*.safetensors")).unlink()
    with pytest.raises(CheckpointError, match=part):
        load_checkpoint(folder)


def test_weights_that_do_not_fit_are_refused(folder: Path) -> None:
    path = folder / "transformer" / "diffusion_pytorch_model.safetensors"
    weights = load_file(path)
    weights.pop("proj_out.bias")
    save_file(weights, path)
    with pytest.raises(CheckpointError, match=r"proj_out\.bias"):
        load_checkpoint(folder)


def test_other_models_are_refused(folder: Path) -> None:
    edit(folder / "model_index.json", vae=["diffusers", "AutoencoderKL"])
    with pytest.raises(CheckpointError, match="its vae is AutoencoderKL, not AutoencoderKLWan"):
        load_checkpoint(folder)


def test_other_schedules_are_refused(folder: Path) -> None:
    edit(folder / "scheduler" / "scheduler_config.json", use_beta_sigmas=True)
    with pytest.raises(CheckpointError, match="use_beta_sigmas"):
        load_checkpoint(folder)


def test_folders_that_are_no_checkpoints_are_named(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"no model_index\.json"):
        load_checkpoint(tmp_path)
    with pytest.raises(CheckpointError, match="no checkpoint folder"):
        load_checkpoint(tmp_path / "nowhere")
    (tmp_path / "model_index.json").write_text("{")
    with pytest.raises(CheckpointError, match="not valid JSON"):
        load_checkpoint(tmp_path)
