"""A server process of one's own on this machine: started on a free port, waited for, and stopped at the end."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

# A first start may have to fetch a checkpoint from the hub.
_READY_SECONDS = 1800


class NotStarted(Exception):
    """The message says why, with the end of the log."""


@dataclass(frozen=True)
class RunningServer:
    base: str
    process: subprocess.Popen[bytes]


@contextmanager
def running_server(
    environment: Mapping[str, str], log: Path, *, tell: Callable[[str], None] = lambda _: None
) -> Iterator[RunningServer]:
    """``sartor serve`` with ``environment`` over this process's own, ready; stopped at the end of the block.

    ``log`` gets what it says; ``tell`` is called with what it is waiting for. Raises NotStarted.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    base = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "sartor.cli", "serve", "--host", "127.0.0.1", "--port", str(port)]
    with log.open("ab") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, env={**os.environ, **environment})
        try:
            _await_ready(process, base, log, tell)
            yield RunningServer(base, process)
        finally:
            process.terminate()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _await_ready(process: subprocess.Popen[bytes], base: str, log: Path, tell: Callable[[str], None]) -> None:
    deadline = time.monotonic() + _READY_SECONDS
    reason = "starting"
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise NotStarted(f"The service ended while starting; {log} says:\n{_tail(log)}")
        try:
            answer = httpx.get(f"{base}/readyz", timeout=5, trust_env=False)
            if answer.status_code == 200:
                return
            reason = answer.json()["error"]["details"].rstrip(".")
        except httpx.TransportError:
            pass
        if "could not be loaded" in reason:
            raise NotStarted(f"{reason}; {log} says:\n{_tail(log)}")
        tell(f"{base}: {reason}")
        time.sleep(0.2)
    raise NotStarted(f"The service was not ready after {_READY_SECONDS} s ({reason}); see {log}.")


def _tail(log: Path) -> str:
    return "\n".join(log.read_text("utf-8", "replace").splitlines()[-20:])
