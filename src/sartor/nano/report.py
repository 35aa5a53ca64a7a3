"""How an evaluation is shown: a table with intervals, sample counts and goals, and a sheet of the worst pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from sartor.nano.measures import Score

Array = np.ndarray[Any, np.dtype[Any]]

GOALS = {
    "concept top 5": 0.9,
    "style": 0.95,
    "background": 0.95,
    "place": 0.95,
    "count": 0.85,
    "recolored: rest unchanged": 1.0,
    "new background: things unchanged": 1.0,
    "long prompts: concept top 5": 0.9,
    "inkwell at 1: style": 0.9,
    "inkwell at 1: concept top 5": 0.8,
    "pocket-zoo at 1: concept top 5": 0.8,
    "tangerine at 1: concept top 5": 0.8,
}


def contact_sheet(pictures: list[Array], rows: list[dict[str, Any]], path: Path, count: int = 20) -> None:
    """A sheet of the pictures whose concept was given the least probability, with what was asked and what was seen."""
    order = sorted((i for i, row in enumerate(rows) if row["kind"] != "count"), key=lambda i: _doubt(rows[i]))
    side, line = 160, 26
    sheet = Image.new("RGB", (5 * side, -(-min(count, len(order)) // 5) * (side + line)), "white")
    for place, i in enumerate(order[:count]):
        x, y = place % 5 * side, place // 5 * (side + line)
        sheet.paste(Image.fromarray(pictures[i]).resize((side, side), Image.Resampling.LANCZOS), (x, y))
        row = rows[i]
        text = f"{row['concept']}, {row['style']}\nfor {row['taken for']} ({row['concept probability']:.2f})"
        ImageDraw.Draw(sheet).multiline_text((x + 3, y + side), text, fill="black", spacing=1)
    sheet.save(path)


def _doubt(row: dict[str, Any]) -> float:
    return float(row["concept probability"])


def table(scores: dict[str, Score], ceiling: dict[str, Score]) -> str:
    """Markdown: shares in percent, changes in 255ths."""

    def written(name: str, found: Score | None) -> str:
        if found is None:
            return ""
        if "distance" in name:
            return f"{found.value:.3f}"
        if "change of" in name:
            return f"{found.value:.1f}/255 [{found.low:.1f}, {found.high:.1f}]"
        return f"{100 * found.value:.1f}% [{100 * found.low:.1f}, {100 * found.high:.1f}]"

    lines = ["| measure | score [95%] | samples | composer's own pictures | goal |", "|---|---|---|---|---|"]
    for name, found in scores.items():
        goal = f"{100 * GOALS[name]:.0f}%" if name in GOALS else ""
        real = written(name, ceiling.get(name))
        lines.append(f"| {name} | {written(name, found)} | {found.count} | {real} | {goal} |")
    return "\n".join(lines) + "\n"
