"""How well words are checked, measured on labelled prompts.

    python -m sartor.moderation.measure tests/moderation/labelled/tuning.toml tests/moderation/labelled/held_out.toml

A file has two kinds of lists: ``innocent`` prompts, and under ``refused`` a list for each category.
"""

from __future__ import annotations

import sys
import tomllib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sartor.moderation.base import CATEGORIES, TextModerator
from sartor.moderation.text import PhraseModerator


@dataclass(frozen=True)
class Outcome:
    """One prompt: what it should have been refused for, and what it was refused for; "" is not at all."""

    prompt: str
    expected: str
    found: str


@dataclass(frozen=True)
class Measure:
    outcomes: tuple[Outcome, ...]

    @property
    def missed(self) -> list[Outcome]:
        return [one for one in self.outcomes if one.expected and not one.found]

    @property
    def wronged(self) -> list[Outcome]:
        """Innocent prompts that were refused."""
        return [one for one in self.outcomes if one.found and not one.expected]

    @property
    def precision(self) -> float:
        """Of what was refused, the part that had to be."""
        refused = [one for one in self.outcomes if one.found]
        return 1 - len(self.wronged) / len(refused) if refused else 1.0

    @property
    def recall(self) -> float:
        """Of what had to be refused, the part that was, under whatever category."""
        wanted = [one for one in self.outcomes if one.expected]
        return 1 - len(self.missed) / len(wanted) if wanted else 1.0

    def rows(self) -> Iterator[tuple[str, int, int, int]]:
        """(category, prompts, refused, refused under that very category); the last row is ``innocent``."""
        prompts = Counter(one.expected for one in self.outcomes)
        refused = Counter(one.expected for one in self.outcomes if one.found)
        right = Counter(one.expected for one in self.outcomes if one.found == one.expected)
        for category in CATEGORIES:
            yield category, prompts[category], refused[category], right[category]
        yield "innocent", prompts[""], refused[""], 0


def measure(moderator: TextModerator, labelled: Path) -> Measure:
    """What ``moderator`` does with the prompts in ``labelled``."""
    lists = tomllib.loads(labelled.read_text("utf-8"))
    prompts = [(prompt, category) for category in CATEGORIES for prompt in lists["refused"].get(category, [])]
    prompts += [(prompt, "") for prompt in lists["innocent"]]
    outcomes = []
    for prompt, category in prompts:
        finding = moderator.check(prompt)
        outcomes.append(Outcome(prompt, category, finding.category if finding else ""))
    return Measure(tuple(outcomes))


def table(measured: Measure) -> str:
    """The figures as a table in Markdown."""
    lines = ["| category | prompts | refused | under this category |", "|---|---:|---:|---:|"]
    for category, prompts, refused, right in measured.rows():
        lines.append(f"| {category} | {prompts} | {refused} | {right if category != 'innocent' else ''} |")
    lines.append(f"\nprecision {measured.precision:.3f}, recall {measured.recall:.3f}")
    return "\n".join(lines)


def main(arguments: list[str]) -> None:
    moderator = PhraseModerator()
    for name in arguments:
        print(f"{name}\n\n{table(measure(moderator, Path(name)))}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
