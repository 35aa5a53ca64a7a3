"""The table says how sure it is; the sheet shows the worst first."""

from pathlib import Path

import numpy as np
from PIL import Image

from sartor.nano.measures import Score, share
from sartor.nano.report import contact_sheet, table


def test_shares_come_with_interval_count_ceiling_and_goal() -> None:
    lines = table({"style": share([True] * 9 + [False])}, {"style": share([True] * 10)}).splitlines()
    assert lines[2] == "| style | 90.0% [59.6, 98.2] | 10 | 100.0% [72.2, 100.0] | 95% |"


def test_changes_are_in_255ths_and_may_have_no_goal() -> None:
    name = "recolored: change of the rest"
    assert table({name: Score(2.0, 1.5, 2.5, 7)}, {}).splitlines()[2] == f"| {name} | 2.0/255 [1.5, 2.5] | 7 |  |  |"


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
