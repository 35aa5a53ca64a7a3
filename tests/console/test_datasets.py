"""A look taught in the console, as a browser sees it: a project, its pictures, words for them, a training."""

from __future__ import annotations

import html
import re
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from PIL import Image

from sartor.datasets.schemas import DatasetChanges
from sartor.errors import Unavailable
from tests.conftest import Service, Tenant, make_settings, shared_bridge, wait_for, write_test_brand
from tests.console.conftest import PROJECT, send, signed_in
from tests.datasets.conftest import MeanColors, picture
from tests.models.conftest import tiny_checkpoint

__all__ = ["tiny_checkpoint"]


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory, tiny_checkpoint: object) -> FastAPI:
    """The real trainer on a tiny checkpoint, and a captioner that sees colours."""
    from sartor.app import create_app

    home = tmp_path_factory.mktemp("teaching")
    write_test_brand(home)
    settings = make_settings(home, checkpoint=str(tiny_checkpoint), threads=1)
    return create_app(settings, bridge=shared_bridge, captioner=MeanColors)


@pytest.fixture
def dataset(browser: TestClient) -> str:
    """The path of a new project's first dataset."""
    answer = browser.post("/console/projects", data=PROJECT)
    assert answer.status_code == 200, answer.text
    assert answer.url.path.startswith("/console/datasets/")
    return answer.url.path


def described(browser: TestClient, path: str) -> str:
    """The page when all captions are written."""
    assert browser.post(f"{path}/describe").status_code == 200
    return settled(browser, path)


def settled(browser: TestClient, path: str) -> str:
    def ended() -> str | None:
        page = browser.get(path).text
        return None if 'http-equiv="refresh"' in page else html.unescape(page)

    return str(wait_for(ended))


def test_a_look_is_taught_from_pictures_to_a_training(browser: TestClient, dataset: str) -> None:
    page = browser.get(dataset).text
    assert "A training needs 5 pictures at least; there are 0." not in page, (
        "before there are any it goes without saying"
    )
    page = send(browser, dataset, *range(5))
    assert "5 pictures, draft" in page
    assert "What the pictures share has not been described yet." in page
    assert page.count("no caption yet") == 5
    page = described(browser, dataset)
    assert '"color_scheme": "blue and green and red"' in page
    assert "no caption yet" not in page
    assert "a thing, red" in page
    model = browser.post(f"{dataset}/train", data={"name": "Ink House", "form": "4567"})
    assert model.url.path.startswith("/console/models/")
    assert "Stop the training" in model.text
    assert '<p class="quiet">in training' in model.text
    again = browser.post(f"{dataset}/train", data={"name": "Ink House", "form": "4567"})
    assert again.url.path == model.url.path, "sent twice it is one training"
    assert "5 pictures, completed" in browser.get(dataset).text
    assert model.url.path in browser.get(dataset).text
    browser.post(f"{model.url.path}/stop")
    ended = wait_for(lambda: page if "stopped before" in (page := browser.get(model.url.path).text) else None)
    assert "Delete the model" in ended
    renamed = browser.post(f"{model.url.path}/words", data={"name": "Ink", "description": "Of ink."}).text
    assert "<h1>Ink</h1>\n<p>Of ink.</p>" in renamed
    refused = browser.post(f"{model.url.path}/words", data={"name": " ", "description": "Of red ink."})
    assert refused.status_code == 422
    assert "Of red ink." in refused.text
    assert browser.post(f"{model.url.path}/delete").url.path == "/console/models"
    assert browser.get(model.url.path).status_code == 404


