"""Sprites drawn in other ways: what is left of them, and what is not."""

import pytest
import torch

from sartor.nano import treatments
from sartor.nano.treatments import KEEP, SHARES, edges, levels, tones, treat


@pytest.fixture
def batch() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Squares in two colours, half of each, on papers of their own."""
    torch.manual_seed(0)
    colors, coverage = torch.zeros(200, 3, 32, 32), torch.zeros(200, 1, 32, 32)
    coverage[..., 6:26, 6:26] = 1
    colors[..., 6:26, 6:16] = torch.tensor([0.9, 0.2, 0.1]).view(3, 1, 1)
    colors[..., 6:26, 16:26] = torch.tensor([0.2, 0.3, 0.8]).view(3, 1, 1)
    return colors, coverage, torch.rand(200, 3)


def test_shares_add_up() -> None:
    assert sum(SHARES.values()) == pytest.approx(1)
    assert set(KEEP) < set(SHARES)


def test_treated_sprites_stay_in_range_and_only_some_keep_their_style(batch: tuple[torch.Tensor, ...]) -> None:
    colors, coverage, kept = treat(*batch)
    for values in (colors, coverage):
        assert values.min() >= 0
        assert values.max() <= 1
    share = sum(SHARES[name] for name in KEEP)
    assert kept.float().mean().item() == pytest.approx(share, abs=0.12)
    untouched = (colors == batch[0]).flatten(1).all(1) & (coverage == batch[1]).flatten(1).all(1)
    assert kept[untouched].all()
    assert untouched.float().mean().item() == pytest.approx(SHARES["none"], abs=0.12)


def test_the_same_seed_treats_the_same(batch: tuple[torch.Tensor, ...]) -> None:
    torch.manual_seed(3)
    one = treat(*batch)
    torch.manual_seed(3)
    other = treat(*batch)
    assert all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


def test_edges_are_the_rim_and_where_colors_meet(batch: tuple[torch.Tensor, ...]) -> None:
    found = edges(batch[0][:1], batch[1][:1])[0, 0]
    assert found[15, 5:7].min() == 1
    assert found[15, 15:17].min() > 0.5
    assert found[15, 10] == 0
    assert found[2, 2] == 0


def test_two_tones_are_two(batch: tuple[torch.Tensor, ...]) -> None:
    dark, light = torch.zeros(200, 3), torch.ones(200, 3)
    drawn = tones(batch[0], batch[1], dark, light)
    inside = drawn[:, :, 8:24, 8:24]
    assert ((inside < 0.01) | (inside > 0.99)).float().mean() > 0.75


def test_levels_are_few(batch: tuple[torch.Tensor, ...]) -> None:
    noisy = torch.rand_like(batch[0])
    drawn = levels(noisy, torch.zeros(200, 3), torch.ones(200, 3))
    assert max(len(one.unique()) for one in drawn) <= 8


def test_lines_let_the_paper_through(batch: tuple[torch.Tensor, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(treatments, "SHARES", {"none": 0.0, "lines": 1.0, "hues": 0.0})
    _, coverage, kept = treat(*batch)
    assert not kept.any()
    assert coverage[:, 0, 10, 10].max() == 0
    assert coverage[:, 0, 12, 6].min() == 1
