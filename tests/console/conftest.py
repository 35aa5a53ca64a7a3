"""A browser that is signed in."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient

from tests.conftest import Service, Tenant


@pytest.fixture
def browser(service: Service, tenant: Tenant) -> TestClient:
    """Signed in as the tenant; a client of its own, so that cookies stay apart."""
    return signed_in(service, tenant)


def signed_in(service: Service, tenant: Tenant) -> TestClient:
    client = TestClient(service.client.app)
    answer = client.post("/console/sign-in", data={"token": tenant.token})
    assert answer.url.path == "/console"
    return client
