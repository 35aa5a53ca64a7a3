"""The projects of the console: many at once, and one."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient

from sartor.datasets.rows import LIMITS
from tests.console.conftest import PROJECT, send
from tests.datasets.conftest import picture


@pytest.fixture
def asked() -> Iterator[list[str]]:
    """What the database is asked from here on."""
    statements: list[str] = []

    def listen(_: object, __: object, statement: str, *___: object) -> None:
        statements.append(statement)

    sa.event.listen(sa.Engine, "before_cursor_execute", listen)
    yield statements
    sa.event.remove(sa.Engine, "before_cursor_execute", listen)


def add_project(browser: TestClient, *numbers: int) -> str:
    """The path of a new project's dataset, which has these pictures."""
    path = browser.post("/console/projects", data=PROJECT).url.path
    for number in numbers:
        browser.post(f"{path}/pictures", files={"pictures": (f"{number}.png", picture(number), "image/png")})
    return path


def test_many_projects_are_shown_with_as_many_queries_as_one(browser: TestClient, asked: list[str]) -> None:
    def queries(path: str) -> int:
        asked.clear()
        assert browser.get(path).status_code == 200
        return len([one for one in asked if "dataset" in one or "FROM projects" in one])

    add_project(browser, 1)
    few = queries("/console/projects")
    for number in range(2, 5):
        project = browser.get(add_project(browser, number)).text
    assert browser.get("/console/projects").text.count("<img") == 4
    assert queries("/console/projects") == few
    path = re.search(r'href="(/console/projects/\d+)"', project)
    assert path
    few = queries(path[1])
    for name in ("second", "third"):
        browser.post(f"{path[1]}/datasets", data={"name": name})
    assert queries(path[1]) == few


def test_a_project_is_shown_with_its_newest_pictures(browser: TestClient) -> None:
    first = add_project(browser, *range(1, 9))
    project = re.search(r'href="(/console/projects/\d+)"', browser.get(first).text)
    assert project
    browser.post(f"{project[1]}/datasets", data={"name": "still empty"})
    listed = browser.get("/console/projects").text
    assert listed.count("<img") == 6, "a dataset without pictures hides none, and six are enough"
    assert browser.get(project[1]).text.count("<img") == 6


def test_projects_and_datasets_are_renamed(browser: TestClient) -> None:
    dataset = browser.post("/console/projects", data=PROJECT).url.path
    project = re.search(r'href="(/console/projects/\d+)"', browser.get(dataset).text)
    assert project
    assert "ip_name" not in browser.get(project[1]).text, "which a set of objects has none of"
    browser.post(f"{project[1]}/words", data={"project_name": "Clay Zoo", "project_description": "Of clay."})
    page = browser.get(project[1]).text
    assert "<h1>Clay Zoo</h1>" in page
    assert "<p>Of clay.</p>" in page
    browser.post(f"{project[1]}/words", data={"project_name": "Clay Zoo", "project_description": ""})
    assert "Of clay." not in browser.get(project[1]).text
    renamed = browser.post(f"{dataset}/words", data={"dataset_name": "First set"})
    assert renamed.url.path == dataset
    assert "<h1>First set</h1>" in renamed.text
    for path, field in ((project[1], "project_name"), (dataset, "dataset_name")):
        for refused in (" ", "x" * 201):
            page = browser.post(f"{path}/words", data={field: refused})
            assert page.status_code == 422
            assert f'value="{refused}"' in page.text, "nothing that was written is lost"
            assert 'role="alert"' in page.text


def test_a_character_is_described_otherwise(browser: TestClient) -> None:
    fox = {"ip_type": "defined_character", "ip_name": "Lora", "ip_description": "a fox"}
    dataset = browser.post("/console/projects", data=PROJECT | fox).text
    project = re.search(r'href="(/console/projects/\d+)"', dataset)
    assert project
    words = {"project_name": "Zoo", "ip_name": "Lara", "ip_description": "a red fox"}
    assert "Lara: a red fox" in browser.post(f"{project[1]}/words", data=words).text
    refused = browser.post(f"{project[1]}/words", data=words | {"ip_name": ""})
    assert refused.status_code == 400
    assert "is needed" in refused.text


def test_an_empty_dataset_says_what_comes_next(browser: TestClient) -> None:
    path = add_project(browser)
    page = browser.get(path).text
    assert "Two steps follow once there are 5" in page
    assert "There are none yet." in page
    assert "Make a copy" not in page, "of nothing"
    browser.post(f"{path}/pictures", files={"pictures": ("1.png", picture(1), "image/png")})
    assert "Make a copy" in browser.get(path).text


def test_the_images_say_what_their_settings_mean(browser: TestClient) -> None:
    page = browser.get("/console").text
    assert "Influence is how strongly" in page
    assert "Nothing has been drawn yet." in page


def test_the_project_shows_what_it_has(browser: TestClient) -> None:
    dataset = add_project(browser, 1)
    listed = browser.get("/console/projects").text
    project = re.search(r'href="(/console/projects/\d+)">Paper Zoo', listed)
    assert project
    assert "a set of objects, illustration" in listed
    assert listed.count("<img") == 1
    page = browser.post(f"{project[1]}/datasets", data={"name": "Second", "form": "89"})
    assert page.url.path != dataset
    assert "Second" in browser.get(project[1]).text
    assert dataset in browser.get(project[1]).text
    assert browser.post(f"{project[1]}/delete").url.path == "/console/projects"
    assert browser.get(dataset).status_code == 404


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"project_name": ""}, '"Name": field required'),
        (
            {"ip_medium": "photography"},
            '"Medium": must be illustration where "What is to be kept alike" is "a set of objects"',
        ),
        (
            {"ip_type": "defined_character", "ip_name": "Lora"},
            '"What sets it apart": is needed where "What is to be kept alike" is "one character"',
        ),
    ],
)
def test_a_refused_project_keeps_what_was_written(browser: TestClient, given: dict[str, str], told: str) -> None:
    answer = browser.post("/console/projects", data=PROJECT | given)
    assert answer.status_code == 422
    page = html.unescape(answer.text)
    assert told in page
    for value in (PROJECT | given).values():
        assert value in page


def test_a_form_sent_twice_is_one_project_and_the_same_pictures(
    browser: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = [browser.post("/console/projects", data=PROJECT | {"form": "ab"}).url.path for _ in range(2)]
    assert paths[0] == paths[1]
    send(browser, paths[0], 1, 2)
    assert "2 pictures, draft" in send(browser, paths[0], 1, 2), "as after a long wait and a second try"
    assert "3 pictures, draft" in send(browser, paths[0], 2, 3)
    monkeypatch.setitem(LIMITS, "basic", 3)
    assert "3 pictures, draft" in send(browser, paths[0], 1, 2, 3), "a full one has them all the same"
