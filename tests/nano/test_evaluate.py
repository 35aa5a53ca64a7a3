"""What is counted as what: rows of found facts become scores."""

import numpy as np
import pytest
import torch

from sartor.nano.evaluate import score, score_brand, score_longhand, style_of
from sartor.nano.pixel_art import squared
from sartor.nano.vocabulary import PIXEL_ART


def row(kind: str, rank: int = 1, **found: object) -> dict[str, object]:
    """A picture that is right in everything but what is given."""
    right = {
        "kind": kind,
        "style": "flat",
        "style taken for": "flat",
        "style probability": 0.9,
        "rank": rank,
        "background distance": 3.0,
    }
    return right | found


def test_concept_and_style_are_asked_of_single_things() -> None:
    rows = [row("seen"), row("seen", 4), row("unseen", 9), row("count", 80, count=3, **{"found count": 3})]
    scores = score(rows)
    assert (scores["concept top 1"].value, scores["concept top 1"].count) == (pytest.approx(1 / 3), 3)
    assert scores["concept top 5"].value == pytest.approx(2 / 3)
    assert scores["seen pairs: concept top 5"].value == 1.0
    assert scores["unseen pairs: concept top 5"].value == 0.0
    assert scores["count"].value == 1.0
    assert scores["background"].count == 4
    assert "place" not in scores, "it was not asked for"


def test_backgrounds_may_be_ten_off() -> None:
    rows = [row("seen", **{"background distance": distance}) for distance in (9.9, 10.0, 10.1)]
    assert score(rows)["background"].value == pytest.approx(2 / 3)


def test_styles_places_and_counts_must_be_exact() -> None:
    rows = [
        row("seen", **{"style taken for": "cartoon"}),
        row("place", place="top left", **{"found place": "top left"}),
        row("place", place="top left", **{"found place": None}),
        row("count", count=3, **{"found count": 4}),
    ]
    scores = score(rows)
    assert scores["style"].value == pytest.approx(2 / 3)
    assert scores["place"].value == 0.5
    assert scores["count"].value == 0.0


def test_each_style_has_rows_of_its_own() -> None:
    rows = [
        row("seen"),
        row("seen", 2, style=PIXEL_ART, **{"style taken for": PIXEL_ART}),
        row("unseen", style=PIXEL_ART, **{"style taken for": "soft3d"}),
    ]
    scores = score(rows)
    assert (scores["pixel art: concept top 1"].value, scores["pixel art: concept top 1"].count) == (0.5, 2)
    assert scores["pixel art: style of seen pairs"].value == 1.0
    assert scores["pixel art: style of unseen pairs"].value == 0.0
    assert scores["flat vector illustration: style of seen pairs"].count == 1
    assert "line icon: concept top 1" not in scores, "it was not asked for"


def test_pixel_art_is_what_is_in_squares_whatever_the_judge_says() -> None:
    noise = np.random.default_rng(1).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    probabilities, styles = torch.tensor([0.2, 0.8]), ["cartoon", "flat"]
    assert style_of(noise, probabilities, styles, "cartoon") == ("flat", pytest.approx(0.2))
    assert style_of(noise, probabilities, styles, PIXEL_ART) == ("flat", 0.0)
    assert style_of(squared(noise), probabilities, styles, PIXEL_ART) == (PIXEL_ART, 1.0)
    assert style_of(squared(noise), probabilities, styles, "flat") == (PIXEL_ART, 0.0)


def test_control_is_a_share_and_a_mean() -> None:
    rows = [row("recolor", change=change, **{"shows it": change < 3}) for change in (1.0, 4.0, 7.0)]
    rows.append(row("background", change=float("nan"), **{"new distance": 2.0}))
    scores = score(rows)
    assert scores["recolored: rest unchanged"].value == pytest.approx(2 / 3)
    assert scores["recolored: change of the rest"].value == pytest.approx(4.0)
    assert scores["recolored: shows the color"].value == pytest.approx(1 / 3)
    assert scores["new background: things unchanged"].value == 0.0, "a thing that is not there is not unchanged"
    assert scores["new background: named color"].value == 1.0


def test_a_brand_is_scored_by_its_own_style() -> None:
    found = ((1, "ink"), (3, "ink"), (7, "flat"))
    rows = [row("brand", rank, style="ink", **{"style taken for": taken}) for rank, taken in found]
    scores = score_brand(rows, "inkwell", 0.5, 0.02)
    assert scores["inkwell at 0.5: style"].value == pytest.approx(2 / 3)
    assert scores["inkwell at 0.5: concept top 1"].value == pytest.approx(1 / 3)
    assert scores["inkwell at 0.5: concept top 5"].value == pytest.approx(2 / 3)
    assert scores["inkwell at 0.5: look distance"].value == 0.02


def test_no_style_is_judged_that_the_judges_do_not_know() -> None:
    scores = score_brand([row("brand", style="sticker")], "pocket-zoo", 1.0, 0.02)
    assert "pocket-zoo at 1: style" not in scores
    assert scores["pocket-zoo at 1: concept top 1"].value == 1.0


def test_long_prompts_are_scored_apart() -> None:
    plain = {"place": "center", "found place": "center"}
    rows = [row("longhand", 2, **plain), row("longhand", 7, **plain | {"found place": None})]
    rows.append({k: v for k, v in row("longhand").items() if k != "background distance"})
    scores = score_longhand(rows)
    assert scores["long prompts: concept top 1"].value == pytest.approx(1 / 3)
    assert scores["long prompts: concept top 5"].value == pytest.approx(2 / 3)
    assert scores["long prompts: background"].count == 2, "a landscape has no colour's name"
    assert scores["long prompts: place"].value == 0.5
    assert not [name for name in scores if name.startswith("kept")], "none was asked"

    kept = score_longhand([*rows, row("kept longhand", 1, **plain)])
    assert kept["long prompts: concept top 1"].value == 0.5
    assert kept["kept long prompts: concept top 1"].value == 1.0
    assert kept["kept long prompts: style"].count == 1
