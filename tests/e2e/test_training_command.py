"""``sartor train`` that is stopped and started again: the same captions, the same bytes, and nothing left behind."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms
from rich.console import Console

from sartor.bridge import OfflineBridge
from sartor.captioning.base import CaptioningUnavailable, Finding, Subject
from sartor.cli import described, studio, training
from sartor.cli.studio import StudioError
from sartor.cli.training import Choices, train
from sartor.datasets.pictures import read_picture
from sartor.fibo import FiboError, training_data
from sartor.models.brands import read_brand
from sartor.settings import Settings
from sartor.vgl import StructuredPrompt, VisualSchema, canonical, merge, parse, parse_visual_schema
from tests.conftest import make_settings, shared_bridge
from tests.fibo.conftest import build_checkpoint

CHOICES = Choices(steps=2, rank=2, learning_rate=0.1)
MADE = ("brands", "ink", "pytorch_lora_weights.safetensors")


class Writer:
    """A language model's way: it never writes the same words twice. ``fails`` is asked before each picture."""

    def __init__(self) -> None:
        self.words = itertools.count(1)
        self.looked = 0
        self.fails: Callable[[int], bool] = lambda number: False

    def load(self) -> None:
        pass

    def visual_schema(self, pictures: Sequence[Image.Image], *, subject: Subject = Subject()) -> Finding[VisualSchema]:
        self.looked += 1
        return Finding(parse_visual_schema({"style_medium": f"ink {next(self.words)}"}), ("ink",))

    def caption(
        self, picture: Image.Image, *, visual_schema: VisualSchema | None, subject: Subject = Subject()
    ) -> Finding[StructuredPrompt]:
        if self.fails(self.looked):
            raise CaptioningUnavailable("nobody is there")
        self.looked += 1
        return Finding(merge(visual_schema, parse({"short_description": f"thing {next(self.words)}"})))


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_checkpoint(tmp_path_factory.mktemp("checkpoint"))


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    folder = tmp_path / "pictures"
    folder.mkdir()
    for number, colour in enumerate(("red", "green", "blue")):
        Image.new("RGB", (64, 64), colour).save(folder / f"{number}.png")
    return folder


@pytest.fixture
def settings(tmp_path: Path, checkpoint: Path) -> Settings:
    return make_settings(tmp_path / "home", checkpoint=str(checkpoint), device="cpu", threads=1, steps_num=20)


@pytest.fixture
def writer(monkeypatch: pytest.MonkeyPatch) -> Writer:
    made = Writer()
    monkeypatch.setattr(described, "captioner_factory", lambda settings: lambda: made)
    return made


def interrupted(monkeypatch: pytest.MonkeyPatch, settings: Settings, pictures: Path) -> Path:
    """A training that ends while its first samples are drawn; its folder."""

    def away(*arguments: object, **named: object) -> None:
        raise FiboError("the device is gone")

    with monkeypatch.context() as patched:
        patched.setattr(training, "try_adapter", away)
        with pytest.raises(StudioError, match="the device is gone"):
            train(settings, pictures, name="Ink", choices=CHOICES)
    work = settings.home / "training" / "ink"
    assert list(work.glob("checkpoint-*"))
    return work