def test_many_pictures_are_shown_a_page_at_a_time(
    browser: TestClient, dataset: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sartor.console.datasets._PICTURES_OF_A_PAGE", 2)
    send(browser, dataset, *range(5))
    address, shown = dataset, []
    while address:
        page = html.unescape(browser.get(address).text)
        assert "5 pictures, draft" in page
        assert ("From the first on" in page) is (address != dataset)
        shown.append(re.findall(r"thing \d.png", page))
        following = re.search(r'href="([^"]+)" rel="next">The next ones', page)
        address = following[1] if following else ""
    assert shown == [["thing 0.png", "thing 1.png"], ["thing 2.png", "thing 3.png"], ["thing 4.png"]]
    path = re.search(r'href="(/console/datasets/\d+/images/\d+\?after=\d+)"', page)
    assert path
    back = browser.post(path[1], data={"caption": '{"short_description": "a fox"}'})
    assert back.url.query.decode() == path[1].split("?")[1], "back to the page that one came from"
    assert "a fox" in back.text
    shown = browser.get(path[1]).text
    assert shown.count(path[1].split("?")[1]) == 5, "back, the one before, keep, write anew, delete"
    assert "There are none after these." in browser.get(f"{dataset}?after=999999").text
    assert browser.get(f"{dataset}?after={2**31}").status_code == 404


def test_pictures_that_cannot_be_taken_do_not_keep_the_others_out(browser: TestClient, dataset: str) -> None:
    files = [
        ("pictures", ("good.png", picture(1), "image/png")),
        ("pictures", ("words.png", b"no picture", "image/png")),
        ("pictures", ("caption.png", picture(2, size=100), "image/png")),
    ]
    answer = browser.post(f"{dataset}/pictures", files=files)
    assert answer.status_code == 422
    page = html.unescape(answer.text)
    assert "1 picture, draft" in page
    assert "words.png: The file is not a JPEG, PNG or WebP picture." in page
    assert "caption.png: A picture needs 256 pixels" in page
    assert "No picture was chosen." in browser.post(f"{dataset}/pictures").text
    files = [("pictures", (f"{number}.png", b"", "image/png")) for number in range(201)]
    answer = browser.post(f"{dataset}/pictures", files=files)
    assert answer.status_code == 400
    assert "<h1>Bad Request</h1>" in answer.text
    assert "Too many files" in answer.text


def test_the_look_is_changed_by_words_and_as_json(browser: TestClient, dataset: str) -> None:
    send(browser, dataset, *range(5))
    described(browser, dataset)
    written = {"visual_schema": '{"style_medium": "paper collage"}', "instruction": ""}
    browser.post(f"{dataset}/schema", data=written)
    page = settled(browser, dataset)
    assert '"style_medium": "paper collage"' in page
    assert "color_scheme" not in page
    words = {"visual_schema": '{"background_setting": "plain white background"}'}
    browser.post(f"{dataset}/schema", data=words | {"instruction": "make the background navy blue"})
    assert "navy blue" in settled(browser, dataset)
    for schema, told in (("{ wrong", '"Visual schema": is not JSON'), ("", '"Visual schema": is missing')):
        refused = browser.post(f"{dataset}/schema", data={"visual_schema": schema, "instruction": "more light"})
        assert refused.status_code == 422
        page = html.unescape(refused.text)
        assert told in page
        assert f">{schema}</textarea>" in page, "nothing that was written is lost"
        assert 'value="more light"' in page


def test_a_caption_is_read_changed_and_written_anew(browser: TestClient, dataset: str) -> None:
    send(browser, dataset, *range(5))
    page = described(browser, dataset)
    path = re.search(r'href="(/console/datasets/\d+/images/\d+)"', page)
    assert path
    shown = html.unescape(browser.get(path[1]).text)
    assert "caption automatic" in shown
    assert "a thing, red" in shown
    refused = browser.post(path[1], data={"caption": "not JSON {"})
    assert refused.status_code == 422
    assert "not JSON {" in html.unescape(refused.text), "nothing that was written is lost"
    browser.post(path[1], data={"caption": '{"short_description": "a fox in a coat"}'})
    assert "caption manual" in browser.get(path[1]).text
    assert "a fox in a coat" in browser.get(dataset).text
    assert "1 caption was written by hand" in browser.get(dataset).text
    assert '"Caption": is missing' in html.unescape(browser.post(path[1], data={"caption": " "}).text)
    assert "caption automatic" in browser.post(path[1], data={"again": "1"}).text, "to be read"
    assert "a fox in a coat" not in browser.get(dataset).text
    browser.post(f"{path[1]}/delete")
    assert "4 pictures, draft" in browser.get(dataset).text
    assert browser.get(path[1]).status_code == 404


def test_pictures_that_look_the_same_are_named(browser: TestClient, dataset: str) -> None:
    send(browser, dataset, 7)
    files = {"pictures": ("the same under another name.png", picture(7), "image/png")}
    page = browser.post(f"{dataset}/pictures", files=files).text
    paths = re.findall(r'href="(/console/datasets/\d+/images/\d+)"', page)
    assert f'<a href="{paths[0]}">thing 7.png</a>' in browser.get(paths[1]).text


def test_a_training_says_what_is_missing(browser: TestClient, dataset: str) -> None:
    send(browser, dataset, *range(4))
    refused = browser.post(f"{dataset}/describe")
    assert refused.status_code == 412
    assert "5 pictures are needed" in refused.text
    refused = browser.post(f"{dataset}/train", data={"name": "Early"})
    assert refused.status_code == 412
    assert "A training needs 5 pictures at least; there are 4." in refused.text
    assert "4 pictures, draft" in refused.text
    assert "Early" not in browser.get("/console/models").text


def test_a_training_that_cannot_begin_changes_nothing(
    browser: TestClient, service: Service, dataset: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    send(browser, dataset, *range(5))
    described(browser, dataset)
    lifecycle = service.parts.lifecycle

    def away(*_: object, **__: object) -> int:
        raise Unavailable("The base model cannot be read; the log says why.")

    monkeypatch.setattr(lifecycle, "check_base", away)
    refused = browser.post(f"{dataset}/train", data={"name": "Too soon"})
    assert refused.status_code == 503
    assert "5 pictures, draft" in refused.text
    assert 'value="Too soon"' in refused.text
    monkeypatch.undo()
    monkeypatch.setattr(lifecycle, "start", away)
    assert browser.post(f"{dataset}/train", data={"name": "Too soon"}).status_code == 503
    assert "Too soon" not in browser.get("/console/models").text


def test_a_caption_for_a_dataset_that_was_completed_meanwhile_is_not_lost(
    browser: TestClient, service: Service, tenant: Tenant, dataset: str
) -> None:
    send(browser, dataset, *range(5))
    path = re.search(r'href="(/console/datasets/(\d+)/images/\d+)"', described(browser, dataset))
    assert path
    caller = service.parts.accounts.authenticate(tenant.token)
    service.parts.datasets.update(caller, int(path[2]), DatasetChanges(status="completed"))
    refused = browser.post(path[1], data={"caption": '{"short_description": "my words"}'})
    assert refused.status_code == 409
    assert "my words" in refused.text


def test_large_pictures_are_looked_at_made_smaller(
    browser: TestClient, service: Service, dataset: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = [("pictures", (f"{number}.png", picture(number, size=1500), "image/png")) for number in range(5)]
    assert browser.post(f"{dataset}/pictures", files=files).status_code == 200
    sizes: list[tuple[int, int]] = []
    describe = service.parts.captions.visual_schema

    def look(images: list[Image.Image], **named: Any) -> str:
        sizes.extend(image.size for image in images)
        return describe(images, **named)

    monkeypatch.setattr(service.parts.captions, "visual_schema", look)
    described(browser, dataset)
    assert sizes == [(1024, 1024)] * 5


def test_a_picture_that_is_deleted_while_it_is_looked_at_is_said(
    browser: TestClient, service: Service, dataset: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    send(browser, dataset, *range(5))

    def gone(key: str) -> bytes:
        raise KeyError(key)

    monkeypatch.setattr(service.parts.storage, "get", gone)
    refused = browser.post(f"{dataset}/describe")
    assert refused.status_code == 409
    assert "A picture was deleted meanwhile" in refused.text


def test_an_id_is_never_given_again(browser: TestClient, dataset: str) -> None:
    project = browser.post(f"{dataset}/delete").url.path
    assert browser.post(f"{project}/datasets", data={"name": "Another"}).url.path != dataset


def test_addresses_of_forms_lead_to_their_page(browser: TestClient, dataset: str) -> None:
    for action in ("pictures", "describe", "schema", "train", "clone", "delete"):
        assert browser.get(f"{dataset}/{action}").url.path == dataset
    for nothing in ("/console/datasets", "/console/nothing", f"{dataset}/nothing", "/console/train"):
        answer = browser.get(nothing)
        assert answer.status_code == 404
        assert "<h1>Not Found</h1>" in answer.text


def test_a_copy_can_be_changed(browser: TestClient, dataset: str) -> None:
    send(browser, dataset, 1, 2)
    copy = browser.post(f"{dataset}/clone", data={"form": "77"})
    assert copy.url.path != dataset
    assert "2 pictures, draft" in copy.text
    project = browser.post(f"{copy.url.path}/delete").url.path
    assert project.startswith("/console/projects/")
    assert "2 pictures, draft" in browser.get(dataset).text


def test_a_page_that_asks_again_has_nothing_to_write_into(
    browser: TestClient, service: Service, dataset: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    send(browser, dataset, *range(5))
    described(browser, dataset)
    get = service.parts.datasets.get

    def writing(*given: object) -> object:
        found, count = get(*given)  # type: ignore[arg-type]
        found.captions_update_status = "in_progress"
        return found, count

    monkeypatch.setattr(service.parts.datasets, "get", writing)
    page = browser.get(dataset).text
    assert 'http-equiv="refresh"' in page
    assert "<textarea" not in page
    assert 'type="file"' not in page
    assert 'name="name"' not in page


def test_other_organisations_see_nothing(
    service: Service, browser: TestClient, dataset: str, other_tenant: Tenant
) -> None:
    page = send(browser, dataset, *range(5))
    image = re.search(r'href="(/console/datasets/\d+/images/\d+)"', page)
    project = re.search(r'href="(/console/projects/\d+)"', page)
    assert image
    assert project
    stranger = signed_in(service, other_tenant)
    for path in (dataset, image[1], project[1]):
        assert stranger.get(path).status_code == 404
    files = {"pictures": ("a.png", picture(9), "image/png")}
    assert stranger.post(f"{dataset}/pictures", files=files).status_code == 404
    for action in ("describe", "schema", "captions", "train", "clone", "delete"):
        assert stranger.post(f"{dataset}/{action}", data={"name": "Mine", "visual_schema": "{}"}).status_code == 404
    for path in (f"{image[1]}/delete", f"{project[1]}/delete", f"{project[1]}/datasets"):
        assert stranger.post(path, data={"name": "Mine"}).status_code == 404
    assert "Paper Zoo" not in stranger.get("/console/projects").text
    assert "5 pictures, draft" in browser.get(dataset).text
