"""The console as a browser sees it: signing in, drawing, changing, and what it refuses."""

from __future__ import annotations

import html
import re
from typing import Any
from urllib.parse import quote_plus

import pytest
from fastapi.testclient import TestClient

from sartor.console.session import COOKIE
from tests.conftest import BRAND, Service, Tenant, wait_for
from tests.console.conftest import Browser, signed_in


def fields(page: str, action: int = 0) -> dict[str, str]:
    """The hidden fields of the page's form with this number that posts to /console/images."""
    form = page.split('action="/console/images"')[1 + action].split("</form>")[0]
    found = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', form)
    return {name: html.unescape(value) for name, value in found}


def drawn(browser: TestClient, given: dict[str, Any]) -> tuple[str, str]:
    """The address of the request's page and the page when it has ended."""
    answer = browser.post("/console/images", data={"tailored_model_id": BRAND} | given)
    assert answer.status_code == 200, answer.text
    path = answer.url.path

    def ended() -> str | None:
        page = browser.get(path).text
        return None if 'http-equiv="refresh"' in page else page

    return path, wait_for(ended)


def picture(browser: TestClient, page: str) -> bytes:
    address = re.search(r'<img src="([^"]+)"', page)
    assert address
    return browser.get(html.unescape(address[1])).content


def test_the_root_leads_to_the_sign_in(service: Service) -> None:
    client = TestClient(service.client.app)
    answer = client.get("/")
    assert answer.url.path == "/console/sign-in"
    assert "sartor token create" in answer.text


@pytest.mark.parametrize("path", ["/console", "/console/models", "/console/images/x", "/console/models/1"])
def test_strangers_are_led_to_the_sign_in(service: Service, path: str) -> None:
    answer = TestClient(service.client.app).get(path, follow_redirects=False)
    assert answer.status_code == 303
    wanted = f"?next={quote_plus(path)}" if path != "/console" else ""
    assert answer.headers["location"] == f"/console/sign-in{wanted}"


def test_a_wrong_token_is_refused(service: Service) -> None:
    answer = TestClient(service.client.app).post("/console/sign-in", data={"token": "sartor_no"})
    assert answer.status_code == 401
    assert "not a token" in answer.text
    assert COOKIE not in answer.cookies


@pytest.mark.parametrize("charset", ["undefined", "unicode_escape", "raw_unicode_escape", "utf-7"])
def test_a_form_in_another_charset_is_refused(service: Service, charset: str) -> None:
    field = b'--z\r\nContent-Disposition: form-data; name="token"\r\n\r\n\\ud800+2AA-\r\n--z--\r\n'
    kind = {"Content-Type": f"multipart/form-data; boundary=z; charset={charset}"}
    assert service.client.post("/console/sign-in", content=field, headers=kind).status_code == 415


def test_no_script_reads_the_cookie(service: Service, tenant: Tenant) -> None:
    answer = TestClient(service.client.app).post(
        "/console/sign-in", data={"token": tenant.token}, follow_redirects=False
    )
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    assert "path=/console" in cookie


def test_by_https_the_cookie_never_leaves_by_http(service: Service, tenant: Tenant) -> None:
    client = TestClient(service.client.app, base_url="https://testserver")
    answer = client.post("/console/sign-in", data={"token": tenant.token}, follow_redirects=False)
    assert "; secure" in answer.headers["set-cookie"].lower()


def test_addresses_that_people_shorten_lead_to_the_images(browser: TestClient) -> None:
    for path in ("/", "/console/", "/console/images"):
        assert browser.get(path).url.path == "/console"


def test_what_pages_name_is_there(service: Service) -> None:
    client = TestClient(service.client.app)
    named = re.findall(r'<link rel="(\w+)" href="([^"]+)"', client.get("/console/sign-in").text)
    assert [kind for kind, _ in named] == ["stylesheet", "icon"]
    answers = [client.get(address) for _, address in named]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert [answer.headers["content-type"].split(";")[0] for answer in answers] == ["text/css", "image/svg+xml"]


def test_signing_out_ends_it(browser: TestClient) -> None:
    assert browser.post("/console/sign-out").url.path == "/console/sign-in"
    assert browser.get("/console").url.path == "/console/sign-in"


@pytest.mark.parametrize("secure", [True, False])
def test_browsers_can_sign_in(service: Service, tenant: Tenant, secure: bool) -> None:
    browser = signed_in(service, tenant, secure=secure)
    assert browser.get("/console").url.path == "/console"
    assert browser.post("/console/sign-out").url.path == "/console/sign-in"


