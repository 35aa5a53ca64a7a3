"""The figures in docs/moderation.md, measured again."""

import re
from pathlib import Path

import pytest

from sartor.moderation.base import CATEGORIES, Finding
from sartor.moderation.measure import main, measure, table
from sartor.moderation.text import PhraseModerator

LABELLED = Path(__file__).parent / "labelled"
PAGE = Path(__file__).parents[2] / "docs" / "moderation.md"


@pytest.mark.parametrize(
    ("name", "precision", "recall"),
    [("tuning", 0.99, 0.99), ("held_out", 0.98, 0.98), ("hard", 0.5, 0.1)],
)
def test_no_worse_than_it_was(name: str, precision: float, recall: float) -> None:
    measured = measure(PhraseModerator(), LABELLED / f"{name}.toml")
    assert measured.precision >= precision, [one.prompt for one in measured.wronged]
    assert measured.recall >= recall, [one.prompt for one in measured.missed]


def test_the_documented_figures_are_the_measured_ones() -> None:
    page = PAGE.read_text(encoding="utf-8")
    for name in ("tuning", "held_out", "hard"):
        measured = measure(PhraseModerator(), LABELLED / f"{name}.toml")
        rows = {category: (prompts, refused) for category, prompts, refused, _ in measured.rows()}
        section = page.split(f"\n### `{name}.toml`\n")[1].split("\n#")[0]
        written = re.findall(r"^\| ([a-z_]+) \| (\d+) \| (\d+) \|", section, flags=re.MULTILINE)
        assert {category: (int(prompts), int(refused)) for category, prompts, refused in written} == rows


def test_enough_prompts_of_every_category_and_none_twice() -> None:
    prompts: list[str] = []
    for file in LABELLED.glob("*.toml"):
        outcomes = measure(PhraseModerator(), file).outcomes
        assert {one.expected for one in outcomes} == {*CATEGORIES, ""}
        prompts += [one.prompt for one in outcomes]
    assert len(prompts) == len(set(prompts)) >= 300


def test_figures(tmp_path: Path) -> None:
    file = tmp_path / "few.toml"
    file.write_text('innocent = ["a", "bad b"]\n[refused]\nhate = ["bad c", "d"]\nviolence = ["bad e"]\n')

    class Naive:
        def check(self, text: str) -> Finding | None:
            return Finding("hate", text) if text.startswith("bad") else None

    measured = measure(Naive(), file)
    assert measured.precision == pytest.approx(2 / 3)
    assert measured.recall == pytest.approx(2 / 3)
    assert "| hate | 2 | 1 | 1 |" in table(measured)
    assert "| violence | 1 | 1 | 0 |" in table(measured)
    assert "| innocent | 2 | 1 |  |" in table(measured)


def test_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    main([str(LABELLED / "held_out.toml")])
    assert "| hate | 11 |" in capsys.readouterr().out
