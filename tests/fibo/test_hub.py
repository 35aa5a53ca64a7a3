"""A server that speaks the hub's protocol refuses a checkpoint in each of its ways; each answer says what to do."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from huggingface_hub import constants

from sartor.fibo.errors import CheckpointError
from sartor.fibo.hub import locate

REFUSALS = {
    "owner/gated": (403, {"X-Error-Code": "GatedRepo", "X-Error-Message": "Access to model owner/gated is restricted"}),
    "owner/unknown": (404, {"X-Error-Code": "RepoNotFound"}),
    "owner/anonymous": (401, {}),
    "owner/expired": (401, {"X-Error-Message": "Invalid credentials in Authorization header"}),
    "owner/forbidden": (403, {}),
}


class Hub(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        name = next(name for name in REFUSALS if name in self.path)
        status, headers = REFUSALS[name]
        self.send_response(status)
        for key, value in headers.items():
            self.send_header(key, value)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_HEAD = do_GET

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    address = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setattr(constants, "ENDPOINT", address)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr("huggingface_hub._snapshot_download.HF_HUB_CACHE", str(tmp_path), raising=False)
    monkeypatch.setattr("huggingface_hub.hf_api.ENDPOINT", address, raising=False)
    yield
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("owner/gated", "is gated: accept the licence on the model's page.*owner/gated.*hf auth login"),
        ("owner/unknown", "nor a repository that the hub shows to you.*accept the licence.*hf auth login"),
        ("owner/anonymous", r"a login that it knows \(401\): log in with `hf auth login`, and accept the licence"),
        ("owner/expired", r"a login that it knows \(401\): log in with `hf auth login`, and accept the licence"),
        ("owner/forbidden", r"refuses owner/forbidden to your login \(403\): accept the licence"),
    ],
)
def test_refusals_say_what_to_do(hub: None, name: str, advice: str) -> None:
    with pytest.raises(CheckpointError, match=advice):
        locate(name, ["transformer"])


def test_a_hub_out_of_reach_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(CheckpointError, match="is not on this machine in full"):
        locate("owner/gated", ["transformer"])


def test_folders_come_first(tmp_path: Path) -> None:
    assert locate(tmp_path, []) == tmp_path
    with pytest.raises(CheckpointError, match="no checkpoint folder"):
        locate(tmp_path / "nowhere", [])
