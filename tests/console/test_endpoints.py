"""What all pages of the console have in common: who sees them, and what an error leads to."""

from __future__ import annotations

import html
import re
from collections.abc import Callable

import pytest
from fastapi.testclient import TestClient
from sqlalchemy.exc import OperationalError

from sartor.errors import TooManyRequests
from tests.conftest import Service, Tenant
from tests.console.conftest import Browser
from tests.console.test_projects import add_project


def signed_in_at(service: Service, tenant: Tenant, path: str) -> str:
    """Which page is shown after somebody who asked for ``path`` has signed in."""
    client = Browser(service.client.app)
    page = client.get(path)
    assert page.url.path == "/console/sign-in"
    wanted = re.search(r'name="next" value="([^"]*)"', page.text)
    refused = client.post(
        "/console/sign-in", data={"token": "wrong"} | ({"next": html.unescape(wanted[1])} if wanted else {})
    )
    assert refused.status_code == 401
    kept = re.search(r'name="next" value="([^"]*)"', refused.text)
    assert (kept and kept[1]) == (wanted and wanted[1])
    answer = client.post(
        "/console/sign-in", data={"token": tenant.token, "next": html.unescape(kept[1]) if kept else ""}
    )
    return answer.url.raw_path.decode()


def test_signing_in_leads_to_the_page_that_was_asked_for(service: Service, tenant: Tenant) -> None:
    for path in ("/console", "/console/models", "/console?model=1", "/console/datasets/3?after=9"):
        assert signed_in_at(service, tenant, path) == path


@pytest.mark.parametrize(
    "elsewhere", ["https://elsewhere.example", "//elsewhere.example", "/v2/requests", "/console/sign-in", "/consoles"]
)
def test_signing_in_leads_to_pages_of_the_console_alone(service: Service, tenant: Tenant, elsewhere: str) -> None:
    client = Browser(service.client.app)
    answer = client.post("/console/sign-in", data={"token": tenant.token, "next": elsewhere}, follow_redirects=False)
    assert answer.headers["location"] == "/console"


def test_a_form_that_fails_leads_back_to_its_page(browser: TestClient) -> None:
    assert 'href="/console/models/999999">Back' in browser.post("/console/models/999999/stop").text
    assert "Back to the page" not in browser.get("/console/models/999999").text


def _many() -> Exception:
    return TooManyRequests("Too many calls.", retry_after=3)


def _away() -> Exception:
    return OperationalError("SELECT", {}, Exception("away"))


@pytest.mark.parametrize(("error", "seconds"), [(_many, 3), (_away, 10), (ZeroDivisionError, None)])
def test_a_page_that_cannot_be_shown_now_asks_again(
    browser: TestClient,
    service: Service,
    monkeypatch: pytest.MonkeyPatch,
    error: Callable[[], Exception],
    seconds: int | None,
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise error()

    monkeypatch.setattr(service.parts.models, "page", refuse)
    page = browser.get("/console/models").text
    asked = re.search(r'http-equiv="refresh" content="(\d+)"', page)
    assert (asked and int(asked[1])) == seconds
    assert "request_id <code>" in page
    monkeypatch.setattr(service.parts.lifecycle, "stop", refuse)
    assert "http-equiv" not in browser.post("/console/models/1/stop").text, "forms are sent by people"


def test_what_nobody_foresaw_is_a_page_too(
    browser: TestClient, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset = add_project(browser)

    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(service.parts.datasets, "get", broken)
    answer = browser.get(dataset)
    assert answer.status_code == 500
    assert "<h1>Internal Server Error</h1>" in answer.text
    assert "ZeroDivisionError" not in answer.text