@pytest.mark.parametrize(
    ("secure", "headers"),
    [
        (False, {"origin": "https://elsewhere.example"}),
        (False, {"origin": "null"}),
        (False, {"origin": "http://["}),
        (False, {"origin": "//["}),
        (True, {"sec-fetch-site": "cross-site"}),
        (True, {"sec-fetch-site": "same-site"}),
    ],
)
def test_forms_of_other_sites_are_refused(browser: Browser, secure: bool, headers: dict[str, str]) -> None:
    browser.secure = secure
    body = {"tailored_model_id": BRAND, "prompt": "an apple"}
    assert browser.post("/console/images", data=body, headers=headers).status_code == 403
    assert browser.post("/console/sign-out", headers=headers).status_code == 403
    assert "Nothing has been drawn yet" in browser.get("/console").text


def test_words_become_a_picture(browser: TestClient) -> None:
    path, page = drawn(browser, {"prompt": "an apple on the left", "seed": "7"})
    assert picture(browser, page).startswith(b"\x89PNG")
    assert "an apple on the left" in page
    assert "seed 7" in page
    assert "&#34;short_description&#34;" in page
    listed = browser.get("/console").text
    assert path in listed
    assert "an apple on the left" in listed


def test_the_same_again_is_the_same_bytes(browser: TestClient) -> None:
    _, first = drawn(browser, {"prompt": "an apple on the left", "seed": "7"})
    given = fields(first)
    _, again = drawn(browser, {**given, "prompt": ""})
    assert picture(browser, again) == picture(browser, first)
    _, other = drawn(browser, fields(first, 1))
    assert picture(browser, other) != picture(browser, first)


def test_the_json_as_it_is_shown_draws_the_same_bytes(browser: TestClient) -> None:
    _, first = drawn(browser, {"prompt": "an apple on the left", "seed": "7"})
    shown = re.search(r'<textarea name="structured_prompt"[^>]*>([^<]*)</textarea>', first)
    assert shown
    _, again = drawn(browser, fields(first, 2) | {"structured_prompt": html.unescape(shown[1]), "seed": "7"})
    assert picture(browser, again) == picture(browser, first)


def test_words_change_the_scene_and_the_page_says_what(browser: TestClient) -> None:
    _, first = drawn(browser, {"prompt": "an apple on the left", "seed": "7", "steps_num": "20"})
    _, page = drawn(browser, fields(first) | {"prompt": "move the apple to the right"})
    assert "What your words changed" in page
    assert re.search(r"<del>[^<]*left[^<]*</del> <ins>[^<]*right[^<]*</ins>", page)
    assert "seed 7" in page
    assert fields(page)["steps_num"] == "20", "settings are kept"
    _, page = drawn(browser, fields(first) | {"prompt": "add a lemon on the right"})
    assert "<ins>lemon, center right, to the right of the apple, " in page


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"prompt": ""}, "give one of these"),
        ({"prompt": "an apple", "seed": "twelve"}, '"Seed": '),
        ({"prompt": "an apple", "tailored_model_influence": "9"}, '"Influence": '),
        ({"prompt": "change", "structured_prompt": '{"objects": 5}'}, '"Structured prompt": '),
    ],
)
def test_a_refused_form_keeps_what_was_written(browser: TestClient, given: dict[str, str], told: str) -> None:
    answer = browser.post("/console/images", data={"tailored_model_id": BRAND} | given)
    assert answer.status_code == 422
    assert told in html.unescape(answer.text)
    for text in given.values():
        assert text in html.unescape(answer.text)


def test_an_unknown_model_is_refused(browser: TestClient) -> None:
    answer = browser.post("/console/images", data={"tailored_model_id": "999999", "prompt": "an apple"})
    assert answer.status_code == 403


def test_what_was_refused_says_why_and_can_be_said_otherwise(browser: TestClient) -> None:
    _, page = drawn(browser, {"prompt": "a naked woman", "seed": "7", "steps_num": "20"})
    assert "Content Moderated" in page
    assert "Content Moderated" in browser.get("/console").text
    again = fields(page)
    assert (again["seed"], again["steps_num"]) == ("7", "20"), "settings are kept"
    assert ">a naked woman</textarea>" in page, "nothing that was written is lost"
    _, page = drawn(browser, again | {"prompt": "a pear"})
    assert picture(browser, page).startswith(b"\x89PNG")


def test_a_change_that_was_refused_keeps_its_scene(browser: TestClient) -> None:
    _, first = drawn(browser, {"prompt": "an apple on the left", "seed": "7"})
    _, refused = drawn(browser, fields(first) | {"prompt": "make it a naked woman"})
    assert "Content Moderated" in refused
    _, page = drawn(browser, fields(refused) | {"prompt": "move the apple to the right"})
    assert "What your words changed" in page


