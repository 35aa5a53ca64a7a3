"""A server on this machine that speaks Gemini's generateContent, with the error bodies that Google's answers with."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Answer:
    """``after`` seconds of silence, then the body, with ``drip`` seconds between every two bytes."""

    body: Any
    status: int = 200
    after: float = 0.0
    drip: float = 0.0


def said(text: str | dict[str, Any] | list[Any], *, finish: str = "STOP") -> Answer:
    """A reply of the model, whole or ended for another reason."""
    text = text if isinstance(text, str) else json.dumps(text)
    candidate = {"content": {"parts": [{"text": text}], "role": "model"}, "finishReason": finish, "index": 0}
    usage = {"promptTokenCount": 900, "candidatesTokenCount": 400, "totalTokenCount": 1300}
    return Answer({"candidates": [candidate], "usageMetadata": usage, "modelVersion": "gemini-2.5-flash"})


def ended(finish: str) -> Answer:
    """A candidate without content."""
    rating = {"category": "HARM_CATEGORY_SEXUALLY_EXPLICIT", "probability": "HIGH", "blocked": True}
    candidate = {"finishReason": finish, "index": 0, "safetyRatings": [rating]}
    return Answer({"candidates": [candidate], "usageMetadata": {"promptTokenCount": 900, "totalTokenCount": 900}})


def blocked(reason: str) -> Answer:
    """A prompt that is refused before the model sees it: there are no candidates."""
    usage = {"promptTokenCount": 900, "totalTokenCount": 900}
    return Answer({"promptFeedback": {"blockReason": reason}, "usageMetadata": usage})


def failed(status: int, name: str, message: str, *details: dict[str, Any]) -> Answer:
    error: dict[str, Any] = {"code": status, "message": message, "status": name}
    if details:
        error["details"] = list(details)
    return Answer({"error": error}, status)


def exhausted(wait: str | None = None) -> Answer:
    metric = "generativelanguage.googleapis.com/generate_content_free_tier_requests"
    quota = {"quotaMetric": metric, "quotaId": "GenerateRequestsPerMinutePerProjectPerModel-FreeTier"}
    details = [{"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": [quota]}]
    if wait is not None:
        details.append({"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": wait})
    return failed(429, "RESOURCE_EXHAUSTED", "You exceeded your current quota, please check your plan.", *details)


OVERLOADED = failed(503, "UNAVAILABLE", "The model is overloaded. Please try again later.")
INTERNAL = failed(500, "INTERNAL", "An internal error has occurred. Please retry.")
INVALID_KEY = failed(
    400,
    "INVALID_ARGUMENT",
    "API key not valid. Please pass a valid API key.",
    {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": "API_KEY_INVALID",
        "domain": "googleapis.com",
        "metadata": {"service": "generativelanguage.googleapis.com"},
    },
)
EXPIRED_KEY = failed(
    400,
    "INVALID_ARGUMENT",
    "API key expired. Please renew the API key.",
    {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID", "domain": "googleapis.com"},
)
NOT_FROM_HERE = failed(400, "FAILED_PRECONDITION", "User location is not supported for the API use.")
INVALID_ARGUMENT = failed(400, "INVALID_ARGUMENT", "Invalid value at 'contents[0]' (the prompt: a secret fox)")
DENIED = failed(403, "PERMISSION_DENIED", "Generative Language API has not been used in project 1 before.")
UNKNOWN_MODEL = failed(404, "NOT_FOUND", "models/gemini-9 is not found for API version v1beta.")


@dataclass
class GeminiServer:
    """``answers`` are given in order, the last one again and again; ``requests`` are the bodies that came."""

    address: str = ""
    answers: list[Answer] = field(default_factory=list)
    requests: list[dict[str, Any]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    keys: list[str | None] = field(default_factory=list)
    dripping: int = 0

    def next(self) -> Answer:
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    def turn(self, index: int = -1, turn: int = 0) -> str:
        """The text of a turn of a request: the user's is the first."""
        return str(self.requests[index]["contents"][turn]["parts"][0]["text"])

    def system(self, index: int = -1) -> str:
        return str(self.requests[index]["system_instruction"]["parts"][0]["text"])


@contextmanager
def serving() -> Iterator[GeminiServer]:
    state = GeminiServer()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            state.requests.append(json.loads(body))
            state.paths.append(self.path)
            state.keys.append(self.headers["x-goog-api-key"])
            answer = state.next()
            time.sleep(answer.after)
            data = answer.body if isinstance(answer.body, bytes) else json.dumps(answer.body).encode()
            try:
                self.send_response(answer.status)
                self.send_header("Content-Type", "application/json; charset=UTF-8")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.write(data, answer.drip)
            except OSError:  # who asked has gone
                self.close_connection = True

        def write(self, data: bytes, drip: float) -> None:
            if not drip:
                self.wfile.write(data)
                return
            state.dripping += 1
            try:
                for byte in data:
                    self.wfile.write(bytes([byte]))
                    self.wfile.flush()
                    time.sleep(drip)
            finally:
                state.dripping -= 1

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    state.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
