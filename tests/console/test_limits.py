"""What forms say of the API's limits."""

from __future__ import annotations

import re

from fastapi.testclient import TestClient

from sartor.console.limits import LIMITS, Limits
from sartor.generation.schemas import LARGEST_SEED
from tests.console.test_projects import PROJECT


def test_limits_are_those_of_the_bodies() -> None:
    assert LIMITS["prompt"] == Limits(8000, None, None, None)
    assert LIMITS["seed"] == Limits(None, 0, LARGEST_SEED, None)
    assert LIMITS["ip_medium"].choices == ("photography", "illustration")
    assert LIMITS["tailored_model_influence"].greatest == 1.5
    assert LIMITS["project_name"].characters == LIMITS["name"].characters == 200


def test_every_choice_of_a_setting_is_within_its_limits(browser: TestClient) -> None:
    page = browser.get("/console").text

    def offered(field: str) -> list[str]:
        found = re.search(rf'<select name="{field}">(.*?)</select>', page, re.DOTALL)
        assert found
        return re.findall(r"<option[^>]*>([^<]+)</option>", found[1])

    assert tuple(offered("aspect_ratio")) == LIMITS["aspect_ratio"].choices
    for field in ("steps_num", "tailored_model_influence"):
        least, greatest = LIMITS[field].least, LIMITS[field].greatest
        values = [float(value) for value in offered(field)]
        assert (min(values), max(values)) == (least, greatest)


def test_what_is_written_is_bounded_as_in_the_api(browser: TestClient) -> None:
    dataset = browser.post("/console/projects", data=PROJECT).text
    project = re.search(r'href="(/console/projects/\d+)"', dataset)
    assert project
    bounds = {
        field: int(most)
        for page in (dataset, *(browser.get(path).text for path in ("/console", "/console/projects", project[1])))
        for field, most in re.findall(r'name="(\w+)"[^>]* maxlength="(\d+)"', page)
    }
    assert bounds.pop("seed") == len(str(LARGEST_SEED))
    assert bounds.pop("dataset_name") == LIMITS["name"].characters
    assert bounds == {field: LIMITS[field].characters for field in bounds}
    assert set(bounds) >= {"prompt", "negative_prompt", "name", "project_name", "project_description", "ip_name"}
