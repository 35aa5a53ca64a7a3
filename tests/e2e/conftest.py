"""Real server processes, started as an operator starts them, and really killed."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.conftest import wait_for, write_test_brand

START_SECONDS = 300


def environment(home: Path, **settings: str) -> dict[str, str]:
    """The environment of a process whose only settings are these."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("SARTOR_")}
    defaults = {"HOME": str(home), "CHECKPOINT": "plain", "LEASE": "1.5", "POLL_INTERVAL": "0.02", "THREADS": "1"}
    defaults["SYNC_WAIT"] = "55"  # a busy machine draws slowly
    return inherited | {f"SARTOR_{name}": value for name, value in (defaults | settings).items()}


class Server:
    """``sartor serve`` on a free port, or the given one, ready."""

    def __init__(self, home: Path, *, port: int = 0, **settings: str) -> None:
        self.home = home
        self._log = home / "server.log"
        self._settings = settings
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "sartor.cli", "serve", "--port", str(port)],
                stderr=log,
                env=environment(home, **settings),
            )
        try:
            self.base = wait_for(self._address, START_SECONDS)
            wait_for(self._ready, START_SECONDS)
        except BaseException:
            self.kill()
            raise

    def token(self, organisation: str = "acme") -> str:
        """Made by the command, as an operator does; standard output is the token and nothing else."""
        made = subprocess.run(
            [sys.executable, "-m", "sartor.cli", "token", "create", "--organization", organisation],
            env=environment(self.home, **self._settings),
            capture_output=True,
            text=True,
            check=True,
        )
        return made.stdout.removesuffix("\n")

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self) -> int:
        """As a supervisor stops it; the exit code, where dying of the signal in the end counts as 0."""
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(30)
        return 0 if code == -signal.SIGTERM else code

    def _address(self) -> str | None:
        text = self._log.read_text()
        assert self.process.poll() is None, text
        found = re.search(r"answers on (http://\S+?),", text)
        return found[1] if found else None

    def _ready(self) -> bool | None:
        assert self.process.poll() is None, self._log.read_text()
        try:
            return True if httpx.get(f"{self.base}/readyz").status_code == 200 else None
        except httpx.TransportError:
            return None


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """Starts a server; called again after a kill it is the restart. None outlives the test."""
    write_test_brand(tmp_path)
    started: list[Server] = []

    def start(*, port: int = 0, **settings: str) -> Server:
        started.append(Server(tmp_path, port=port, **settings))
        return started[-1]

    yield start
    for server in started:
        if server.process.poll() is None:
            server.kill()


def settled(client: httpx.Client, request_id: str, seconds: float = 60) -> dict[str, Any]:
    """The status when it is no longer IN_PROGRESS."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        status: dict[str, Any] = client.get(f"/v2/status/{request_id}").json()
        if status["status"] != "IN_PROGRESS":
            return status
        time.sleep(0.05)
    raise AssertionError(f"{request_id} did not end within {seconds} s")
