"""The page of one picture among those of its dataset, and how far their captions are."""

from __future__ import annotations

import re

import pytest
from fastapi.testclient import TestClient

from sartor.datasets.rows import LIMITS, Captioned
from tests.conftest import Service, Tenant
from tests.console.test_projects import add_project
from tests.datasets.conftest import picture


def pictures_of(page: str) -> list[str]:
    return re.findall(r'<li><a href="(/console/datasets/\d+/images/\d+)"', page)


def test_one_picture_leads_to_the_next(browser: TestClient) -> None:
    dataset = add_project(browser, 1, 2, 3)
    add_project(browser, 4)
    paths = pictures_of(browser.get(dataset).text)
    shown = [browser.get(path).text for path in paths]
    beside = [re.findall(r'href="([^"]+)" rel="(\w+)"', page) for page in shown]
    assert beside == [
        [(paths[1], "next")],
        [(paths[0], "prev"), (paths[2], "next")],
        [(paths[1], "prev")],
    ]
    kept = {"caption": '{"short_description": "a fox"}', "next": "1"}
    assert [browser.post(path, data=kept).url.path for path in paths] == [paths[1], paths[2], dataset]
    assert ["on to the next one" in page for page in shown] == [True, True, False]


def test_of_many_that_look_the_same_some_are_named(browser: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sartor.console.datasets._ALIKE_SHOWN", 2)
    dataset = add_project(browser, 1)
    for name in ("second.png", "third.png", "fourth.png"):
        browser.post(f"{dataset}/pictures", files={"pictures": (name, picture(1), "image/png")})
    last = browser.get(pictures_of(browser.get(dataset).text)[-1]).text
    assert ">1.png</a>, <a" in last
    assert ">second.png</a> and 1 more: one of them is enough." in last


def test_captions_that_are_written_anew_are_counted_from_none(
    browser: TestClient, service: Service, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset = add_project(browser, 1, 2)
    caller = service.parts.accounts.authenticate(tenant.token)
    number = int(dataset.rpartition("/")[2])
    for path in pictures_of(browser.get(dataset).text):
        browser.post(path, data={"caption": '{"short_description": "a fox"}'})
    with monkeypatch.context() as still:
        still.setattr("sartor.kit.jobs.Jobs.enqueue", lambda *_, **__: None)
        service.parts.recaptioning.regenerate(caller, number, "a job")
    assert service.parts.datasets.captioned(caller, number) == Captioned(images=2, captioned=2, by_hand=2, done=0)
    assert "Captions are being written: 0 of 2 are." in browser.get(dataset).text
    browser.post(pictures_of(browser.get(dataset).text)[0], data={"caption": '{"short_description": "an owl"}'})
    page = browser.get(dataset).text
    assert "Captions are being written: 1 of 2 are." in page
    assert 'value="1" max="2"' in page


def test_what_looks_the_same_is_seen_among_all(browser: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = add_project(browser, 1, 2)
    assert "looks like another one" not in browser.get(dataset).text
    page = browser.post(f"{dataset}/pictures", files={"pictures": ("again.png", picture(1), "image/png")}).text
    assert re.findall(r">([^<,]+), looks like another one<", page) == ["1.png", "again.png"]
    monkeypatch.setitem(LIMITS, "basic", 2)
    assert "looks like another one" not in browser.get(dataset).text, "each of thousands is not compared with each"


def test_how_many_of_several_pictures_are_in_is_said(browser: TestClient) -> None:
    dataset = add_project(browser)
    assert "200 pictures at a time" in browser.get(dataset).text
    files = [("pictures", (f"{number}.png", picture(number), "image/png")) for number in range(2)]
    page = browser.post(f"{dataset}/pictures", files=[*files, ("pictures", ("words.png", b"no", "image/png"))]).text
    assert "2 of 3 pictures are in; the others are not:" in page
    page = browser.post(f"{dataset}/pictures", files={"pictures": ("words.png", b"no", "image/png")}).text
    assert "pictures are in" not in page
