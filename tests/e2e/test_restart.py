"""``kill -9`` in the middle of the work: what was accepted ends, once, with the bytes of an undisturbed run."""

import random
import socket
import sqlite3
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import httpx

from sartor.fibo import Spec
from sartor.generation.drawing import PlainEngine
from tests.conftest import BRAND
from tests.e2e.conftest import Server, settled

SCENE = '{"short_description":"an apple"}'


def body(seed: int) -> dict[str, object]:
    return {"tailored_model_id": BRAND, "structured_prompt": SCENE, "seed": seed, "steps_num": 20}


def undisturbed(home: Path, seed: int) -> bytes:
    adapter = home / "brands" / BRAND / "pytorch_lora_weights.safetensors"
    spec = Spec(prompt=SCENE, seed=seed, steps=20, adapter=adapter, model=BRAND)
    return PlainEngine().generate(spec).png


def submit(server: Server, token: str, seeds: range) -> dict[int, str]:
    """Seed -> id of a request that was answered with 202."""
    ids: dict[int, str] = {}
    with httpx.Client(base_url=server.base, headers={"api_token": token}, timeout=30) as client:
        for seed in seeds:
            answer = client.post("/v2/image/generate/tailored", json=body(seed))
            assert answer.status_code == 202
            ids[seed] = answer.json()["request_id"]
    return ids


def unfinished(home: Path) -> int:
    """Accepted requests that have not ended yet."""
    with sqlite3.connect(home / "sartor.db") as database:
        row = database.execute("SELECT count(*) FROM generation_requests WHERE finished_at IS NULL").fetchone()
    return int(row[0])


def test_every_accepted_request_ends_once_whatever_happens_to_the_process(
    serve: Callable[..., Server], tmp_path: Path
) -> None:
    server = serve()
    token = server.token()
    ids = submit(server, token, range(40))
    time.sleep(random.Random(1).uniform(0.0, 0.3))
    server.kill()
    killed_amid = unfinished(tmp_path)

    server = serve()
    ids |= submit(server, token, range(40, 100))
    assert server.stop() == 0
    with sqlite3.connect(tmp_path / "sartor.db") as database:
        leases = database.execute("SELECT count(*) FROM leases WHERE expires_at > unixepoch()").fetchone()
    assert leases == (0,), "a process that is stopped, not killed, says so"
    # A fast machine may be through with one of the two loads before the blow falls, hardly with both.
    assert killed_amid + unfinished(tmp_path) > 0, "the work was interrupted"

    server = serve()
    with httpx.Client(base_url=server.base, headers={"api_token": token}, timeout=30) as client:
        for seed, request_id in ids.items():
            status = settled(client, request_id)
            assert status["status"] == "COMPLETED", status
            assert status["result"]["seed"] == seed
            assert client.get(status["result"]["image_url"]).content == undisturbed(tmp_path, seed)
    with sqlite3.connect(tmp_path / "sartor.db") as database:
        steps = Counter(database.execute("SELECT workflow_uuid, function_name FROM operation_outputs").fetchall())
    assert {steps[request_id, "complete"] for request_id in ids.values()} == {1}
    assert max(steps.values()) == 1


def test_ten_kills_during_two_hundred_requests(serve: Callable[..., Server], tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = serve(port=port)
    token = server.token()
    ids: dict[int, str] = {}
    chance = random.Random(2)

    def insist(seed: int) -> None:
        """As a careful client does: the same request with the same key until it is accepted."""
        headers = {"api_token": token, "Idempotency-Key": f"order {seed}"}
        deadline = time.monotonic() + 300
        while seed not in ids:
            assert time.monotonic() < deadline
            with suppress(httpx.TransportError):
                answer = httpx.post(
                    f"{server.base}/v2/image/generate/tailored", json=body(seed), headers=headers, timeout=10
                )
                if answer.status_code == 202:
                    ids[seed] = answer.json()["request_id"]
                    return
            time.sleep(0.05)

    amid = 0
    with ThreadPoolExecutor(4) as clients:
        for kill in range(10):
            waves = [clients.submit(insist, seed) for seed in range(20 * kill, 20 * kill + 20)]
            time.sleep(chance.uniform(0.05, 0.8))
            server.kill()
            amid += unfinished(tmp_path) > 0 or not all(wave.done() for wave in waves)
            server = serve(port=port)
            for wave in waves:
                wave.result()
    assert amid >= 3, "the blows fell amid work"
    assert len(set(ids.values())) == 200
    with httpx.Client(base_url=server.base, headers={"api_token": token}, timeout=30) as client:
        for seed, request_id in ids.items():
            status = settled(client, request_id)
            assert status["status"] == "COMPLETED", status
            assert client.get(status["result"]["image_url"]).content == undisturbed(tmp_path, seed)
    with sqlite3.connect(tmp_path / "sartor.db") as database:
        rows = database.execute("SELECT count(*) FROM generation_requests").fetchone()
    assert rows == (200,), "a request whose answer was lost is not a second request"
    assert {path.stem for path in (tmp_path / "storage" / "images").iterdir()} == set(ids.values())
