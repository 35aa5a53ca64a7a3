"""How an evaluation is shown: tables with intervals, sample counts and goals, and a sheet of the worst pictures."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from sartor.nano.measures import Score
from sartor.nano.vocabulary import STYLES

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

_TITLES = ("The base", "The base, by style", "The base, asked in other people's words")
_STYLE_NAMES = {style.style_medium for style in STYLES}
_OF_BRAND = re.compile(r"(.+) at ([\d.]+): (.+)")


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
    """Markdown: shares in percent, changes in 255ths.

    A row for each score of the base: all of its pictures, each style, long prompts. Then the brands', a row for each
    measure and a column for each influence.
    """
    rows: dict[str, list[str]] = {title: [] for title in _TITLES}
    brands: dict[tuple[str, str], dict[str, Score]] = {}
    for name, found in scores.items():
        if of_brand := _OF_BRAND.fullmatch(name):
            brand, influence, measure = of_brand.groups()
            brands.setdefault((brand, measure), {})[influence] = found
        else:
            cells = [name, _written(name, found), str(found.count), _written(name, ceiling.get(name)), _goal(name)]
            rows[_title(name)].append(_row(cells))
    head = _head(["measure", "score [95%]", "samples", "composer's own pictures", "goal"])
    parts = [f"{title}:\n\n{head}{''.join(lines)}" for title, lines in rows.items() if lines]
    if brands:
        parts.append(f"The brands, at each influence:\n\n{_of_brands(brands, ceiling)}")
    return "\n".join(parts)


def _title(name: str) -> str:
    subject = name.partition(":")[0]
    if subject in _STYLE_NAMES:
        return _TITLES[1]
    return _TITLES[2] if subject.endswith("long prompts") else _TITLES[0]


def _of_brands(brands: dict[tuple[str, str], dict[str, Score]], ceiling: dict[str, Score]) -> str:
    influences = sorted({influence for found in brands.values() for influence in found}, key=float)
    lines = _head(
        ["measure", *(f"at {by} [95%]" for by in influences), "samples", "composer's own pictures", "goal at 1"]
    )
    for (brand, measure), found in brands.items():
        name = f"{brand} at 1: {measure}"
        samples = ", ".join(dict.fromkeys(str(one.count) for one in found.values()))
        own = _written(measure, ceiling.get(name))
        shares = [_written(measure, found.get(by)) for by in influences]
        lines += _row([f"{brand}: {measure}", *shares, samples, own, _goal(name)])
    return lines


def _head(cells: list[str]) -> str:
    return _row(cells) + "|" + "---|" * len(cells) + "\n"


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |\n"


def _goal(name: str) -> str:
    return f"{100 * GOALS[name]:.0f}%" if name in GOALS else ""


def _written(name: str, found: Score | None) -> str:
    if found is None:
        return ""
    if "distance" in name:
        return f"{found.value:.3f}"
    if "change of" in name:
        return f"{found.value:.1f}/255 [{found.low:.1f}, {found.high:.1f}]"
    return f"{100 * found.value:.1f}% [{100 * found.low:.1f}, {100 * found.high:.1f}]"
