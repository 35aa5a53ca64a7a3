"""The table says how sure it is; the sheet shows the worst first."""

from pathlib import Path

import numpy as np
from PIL import Image

from sartor.nano.measures import Score, share
from sartor.nano.report import contact_sheet, table

HEAD = "| measure | score [95%] | samples | composer's own pictures | goal |"


def test_shares_come_with_interval_count_ceiling_and_goal() -> None:
    lines = table({"style": share([True] * 9 + [False])}, {"style": share([True] * 10)}).splitlines()
    assert lines[:2] == ["The base:", ""]
    assert lines[2:4] == [HEAD, "|---|---|---|---|---|"]
    assert lines[4:] == ["| style | 90.0% [59.6, 98.2] | 10 | 100.0% [72.2, 100.0] | 95% |"]


def test_changes_are_in_255ths_and_may_have_no_goal() -> None:
    name = "recolored: change of the rest"
    assert table({name: Score(2.0, 1.5, 2.5, 7)}, {}).splitlines()[4] == f"| {name} | 2.0/255 [1.5, 2.5] | 7 |  |  |"


def test_styles_and_long_prompts_have_tables_of_their_own() -> None:
    one = share([True])
    names = ["style", "seen pairs: style", "pixel art: style of seen pairs", "kept long prompts: style", "count"]
    lines = [line for line in table(dict.fromkeys(names, one), {}).splitlines() if line and HEAD not in line]
    shown = [line.split(" | ")[0].removeprefix("| ") for line in lines if not line.startswith("|--")]
    assert shown == [
        *("The base:", "style", "seen pairs: style", "count"),
        *("The base, by style:", "pixel art: style of seen pairs"),
        *("The base, asked in other people's words:", "kept long prompts: style"),
    ]


def test_a_brands_influences_stand_side_by_side() -> None:
    nan = float("nan")
    scores = {
        "inkwell at 0: look distance": Score(0.018, nan, nan, 20),
        "inkwell at 0: style": share([False] * 2),
        "inkwell at 0.5: look distance": Score(0.01, nan, nan, 20),
        "inkwell at 0.5: style": share([True, False]),
        "inkwell at 1: look distance": Score(0.009, nan, nan, 20),
        "inkwell at 1: style": share([True] * 2),
        "tangerine at 0.5: style": share([True] * 3),
    }
    lines = table(scores, {"inkwell at 1: look distance": Score(0.014, nan, nan, 20)}).splitlines()
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines[2:]]
    assert cells[0][1:] == [
        "at 0 [95%]",
        "at 0.5 [95%]",
        "at 1 [95%]",
        "samples",
        "composer's own pictures",
        "goal at 1",
    ]
    assert cells[2] == ["inkwell: look distance", "0.018", "0.010", "0.009", "20", "0.014", ""]
    half, whole = "50.0% [9.5, 90.5]", "100.0% [34.2, 100.0]"
    assert cells[3] == ["inkwell: style", "0.0% [0.0, 65.8]", half, whole, "2", "", "90%"]
    assert cells[4] == ["tangerine: style", "", "100.0% [43.9, 100.0]", "", "3", "", ""]


def test_the_worst_come_first(tmp_path: Path) -> None:
    pictures = [np.full((8, 8, 3), shade, np.uint8) for shade in (0, 100, 200)]
    rows = [
        {"kind": kind, "concept": "apple", "style": "flat", "taken for": "car", "concept probability": probability}
        for kind, probability in (("seen", 0.9), ("unseen", 0.1), ("count", 0.0))
    ]
    contact_sheet(pictures, rows, tmp_path / "worst.png")
    sheet = np.asarray(Image.open(tmp_path / "worst.png"))
    assert sheet[80, 80, 0] == 100, "the least sure; counts are not asked for their concept"
    assert sheet[80, 240, 0] == 0
    assert sheet[80, 400, 0] == 255
