"""Forms that are sent by somebody who is signed out meanwhile."""

from __future__ import annotations

import html
import re

import pytest

from sartor.console.session import COOKIE
from tests.conftest import BRAND, Service, Tenant
from tests.console.conftest import Browser
from tests.console.test_projects import PROJECT

_WORDS = 'a "pear" <b>& a plum</b>,\non a hill'
_GIVEN = {"tailored_model_id": BRAND, "prompt": _WORDS, "steps_num": "30", "form": "0123"}


def fields(page: str) -> dict[str, str]:
    """What the page's form sends if nothing is changed, as a browser reads it."""
    form = page.split("<main>")[1].split("<form")[1].split("</form>")[0]
    found = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', form))
    for name, text in re.findall(r'<textarea name="([^"]+)"[^>]*>([^<]*)', form):
        found[name] = text.removeprefix("\n")  # as HTML has it
    return {html.unescape(name): html.unescape(text) for name, text in found.items()}


def action(page: str) -> str:
    found = re.search(r'<form method="post" action="([^"]+)"', page.split("<main>")[1])
    assert found
    return html.unescape(found[1])


@pytest.fixture
def stranger(service: Service) -> Browser:
    return Browser(service.client.app)


def test_what_was_written_comes_back_after_signing_in(stranger: Browser, tenant: Tenant) -> None:
    page = stranger.post("/console/images", data=_GIVEN)
    assert page.status_code == 401
    assert "Nothing has been done" in page.text
    page = stranger.post("/console/sign-in", data=fields(page.text) | {"token": "wrong"})
    assert page.status_code == 401
    page = stranger.post("/console/sign-in", data=fields(page.text) | {"token": tenant.token})
    assert page.status_code == 200
    assert fields(page.text) == _GIVEN
    assert _WORDS in html.unescape(page.text)
    assert "Nothing has been drawn yet" in stranger.get("/console").text, "it is for people to send it"
    drawn = stranger.post(action(page.text), data=fields(page.text))
    assert drawn.url.path.startswith("/console/images/")
    assert _WORDS in html.unescape(drawn.text)


def test_a_form_of_a_token_that_was_revoked_leads_back_to_its_page(stranger: Browser, tenant: Tenant) -> None:
    path = "/console/datasets/3/images/4?after=2"
    page = stranger.post(path, data={"caption": "{}", "next": "1"}).text
    page = stranger.post("/console/sign-in", data=fields(page) | {"token": tenant.token}).text
    assert action(page) == path
    assert f'href="{path}">Leave it' in page
    assert fields(page) == {"caption": "{}", "next": "1"}


def test_a_token_that_is_revoked_loses_nothing(service: Service, browser: Browser, tenant: Tenant) -> None:
    browser.cookies.set(COOKIE, "sartor_revoked", domain="testserver.local", path="/console")
    page = browser.post("/console/projects", data=PROJECT).text
    page = browser.post("/console/sign-in", data=fields(page) | {"token": tenant.token}).text
    assert "Paper Zoo" not in browser.get("/console/projects").text
    assert browser.post(action(page), data=fields(page)).url.path.startswith("/console/datasets/")
    assert "Paper Zoo" in browser.get("/console/projects").text


@pytest.mark.parametrize(
    ("sent", "told"),
    [
        ({"data": {"form": "0123"}}, "Nothing has been done."),
        ({"files": {"pictures": ("a.png", b"a", "image/png")}}, "chosen again"),
        ({"data": {"prompt": "x" * 600_000}}, "too long to be kept"),
        ({"content": b"{}", "headers": {"content-type": "application/json"}}, "Nothing has been done."),
        ({"data": {str(number): "x" for number in range(1001)}}, "Nothing has been done."),
    ],
)
def test_what_cannot_be_kept_is_said(stranger: Browser, tenant: Tenant, sent: dict[str, object], told: str) -> None:
    page = stranger.post("/console/datasets/3/pictures", **sent)
    assert page.status_code == 401
    assert told in page.text
    assert "kept." not in page.text
    data = fields(page.text) | {"token": tenant.token}
    led = stranger.post("/console/sign-in", data=data, follow_redirects=False)
    assert led.headers["location"] == "/console/datasets/3"


@pytest.mark.parametrize("to", ["https://elsewhere.example", "//elsewhere.example", "/v2/x", "/console/sign-out"])
def test_what_was_kept_goes_to_forms_of_the_console_alone(stranger: Browser, tenant: Tenant, to: str) -> None:
    given = {"token": tenant.token, "to": to, "kept.prompt": "a pear"}
    assert stranger.post("/console/sign-in", data=given, follow_redirects=False).status_code == 303


def test_another_site_cannot_write_into_the_page(stranger: Browser, tenant: Tenant) -> None:
    elsewhere = {"sec-fetch-site": "cross-site"}
    for path in ("/console/images", "/console/sign-in"):
        page = stranger.post(path, data=_GIVEN | {"kept.prompt": "a pear", "to": path}, headers=elsewhere)
        assert page.status_code == 403
        assert "pear" not in page.text


def test_every_field_that_is_written_has_a_name(service: Service) -> None:
    from sartor.console.kept import WRITTEN
    from sartor.console.pages import Pages

    shown = Pages().answer("kept.html", kept=dict.fromkeys(WRITTEN, "x"), to="", next="", written=WRITTEN)
    assert bytes(shown.body).count(b"<textarea") == len(WRITTEN)
