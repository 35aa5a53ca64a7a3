"""Draws the loss of a base's training from its log: `python docs/curves.py --work var/nano`, as images/curves.png."""

import argparse
import json
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")
from matplotlib import pyplot

IMAGES = Path(__file__).parent / "images"


def main() -> None:
    parser = argparse.ArgumentParser(description="Draws the training's curve")
    parser.add_argument("--work", type=Path, default=Path("var/nano"))
    lines = (parser.parse_args().work / "base" / "log.jsonl").read_text().splitlines()
    rows = [json.loads(line) for line in lines]
    figure, axes = pyplot.subplots(figsize=(8, 3.2), dpi=110)
    axes.plot([row["step"] for row in rows], [row["loss"] for row in rows], ".", color="#c9c9c9", markersize=3)
    begin = 0
    for end in range(1, len(rows) + 1):  # one line a run: a restart averages anew
        if end == len(rows) or rows[end]["step"] <= rows[end - 1]["step"]:
            part = rows[begin:end]
            axes.plot([row["step"] for row in part], [row["smooth"] for row in part], color="#18265c")
            begin = end
    axes.set(xlabel="step of 32 pictures", ylabel="squared error of the velocity", ylim=(0.2, 0.6))
    axes.spines[["top", "right"]].set_visible(False)
    figure.tight_layout()
    figure.savefig(IMAGES / "curves.png")


if __name__ == "__main__":
    main()
