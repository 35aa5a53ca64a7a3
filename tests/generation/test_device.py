"""Whose turn it is, and an engine that loads, fails, or is stopped."""

import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch

from sartor.fibo import Spec
from sartor.generation.device import Device, Turns
from sartor.generation.drawing import Interrupted, PlainEngine
from tests.conftest import wait_for

RED, BLUE = Path("red.safetensors"), Path("blue.safetensors")
SPEC = Spec(prompt="{}", seed=1, steps=3)


def order_of(adapters: Sequence[Path], *, first: Path) -> list[Path]:
    """The order in which jobs that wait together, in this order of arrival, get their turn after one for ``first``."""
    turns, never = Turns(), threading.Event()
    order: list[Path] = []
    release = threading.Event()

    def hold() -> None:
        with turns.take(first, never):
            release.wait()

    def take(adapter: Path) -> None:
        with turns.take(adapter, never):
            order.append(adapter)

    threads = [threading.Thread(target=hold)]
    threads[0].start()
    wait_for(lambda: True if turns._holder is not None else None)
    for number, adapter in enumerate(adapters, 1):
        threads.append(threading.Thread(target=take, args=(adapter,)))
        threads[-1].start()
        wait_for(lambda number=number: True if len(turns._waiting) == number else None)
    release.set()
    for thread in threads:
        thread.join()
    return order


def test_the_same_adapter_goes_first() -> None:
    assert order_of([BLUE, RED, BLUE, RED], first=RED) == [RED, RED, BLUE, BLUE]


def test_but_never_more_than_eight_in_a_row() -> None:
    assert order_of([BLUE, *[RED] * 10], first=RED) == [*[RED] * 7, BLUE, *[RED] * 3]


def test_the_oldest_goes_first_otherwise() -> None:
    assert order_of([BLUE, RED], first=Path("green.safetensors")) == [BLUE, RED]


def test_one_at_a_time() -> None:
    turns, never = Turns(), threading.Event()
    inside: list[int] = []
    most = 0

    def take() -> None:
        nonlocal most
        for _ in range(20):
            with turns.take(RED, never):
                inside.append(1)
                most = max(most, len(inside))
                inside.pop()

    threads = [threading.Thread(target=take) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 1


def test_whoever_stops_waiting_lets_the_others_on() -> None:
    turns, stop, never = Turns(), threading.Event(), threading.Event()
    with turns.take(RED, never):
        outcome: list[object] = []

        def wait() -> None:
            try:
                with turns.take(BLUE, stop):
                    outcome.append("drew")
            except Interrupted:
                outcome.append("stopped")

        thread = threading.Thread(target=wait)
        thread.start()
        wait_for(lambda: True if turns._waiting else None)
        stop.set()
        thread.join(5)
        assert outcome == ["stopped"]
    with turns.take(RED, never):
        pass


def opened(gate: threading.Event) -> Callable[[], PlainEngine]:
    """A factory that takes until the gate is open."""

    def load() -> PlainEngine:
        gate.wait()
        return PlainEngine()

    return load


def started(factory: Callable[[], PlainEngine], then: Callable[[], None] = lambda: None) -> Device:
    device = Device(factory)
    device.start(then)
    return device


def test_drawing_waits_for_the_engine_to_be_loaded() -> None:
    gate = threading.Event()
    device = started(opened(gate))
    assert not device.ready
    threading.Timer(0.2, gate.set).start()
    result = device.draw(SPEC, on_step=lambda *_: None, stop=threading.Event())
    assert device.ready
    assert result.png.startswith(b"\x89PNG")


def test_ready_means_that_everything_else_is_warm_too() -> None:
    warm = threading.Event()

    def warm_up() -> None:
        time.sleep(0.2)
        warm.set()

    device = started(PlainEngine, then=warm_up)
    wait_for(lambda: True if device.ready else None)
    assert warm.is_set()


def test_an_engine_that_cannot_be_loaded_is_said_to_be() -> None:
    def broken() -> PlainEngine:
        raise OSError("/secret/path is damaged")

    told, stop = threading.Event(), threading.Event()
    device = Device(broken)
    device.start(otherwise=told.set)
    assert told.wait(10)
    assert device.failed
    assert not device.ready
    threading.Timer(0.2, stop.set).start()
    with pytest.raises(Interrupted):  # the job goes on where there is an engine
        device.draw(SPEC, on_step=lambda *_: None, stop=stop)


class Lost(PlainEngine):
    """Its GPU answers nothing any more from the second picture on."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error, self.drawn = error, 0

    def generate(self, *arguments: Any, **options: Any) -> Any:
        self.drawn += 1
        if self.drawn > 1:
            raise self.error
        return super().generate(*arguments, **options)


def test_a_device_that_is_lost_takes_no_more_images() -> None:
    engine = Lost(torch.AcceleratorError("CUDA error: an illegal memory access was encountered"))
    told, stop = threading.Event(), threading.Event()
    device = Device(lambda: engine)
    device.start(otherwise=told.set)
    device.draw(SPEC, on_step=lambda *_: None, stop=stop)
    ended: list[type[BaseException]] = []

    def draw() -> None:
        try:
            device.draw(SPEC, on_step=lambda *_: None, stop=stop)
        except Interrupted as error:
            ended.append(type(error))

    threads = [threading.Thread(target=draw) for _ in range(3)]
    for thread in threads:
        thread.start()
    assert told.wait(10)
    assert device.failed
    assert not device.ready
    assert not ended, "they wait until this process has let go of them"
    stop.set()
    for thread in threads:
        thread.join(10)
    assert ended == [Interrupted] * 3
    assert engine.drawn == 2, "nobody asked it again"


@pytest.mark.parametrize("error", [torch.OutOfMemoryError("CUDA out of memory"), RuntimeError("a bug")])
def test_other_errors_are_the_images_own(error: Exception) -> None:
    device = Device(lambda: Lost(error))
    device.start()
    device.draw(SPEC, on_step=lambda *_: None, stop=threading.Event())
    with pytest.raises(RuntimeError) as raised:
        device.draw(SPEC, on_step=lambda *_: None, stop=threading.Event())
    assert raised.value is error
    assert device.ready
    assert not device.failed


def test_stopping_before_the_engine_is_there() -> None:
    gate, stop = threading.Event(), threading.Event()
    device = started(opened(gate))
    threading.Timer(0.1, stop.set).start()
    with pytest.raises(Interrupted):
        device.draw(SPEC, on_step=lambda *_: None, stop=stop)
    gate.set()
    device.stop()


def test_it_is_busy_while_it_loads_and_while_it_draws() -> None:
    gate, drawing, finish = threading.Event(), threading.Event(), threading.Event()
    device = started(opened(gate))
    assert device.busy
    gate.set()
    wait_for(lambda: True if device.ready else None)
    assert not device.busy

    def on_step(*_: int) -> None:
        drawing.set()
        finish.wait()

    thread = threading.Thread(target=lambda: device.draw(SPEC, on_step=on_step, stop=threading.Event()))
    thread.start()
    drawing.wait()
    assert device.busy
    finish.set()
    thread.join()
    assert not device.busy
