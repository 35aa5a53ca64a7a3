"""The engine: same inputs, same bytes, whatever happened in between."""

import hashlib
import json
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import fields, replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from sartor.fibo import (
    Cancelled,
    CheckpointError,
    Compute,
    Engine,
    EngineNotReproducible,
    InvalidSpec,
    Recipe,
    Spec,
    read_recipe,
)
from sartor.fibo.adapters import adapter_targets
from sartor.fibo.caching import CACHINGS, Caching
from sartor.fibo.checkpoint import load_checkpoint
from sartor.fibo.compute import compile_blocks
from tests.fibo.conftest import OTHER_PROMPT, PROMPT, build_checkpoint
from tests.fibo.test_sampler import stock_pipeline

SPEC = Spec(prompt=PROMPT, seed=7, steps=3)


@pytest.fixture(scope="module")
def engine(checkpoint_folder) -> Engine:
    return Engine.load(checkpoint_folder(), threads=1)


@pytest.fixture(scope="module")
def adapters(checkpoint_folder, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Two LoRA files for the tiny checkpoint."""
    transformer = load_checkpoint(checkpoint_folder()).transformer
    folder, files = tmp_path_factory.mktemp("adapters"), []
    for seed, rank in ((1, 2), (2, 3)):
        torch.manual_seed(seed)
        tensors = {}
        for name, linear in adapter_targets(transformer).items():
            tensors[f"transformer.{name}.lora_A.weight"] = torch.randn(rank, linear.in_features) * 0.1
            tensors[f"transformer.{name}.lora_B.weight"] = torch.randn(linear.out_features, rank) * 0.1
        files.append(folder / f"{seed}.safetensors")
        save_file(tensors, files[-1])
    return files[0], files[1]


def test_a_picture_with_its_recipe(engine: Engine, adapters: tuple[Path, Path]) -> None:
    steps: list[tuple[int, int]] = []
    look = {"guidance_scale": 3.0, "negative_prompt": "dark", "influence": 0.5, "shift": 1.0, "guidance_until": 0.2}
    spec = replace(SPEC, model="Brand", adapter=adapters[0], caching="cached-3", **look)
    result = engine.generate(spec, on_step=lambda step, of: steps.append((step, of)))
    assert steps == [(1, 3), (2, 3), (3, 3)]
    assert result.image.size == (64, 64)
    adapter = hashlib.sha256(adapters[0].read_bytes()).hexdigest()
    assert result.fingerprint == replace(engine.fingerprint, adapter=adapter, caching="cached-3")
    recipe = {field.name: getattr(read_recipe(result.png), field.name) for field in fields(Recipe)}
    assert recipe.pop("fingerprint") == result.fingerprint
    assert replace(spec, **recipe) == spec


@pytest.mark.parametrize("guidance", [1.0, 5.0])
def test_the_picture_is_the_reference_pipelines(engine: Engine, checkpoint_folder, guidance: float) -> None:
    expected = stock_pipeline(checkpoint_folder())(
        PROMPT,
        height=64,
        width=64,
        num_inference_steps=3,
        guidance_scale=guidance,
        generator=torch.Generator().manual_seed(7),
    ).images[0]
    found = engine.generate(replace(SPEC, guidance_scale=guidance)).image
    assert np.abs(np.asarray(found, dtype=int) - np.asarray(expected, dtype=int)).max() <= 1


def test_every_field_matters(engine: Engine, adapters: tuple[Path, Path]) -> None:
    variants = [
        SPEC,
        replace(SPEC, prompt=OTHER_PROMPT),
        replace(SPEC, seed=8),
        replace(SPEC, steps=4),
        replace(SPEC, guidance_scale=3.0),
        replace(SPEC, aspect_ratio="3:2"),
        replace(SPEC, negative_prompt="dark"),
        replace(SPEC, adapter=adapters[0]),
        replace(SPEC, adapter=adapters[1]),
        replace(SPEC, adapter=adapters[0], influence=0.5),
        replace(SPEC, shift=0.0),
    ]
    assert len({engine.generate(spec).image.tobytes() for spec in variants}) == len(variants)


def test_same_inputs_same_bytes_whatever_came_between(engine: Engine, adapters: tuple[Path, Path]) -> None:
    a, b = (replace(SPEC, adapter=adapter) for adapter in adapters)
    base, with_a = engine.generate(SPEC).png, engine.generate(a).png
    assert engine.generate(SPEC).png == base
    engine.generate(b)
    assert engine.generate(a).png == with_a  # A, B, A
    engine.generate(replace(a, influence=1.5, aspect_ratio="9:16", prompt=OTHER_PROMPT, seed=1))
    assert engine.generate(SPEC).png == base
    assert engine.generate(a).png == with_a


def test_influence_zero_is_the_base_model(engine: Engine, adapters: tuple[Path, Path]) -> None:
    engine.generate(replace(SPEC, adapter=adapters[1]))
    off = engine.generate(replace(SPEC, adapter=adapters[0], influence=0.0))
    assert off.image.tobytes() == engine.generate(SPEC).image.tobytes()


def test_an_aborted_request_leaves_no_trace(engine: Engine, adapters: tuple[Path, Path]) -> None:
    base = engine.generate(SPEC).png
    stop = threading.Event()

    def stop_after_two(step: int, of: int) -> None:
        if step == 2:
            stop.set()

    seen: list[int] = []
    with pytest.raises(Cancelled):
        engine.generate(
            replace(SPEC, adapter=adapters[0], steps=9, prompt=OTHER_PROMPT),
            on_step=lambda step, of: (seen.append(step), stop_after_two(step, of)),
            stop=stop,
        )
    assert seen == [1, 2]
    assert engine.generate(SPEC).png == base

    def fail(step: int, of: int) -> None:
        raise RuntimeError("the caller's own")

    with pytest.raises(RuntimeError, match="the caller's own"):
        engine.generate(replace(SPEC, adapter=adapters[1]), on_step=fail)
    with pytest.raises(OSError, match="nowhere"):
        engine.generate(replace(SPEC, adapter=Path("nowhere.safetensors")))
    assert engine.generate(SPEC).png == base


def test_a_fresh_process_draws_the_same_bytes(checkpoint_folder, engine: Engine, adapters: tuple[Path, Path]) -> None:
    program = (
        "import sys, hashlib, pathlib\n"
        "from sartor.fibo import Engine, Spec\n"
        "engine = Engine.load(sys.argv[1], threads=1)\n"
        "engine.warm_up()\n"
        "spec = Spec(prompt=sys.argv[3], seed=7, steps=3, adapter=pathlib.Path(sys.argv[2]))\n"
        "print(hashlib.sha256(engine.generate(spec).png).hexdigest())\n"
    )
    arguments = [sys.executable, "-c", program, str(checkpoint_folder()), str(adapters[0]), PROMPT]
    ran = subprocess.run(arguments, capture_output=True, text=True, check=True)
    here = engine.generate(replace(SPEC, adapter=adapters[0])).png
    assert ran.stdout.split()[-1] == hashlib.sha256(here).hexdigest()


def test_many_callers_are_served_one_after_the_other(engine: Engine, adapters: tuple[Path, Path]) -> None:
    specs = [replace(SPEC, seed=seed, adapter=adapter) for seed in (1, 2) for adapter in (None, *adapters)]
    alone = [engine.generate(spec).png for spec in specs]
    together: dict[int, bytes] = {}

    def call(index: int) -> None:
        together[index] = engine.generate(specs[index]).png

    callers = [threading.Thread(target=call, args=(index,)) for index in range(len(specs))]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert [together[index] for index in range(len(specs))] == alone


def test_a_caller_who_waits_can_give_up(engine: Engine) -> None:
    stop, inside, go_on = threading.Event(), threading.Event(), threading.Event()

    def hold(step: int, of: int) -> None:
        inside.set()
        go_on.wait(10)

    holder = threading.Thread(target=lambda: engine.generate(SPEC, on_step=hold))
    holder.start()
    inside.wait(10)
    threading.Timer(0.1, stop.set).start()
    with pytest.raises(Cancelled):
        engine.generate(SPEC, stop=stop)
    go_on.set()
    holder.join()


def test_the_number_of_threads_is_the_engines_own(engine: Engine) -> None:
    torch.set_num_threads(2)
    engine.generate(SPEC, on_step=lambda step, of: None)
    assert torch.get_num_threads() == 1


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"seed": -1}, "seed"),
        ({"seed": 2**63}, "seed"),
        ({"steps": 0}, "steps"),
        ({"guidance_scale": -1.0}, "guidance_scale"),
        ({"guidance_scale": float("nan")}, "guidance_scale"),
        ({"influence": 1.6}, "influence"),
        ({"influence": float("nan")}, "influence"),
        ({"aspect_ratio": "7:5"}, "aspect_ratio"),
        ({"caching": "cached-9"}, "caching"),
        ({"shift": -0.1}, "shift"),
        ({"shift": float("nan")}, "shift"),
        ({"guidance_until": 1.1}, "guidance_until"),
        ({"guidance_until": float("nan")}, "guidance_until"),
    ],
)
def test_impossible_specs_are_named(engine: Engine, change: dict[str, object], field: str) -> None:
    with pytest.raises(InvalidSpec, match=field):
        engine.generate(replace(SPEC, **change))


def spoiled(hashes: dict[str, str]) -> dict[str, str]:
    return dict.fromkeys(hashes, "0" * 64)


def test_the_warm_up_remembers_and_compares(checkpoint_folder, tmp_path: Path) -> None:
    golden = tmp_path / "kept" / "golden.json"
    engine = Engine.load(checkpoint_folder(), threads=1, golden_file=golden)
    engine.warm_up()
    kept = json.loads(golden.read_text())
    assert list(kept) == [engine.fingerprint.environment]
    engine.warm_up()
    Engine.load(checkpoint_folder(), threads=1, golden_file=golden).warm_up()
    assert json.loads(golden.read_text()) == kept

    golden.write_text(json.dumps(spoiled(kept)))
    with pytest.raises(EngineNotReproducible, match=engine.fingerprint.environment):
        engine.warm_up()


def test_the_checkpoints_own_golden_hash_is_the_authority(tmp_path: Path) -> None:
    folder = build_checkpoint(tmp_path / "checkpoint")
    Engine.load(folder, threads=1, golden_file=folder / "golden.json").warm_up()
    kept = json.loads((folder / "golden.json").read_text())
    elsewhere = tmp_path / "golden.json"
    elsewhere.write_text(json.dumps(spoiled(kept)))
    Engine.load(folder, threads=1, golden_file=elsewhere).warm_up()
    (folder / "golden.json").write_text(json.dumps(spoiled(kept)))
    with pytest.raises(EngineNotReproducible):
        Engine.load(folder, threads=1).warm_up()


def test_the_warm_up_leaves_no_adapter_behind(engine: Engine, adapters: tuple[Path, Path]) -> None:
    base, with_a = engine.generate(SPEC).png, engine.generate(replace(SPEC, adapter=adapters[0])).png
    engine.warm_up()
    assert engine.generate(SPEC).png == base
    assert engine.generate(replace(SPEC, adapter=adapters[0])).png == with_a


@pytest.fixture
def with_upscaler(tmp_path: Path, checkpoint_folder) -> Callable[[str], Path]:
    def folder(name: str) -> Path:
        copy = Path(shutil.copytree(checkpoint_folder(), tmp_path / "checkpoint"))
        index = json.loads((copy / "model_index.json").read_text())
        index["sartor"]["upscaler"] = name
        (copy / "model_index.json").write_text(json.dumps(index))
        return copy

    return folder


def test_what_is_upscaled_has_1024_pixels_on_its_long_side(with_upscaler) -> None:
    engine = Engine.load(with_upscaler("realesr-animevideov3"), threads=1)
    wide = engine.generate(replace(SPEC, aspect_ratio="3:2", steps=1))
    width, height = engine.size("3:2")
    assert wide.image.width == 1024
    assert wide.image.height == pytest.approx(1024 * height / width, abs=4)
    assert wide.fingerprint.upscaler.startswith("realesr-animevideov3")
    assert engine.generate(replace(SPEC, aspect_ratio="3:2", steps=1)).png == wide.png


def test_an_unknown_upscaler_is_refused(with_upscaler) -> None:
    with pytest.raises(CheckpointError, match="esrgan-x99"):
        Engine.load(with_upscaler("esrgan-x99"))


@pytest.mark.parametrize("memory", ["resident", "parts-on-host", "pristine-on-host", "lean"])
def test_memory_modes_draw_the_same_bytes(
    engine: Engine, checkpoint_folder, adapters: tuple[Path, Path], memory: str
) -> None:
    other = Engine.load(checkpoint_folder(), threads=1, memory=memory)
    assert other.memory.name == memory
    other.warm_up()
    for spec in (replace(SPEC, adapter=adapters[0]), replace(SPEC, adapter=adapters[1]), SPEC):
        assert other.generate(spec).png == engine.generate(spec).png


def test_an_unknown_memory_mode_is_named(checkpoint_folder) -> None:
    with pytest.raises(ValueError, match="'huge'"):
        Engine.load(checkpoint_folder(), memory="huge")


def test_two_devices_draw_the_same_and_say_so(engine: Engine, checkpoint_folder, adapters: tuple[Path, Path]) -> None:
    other = Engine.load(checkpoint_folder(), threads=1, second_device="cpu")
    other.warm_up()
    for spec in (replace(SPEC, adapter=adapters[0]), replace(SPEC, guidance_scale=1.0), SPEC):
        drawn, expected = other.generate(spec), engine.generate(spec)
        assert drawn.image.tobytes() == expected.image.tobytes()
        named = (f"{engine.fingerprint.device}, eager, attention torch", None)
        assert read_recipe(drawn.png).fingerprint.differences(expected.fingerprint) == {"second": named}
    assert other.fingerprint.environment != engine.fingerprint.environment


def test_a_number_is_the_same_whole_or_not(engine: Engine, adapters: tuple[Path, Path]) -> None:
    spec = replace(SPEC, adapter=adapters[0], guidance_scale=3.0, influence=1.0)
    assert engine.generate(replace(spec, guidance_scale=3, influence=1)).png == engine.generate(spec).png


def test_cached_steps_are_asked_for_and_say_so(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    # Random weights are restless: none of the embedded model's thresholds would ever reuse a step.
    monkeypatch.setitem(CACHINGS, "cached-3", Caching("cached-3", 0.8))
    exact = engine.generate(replace(SPEC, steps=12))
    cached = engine.generate(replace(SPEC, steps=12, caching="cached-3"))
    assert cached.image.tobytes() != exact.image.tobytes()
    assert read_recipe(cached.png).caching == cached.fingerprint.caching == "cached-3"
    assert read_recipe(exact.png).caching == exact.fingerprint.caching == "exact"
    assert cached.fingerprint.differences(exact.fingerprint) == {"caching": ("cached-3", "exact")}
    assert cached.fingerprint.environment == exact.fingerprint.environment
    assert engine.generate(replace(SPEC, steps=12)).png == exact.png
    assert engine.generate(replace(SPEC, steps=12, caching="cached-3")).png == cached.png


def test_guidance_may_end_early_and_says_so(engine: Engine) -> None:
    exact = engine.generate(SPEC)
    half = engine.generate(replace(SPEC, guidance_until=0.5))
    assert half.image.tobytes() != exact.image.tobytes()
    assert read_recipe(half.png).guidance_until == 0.5
    assert read_recipe(exact.png).guidance_until is None
    assert engine.generate(replace(SPEC, guidance_until=0.0)).image.tobytes() == exact.image.tobytes()
    assert engine.generate(SPEC).png == exact.png


def test_a_checkpoint_may_say_where_guidance_ends(engine: Engine, checkpoint_folder) -> None:
    loaded = load_checkpoint(checkpoint_folder())
    own = Engine(replace(loaded, extras={**loaded.extras, "guidance_until": 0.5}), threads=1)
    early, whole = (engine.generate(replace(SPEC, guidance_until=until)).image.tobytes() for until in (0.5, 0.0))
    drawn = own.generate(SPEC)
    assert drawn.image.tobytes() == early
    assert own.generate(replace(SPEC, guidance_until=0.0)).image.tobytes() == whole
    recipe = read_recipe(drawn.png)
    assert engine.generate(replace(SPEC, guidance_until=recipe.guidance_until)).image.tobytes() == early


def test_a_png_that_says_nothing_of_it_was_guided_to_the_end(engine: Engine, checkpoint_folder) -> None:
    loaded = load_checkpoint(checkpoint_folder())
    own = Engine(replace(loaded, extras={**loaded.extras, "guidance_until": 0.5}), threads=1)
    for result in (engine.generate(SPEC), own.generate(replace(SPEC, guidance_until=0.0))):
        assert read_recipe(result.png).guidance_until is None


@pytest.mark.parametrize("until", [-0.1, 1.1, float("nan"), True, "0.5", None])
def test_a_checkpoint_that_ends_guidance_nowhere_is_refused(checkpoint_folder, until: object) -> None:
    loaded = load_checkpoint(checkpoint_folder())
    with pytest.raises(CheckpointError, match="guidance_until"):
        Engine(replace(loaded, extras={**loaded.extras, "guidance_until": until}), threads=1)


def test_fp8_is_another_engine(engine: Engine, checkpoint_folder, adapters: tuple[Path, Path]) -> None:
    specs = [replace(SPEC, adapter=adapter) for adapter in (None, adapters[0], adapters[1], None)]
    drawn = []
    for memory in ("resident", "lean"):
        other = Engine.load(checkpoint_folder(), threads=1, compute=Compute(linears="fp8"), memory=memory)
        assert other.fingerprint.differences(engine.fingerprint) == {"linears": ("fp8", "full")}
        other.warm_up()
        drawn.append([other.generate(spec).png for spec in specs])
    assert drawn[0] == drawn[1]
    assert drawn[0][0] == drawn[0][3]
    assert drawn[0][0] != engine.generate(SPEC).png


def test_compiled_blocks_are_warmed_up_for_every_ratio(
    engine: Engine, checkpoint_folder, adapters: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Traced as for a GPU, but without generating code, which takes a minute.
    monkeypatch.setattr("sartor.fibo.compute.compile_blocks", partial(compile_blocks, backend="eager"))
    compiled = Engine.load(checkpoint_folder(), threads=1, compute=Compute(compiled=True))
    assert compiled.fingerprint.differences(engine.fingerprint) == {"mode": ("compiled", "eager")}
    compiled.warm_up()
    specs = [replace(SPEC, adapter=adapter, aspect_ratio=ratio) for ratio in ("9:16", "5:4") for adapter in adapters]
    with torch._dynamo.config.patch(error_on_recompile=True):
        drawn = [compiled.generate(spec) for spec in specs]
    for spec, result in zip(specs, drawn, strict=True):
        plain = np.asarray(engine.generate(spec).image, dtype=int)
        assert np.abs(np.asarray(result.image, dtype=int) - plain).max() <= 1
