"""A process's log, as a collector reads it: one JSON object a line, whoever wrote it, and prompts at debug only."""

import json
import subprocess
import sys
from typing import Any

import pytest

PROGRAM = """
import logging, sys, structlog
from sartor.kit.logs import configure_logging
configure_logging(sys.argv[1])
structlog.get_logger("x").info("ours", request_id="1")
logging.getLogger("sartor.bridge.offline").debug("words of a prompt")
logging.getLogger("sartor.fibo").warning("the engine's")
logging.getLogger("other").info("chatter")
try:
    raise ValueError("why")
except ValueError:
    logging.getLogger("other").exception("theirs")
"""


def lines(level: str) -> list[dict[str, Any]]:
    run = subprocess.run([sys.executable, "-c", PROGRAM, level], capture_output=True, text=True, check=True)
    assert run.stdout == ""
    return [json.loads(line) for line in run.stderr.splitlines()]


@pytest.mark.parametrize(
    ("level", "events"),
    [
        ("debug", ["ours", "words of a prompt", "the engine's", "theirs"]),
        ("info", ["ours", "the engine's", "theirs"]),
        ("error", ["the engine's", "theirs"]),
    ],
)
def test_what_appears_at_each_level(level: str, events: list[str]) -> None:
    assert [line["event"] for line in lines(level)] == events


def test_a_line_says_when_how_bad_and_why() -> None:
    ours, _, theirs = lines("info")
    assert ours["level"] == "info"
    assert ours["request_id"] == "1"
    assert ours["timestamp"].endswith("Z")
    assert (theirs["level"], theirs["logger"]) == ("error", "other")
    assert "ValueError: why" in theirs["exception"]
