"""Draws the losses of a base's trainings from their logs: `python docs/curves.py --work var/nano`.

Of stage by stage training (work/base/log.jsonl) images/curves.png, of the joint one (work/base/joint.jsonl)
images/curves-joint.png; whichever log there is.
"""

import argparse
import json
from collections.abc import Iterator
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")
from matplotlib import pyplot
from matplotlib.axes import Axes

IMAGES = Path(__file__).parent / "images"
INK = "#18265c"


def by_step(rows: list[dict[str, float]], axes: Axes) -> None:
    axes.plot([row["step"] for row in rows], [row["loss"] for row in rows], ".", color="#c9c9c9", markersize=3)
    for part in runs(rows):
        axes.plot([row["step"] for row in part], [row["smooth"] for row in part], color=INK)
    axes.set(xlabel="step of 32 pictures", ylim=(0.2, 0.6))


def by_picture(rows: list[dict[str, float]], axes: Axes) -> None:
    before = 0.0
    for part in runs([row for row in rows if "step" in row]):
        axes.plot([(before + row["seen"]) / 1e6 for row in part], [row["short"] for row in part], color=INK)
        before += part[-1]["seen"]
    axes.set(xlabel="pictures, millions", ylim=(0.1, 0.4))


def runs(rows: list[dict[str, float]]) -> Iterator[list[dict[str, float]]]:
    """One line a run: a restart averages anew."""
    begin = 0
    for end in range(1, len(rows) + 1):
        if end == len(rows) or rows[end]["step"] <= rows[end - 1]["step"]:
            yield rows[begin:end]
            begin = end


def main() -> None:
    parser = argparse.ArgumentParser(description="Draws the trainings' curves")
    parser.add_argument("--work", type=Path, default=Path("var/nano"))
    parser.add_argument("--suffix", default="", help="of the pictures' names, for a training of its own")
    options = parser.parse_args()
    folder = options.work / "base"
    for log, picture, draw in (("log", "curves", by_step), ("joint", "curves-joint", by_picture)):
        if not (folder / f"{log}.jsonl").exists():
            continue
        figure, axes = pyplot.subplots(figsize=(8, 3.2), dpi=110)
        draw([json.loads(line) for line in (folder / f"{log}.jsonl").read_text().splitlines()], axes)
        axes.set_ylabel("squared error of the velocity")
        axes.spines[["top", "right"]].set_visible(False)
        figure.tight_layout()
        figure.savefig(IMAGES / f"{picture}{options.suffix}.png")


if __name__ == "__main__":
    main()
