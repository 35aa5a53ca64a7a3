"""How a real server answers: on one connection, and while it stops."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import httpx

from tests.conftest import BRAND
from tests.e2e.conftest import Server, settled


def test_no_answer_waits_for_an_acknowledgement(serve: Callable[..., Server]) -> None:
    server = serve()
    body = {"tailored_model_id": BRAND, "prompt": "a cat"}
    seconds = []
    with httpx.Client(base_url=server.base, headers={"api_token": server.token()}) as client:
        for _ in range(20):
            assert client.post("/v2/structured_prompt/generate/tailored", json=body).status_code == 202
            began = time.perf_counter()
            assert client.get("/healthz").status_code == 200
            seconds.append(time.perf_counter() - began)
    assert min(seconds) < 0.03, "40 ms is what a delayed acknowledgement takes"


def test_who_waits_for_an_image_while_the_server_stops_gets_its_id(serve: Callable[..., Server]) -> None:
    """The request is accepted, and may not be lost to its client; here nobody draws it."""
    server = serve(WORK="false")
    body = {"tailored_model_id": BRAND, "prompt": "a cat", "sync": True}
    headers = {"api_token": server.token()}
    with httpx.Client(base_url=server.base, headers=headers, timeout=60) as client, ThreadPoolExecutor(1) as hands:
        waiting = hands.submit(client.post, "/v2/image/generate/tailored", json=body)
        while not client.get("/v2/requests").json()["requests"]:
            time.sleep(0.1)
        assert server.stop() == 0
        answer = waiting.result()
    assert answer.status_code == 202, answer.text
    server = serve()
    with httpx.Client(base_url=server.base, headers=headers) as client:
        assert settled(client, answer.json()["request_id"])["status"] == "COMPLETED"
