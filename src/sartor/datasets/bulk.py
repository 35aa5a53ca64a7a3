"""One ZIP becomes the images of an advanced dataset: a job that goes on where it was, whatever happens to the process.

    fetch -> survey -> take in, a few entries a step -> captions, where there is a schema -> complete

The archive waits in a folder of the machine that works on it. Another machine that takes the job up fetches it again,
and goes on only if it is the same. An image belongs to the number of its entry, so a step that is repeated adds
nothing twice.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa
import structlog
from sqlalchemy.exc import IntegrityError

from sartor.accounts.service import Caller
from sartor.datasets.archive import MAX_ARCHIVE_BYTES, Archive
from sartor.datasets.bulk_rows import RUNNING, failure, running, status_of, upload_of
from sartor.datasets.images import Images
from sartor.datasets.jobs import PAUSES, QUEUE, STORAGE_ATTEMPTS, Recaptioning, record
from sartor.datasets.pictures import room_for_one, take_in
from sartor.datasets.rows import check_draft, count_images, find_dataset
from sartor.datasets.sources import file_name
from sartor.datasets.tables import BulkUpload, Dataset, DatasetImage
from sartor.errors import BadRequest, BodyTooLarge, Moderated, SartorError, Unavailable
from sartor.kit.database import Database
from sartor.kit.fetch import BadAddress, Fetcher, FetchError, RefusedAddress, TooLarge, TooManyRedirects
from sartor.kit.idempotency import claim, digest_of
from sartor.kit.jobs import Chore, Job, Jobs
from sartor.kit.steps import async_step, interruptible_step, pause, step
from sartor.kit.storage import is_full
from sartor.moderation.base import ImageModerator

log = structlog.get_logger(__name__)

BULK_UPLOAD = "bulk_upload"
# Whoever asks for an upload waits for this.
_PROBE_LIMIT = timedelta(seconds=15)
# 5 GB at 6 Mbit/s.
_FETCH_LIMIT = timedelta(hours=2)
_SILENCE = timedelta(minutes=1)
# A picture takes a second or so; that much is done again after a crash.
_ENTRIES_A_STEP = 4
# An archive that nobody has touched for so long, and whose upload has ended elsewhere, is left over.
_LEFT_OVER_SECONDS = 3600
_FORGET_CRON = "52 * * * *"


class BulkUploads:
    """Starts uploads, tells how they are, and does them."""

    def __init__(
        self,
        database: Database,
        jobs: Jobs,
        fetcher: Fetcher,
        images: Images,
        recaptioning: Recaptioning,
        *,
        image_moderator: ImageModerator,
        folder: Path,
        pauses: Sequence[timedelta] = PAUSES,
    ) -> None:
        """``folder`` is where archives wait, on a disk with room for several of them."""
        self._database = database
        self._jobs = jobs
        self._fetcher = fetcher
        self._images = images
        self._recaptioning = recaptioning
        self._image_moderator = image_moderator
        self._folder = folder
        self._pauses = tuple(pauses)

    def register(self, jobs: Jobs) -> None:
        """Makes the job known to ``jobs``."""
        jobs.add(Job(BULK_UPLOAD, QUEUE, self.upload, on_lost=self.give_up))
        jobs.add_chore(Chore("forget_uploads", _FORGET_CRON, lambda _: jobs.forget_ended(BULK_UPLOAD)))

    async def start(
        self,
        caller: Caller,
        dataset_id: int,
        upload_id: str,
        *,
        zip_url: str,
        content_moderation: bool,
        idempotency_key: str | None = None,
    ) -> dict[str, Any]:
        """Starts the one upload that a dataset may have, and says how it is.

        The address is asked first, so that one which leads nowhere does not use the attempt up. Raises NotFound;
        BadRequest for a basic dataset, one that is not empty or had an upload, and an address that gives no file;
        BodyTooLarge above 5 GB; Unprocessable for an idempotency key that belongs to another body.
        """

        def check() -> bool:
            with self._database.transaction() as session:
                dataset = find_dataset(session, caller, dataset_id)
                if dataset.upload_type != "advanced":
                    raise BadRequest("A ZIP is for datasets of the upload type advanced; this one takes single images.")
                return upload_of(session, dataset_id) is None

        def insert() -> dict[str, Any]:
            with self._database.transaction() as session:
                dataset = find_dataset(session, caller, dataset_id)
                if idempotency_key is not None:
                    asked = {"dataset_id": dataset_id, "zip_url": zip_url, "content_moderation": content_moderation}
                    tenant = str(caller.organisation_id)
                    digest = digest_of(BULK_UPLOAD, asked)
                    claimed = claim(session, tenant, idempotency_key, digest, upload_id)
                    if claimed != upload_id:
                        return status_of(session, dataset)
                if upload_of(session, dataset_id) is not None:
                    raise BadRequest("A ZIP was uploaded to this dataset already, or an attempt was made.")
                if count_images(session, [dataset_id])[dataset_id]:
                    raise BadRequest("A ZIP is for an empty dataset; this one has images.")
                upload = BulkUpload(
                    id=upload_id, dataset_id=dataset_id, zip_url=zip_url, content_moderation=content_moderation
                )
                session.add(upload)
                session.flush()
                self._jobs.enqueue(session, BULK_UPLOAD, upload_id, tenant=str(caller.organisation_id))
                return status_of(session, dataset)

        if await asyncio.to_thread(check):
            await self._probe(zip_url)
        try:
            return await asyncio.to_thread(insert)
        except IntegrityError:
            return await asyncio.to_thread(insert)  # the other one is in by now

    def status(self, caller: Caller, dataset_id: int) -> dict[str, Any]:
        """How the dataset's upload is. Raises NotFound, also where there was none, and BadRequest for a basic one."""
        with self._database.transaction() as session:
            dataset = find_dataset(session, caller, dataset_id)
            if dataset.upload_type != "advanced":
                raise BadRequest("A ZIP is for datasets of the upload type advanced; this one takes single images.")
            return status_of(session, dataset)

    async def upload(self, upload_id: str) -> None:
        """The job behind ``POST .../images/bulk-upload``."""
        try:
            await self._fetch_archive(upload_id)
            while (found := await async_step("survey", self.survey, upload_id)) is None:
                await self._fetch_archive(upload_id)
            first = 0
            while first < found["total"]:
                here = await interruptible_step(
                    "take_in", self.take_in, upload_id, found["digest"], first, attempts=STORAGE_ATTEMPTS
                )
                if here:
                    first += _ENTRIES_A_STEP
                else:
                    await self._fetch_archive(upload_id)
            if await step("begin_captions", self.begin_captions, upload_id):
                await self._recaptioning.write_all(upload_id, only_missing=True)
            await step("complete", self.complete, upload_id)
        except Exception as error:
            await step("fail", self.fail, upload_id, record(error, upload_id))

    async def _fetch_archive(self, upload_id: str) -> None:
        for duration in (*self._pauses, None):
            outcome = await async_step("fetch", self.fetch, upload_id)
            if outcome["away"] is None:
                return
            if duration is None:
                raise (Unavailable if outcome.get("full") else BadRequest)(f"zip_url: {outcome['away']}")
            await pause(duration)

    async def fetch(self, upload_id: str) -> dict[str, Any]:
        """Brings the archive into the folder, where it is not there yet; or says why it was ``away``. Of one that found
        the disk ``full`` nothing is kept meanwhile: others need that room, too.

        Raises NotFound where the upload is gone, BadRequest and BodyTooLarge for what another try would not change.
        """
        path = self._path(upload_id)
        address = await asyncio.to_thread(self._begin, upload_id)
        if not path.exists():
            try:
                size = await self._fetcher.download(
                    address, path, max_bytes=MAX_ARCHIVE_BYTES, limit=_FETCH_LIMIT, silence=_SILENCE
                )
            except (BadAddress, RefusedAddress, TooLarge, TooManyRedirects) as error:
                raise _refusal(error) from None
            except FetchError as error:
                log.info("archive did not come", upload_id=upload_id, reason=str(error))
                return {"away": str(error)}
            except OSError as error:
                if not is_full(error):
                    raise
                _part(path).unlink(missing_ok=True)
                log.warning("no room for an archive", upload_id=upload_id, reason=str(error))
                return {"away": "There is no room for the file at this moment.", "full": True}
            log.info("archive fetched", upload_id=upload_id, bytes=size)
        return {"away": None}

    async def survey(self, upload_id: str) -> dict[str, Any] | None:
        """How many entries the archive has, and the ``digest`` by which it is known again; None where it is not on
        this machine. Raises BadRequest for what cannot be read."""

        def read() -> dict[str, Any] | None:
            path = self._path(upload_id)
            if not path.exists():
                return None
            with Archive(path) as archive:
                total, digest = len(archive.entries), archive.digest
            with self._database.transaction() as session:
                running(session, upload_id).total = total
            return {"total": total, "digest": digest}

        return await asyncio.to_thread(read)

    def take_in(self, upload_id: str, digest: str, first: int, *, stop: threading.Event) -> bool:
        """The next few entries, from number ``first`` on, become images, or failures with a reason each; False where
        the archive is not on this machine.

        Raises BadRequest where the archive is not the one that was surveyed, NotFound where the upload is gone,
        Conflict where the dataset was completed meanwhile.
        """
        path = self._path(upload_id)
        if not path.exists():
            return False
        failures: list[dict[str, Any]] = []
        with Archive(path) as archive:
            if archive.digest != digest:
                raise BadRequest("zip_url: the ZIP is another one than at the beginning.")
            numbers = range(first, min(first + _ENTRIES_A_STEP, len(archive.entries)))
            with self._database.transaction() as session:
                upload = running(session, upload_id)
                dataset = session.get_one(Dataset, upload.dataset_id)
                added = set(
                    session.scalars(
                        sa.select(DatasetImage.entry).where(
                            DatasetImage.dataset_id == dataset.id, DatasetImage.entry.in_(numbers)
                        )
                    )
                )
            check_draft(dataset)
            for number in numbers:
                if stop.is_set():
                    raise InterruptedError
                if number in added:
                    continue
                if (failed := self._take_in_one(archive, number, upload, dataset)) is not None:
                    failures.append(failed)
        with self._database.transaction() as session:
            upload = running(session, upload_id, lock=True)
            upload.done = numbers.stop
            upload.failures = [one for one in upload.failures if one["entry"] not in numbers] + failures
        return True

    def _take_in_one(
        self, archive: Archive, number: int, upload: BulkUpload, dataset: Dataset
    ) -> dict[str, Any] | None:
        """One entry becomes an image, or the failure that is answered. Raises NotFound, Conflict."""
        name = archive.entries[number]
        with room_for_one():
            try:
                picture = take_in(archive.read(number), increase_resolution=False)
                if upload.content_moderation and (finding := self._image_moderator.check(picture.png)):
                    raise Moderated("image", finding.category)
            except SartorError as error:
                log.info("entry refused", upload_id=upload.id, entry=number, code=error.code)
                return failure(number, name, error)
            source = "pending" if dataset.visual_schema is not None else None
            self._images.add(dataset.id, picture, name=file_name(name), caption_source=source, entry=number)
        return None

    def begin_captions(self, upload_id: str) -> bool:
        """Whether there are captions to write. Raises NotFound where the upload is gone, and BadRequest where not one
        entry became an image."""
        with self._database.transaction() as session:
            upload = running(session, upload_id)
            if not count_images(session, [upload.dataset_id])[upload.dataset_id]:
                raise BadRequest("zip_url: not one file in this ZIP could be taken in; failed_images says why.")
        return self._recaptioning.begin_missing(upload_id, upload.dataset_id)

    def complete(self, upload_id: str) -> None:
        """Ends the upload well, once."""
        self._end(upload_id, status="completed")

    def fail(self, upload_id: str, error: dict[str, Any]) -> None:
        """Ends the upload with ``error``, once: images that were taken in stay."""
        self._end(upload_id, status="failed", error=error)

    def give_up(self, upload_id: str) -> None:
        """Ends an upload whose job ended without doing so."""
        self._recaptioning.give_up(upload_id)
        self.fail(upload_id, SartorError("The job failed repeatedly and was given up.").record())

    async def _probe(self, zip_url: str) -> None:
        try:
            await self._fetcher.announced_bytes(zip_url, max_bytes=MAX_ARCHIVE_BYTES, limit=_PROBE_LIMIT)
        except FetchError as error:
            raise _refusal(error) from None

    def _begin(self, upload_id: str) -> str:
        """The archive's address, after the folder was tidied. Raises NotFound where the upload is gone."""
        self._folder.mkdir(parents=True, exist_ok=True)
        with self._database.transaction() as session:
            upload = running(session, upload_id)
            upload.status = "processing"
            going_on = set(session.scalars(sa.select(BulkUpload.id).where(BulkUpload.status.in_(RUNNING))))
        for path in self._folder.iterdir():
            with suppress(FileNotFoundError):
                untouched = time.time() - path.stat().st_mtime > _LEFT_OVER_SECONDS
                if untouched and path.name.partition(".")[0] not in going_on:
                    path.unlink()
        return upload.zip_url

    def _end(self, upload_id: str, **values: Any) -> None:
        with self._database.transaction() as session:
            ended = session.execute(
                sa.update(BulkUpload)
                .where(BulkUpload.id == upload_id, BulkUpload.status.in_(RUNNING))
                .values(**values)
                .execution_options(synchronize_session=False)
            )
        for path in (self._path(upload_id), _part(self._path(upload_id))):
            path.unlink(missing_ok=True)
        if ended.rowcount:  # type: ignore[attr-defined]
            log.info("upload ended", upload_id=upload_id, **values)

    def _path(self, upload_id: str) -> Path:
        return self._folder / f"{upload_id}.zip"


def _part(path: Path) -> Path:
    """What of an archive has come so far."""
    return path.with_name(f"{path.name}.part")


def _refusal(error: FetchError) -> SartorError:
    if isinstance(error, TooLarge):
        return BodyTooLarge(f"zip_url: a ZIP may have {MAX_ARCHIVE_BYTES // 1024**3} GB at most.")
    return BadRequest(f"zip_url: {error}")
