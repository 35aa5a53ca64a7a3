"""Lists of the console by the page."""

from __future__ import annotations

import html
import re

import pytest
from fastapi.testclient import TestClient

from sartor.models.tables import Model
from tests.conftest import Service, Tenant
from tests.console.conftest import signed_in
from tests.console.test_projects import PROJECT


def walk(browser: TestClient, path: str) -> list[list[str]]:
    """The names on each page of a list, from the first one to the last."""
    walked: list[list[str]] = []
    address: str | None = path
    while address:
        page = browser.get(address).text
        walked.append(re.findall(rf'<h2><a href="{path}/\d+">([^<]+)</a></h2>', page))
        following = re.search(r'<a href="([^"]+)" rel="next">', page)
        address = html.unescape(following[1]) if following else None
        assert (f'<a href="{path}">' in page.split("<h1>")[1]) == (len(walked) > 1), "back to the first one"
    return walked


def test_projects_come_by_the_page_newest_first(
    service: Service, browser: TestClient, other_tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sartor.console.projects._PROJECTS_OF_A_PAGE", 2)
    stranger = signed_in(service, other_tenant)
    for number in range(5):
        browser.post("/console/projects", data=PROJECT | {"project_name": f"Zoo {number}"})
        stranger.post("/console/projects", data=PROJECT | {"project_name": f"Farm {number}"})
    assert walk(browser, "/console/projects") == [["Zoo 4", "Zoo 3"], ["Zoo 2", "Zoo 1"], ["Zoo 0"]]


def test_a_page_stays_where_it_is_when_projects_come_and_go(
    browser: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sartor.console.projects._PROJECTS_OF_A_PAGE", 2)
    for number in range(4):
        browser.post("/console/projects", data=PROJECT | {"project_name": f"Zoo {number}"})
    first = browser.get("/console/projects").text
    following = re.search(r'href="([^"]+)" rel="next"', first)
    shown = re.findall(r'<h2><a href="(/console/projects/\d+)">', first)
    assert following
    browser.post(f"{shown[1]}/delete")
    browser.post("/console/projects", data=PROJECT | {"project_name": "Zoo 4"})
    assert re.findall(r">(Zoo \d)<", browser.get(following[1]).text) == ["Zoo 1", "Zoo 0"]


def test_models_come_by_the_page_the_bundled_ones_last(
    service: Service, browser: TestClient, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sartor.console.models._MODELS_OF_A_PAGE", 2)
    with service.parts.database.transaction() as session:
        session.add_all(Model(name=f"Own {number}", organisation_id=tenant.organisation_id) for number in range(3))
    walked = walk(browser, "/console/models")
    assert walked[:2] == [["Own 2", "Own 1"], ["Own 0", walked[1][1]]]
    names = [name for page in walked for name in page]
    assert names[3:] == [model.name for model in service.parts.models.visible(tenant.organisation_id)][3:]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("path", ["/console/projects", "/console/models"])
def test_there_is_nothing_after_the_last_place(browser: TestClient, path: str) -> None:
    assert browser.get(f"{path}?after={2**31 - 1}").status_code == 200
    assert browser.get(f"{path}?after={2**31}").status_code == 404
