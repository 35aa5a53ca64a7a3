"""The judges see every sprite, on backgrounds that are kept apart, and still the same thing after it was bent."""

import random
from pathlib import Path

import numpy as np
import pytest
import torch

from sartor.nano.brand import INK
from sartor.nano.measures import things_mask
from sartor.nano.renderings import (
    HELD_COLORS,
    HELD_LANDSCAPES,
    SIDE,
    augment,
    judged_sprites,
    names,
    random_background,
    random_view,
    render,
    soften,
    to_input,
)
from sartor.nano.sources import BRAND_STYLE, SpriteBank
from tests.nano.conftest import CONCEPTS, STYLES


def test_everything_is_judged_the_brand_in_its_ink(work: Path) -> None:
    sprites = judged_sprites(work)
    assert set(sprites.pixels) == {(c, s) for c in CONCEPTS for s in (*STYLES, BRAND_STYLE)}
    assert (sprites.pixels["cat", BRAND_STYLE][..., :3] == INK).all()
    assert not (SpriteBank.load(work / "brand.npz").pixels["cat", BRAND_STYLE][..., :3] == INK).all()


@pytest.mark.parametrize("light", [False, True])
def test_held_out_backgrounds_are_kept_apart(light: bool) -> None:
    rng = random.Random(0)
    seen = [random_background(rng, light=light, held=False) for _ in range(400)]
    held = [random_background(rng, light=light, held=True) for _ in range(400)]
    assert not {name for b in seen for name in b.colors} & set(HELD_COLORS)
    assert {name for b in held for name in b.colors} <= set(HELD_COLORS)
    assert not {b.kind for b in seen} & set(HELD_LANDSCAPES)
    assert {b.kind for b in held} <= {*HELD_LANDSCAPES, "plain", "gradient"}


def test_dark_lines_stand_on_light_backgrounds() -> None:
    rng = random.Random(0)
    backgrounds = [random_view("cat", BRAND_STYLE, rng).background for _ in range(300)]
    assert not {name for b in backgrounds for name in b.colors} & {"black", "navy blue", "purple", "brown"}
    assert not {b.kind for b in backgrounds} & {"night", "sunset"}


def test_the_same_seed_renders_the_same(work: Path) -> None:
    sprites = SpriteBank(dict(list(judged_sprites(work).pixels.items())[:5]))
    first, again, other = (render(sprites, 2, seed, side=48) for seed in (1, 1, 2))
    assert torch.equal(first.pictures, again.pictures)
    assert not torch.equal(first.pictures, other.pictures)
    concepts, styles = names(sprites)
    keys = sorted(sprites.pixels)
    assert [(concepts[c], styles[s]) for c, s in zip(first.concept, first.style, strict=True)][::2] == keys


def test_augmenting_keeps_the_thing_and_changes_the_picture() -> None:
    torch.manual_seed(0)
    pictures = torch.full((16, 3, SIDE, SIDE), 0.9)
    pictures[:, :, 30:66, 30:66] = -0.9
    changed = augment(pictures)
    assert changed.shape == pictures.shape
    assert changed.min() >= -1
    assert changed.max() <= 1
    for picture in changed:
        pixels = ((picture + 1) * 127.5).byte().permute(1, 2, 0).numpy()
        share = things_mask(pixels).mean()
        assert 0.06 < share < 0.25, "0.14 before, scaled by 0.85 to 1.25"
    assert len({tuple(picture[:, 48, 48].tolist()) for picture in changed}) == 16


def test_softening_takes_detail_and_keeps_colors() -> None:
    stripes = torch.ones(1, 3, SIDE, SIDE)
    stripes[..., ::2] = -1
    assert soften(stripes, 32).abs().max() < 0.3
    plain = torch.full((1, 3, SIDE, SIDE), 0.3)
    torch.testing.assert_close(soften(plain, 32), plain)


def test_pictures_of_any_size_are_judged() -> None:
    for side in (64, SIDE, 128):
        pictures = torch.from_numpy(np.full((2, side, side, 3), 255, np.uint8))
        torch.testing.assert_close(to_input(pictures), torch.ones(2, 3, SIDE, SIDE))
