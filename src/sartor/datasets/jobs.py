"""The job that writes the captions of a dataset: a few pictures a step, until none is left.

What is done is known by the pictures' rows: each carries the job that wrote it last, so a job that is taken up again
goes on where it was, and one that a later request superseded writes nothing more. Pictures that are added meanwhile
are found as well.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
import structlog
from sqlalchemy.orm import Session

from sartor.accounts.service import Caller
from sartor.datasets.captions import Captions, subject_of
from sartor.datasets.rows import check_draft, count_images, find_dataset, hold
from sartor.datasets.stored import read_stored
from sartor.datasets.tables import Dataset, DatasetImage
from sartor.errors import NotFound, SartorError, Unavailable, Unprocessable
from sartor.kit.database import Database
from sartor.kit.jobs import Chore, Job, Jobs, Queue
from sartor.kit.steps import interruptible_step, pause, step
from sartor.kit.storage import Storage
from sartor.projects.tables import Project

log = structlog.get_logger(__name__)

REGENERATE = "regenerate_captions"
# Hours of reading and describing pictures; a tenant's second dataset does not wait for the first.
QUEUE = Queue("pictures", window=4, per_tenant=2)
# Between attempts of something outside that does not answer; after the last one it is given up.
PAUSES = (timedelta(seconds=10), timedelta(minutes=1), timedelta(minutes=5))
STORAGE_ATTEMPTS = 4
_PICTURES_A_STEP = 4
# When a worker looks for jobs of which nothing has to be remembered any more.
_FORGET_CRON = "47 * * * *"


class Recaptioning:
    """Asks for all captions anew, and writes them."""

    def __init__(
        self,
        database: Database,
        storage: Storage,
        jobs: Jobs,
        *,
        captions: Captions,
        pauses: Sequence[timedelta] = PAUSES,
    ) -> None:
        self._database = database
        self._storage = storage
        self._jobs = jobs
        self._captions = captions
        self._pauses = tuple(pauses)

    def register(self, jobs: Jobs) -> None:
        """Makes the job known to ``jobs``."""
        jobs.add(Job(REGENERATE, QUEUE, self.regenerate_all, on_lost=self.give_up))
        jobs.add_chore(Chore("forget_captions", _FORGET_CRON, lambda _: jobs.forget_ended(REGENERATE)))

    def regenerate(self, caller: Caller, dataset_id: int, job_id: str) -> tuple[Dataset, int]:
        """Starts to write all captions anew, manual ones too; what an earlier request still had to write is left to
        this one. The dataset as it is then, and how many images it has.

        Raises NotFound, and Conflict for a completed dataset, whose captions do not change any more.
        """
        with self._database.transaction() as session:
            find_dataset(session, caller, dataset_id)
            dataset = hold(session, dataset_id)
            check_draft(dataset)
            dataset.captions_job_id, dataset.captions_update_status = job_id, "in_progress"
            dataset.captions_error = None
            session.flush()
            self._jobs.enqueue(session, REGENERATE, job_id, tenant=str(caller.organisation_id))
            return dataset, count_images(session, [dataset_id])[dataset_id]

    def begin_missing(self, job_id: str, dataset_id: int) -> bool:
        """Whether ``job_id`` is to write the captions of pictures that have none: the dataset has a schema to write
        them by, and no other job is at it, which would find these pictures too. Raises NotFound."""
        with self._database.transaction() as session:
            dataset = hold(session, dataset_id)
            if dataset.visual_schema is None or dataset.status != "draft":
                return False
            if dataset.captions_update_status == "in_progress":
                return dataset.captions_job_id == job_id
            dataset.captions_job_id, dataset.captions_update_status = job_id, "in_progress"
            dataset.captions_error = None
        return True

    async def regenerate_all(self, job_id: str) -> None:
        """The job behind ``PUT .../images``."""
        await self.write_all(job_id, only_missing=False)

    async def write_all(self, job_id: str, *, only_missing: bool) -> None:
        """The steps of a job that was written into its dataset; ends the dataset's update, well or not."""
        pauses = iter(self._pauses)
        try:
            while True:
                outcome = await interruptible_step(
                    "captions", self.write_some, job_id, only_missing, attempts=STORAGE_ATTEMPTS
                )
                if outcome["over"]:
                    return
                if outcome["written"]:
                    pauses = iter(self._pauses)
                if outcome["away"] is not None:
                    duration = next(pauses, None)
                    if duration is None:
                        raise Unavailable(f"The pictures could not be described; ask again later ({outcome['away']}).")
                    await pause(duration)
        except Exception as error:
            await step("captions_fail", self.fail, job_id, record(error, job_id))

    def write_some(self, job_id: str, only_missing: bool, *, stop: threading.Event) -> dict[str, Any]:
        """Writes the captions of the next few pictures: ``written`` of them, until the captioner was ``away``, or all
        of it was ``over``. Raises Conflict where the dataset was completed meanwhile."""
        written, away = 0, None
        with self._database.transaction() as session:
            found = _at_work(session, job_id)
            if found is None:
                return {"over": True, "written": 0, "away": None}
            dataset, project = found
            check_draft(dataset)
            images = session.scalars(_left(dataset.id, job_id, only_missing).limit(_PICTURES_A_STEP)).all()
        if not images:
            return {"over": self._end(job_id, only_missing), "written": 0, "away": None}
        for image in images:
            if stop.is_set():
                break
            try:
                values = {"caption": self._describe(image, dataset, project), "caption_source": "automatic"}
            except Unavailable as error:
                away = error.details
                break
            except SartorError as error:
                log.info("picture skipped", job_id=job_id, image_id=image.id, reason=error.details)
                self._write(job_id, image, {}, skipped_for=error.details)
            else:
                written += self._write(job_id, image, values)
        return {"over": False, "written": written, "away": away}

    def fail(self, job_id: str, error: dict[str, Any]) -> None:
        """Ends the update with ``error``, once: captions that were written stay, the rest is as it was."""
        with self._database.transaction() as session:
            session.execute(
                sa.update(Dataset)
                .where(*_by(job_id))
                .values(captions_update_status="empty", captions_error=error)
                .execution_options(synchronize_session=False)
            )

    def give_up(self, job_id: str) -> None:
        """Ends the update of a job that ended without doing so."""
        self.fail(job_id, SartorError("The job failed repeatedly and was given up.").record())

    def _describe(self, image: DatasetImage, dataset: Dataset, project: Project) -> str:
        """Raises Unavailable where it may be tried again, else another SartorError: then it is this picture's fault."""
        try:
            picture = read_stored(self._storage, image.image_key)
        except KeyError:  # deleted meanwhile, or lost
            raise NotFound("The stored picture is missing.") from None
        try:
            return self._captions.caption(picture, visual_schema=dataset.visual_schema, subject=subject_of(project))
        except SartorError:
            raise
        except Exception:  # one picture that shows a bug is to cost the others nothing
            log.exception("picture could not be described", image_id=image.id)
            raise SartorError("An unexpected error occurred.") from None

    def _write(self, job_id: str, image: DatasetImage, values: dict[str, Any], *, skipped_for: str = "") -> bool:
        """Counts a picture as done, unless another job took over, the dataset was completed, or the row changed or
        deleted meanwhile: then nothing is written. One that is skipped keeps the caption that it has."""
        with self._database.transaction() as session:
            changed = session.execute(
                sa.update(DatasetImage)
                .where(
                    DatasetImage.id == image.id,
                    DatasetImage.updated_at == image.updated_at,
                    sa.exists().where(Dataset.id == image.dataset_id, Dataset.status == "draft", *_by(job_id)),
                )
                .values(captions_job_id=job_id, **values)
                .execution_options(synchronize_session=False)
            )
            wrote = bool(changed.rowcount)  # type: ignore[attr-defined]
            if wrote and skipped_for:
                dataset = hold(session, image.dataset_id)
                earlier = (dataset.captions_error or {}).get("images", [])
                dataset.captions_error = _skipped([*earlier, {"id": image.id, "details": skipped_for}])
        return wrote

    def _end(self, job_id: str, only_missing: bool) -> bool:
        """Ends the update where really nothing is left: pictures that came in since are seen under the lock."""
        with self._database.transaction() as session:
            dataset = session.scalar(sa.select(Dataset).where(*_by(job_id)).with_for_update())
            if dataset is None:
                return True
            if session.scalar(_left(dataset.id, job_id, only_missing).limit(1)) is not None:
                return False
            described = sa.exists().where(DatasetImage.dataset_id == dataset.id, DatasetImage.caption.is_not(None))
            dataset.captions_update_status = "completed" if session.scalar(sa.select(described)) else "empty"
        return True


