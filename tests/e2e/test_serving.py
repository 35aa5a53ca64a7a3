"""How a real server answers on one connection."""

import time
from collections.abc import Callable

import httpx

from tests.conftest import BRAND
from tests.e2e.conftest import Server


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