def test_a_form_sent_twice_is_one_request(browser: TestClient) -> None:
    given = {"tailored_model_id": BRAND, "prompt": "a pear", "form": "0123"}
    first, second = (browser.post("/console/images", data=given).url.path for _ in range(2))
    changed = browser.post("/console/images", data=given | {"prompt": "a plum"}).url.path
    assert first == second != changed


def test_what_has_ended_cannot_be_cancelled(browser: TestClient) -> None:
    path, _ = drawn(browser, {"prompt": "a pear"})
    assert "Cancelled" not in browser.post(f"{path}/cancel").text


def test_a_page_that_asks_again_has_nothing_to_write_into(
    browser: TestClient, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is typed would be lost a second later."""
    path, _ = drawn(browser, {"prompt": "a pear"})
    find = service.parts.generation.find

    def still_drawing(*given: Any) -> Any:
        row = find(*given)
        row.status, row.stage = "IN_PROGRESS", "drawing"
        return row

    monkeypatch.setattr(service.parts.generation, "find", still_drawing)
    page = browser.get(path).text
    assert 'http-equiv="refresh"' in page
    assert "short_description" in page
    assert "<textarea" not in page
    assert 'name="prompt"' not in page


def test_other_organisations_see_nothing(service: Service, browser: TestClient, other_tenant: Tenant) -> None:
    path, _ = drawn(browser, {"prompt": "a pear"})
    stranger = signed_in(service, other_tenant)
    assert stranger.get(path).status_code == 404
    assert "a pear" not in stranger.get("/console").text


def test_markup_is_only_text(browser: TestClient) -> None:
    _, page = drawn(browser, {"prompt": "<script>alert(1)</script> an apple"})
    assert "<script" not in page
    headers = browser.get("/console").headers
    assert "default-src 'none'" in headers["content-security-policy"]
    assert headers["cache-control"] == "no-store"


def test_the_next_page_has_older_ones(browser: TestClient) -> None:
    for number in range(26):
        browser.post("/console/images", data={"tailored_model_id": BRAND, "prompt": f"apple number {number}"})
    newest = browser.get("/console").text
    assert "apple number 25" in newest
    assert "apple number 0<" not in newest
    following = re.search(r'href="(/console\?cursor=[^"]+)"', newest)
    assert following
    assert "apple number 0<" in browser.get(following[1]).text


def test_what_has_no_picture_takes_no_place_among_the_images(
    browser: TestClient, service: Service, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sartor.console.images._IMAGES_OF_A_PAGE", 2)
    path, _ = drawn(browser, {"prompt": "a pear"})
    for _ in range(3):
        body = {"tailored_model_id": BRAND, "prompt": "a plum"}
        asked = service.client.post("/v2/structured_prompt/generate/tailored", headers=tenant.headers, json=body)
        assert asked.status_code == 202
    page = browser.get("/console").text
    assert path in page
    assert "Older ones" not in page


def test_a_long_prompt_does_not_fill_the_pages(browser: TestClient) -> None:
    words = "an apple on the left " * 30
    _, page = drawn(browser, {"prompt": words})
    assert "All of the words" in page
    assert all(len(title) < 250 for title in re.findall(r"<h1>(.*?)</h1>", page))
    assert words.strip() in page
    assert words.strip() not in browser.get("/console").text


def test_models_are_shown(browser: TestClient) -> None:
    listed = browser.get("/console/models").text
    number = re.search(r'/console/models/(\d+)">Paper Garden', listed)
    assert number
    page = browser.get(f"/console/models/{number[1]}").text
    assert "paper collage" in page
    assert f"/console?model={number[1]}" in page
    chosen = browser.get(f"/console?model={number[1]}").text
    assert re.search(rf'value="{number[1]}" selected', chosen)
    for number_of_none in (0, 999999, 10**30, "abc"):
        answer = browser.get(f"/console/models/{number_of_none}")
        assert answer.status_code == 404
        assert "<h1>Not Found</h1>" in answer.text
    assert browser.get(f"/console/models/{number[1]}/pictures/model.json").status_code == 404


def test_the_bundled_brands_show_their_pictures(browser: TestClient) -> None:
    listed = browser.get("/console/models").text
    shown = re.search(r'src="(/console/models/\d+/pictures/[^"]+)"', listed)
    assert shown
    assert browser.get(shown[1]).content.startswith(b"\x89PNG")
