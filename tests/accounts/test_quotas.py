"""How often an organisation may ask, over HTTP."""

from pathlib import Path

import pytest
from fastapi import FastAPI

from sartor.accounts.quotas import Quotas
from sartor.app import create_app
from sartor.kit.database import Database
from sartor.kit.rates import Rates, counter_for
from tests.conftest import BRAND, Service, make_settings, shared_bridge


@pytest.fixture(scope="module")
def app(home: Path) -> FastAPI:
    settings = make_settings(home, rate_limit="3/hour", read_rate_limit="30/hour")
    return create_app(settings, bridge=shared_bridge)


def test_one_too_many(service: Service) -> None:
    tenant, other = service.tenant(), service.tenant()
    path, body = "/v2/structured_prompt/generate/tailored", {"tailored_model_id": BRAND, "prompt": "a cat"}
    for _ in range(3):
        assert tenant.post(path, body).status_code == 202
    answer = tenant.post(path, body)
    assert answer.status_code == 429
    assert "3 per 1 hour" in answer.json()["error"]["details"]
    assert 1 <= int(answer.headers["retry-after"]) <= 3600
    assert answer.json()["retry_after"] == int(answer.headers["retry-after"])
    assert other.post(path, body).status_code == 202
    codes = [tenant.get("/v2/requests").status_code for _ in range(31)]
    assert codes == [200] * 30 + [429]


def test_what_is_no_rate_is_refused_at_once(tmp_path: Path) -> None:
    rates = Rates(counter_for("", Database(f"sqlite:///{tmp_path / 'sartor.db'}")))
    with pytest.raises(ValueError, match="often"):
        Quotas(rates, work="often", reading="600/minute")
