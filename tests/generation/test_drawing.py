"""The plain engine keeps an engine's promises."""

import threading
from dataclasses import replace

import pytest

from sartor.fibo import ASPECT_RATIOS, Spec
from sartor.generation.drawing import Interrupted, PlainEngine

SPEC = Spec(prompt='{"short_description":"an apple"}', seed=1, steps=4)


def test_same_recipe_same_bytes_another_recipe_others() -> None:
    first = PlainEngine().generate(SPEC).png
    assert PlainEngine().generate(SPEC).png == first
    for other in [replace(SPEC, seed=2), replace(SPEC, influence=0.5), replace(SPEC, negative_prompt="blur")]:
        assert PlainEngine().generate(other).png != first


@pytest.mark.parametrize("ratio", list(ASPECT_RATIOS))
def test_every_aspect_ratio_is_a_png_of_512_and_more(ratio: str) -> None:
    image = PlainEngine().generate(replace(SPEC, aspect_ratio=ratio)).image
    width, height = map(int, ratio.split(":"))
    assert min(image.size) == 512
    assert image.width / image.height == pytest.approx(width / height, rel=0.01)


def test_every_step_is_told() -> None:
    told: list[tuple[int, int]] = []
    PlainEngine().generate(SPEC, on_step=lambda done, of: told.append((done, of)))
    assert told == [(1, 4), (2, 4), (3, 4), (4, 4)]


@pytest.mark.parametrize("pause", [0.0, 0.01])
def test_it_stops_between_steps(pause: float) -> None:
    stop = threading.Event()
    told: list[int] = []

    def on_step(done: int, _: int) -> None:
        told.append(done)
        stop.set()

    with pytest.raises(Interrupted):
        PlainEngine(pause=pause).generate(SPEC, on_step=on_step, stop=stop)
    assert told == [1]
