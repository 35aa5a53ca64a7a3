"""A browser that is signed in."""

from __future__ import annotations

import html
from typing import Any

import httpx
import pytest
from fastapi.testclient import TestClient

from tests.conftest import Service, Tenant
from tests.datasets.conftest import picture

PROJECT = {"project_name": "Paper Zoo", "ip_type": "multi_object_set", "ip_medium": "illustration"}


class Browser(TestClient):
    """Says of a form what browsers say: where it comes from, as far as the page that it is on lets them.

    ``secure`` is whether the service is reached by https or on this machine; elsewhere Sec-Fetch-Site is not sent.
    """

    secure = True
    policy: str | None = None

    def request(self, method: str, url: Any, **kwargs: Any) -> httpx.Response:
        said = {}
        if method == "POST":
            said["origin"] = "null" if self.policy == "no-referrer" else str(self.base_url)
            if self.secure:
                said["sec-fetch-site"] = "same-origin"
        answer = super().request(method, url, **kwargs | {"headers": said | dict(kwargs.get("headers") or {})})
        self.policy = answer.headers.get("referrer-policy")
        return answer


@pytest.fixture
def browser(service: Service, tenant: Tenant) -> Browser:
    """Signed in as the tenant; a client of its own, so that cookies stay apart."""
    return signed_in(service, tenant)


def signed_in(service: Service, tenant: Tenant, *, secure: bool = True) -> Browser:
    client = Browser(service.client.app)
    client.secure = secure
    client.get("/console/sign-in")
    answer = client.post("/console/sign-in", data={"token": tenant.token})
    assert answer.url.path == "/console", answer.text
    return client


def send(browser: TestClient, path: str, *numbers: int) -> str:
    """Adds pictures with these numbers to the dataset at ``path``; the page that follows."""
    files = [("pictures", (f"thing {number}.png", picture(number), "image/png")) for number in numbers]
    answer = browser.post(f"{path}/pictures", files=files)
    assert answer.status_code == 200
    return html.unescape(answer.text)
