"""Nine ratios, one area."""

import pytest

from sartor.fibo.aspect import ASPECT_RATIOS, image_size
from sartor.fibo.errors import InvalidSpec

AREAS = [128 * 128, 256 * 256, 512 * 512, 1024 * 1024]


@pytest.mark.parametrize("area", AREAS)
@pytest.mark.parametrize("ratio", ASPECT_RATIOS)
def test_area_and_ratio_are_met_as_the_grid_allows(ratio: str, area: int) -> None:
    width, height = image_size(ratio, area)
    across, down = map(int, ratio.split(":"))
    slack = 16 / area**0.5  # one token of one side
    assert width % 16 == height % 16 == 0
    assert abs(width * height / area - 1) < 1.3 * slack
    assert abs(width / height / (across / down) - 1) < slack


@pytest.mark.parametrize("area", AREAS)
def test_squares_are_exact_and_turned_ratios_are_turned_sizes(area: int) -> None:
    side = int(area**0.5)
    assert image_size("1:1", area) == (side, side)
    for ratio in ASPECT_RATIOS:
        turned = ":".join(reversed(ratio.split(":")))
        assert image_size(turned, area) == image_size(ratio, area)[::-1]


def test_at_full_size() -> None:
    assert {ratio: image_size(ratio, 1024 * 1024) for ratio in ("1:1", "2:3", "16:9")} == {
        "1:1": (1024, 1024),
        "2:3": (832, 1248),
        "16:9": (1360, 768),
    }


@pytest.mark.parametrize("ratio", ["", "1", "7:5", "1:1 ", "0:0"])
def test_other_ratios_are_refused(ratio: str) -> None:
    with pytest.raises(InvalidSpec, match="aspect_ratio"):
        image_size(ratio, 128 * 128)
