"""A client's server: it keeps what it is sent, and answers with the statuses that a test gives it."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from bria_client.toolkit import verify_webhook_signature

from tests.conftest import wait_for


@dataclass
class Message:
    headers: dict[str, str]
    raw: bytes
    at: float = field(default_factory=time.monotonic)

    @property
    def body(self) -> dict[str, Any]:
        return dict(json.loads(self.raw))

    @property
    def id(self) -> str:
        return self.headers["bria-webhook-id"]

    def is_signed_for(self, token: str) -> bool:
        """As the public client judges."""
        return verify_webhook_signature(
            payload=self.raw,
            webhook_id=self.id,
            timestamp=self.headers["bria-webhook-timestamp"],
            signature_header=self.headers["bria-webhook-signature"],
            api_token=token,
        )


class Receiver:
    """Answers ``statuses`` one after another, and the last one from then on; a redirect leads to ``/elsewhere``."""

    def __init__(self, *statuses: int, pause: float = 0.0) -> None:
        self.statuses = list(statuses or (200,))
        self.messages: list[Message] = []
        self.paths: list[str] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                raw = self.rfile.read(int(self.headers["content-length"]))
                receiver.paths.append(self.path)
                receiver.messages.append(Message({k.lower(): v for k, v in self.headers.items()}, raw))
                time.sleep(pause)
                status = receiver.statuses.pop(0) if len(receiver.statuses) > 1 else receiver.statuses[0]
                self.send_response(status)
                if 300 <= status < 400:
                    self.send_header("Location", "/elsewhere")
                self.end_headers()

            do_GET = do_POST

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}/hook?for=sartor"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def has(self, count: int, seconds: float = 20) -> list[Message]:
        """The messages, once there are ``count``."""
        wait_for(lambda: True if len(self.messages) >= count else None, seconds)
        return self.messages

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
