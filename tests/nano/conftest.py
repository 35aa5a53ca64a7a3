"""A tiny bank of sprites drawn here, and a work folder with a few scenes: no package, no network, no long training."""

from __future__ import annotations

import json
import random
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw
from transformers import PreTrainedTokenizerFast

from sartor.nano import autoencoder, bank
from sartor.nano.bank import Bank
from sartor.nano.dial import DIALS
from sartor.nano.scene import Composer
from sartor.nano.sources import BRAND_STYLE, SpriteBank
from sartor.nano.tokenizer import train_tokenizer

CONCEPTS = ("apple", "car", "cat", "fish", "house", "moon", "star", "tree")
STYLES = ("cartoon", "flat", "soft3d")
SIDE = 64  # pixels of the "test" dial's pictures
SCENES = 48


def draw_sprite(concept: str, style: str) -> np.ndarray:
    """A shape of its own for each concept, 96 pixels high, filled as the style wants; its colour is the concept's."""
    index = CONCEPTS.index(concept)
    color = [(222, 45, 52), (50, 115, 220), (245, 135, 35), (70, 170, 75)][index % 4]
    picture = Image.new("RGBA", (96, 96), (0, 0, 0, 0))
    draw = ImageDraw.Draw(picture)
    line = {"cartoon": (40, 40, 45), "flat": None, "soft3d": (248, 248, 248)}.get(style, (17, 17, 17))
    fill = None if style == BRAND_STYLE else color
    if index < 4:
        draw.regular_polygon((48, 48, 46), 3 + index, rotation=10 * index, fill=fill, outline=line, width=6)
    elif index < 6:
        draw.ellipse((2, 2 + 8 * (index - 4), 93, 93), fill=fill, outline=line, width=6)
    else:
        draw.rounded_rectangle((2, 12 * (index - 5), 93, 93), 20, fill=fill, outline=line, width=6)
    box = picture.getbbox()
    assert box is not None
    return np.asarray(picture.crop(box))


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def sprites() -> SpriteBank:
    return SpriteBank({(c, s): draw_sprite(c, s) for c in CONCEPTS for s in STYLES})


@pytest.fixture(scope="session")
def composer(sprites: SpriteBank) -> Composer:
    return Composer(sprites, 128)


@pytest.fixture(scope="session")
def work(tmp_path_factory: pytest.TempPathFactory, sprites: SpriteBank) -> Path:
    """The sprites, a brand's sprites, and one small shard of scenes, as the first two stages leave them."""
    folder = tmp_path_factory.mktemp("nano")
    sprites.save(folder / "sprites.npz")
    SpriteBank({(c, BRAND_STYLE): draw_sprite(c, BRAND_STYLE) for c in CONCEPTS}).save(folder / "brand.npz")
    (folder / "filler.json").write_text(json.dumps({"words": ["harbour", "velvet"], "phrases": ["a quiet harbour"]}))
    (folder / "bank").mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bank, "SHARD", SCENES)
        bank.draw_shard(folder, 0, SIDE)
    return folder


@pytest.fixture(scope="session")
def autoencoded(work: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with an autoencoder of three steps; to be copied by whoever trains on."""
    folder = tmp_path_factory.mktemp("autoencoded") / "work"
    shutil.copytree(work, folder)
    autoencoder.train(folder, DIALS["test"], 3, compile_=False, batch=4)
    return folder


@pytest.fixture(scope="session")
def stored(work: Path) -> Bank:
    """The work folder's scenes."""
    return Bank(work)


@pytest.fixture(scope="session")
def tokenizer(stored: Bank) -> PreTrainedTokenizerFast:
    return train_tokenizer(stored, DIALS["test"].vocabulary)


@pytest.fixture
def rng() -> random.Random:
    return random.Random(0)
