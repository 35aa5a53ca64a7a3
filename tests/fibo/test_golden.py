"""What this machine remembers of its warm-ups, whatever happened to the file."""

from pathlib import Path

import pytest

from sartor.fibo.golden import GOLDEN_FILE, GoldenHashes


@pytest.mark.parametrize("left", ["", "{", "[]", "null"])
def test_a_damaged_file_is_written_anew(tmp_path: Path, left: str) -> None:
    (tmp_path / "kept.json").write_text(left)
    goldens = GoldenHashes(None, tmp_path / "kept.json")
    assert goldens.get("here") is None
    goldens.remember("here", "abc")
    goldens.remember("there", "def")
    again = GoldenHashes(None, tmp_path / "kept.json")
    assert (again.get("here"), again.get("there")) == ("abc", "def")


def test_the_checkpoints_own_word_counts_more(tmp_path: Path) -> None:
    (tmp_path / GOLDEN_FILE).write_text('{"here": "shipped"}')
    goldens = GoldenHashes(tmp_path, tmp_path / "kept.json")
    goldens.remember("here", "kept")
    assert goldens.get("here") == "shipped"
