"""The style distance: blind to what pictures show, not to how."""

import pytest
from PIL import Image, ImageFilter, ImageOps

from sartor.captioning.likeness import style_distance
from sartor.models.brands import find_brands


@pytest.fixture(scope="module")
def pictures() -> list[Image.Image]:
    folder = find_brands([])[0].folder / "images"
    return [Image.open(path).convert("RGB") for path in sorted(folder.glob("*.png"))]


def test_a_set_is_no_distance_from_itself(pictures: list[Image.Image]) -> None:
    assert style_distance(pictures, pictures[::-1]) == 0.0


def test_other_things_in_the_same_look_are_nearer_than_the_same_things_in_another(pictures: list[Image.Image]) -> None:
    own = style_distance(pictures[::2], pictures[1::2])
    inverted = [ImageOps.invert(picture) for picture in pictures[::2]]
    softened = [picture.filter(ImageFilter.GaussianBlur(24)) for picture in pictures[::2]]
    coloured = [Image.merge("RGB", picture.split()[::-1]) for picture in pictures[::2]]
    for others in (inverted, softened, coloured):
        assert style_distance(pictures[1::2], others) > 1.5 * own


def test_a_look_needs_pictures(pictures: list[Image.Image]) -> None:
    with pytest.raises(ValueError, match="without pictures"):
        style_distance([], pictures)
