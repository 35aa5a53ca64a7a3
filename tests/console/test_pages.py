"""What the API says, in the words of the pages, and what all pages show."""

from __future__ import annotations

import re
from typing import get_args

import pytest
from fastapi.testclient import TestClient

from sartor.console.pages import in_words
from sartor.models.schemas import Status
from sartor.models.tables import Model
from tests.conftest import Service, Tenant


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("seed: must be a number; steps_num: is too large", '"Seed": must be a number; "Steps": is too large'),
        ("visual_schema: lighting: must be a JSON object", '"Visual schema": lighting: must be a JSON object'),
        (
            "ip_name: is needed where ip_type is icons",
            '"The character\'s name": is needed where "What is to be kept alike" is icons',
        ),
        ("body: give one of these: prompt; seed", "give one of these: prompt; seed"),
        ("prompt: the prompt names more than 128 things", '"What to draw": the prompt names more than 128 things'),
        ("x.png: The picture is damaged.", "x.png: The picture is damaged."),
        ("my_picture.png: The picture is damaged.", "my_picture.png: The picture is damaged."),
        ("is one of stylized_scene", 'is one of "scenes"'),
        ("A name: any; other: words", "A name: any; other: words"),
    ],
)
def test_fields_are_called_what_the_page_calls_them(said: str, shown: str) -> None:
    assert in_words(said) == shown


def test_every_status_has_words(browser: TestClient, service: Service, tenant: Tenant) -> None:
    for status in get_args(Status):
        with service.parts.database.transaction() as session:
            model = Model(name="A model", organisation_id=tenant.organisation_id, status=status)
            session.add(model)
        assert re.search(r'<p class="quiet">[a-z ]+, id <code>', browser.get(f"/console/models/{model.id}").text)
    assert not set(re.findall(r'<p class="quiet">(\w+)', browser.get("/console/models").text)) & set(get_args(Status))


@pytest.mark.parametrize(
    ("seconds", "words"), [(9, "less than a minute"), (61, "about a minute"), (400, "about 7 minutes")]
)
def test_a_training_says_how_long_it_takes(
    browser: TestClient, service: Service, tenant: Tenant, seconds: int, words: str
) -> None:
    progress = {"step": 3, "steps": 9, "loss": 0.5, "rate": 1.0, "seconds_left": seconds}
    with service.parts.database.transaction() as session:
        model = Model(name="A", organisation_id=tenant.organisation_id, status="InProgress", progress=progress)
        session.add(model)
    assert f"step 3 of 9, {words} left" in browser.get(f"/console/models/{model.id}").text


@pytest.mark.parametrize("name", ["Images", "Projects", "Models"])
def test_the_navigation_says_where_one_is(browser: TestClient, name: str) -> None:
    page = browser.get("/console" + ("" if name == "Images" else f"/{name.lower()}")).text
    assert re.findall(r'aria-current="true">(\w+)<', page) == [name]
