"""What makes a killed run go on: tensors and state in one file, the optimiser's memory, the rate of each step."""

import itertools
import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from sartor.nano.run import (
    Clock,
    Run,
    Steps,
    ahead,
    ema_decay,
    optimizer_tensors,
    prefixed,
    restore_optimizer,
    schedule,
    set_rate,
    under,
)


def test_tensors_and_state_come_back(tmp_path: Path) -> None:
    run = Run(tmp_path / "stage")
    assert run.load() is None
    tensors = {"a": torch.arange(6).reshape(2, 3).t(), "b": torch.tensor(1.5)}
    run.save(tensors, {"step": 7})
    loaded = run.load()
    assert loaded is not None
    assert loaded[1] == {"step": 7}
    assert all(torch.equal(loaded[0][name], tensor) for name, tensor in tensors.items())


def test_saving_replaces_and_leaves_nothing_else(tmp_path: Path) -> None:
    run = Run(tmp_path)
    run.save({"a": torch.zeros(2)}, {"step": 1})
    run.save({"a": torch.ones(2)}, {"step": 2})
    assert [path.name for path in tmp_path.iterdir()] == ["last.safetensors"]
    loaded = run.load()
    assert loaded is not None
    assert loaded[1]["step"] == 2


def test_the_log_is_lines_of_json(tmp_path: Path) -> None:
    run = Run(tmp_path)
    run.log(step=1, loss=0.5)
    run.log(step=2, loss=0.25)
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert [(line["step"], line["loss"]) for line in lines] == [(1, 0.5), (2, 0.25)]


def steps(model: torch.nn.Linear, optimizer: torch.optim.Optimizer, count: int, start: int = 0) -> None:
    for step in range(start, start + count):
        generator = torch.Generator().manual_seed(step)
        model(torch.randn(8, 4, generator=generator)).square().mean().backward()
        optimizer.step()
        optimizer.zero_grad()


def test_an_interrupted_optimizer_goes_on_as_if_nothing_had_happened(tmp_path: Path) -> None:
    torch.manual_seed(0)
    whole = torch.nn.Linear(4, 4)
    torch.manual_seed(0)
    first, second = torch.nn.Linear(4, 4), torch.nn.Linear(4, 4)
    steps(whole, torch.optim.AdamW(whole.parameters(), lr=0.1), 6)
    optimizer = torch.optim.AdamW(first.parameters(), lr=0.1)
    steps(first, optimizer, 3)
    Run(tmp_path).save({**first.state_dict(), **optimizer_tensors(optimizer)}, {"step": 3})

    loaded = Run(tmp_path).load()
    assert loaded is not None
    second.load_state_dict({name: loaded[0][name] for name in ("weight", "bias")})
    resumed = torch.optim.AdamW(second.parameters(), lr=0.1)
    restore_optimizer(resumed, loaded[0])
    steps(second, resumed, 3, start=3)
    assert torch.equal(second.weight, whole.weight)
    assert torch.equal(second.bias, whole.bias)


def test_the_rate_rises_holds_and_falls_to_nothing() -> None:
    rates = [schedule(step, 1000, warm_up=100, hold=0.5) for step in range(1001)]
    assert rates[0] == pytest.approx(0.01)
    assert rates[99:501] == [1.0] * 402
    assert rates[750] == pytest.approx(0.5)
    assert rates[1000] == 0
    assert all(later <= earlier for earlier, later in itertools.pairwise(rates[500:]))


def test_the_average_forgets_early_weights() -> None:
    assert ema_decay(0) == pytest.approx(0.1)
    assert ema_decay(10**6, 0.999) == 0.999


def test_a_clock_is_due_once_each_time() -> None:
    now = [0.0]
    clock = Clock(10, lambda: now[0])
    assert not clock.due()
    now[0] = 10
    assert clock.due()
    assert not clock.due()
    now[0] = 25
    assert clock.due()


def test_items_made_ahead_come_in_order() -> None:
    assert list(ahead(iter(range(50)), 3)) == list(range(50))


def test_no_more_than_a_few_are_made_ahead() -> None:
    made: list[int] = []

    def items() -> Iterator[int]:
        for number in range(1000):
            made.append(number)
            yield number

    first = ahead(items(), 3)
    assert next(first) == 0
    time.sleep(0.1)
    assert len(made) <= 6
    first.close()  # type: ignore[attr-defined]


def test_an_error_on_the_way_arrives() -> None:
    def items() -> Iterator[int]:
        yield 1
        raise ValueError("spoiled")

    found = ahead(items())
    assert next(found) == 1
    with pytest.raises(ValueError, match="spoiled"):
        next(found)


def test_a_state_is_read_without_its_tensors(tmp_path: Path) -> None:
    kept = Run(tmp_path)
    assert kept.state() == {}
    kept.save({"a": torch.zeros(2)}, {"step": 7})
    assert kept.state() == {"step": 7}


def test_steps_save_and_show_when_it_is_due_and_at_the_end(tmp_path: Path) -> None:
    value = torch.zeros(())
    shown: list[Path] = []
    taken = Steps(
        Run(tmp_path),
        "stage",
        3,
        50,
        save=lambda: {"value": value},
        state={"kind": "test"},
        show=shown.append,
        show_seconds=3600,
    )
    taken.save_clock = Clock(1, now=lambda: value.item())
    seen = []
    for step in taken:
        seen.append(step)
        if step == 7:
            value += 1
        if step == 9:
            loaded = Run(tmp_path).load()
            assert loaded is not None
            assert (loaded[1], loaded[0]["value"].item()) == ({"kind": "test", "step": 8}, 1)
        taken.tell(loss=torch.tensor(step / 4), other=1.0)
    assert seen == list(range(3, 50))
    assert Run(tmp_path).state() == {"kind": "test", "step": 50}
    assert shown == [tmp_path / "grid-000049.png"]
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert [(line["step"], line["loss"], line["other"]) for line in lines] == [(20, 5.0, 1.0), (40, 10.0, 1.0)]


def test_steps_of_a_stage_that_is_done_are_none(tmp_path: Path) -> None:
    assert list(Steps(Run(tmp_path), "stage", 5, 5, save=dict)) == []
    assert list(tmp_path.iterdir()) == []


def test_each_group_has_its_own_share_of_the_rate() -> None:
    a, b = torch.nn.Parameter(torch.zeros(1)), torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.AdamW([{"params": [a], "scale": 0.5}, {"params": [b]}], lr=1.0)
    set_rate(optimizer, 0.1)
    assert [group["lr"] for group in optimizer.param_groups] == [0.05, 0.1]


def test_names_get_a_prefix_and_lose_it() -> None:
    network = torch.nn.Linear(2, 2)
    both = prefixed("model.", network.state_dict()) | {"optimizer.0.step": torch.ones(())}
    assert under("model.", both).keys() == network.state_dict().keys()
    assert list(under("optimizer.", both)) == ["0.step"]
