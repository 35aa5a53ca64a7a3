"""Memory modes: what they need is arithmetic, and the fastest that fits is taken."""

import ctypes
import os
import threading
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from sartor.fibo.checkpoint import load_checkpoint
from sartor.fibo.errors import NotEnoughMemory
from sartor.fibo.memory import (
    MODES,
    RESERVE,
    Sizes,
    choose_memory,
    fibo_sizes,
    free_host_bytes,
    give_back,
    measure,
    mode_named,
    plans,
    sizes_of,
)

GIB = 2**30
SIZES = Sizes(
    transformer=160,
    adapted=150,
    text_encoder=60,
    autoencoder=5,
    encodings=10,
    encoding=3,
    drawing=20,
    decoding=22,
)


def need(name: str, sizes: Sizes = SIZES) -> tuple[int, int]:
    found = next(plan for plan in plans(sizes) if plan.mode.name == name)
    return found.device_bytes - RESERVE, found.host_bytes


def test_what_each_mode_needs() -> None:
    assert need("resident") == (160 + 150 + 65 + 10 + 22, 0)
    assert need("parts-on-host") == (160 + 150 + 10 + 63, 65)  # the text encoder's visit is the peak
    assert need("pristine-on-host") == (160 + 65 + 10 + 22, 150)
    assert need("lean") == (160 + 10 + 63, 215)
    assert need("lean", replace(SIZES, drawing=90)) == (160 + 10 + 90, 215)
    assert need("lean", replace(SIZES, decoding=90)) == (160 + 10 + 95, 215)


@pytest.mark.parametrize(
    ("device", "host", "name"),
    [
        (407, 0, "resident"),
        (406, 65, "parts-on-host"),
        (406, 64, None),
        (382, 150, "pristine-on-host"),
        (256, 215, "lean"),
        (256, 214, None),
        (232, 10_000, None),
    ],
)
def test_the_first_that_fits_is_taken(device: int, host: int, name: str | None) -> None:
    if name is None:
        with pytest.raises(NotEnoughMemory, match=r"resident .* lean"):
            choose_memory(RESERVE + device, host, SIZES)
    else:
        assert choose_memory(RESERVE + device, host, SIZES).mode.name == name


def test_names() -> None:
    assert [mode_named(mode.name) for mode in MODES] == list(MODES)
    with pytest.raises(ValueError, match="resident, parts-on-host, pristine-on-host, lean"):
        mode_named("large")


def test_a_folders_sizes_are_those_of_the_loaded_models(checkpoint_folder) -> None:
    folder = checkpoint_folder()
    loaded = load_checkpoint(folder)
    sizes = sizes_of(folder, 4)
    assert sizes == measure(loaded.transformer, loaded.text_encoder, loaded.vae, 64 * 64, 4)
    assert sizes.transformer == sum(parameter.nbytes for parameter in loaded.transformer.parameters())
    assert sizes.autoencoder == sum(parameter.nbytes for parameter in loaded.vae.parameters())
    assert sizes.text_encoder == sum(parameter.nbytes for parameter in loaded.text_encoder.parameters())
    assert 0 < sizes.adapted < sizes.transformer


def test_fibo_is_as_large_as_it_is() -> None:
    sizes = fibo_sizes()
    assert sizes.transformer == 2 * 8_285_836_848
    assert sizes.text_encoder == 2 * 3_075_098_624
    assert choose_memory(79 * GIB, 100 * GIB, sizes).mode.name == "resident"
    assert choose_memory(32 * GIB, 100 * GIB, sizes).mode.name == "pristine-on-host"
    with pytest.raises(NotEnoughMemory):
        choose_memory(16 * GIB, 100 * GIB, sizes)
    assert torch.get_default_device().type == "cpu"  # the meta device was left again


def resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "malloc_trim"), reason="the C library has no malloc_trim")
def test_where_the_system_does_not_say_what_is_free_half_of_all_is_assumed(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("sartor.fibo.memory._MEMINFO", tmp_path / "none")
    monkeypatch.setattr("os.sysconf", {"SC_PHYS_PAGES": 6_000, "SC_PAGE_SIZE": 4_096}.__getitem__)
    assert free_host_bytes() == 3_000 * 4_096


def test_what_another_thread_freed_is_given_back() -> None:
    def work() -> None:
        pieces = [torch.ones(50_000) for _ in range(1500)]  # each too small to be mapped by itself
        kept.append(pieces[-1])  # stands above all that is freed
        del pieces

    kept: list[torch.Tensor] = []
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    before = resident_bytes()
    give_back()
    assert resident_bytes() < before - 200_000_000, "of 300 MB"
