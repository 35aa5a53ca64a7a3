"""A server on this machine that speaks OpenAI's POST /v1/moderations, with bodies as that service answers them."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

NAMES = (
    "harassment", "harassment/threatening", "sexual", "hate", "hate/threatening", "illicit", "illicit/violent",
    "self-harm/intent", "self-harm/instructions", "self-harm", "sexual/minors", "violence", "violence/graphic",
)  # fmt: skip


def judged(**scores: float) -> dict[str, Any]:
    """A body of omni-moderation; categories from 0.5 are flagged. ``__`` stands for ``/`` and ``_`` for ``-``."""
    named = {name.replace("__", "/").replace("_", "-"): score for name, score in scores.items()}
    categories = {name: named.get(name, 0.0) >= 0.5 for name in NAMES}
    result = {
        "flagged": any(categories.values()),
        "categories": categories,
        "category_scores": {name: named.get(name, 3.1e-05) for name in NAMES},
        "category_applied_input_types": {name: ["text"] if categories[name] else [] for name in NAMES},
    }
    return {"id": "modr-970d409ef3bef3b70c73d8232df86e7d", "model": "omni-moderation-latest", "results": [result]}


def failed(kind: str, message: str) -> dict[str, Any]:
    return {"error": {"message": message, "type": kind, "param": None, "code": None}}


@dataclass
class ModerationServer:
    """Answers with what is in ``answers``, in turn, the last one for ever: (status, body)."""

    address: str = ""
    answers: list[tuple[int, Any]] = field(default_factory=lambda: [(200, judged())])
    after: float = 0.0
    seen: list[dict[str, Any]] = field(default_factory=list)

    def answer(self) -> tuple[int, Any]:
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


@contextmanager
def moderation_server() -> Iterator[ModerationServer]:
    state = ModerationServer()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            state.seen.append({"path": self.path, "authorization": self.headers["Authorization"], **body})
            time.sleep(state.after)
            status, answer = state.answer()
            data = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.send_header("retry-after-ms", "10")
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    state.address = f"http://127.0.0.1:{server.server_port}/v1"
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
