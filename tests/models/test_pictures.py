"""The loss curve and the sheet of samples."""

import io

from PIL import Image

from sartor.models.pictures import loss_curve, sample_sheet


def pixels(png: bytes) -> Image.Image:
    return Image.open(io.BytesIO(png)).convert("RGB")


def height_of(image: Image.Image, colour: tuple[int, int, int], x: int) -> float:
    """The mean row of a colour in a column."""
    rows = [y for y in range(image.height) if image.getpixel((x, y)) == colour]
    return sum(rows) / len(rows)


def test_a_falling_loss_falls() -> None:
    image = pixels(loss_curve([1 - step / 200 for step in range(200)], {}))
    line = (29, 78, 216)
    assert height_of(image, line, 150) < height_of(image, line, 500) < height_of(image, line, 900)


def test_checkpoints_are_dots_on_the_curve() -> None:
    image = pixels(loss_curve([1 - step / 100 for step in range(100)], {50: 0.9, 100: 0.1, 200: 0.5}))
    mark = (190, 60, 30)
    first, second = (height_of(image, mark, 72 + round(864 * (step - 1) / 99)) for step in (50, 100))
    assert 100 < first < second < 440


def test_a_curve_of_little_is_a_picture_too() -> None:
    for losses, scores in (([], {}), ([0.5], {}), ([0.5, 0.5], {2: 0.5})):
        assert pixels(loss_curve(losses, scores)).size == (960, 480)


def test_samples_stand_in_rows_of_four() -> None:
    samples = [(Image.new("RGB", (64, 64), "red"), "seen"), (Image.new("L", (300, 200), 255), "a label \u2603 " * 20)]
    sheet = pixels(sample_sheet(samples))
    assert sheet.size == (2 * 264 + 8, 290)
    assert sheet.getpixel((130, 130)) == (255, 0, 0)
    assert sheet.getpixel((400, 130)) == (255, 255, 255)
    assert pixels(sample_sheet(samples * 3)).size == (4 * 264 + 8, 2 * 282 + 8)