def record(error: Exception, job_id: str) -> dict[str, Any]:
    """What the client is told; a bug is only logged."""
    if isinstance(error, SartorError):
        return error.record()
    log.error("job failed", job_id=job_id, exc_info=error)
    return SartorError("An unexpected error occurred; the log has more.").record()


def _by(job_id: str) -> tuple[sa.ColumnElement[bool], ...]:
    at_work = (Dataset.captions_job_id == job_id, Dataset.captions_update_status == "in_progress")
    return (*at_work, Dataset.deleted_at.is_(None))


def _at_work(session: Session, job_id: str) -> tuple[Dataset, Project] | None:
    """The dataset whose captions ``job_id`` is to write, and its project; None where it no longer is."""
    query = sa.select(Dataset, Project).join(Project, Project.id == Dataset.project_id).where(*_by(job_id))
    found = session.execute(query).one_or_none()
    return None if found is None else (found[0], found[1])


def _left(dataset_id: int, job_id: str, only_missing: bool) -> sa.Select[DatasetImage]:
    not_done = sa.or_(DatasetImage.captions_job_id.is_(None), DatasetImage.captions_job_id != job_id)
    query = sa.select(DatasetImage).where(DatasetImage.dataset_id == dataset_id, not_done).order_by(DatasetImage.id)
    return query.where(DatasetImage.caption.is_(None)) if only_missing else query


def _skipped(images: list[dict[str, Any]]) -> dict[str, Any]:
    reasons = "; ".join(f"image {image['id']}: {image['details']}" for image in images[:5])
    details = f"{len(images)} of the pictures could not be described, and keep the caption that they had: {reasons}"
    return Unprocessable(details).record() | {"images": images}
