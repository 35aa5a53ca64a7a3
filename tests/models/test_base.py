"""What is told of a base model without loading it."""

from pathlib import Path

import pytest
import torch

from sartor.fibo.adapters import adapter_targets
from sartor.models.base import ServedBase


def test_a_folder(tiny_checkpoint: Path) -> None:
    base = ServedBase(tiny_checkpoint, device=lambda: "cpu", embedded=False)
    loaded = base.load()
    assert base.name == tiny_checkpoint.name
    assert base.hub_page is None
    assert base.training_area == loaded.training_area == 64 * 64
    assert base.sha256 == loaded.learned_sha256
    names = adapter_targets(loaded.transformer)
    assert adapter_targets(base.blank).keys() == names.keys()
    assert all(parameter.device == torch.device("meta") for parameter in base.blank.parameters())
    widths = sum(linear.in_features + linear.out_features for linear in names.values())
    assert base.largest_adapter > 256 * 4 * widths


def test_the_embedded_model_is_called_so(tiny_checkpoint: Path) -> None:
    assert ServedBase(tiny_checkpoint, device=lambda: "cpu", embedded=True).name == "Sartor embedded"


def test_a_hub_id_has_a_page_and_nothing_is_read_for_it() -> None:
    base = ServedBase("owner/model", device=lambda: "cpu", embedded=False)
    assert base.name == "owner/model"
    assert base.hub_page == "https://huggingface.co/owner/model"
    assert base.sha256 is None


def test_what_is_no_checkpoint(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="model_index"):
        _ = ServedBase(tmp_path, device=lambda: "cpu", embedded=False).training_area
