"""Things counted, placed and sized."""

import numpy as np
import pytest

from sartor.captioning.subject import MOST, find_parts, part_of
from sartor.nano.vocabulary import PLACES, SIZES


def disc(x: float, y: float, length: float, side: int = 128) -> np.ndarray:
    rows, columns = np.mgrid[0:side, 0:side]
    return (columns + 0.5 - x * side) ** 2 + (rows + 0.5 - y * side) ** 2 <= (length * side / 2) ** 2


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("size", ["small", "medium"])
def test_place_and_size(place: str, size: str) -> None:
    (part,) = find_parts(disc(PLACES[place].x, PLACES[place].y, sum(SIZES[size]) / 2))
    assert (part.place, part.size, part.shape) == (place, size, "round")


@pytest.mark.parametrize(("x", "place"), [(0.38, "center left"), (0.5, "center"), (0.62, "center right")])
def test_large_things_stand_nearer_to_the_middle(x: float, place: str) -> None:
    (part,) = find_parts(disc(x, 0.5, 0.68))
    assert (part.place, part.size) == (place, "large")


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5])
def test_separate_things_are_counted(count: int) -> None:
    spots = [(0.2, 0.2), (0.8, 0.2), (0.5, 0.5), (0.2, 0.8), (0.8, 0.8)][:count]
    assert len(find_parts(np.any([disc(x, y, 0.26) for x, y in spots], axis=0))) == count


def test_what_touches_at_a_bridge_is_two_things() -> None:
    two = disc(0.28, 0.5, 0.4) | disc(0.72, 0.5, 0.4)
    two[63:65] |= True
    two[63:65, :10] = two[63:65, -10:] = False
    assert len(find_parts(two)) == 2


def test_small_parts_nearby_belong_to_the_thing() -> None:
    thing = disc(0.5, 0.55, 0.4)
    thing |= disc(0.5, 0.31, 0.06)
    (part,) = find_parts(thing)
    assert part.top < 0.3


def test_nothing_and_a_pattern() -> None:
    assert find_parts(np.zeros((128, 128), bool)) == ()
    dots = np.zeros((128, 128), bool)
    dots[4::16, 4::16] = dots[5::16, 4::16] = dots[4::16, 5::16] = dots[5::16, 5::16] = True
    dots = np.kron(dots[::2, ::2], np.ones((2, 2), bool))
    assert len(find_parts(dots)) <= MOST


def test_shapes_have_names() -> None:
    mask = np.zeros((100, 100), bool)
    mask[20:80, 20:80] = True
    assert part_of(mask).shape == "square"
    assert part_of(mask & (np.arange(100) < 45)).shape == "tall"
    assert part_of(mask & (np.arange(100) < 45)[:, None]).shape == "wide"
    assert part_of(np.tril(mask)).shape == "irregular"
