"""``sartor doctor`` says how the engine of these settings computes, and where its weights live."""

from pathlib import Path
from typing import Any, ClassVar

import pytest
from limits.storage import MemoryStorage

from sartor.cli.doctor import examine
from tests.conftest import make_settings, write_test_brand
from tests.fibo.conftest import build_checkpoint


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_checkpoint(tmp_path_factory.mktemp("tiny"))


def test_weights_of_ones_own_need_no_brands_in_a_folder(
    tmp_path: Path, checkpoint: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert examine(make_settings(tmp_path, checkpoint=str(checkpoint), device="cpu", threads=1))
    assert "models come from trainings and imports" in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (
            {},
            [
                "memory resident, blocks eager, attention torch",
                "full, by default 50 steps, guidance 5, caching exact, guided to the end",
            ],
        ),
        (
            {"memory": "lean", "linears": "fp8", "second_device": "cpu", "caching": "cached-2", "guidance_until": 0.6},
            [
                "lean, as SARTOR_MEMORY says,",
                " and cpu, 1 threads, memory lean",
                "linears fp8, by default 50 steps, guidance 5, caching cached-2, guided until a noise level of 0.6",
            ],
        ),
    ],
    ids=["default", "everything"],
)
def test_it_shows_the_options_in_force(
    tmp_path: Path, checkpoint: Path, capsys: pytest.CaptureFixture[str], given: dict[str, Any], said: list[str]
) -> None:
    write_test_brand(tmp_path)
    settings = make_settings(tmp_path, checkpoint=str(checkpoint), device="cpu", threads=1, **given)
    assert examine(settings), capsys.readouterr().out
    found = " ".join(capsys.readouterr().out.split())  # the table breaks lines where the terminal ends
    assert [words for words in said if words not in found] == []


class _Silent(MemoryStorage):
    """Where nobody answers."""

    STORAGE_SCHEME: ClassVar[list[str]] = ["silent"]

    def check(self) -> bool:
        return False


def test_it_asks_what_counts_the_requests(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert not examine(make_settings(tmp_path, rate_limit_storage="silent://:secret@host"))
    found = " ".join(capsys.readouterr().out.split())
    assert "what SARTOR_RATE_LIMIT_STORAGE names does not answer" in found
    assert "secret" not in found
    assert examine(make_settings(tmp_path, bundled_brands=False)), capsys.readouterr().out
    assert "requests are counted in memory" in capsys.readouterr().out
