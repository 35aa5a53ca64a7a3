"""The public service's own client, unchanged but for its base address, against a live server."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from bria_client import BriaAsyncClient, BriaSyncClient
from bria_client.toolkit.errors.exception import BriaException

from tests.conftest import BRAND, write_test_brand
from tests.e2e.conftest import Server

ENDPOINT = "image/generate/tailored"
PAYLOAD = {"tailored_model_id": BRAND, "prompt": "a red apple on a yellow background", "steps_num": 20}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    home: Path = tmp_path_factory.mktemp("home")
    write_test_brand(home)
    server = Server(home)
    yield server
    server.kill()


@pytest.fixture(scope="module")
def token(server: Server) -> str:
    return server.token()


@pytest.fixture
def client(server: Server, token: str) -> Iterator[BriaSyncClient]:
    with BriaSyncClient(base_url=server.base, api_token=token) as client:
        yield client


def test_run(client: BriaSyncClient) -> None:
    response = client.run(endpoint=ENDPOINT, payload=PAYLOAD, raise_for_status=True)
    assert response.status == "COMPLETED"
    assert response.result is not None
    assert httpx.get(response.result.image_url).content.startswith(b"\x89PNG")
    assert "red apple" in response.result.structured_prompt


def test_submit_poll_and_status(client: BriaSyncClient) -> None:
    accepted = client.submit(endpoint=ENDPOINT, payload=PAYLOAD, raise_for_status=True)
    assert accepted.in_progress
    response = client.poll(accepted, interval=0.05)
    assert response.request_id == accepted.request_id
    assert response.result is not None
    assert httpx.get(response.result.image_url).status_code == 200
    assert client.status(accepted.request_id) == "COMPLETED"


def test_a_recreation_through_the_client_is_exact(client: BriaSyncClient) -> None:
    first = client.run(endpoint=ENDPOINT, payload=PAYLOAD).result
    assert first is not None
    again = {
        "tailored_model_id": BRAND,
        "steps_num": 20,
        "structured_prompt": first.structured_prompt,
        "seed": first.seed,
    }
    second = client.run(endpoint=ENDPOINT, payload=again).result
    assert second is not None
    assert httpx.get(first.image_url).content == httpx.get(second.image_url).content


def test_structured_prompts(client: BriaSyncClient) -> None:
    payload = {"tailored_model_id": BRAND, "prompt": "a red apple"}
    response = client.run(endpoint="structured_prompt/generate/tailored", payload=payload, raise_for_status=True)
    assert response.result is not None
    assert "apple" in response.result.structured_prompt


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        ({"tailored_model_id": "999"}, 403),
        ({"steps_num": 5}, 422),
        ({"prompt": "a naked man"}, 422),
    ],
)
def test_errors_are_the_clients_own_exceptions(client: BriaSyncClient, payload: dict[str, object], code: int) -> None:
    response = client.run(endpoint=ENDPOINT, payload=PAYLOAD | payload)
    assert response.error is not None
    assert response.error.code == code
    with pytest.raises(BriaException):
        response.raise_for_status()


def test_a_wrong_token_and_an_unknown_request(server: Server, client: BriaSyncClient) -> None:
    with BriaSyncClient(base_url=server.base, api_token="wrong") as stranger:
        response = stranger.run(endpoint=ENDPOINT, payload=PAYLOAD)
    assert response.error is not None
    assert response.error.code == 401
    with pytest.raises(BriaException):
        client.poll("no-such-request")


def test_asynchronous_client(server: Server, token: str) -> None:
    async def use() -> None:
        async with BriaAsyncClient(base_url=server.base, api_token=token) as client:
            ran = await client.run(endpoint=ENDPOINT, payload=PAYLOAD, raise_for_status=True)
            assert ran.result is not None
            accepted = await client.submit(endpoint=ENDPOINT, payload=PAYLOAD, raise_for_status=True)
            polled = await client.poll(accepted, interval=0.05)
            assert polled.result is not None
            assert await client.status(accepted.request_id) == "COMPLETED"

    asyncio.run(use())