def test_it_goes_on_with_the_captions_that_were_written_and_ends_in_the_same_bytes(
    settings: Settings, pictures: Path, writer: Writer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    work = interrupted(monkeypatch, settings, pictures)
    assert writer.looked == 4
    train(settings, pictures, name="Ink", choices=CHOICES)
    assert writer.looked == 4
    assert not work.exists()

    writer.words = itertools.count(1)
    other = settings.model_copy(update={"home": tmp_path / "other"})
    train(other, pictures, name="Ink", choices=CHOICES)
    assert writer.looked == 8
    for name in ("captions.json", "samples.png", "model.json", MADE[-1]):
        undisturbed = other.home.joinpath(*MADE[:-1], name).read_bytes()
        assert settings.home.joinpath(*MADE[:-1], name).read_bytes() == undisturbed


def test_a_short_training_warms_up_for_no_larger_a_share() -> None:
    def warmup(steps: int | None, area: int) -> tuple[int, int]:
        config = Choices(steps=steps).recipe(area, images=20).config
        return config.steps, config.warmup_steps

    assert [warmup(steps, 256**2) for steps in (None, 22, 1, 440)] == [(220, 20), (22, 2), (1, 0), (440, 20)]
    assert [warmup(steps, 1024**2) for steps in (None, 20)] == [(760, 100), (20, 2)]


def test_a_second_training_of_a_name_replaces_the_first(settings: Settings, pictures: Path, writer: Writer) -> None:
    train(settings, pictures, name="Ink", choices=CHOICES)
    first = settings.home.joinpath(*MADE).read_bytes()
    (pictures / "2.png").unlink()
    train(settings, pictures, name="Ink", choices=Choices(steps=1, rank=2, learning_rate=0.1))
    assert writer.looked == 4 + 3
    assert settings.home.joinpath(*MADE).read_bytes() != first
    brand = read_brand(settings.home.joinpath(*MADE).parent)
    assert (brand.description, brand.training_parameters["total_training_steps"]) == ("Trained on 2 pictures.", 1)


@pytest.mark.parametrize(
    ("choices", "changed", "named"),
    [
        (CHOICES, True, "pictures"),
        (Choices("icons", steps=2, rank=2, learning_rate=0.1), False, "ip_type"),
        (Choices(steps=3, rank=2, learning_rate=0.1), False, "steps"),
    ],
)
def test_an_unfinished_training_is_not_thrown_away_for_another(
    settings: Settings,
    pictures: Path,
    writer: Writer,
    monkeypatch: pytest.MonkeyPatch,
    choices: Choices,
    changed: bool,
    named: str,
) -> None:
    work = interrupted(monkeypatch, settings, pictures)
    if changed:
        Image.new("RGB", (64, 64), "black").save(pictures / "0.png")
    with pytest.raises(
        StudioError, match=rf"{work} holds another training; not the same: {named}\. .* or delete the folder"
    ):
        train(settings, pictures, name="Ink", choices=choices)
    assert writer.looked == 4, "it is said before anything is paid for"
    assert list(work.glob("checkpoint-*"))


def test_captions_that_were_written_before_the_captioner_failed_are_used(
    settings: Settings, pictures: Path, writer: Writer, capsys: pytest.CaptureFixture[str]
) -> None:
    writer.fails = lambda looked: looked == 3
    with pytest.raises(StudioError, match="nobody is there"):
        train(settings, pictures, name="Ink", choices=CHOICES)
    writer.fails = lambda looked: False
    train(settings, pictures, name="Ink", choices=CHOICES)
    assert writer.looked == 4
    captions = json.loads(settings.home.joinpath(*MADE[:-1], "captions.json").read_text())
    assert [caption["short_description"] for caption in captions.values()] == ["thing 2", "thing 3", "thing 4"]
    assert "is used again" in " ".join(capsys.readouterr().err.split())


def test_before_the_first_checkpoint_other_pictures_are_described_anew(
    settings: Settings, pictures: Path, writer: Writer, capsys: pytest.CaptureFixture[str]
) -> None:
    writer.fails = lambda looked: looked == 3
    with pytest.raises(StudioError, match="nobody is there"):
        train(settings, pictures, name="Ink", choices=CHOICES)
    writer.fails = lambda looked: False
    (pictures / "2.png").rename(pictures / "3.png")
    train(settings, pictures, name="Ink", choices=CHOICES)
    assert writer.looked == 3 + 4
    said = " ".join(capsys.readouterr().err.split())
    assert "Not the same as at the last start: pictures. Everything is described anew." in said


def test_pictures_are_read_as_the_service_reads_them(tmp_path: Path) -> None:
    gray = Image.fromarray(np.full((40, 60), 30_000, np.uint16))
    data = {"gray16.png": gray, "large.png": Image.new("L", (3000, 900))}
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    for name, picture in data.items():
        picture.save(tmp_path / name)
    Image.new("RGB", (40, 40), "red").save(tmp_path / "odd-profile.jpg", icc_profile=profile)
    found = described.pictures_of(tmp_path)
    assert found["gray16.png"].getpixel((9, 9)) == (117, 117, 117)
    assert max(found["large.png"].size) == 1024
    for name, picture in found.items():
        assert picture.tobytes() == read_picture((tmp_path / name).read_bytes()).tobytes()


def test_pictures_are_trained_on_in_full_size(
    settings: Settings, pictures: Path, writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    Image.new("RGB", (2000, 2000), "red").save(pictures / "0.png")
    looked: list[tuple[int, int]] = []
    fitted = training_data.fitted

    def look(picture: Image.Image, area: int) -> Image.Image:
        looked.append(picture.size)
        return fitted(picture, area)

    monkeypatch.setattr(training_data, "fitted", look)
    train(settings, pictures, name="Ink", choices=Choices(steps=1, rank=2, learning_rate=0.1))
    assert looked[:3] == [(2000, 2000), (64, 64), (64, 64)]


@pytest.mark.parametrize("left", ["", "[]", '{"captions": {"0.png": 1}}'])
def test_a_damaged_record_is_written_anew(
    settings: Settings, pictures: Path, writer: Writer, capsys: pytest.CaptureFixture[str], left: str
) -> None:
    work = settings.home / "work"
    work.mkdir(parents=True)
    (work / described.RECORD).write_text(left)
    found = described.pictures_of(pictures)
    described.described(settings, pictures, found, Subject(), work, Console(stderr=True))
    assert writer.looked == 4
    assert "is damaged" in " ".join(capsys.readouterr().err.split())


def test_one_bridge_reads_all_captions_in_words_and_each_of_them_once(
    settings: Settings, pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[OfflineBridge] = []

    def make() -> OfflineBridge:
        made.append(shared_bridge())
        return made[-1]

    monkeypatch.setattr(studio, "bridge_factory", lambda settings: make)
    words: dict[str, object] = {"0.png": "a red square", "1.png": "a green square", "2.png": "a blue square"}
    (pictures / "captions.json").write_text(json.dumps(words))

    def told() -> tuple[VisualSchema, dict[str, StructuredPrompt]]:
        found = described.pictures_of(pictures)
        return described.described(settings, pictures, found, Subject(), settings.home / "work", Console(stderr=True))

    first = told()
    assert told() == first
    assert len(made) == 1
    assert "green" in canonical(first[1]["1.png"])

    (pictures / "captions.json").write_text(json.dumps({file: {"short_description": "a square"} for file in words}))
    told()
    assert len(made) == 1, "structured prompts need no bridge"
