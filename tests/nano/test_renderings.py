"""The judges see every sprite, on backgrounds that are kept apart, and still the same thing after it was bent."""

import random
from pathlib import Path

import numpy as np
import torch

from sartor.nano.captions import Background, Scene, Thing
from sartor.nano.looks import INKWELL
from sartor.nano.measures import things_mask
from sartor.nano.renderings import (
    HELD_COLORS,
    SIDE,
    augment,
    cut_out,
    judged_sprites,
    names,
    random_view,
    render,
    soften,
    stands_out,
)
from sartor.nano.sources import BRAND_STYLE, SpriteBank
from sartor.nano.vocabulary import LANDSCAPES
from tests.nano.conftest import CONCEPTS, STYLES

PLAIN = Scene([Thing("cat")])


def test_everything_is_judged_the_brand_in_its_ink(work: Path) -> None:
    sprites = judged_sprites(work)
    assert set(sprites.pixels) == {(c, s) for c in CONCEPTS for s in (*STYLES, BRAND_STYLE)}
    assert (sprites.pixels["cat", BRAND_STYLE][..., :3] == INKWELL.tint).all()
    assert not (SpriteBank.load(work / "brand.npz").pixels["cat", BRAND_STYLE][..., :3] == INKWELL.tint).all()


def test_held_out_backgrounds_are_kept_apart() -> None:
    rng = random.Random(0)
    for style in ("flat", BRAND_STYLE):
        seen = [random_view("cat", style, rng).background for _ in range(300)]
        held = [random_view("cat", style, rng, held=True).background for _ in range(300)]
        assert not {name for background in seen for name in background.colors} & set(HELD_COLORS)
        assert {name for background in held for name in background.colors} <= set(HELD_COLORS)
        landscapes = {background.kind for background in (*seen, *held)} - {"plain"}
        assert landscapes == (set() if style == BRAND_STYLE else set(LANDSCAPES))


def test_dark_lines_stand_on_light_backgrounds() -> None:
    rng = random.Random(0)
    backgrounds = [random_view("cat", BRAND_STYLE, rng).background for _ in range(300)]
    assert not {name for b in backgrounds for name in b.colors} & {"black", "navy blue", "purple", "brown"}


def test_the_thing_is_cut_out_wherever_it_stands() -> None:
    cuts = []
    for left, top, side in ((10, 20, 40), (90, 96, 32), (0, 0, 60)):
        picture = np.full((128, 128, 3), (250, 240, 214), np.uint8)
        picture[top : top + side, left : left + side] = (222, 45, 52)
        cuts.append(cut_out(picture, PLAIN))
        assert cuts[-1].shape == (SIDE, SIDE, 3)
        assert 0.6 < (cuts[-1][..., 1] < 100).mean() < 0.78, "a tenth of its side all around it"
    for cut in cuts[1:]:
        assert np.abs(cut.astype(int) - cuts[0]).mean() < 6
    assert (cuts[2][0, 0] == (250, 240, 214)).all(), "beyond the picture is background"


def test_on_a_landscape_the_place_that_was_asked_for_is_cut_out() -> None:
    picture = np.zeros((128, 128, 3), np.uint8)
    picture[70:110, 70:110] = (222, 45, 52)
    meadow = Background("meadow", ())
    cut = cut_out(picture, Scene([Thing("cat", "bottom right", "small")], "flat", meadow))
    assert 0.5 < (cut[..., 0] > 100).mean() < 0.75
    assert (cut_out(picture, Scene([Thing("cat", "top left", "small")], "flat", meadow)) == 0).all()


def test_where_nothing_stands_out_all_is_shown() -> None:
    scene = Scene([Thing("cat", size="medium")])
    plain = np.full((128, 128, 3), 200, np.uint8)
    assert (cut_out(plain, scene) == 200).all()
    assert not stands_out(plain, scene)
    plain[40:94, 60:64] = 0
    assert stands_out(plain, scene)


def test_the_same_seed_renders_the_same(work: Path) -> None:
    sprites = SpriteBank(dict(list(judged_sprites(work).pixels.items())[:5]))
    first, again, other = (render(sprites, 2, seed) for seed in (1, 1, 2))
    assert torch.equal(first.pictures, again.pictures)
    assert not torch.equal(first.pictures, other.pictures)
    concepts, styles = names(sprites)
    keys = sorted(sprites.pixels)
    assert [(concepts[c], styles[s]) for c, s in zip(first.concept, first.style, strict=True)][::2] == keys


def test_augmenting_keeps_the_thing_and_changes_the_picture() -> None:
    torch.manual_seed(0)
    pictures = torch.full((16, 3, SIDE, SIDE), 0.9)
    pictures[:, :, 20:44, 20:44] = -0.9
    changed = augment(pictures)
    assert changed.shape == pictures.shape
    assert changed.min() >= -1
    assert changed.max() <= 1
    for picture in changed:
        pixels = ((picture + 1) * 127.5).byte().permute(1, 2, 0).numpy()
        share = things_mask(pixels).mean()
        assert 0.06 < share < 0.25, "0.14 before, scaled by 0.85 to 1.2"
    assert len({tuple(picture[:, 32, 32].tolist()) for picture in changed}) == 16


def test_softening_takes_detail_and_keeps_colors() -> None:
    stripes = torch.ones(1, 3, SIDE, SIDE)
    stripes[..., ::2] = -1
    assert soften(stripes, 20).abs().max() < 0.3
    plain = torch.full((1, 3, SIDE, SIDE), 0.3)
    torch.testing.assert_close(soften(plain, 32), plain)
