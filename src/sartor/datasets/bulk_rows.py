"""The rows of bulk uploads: found, and as they are told."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from sartor.datasets.tables import BulkUpload, Dataset, DatasetImage
from sartor.errors import NotFound, SartorError

RUNNING = ("pending", "processing")
_SHOWN = ("filename", "error_code", "error_message")


def upload_of(session: Session, dataset_id: int) -> BulkUpload | None:
    """The one upload of a dataset, whatever became of it."""
    return session.scalar(sa.select(BulkUpload).where(BulkUpload.dataset_id == dataset_id))


def running(session: Session, upload_id: str, *, lock: bool = False) -> BulkUpload:
    """An upload that is going on. Raises NotFound where it was ended, or deleted with its dataset."""
    found = session.get(BulkUpload, upload_id, with_for_update=lock)
    if found is None or found.status not in RUNNING:
        raise NotFound("The upload is gone.")
    return found


def failure(number: int, name: str, error: SartorError) -> dict[str, Any]:
    """How a row remembers that an entry could not be taken in."""
    return {"entry": number, "filename": name, "error_code": error.code, "error_message": error.details}


def status_of(session: Session, dataset: Dataset) -> dict[str, Any]:
    """The upload of ``dataset`` on the wire. Raises NotFound where there was none."""
    upload = upload_of(session, dataset.id)
    if upload is None:
        raise NotFound("No ZIP was uploaded to this dataset.")
    failed = len(upload.failures)
    finished = upload.status == "completed"
    answer = {
        "status": upload.status,
        "progress_percentage": 100 if finished else min(99, int(100 * _share(session, dataset, upload))),
        "total_processed": upload.done,
        "done": upload.done - failed,
        "failed": failed,
        "failed_images": [{name: one[name] for name in _SHOWN} for one in upload.failures],
    }
    return answer if upload.error is None else answer | {"error": upload.error}


def _share(session: Session, dataset: Dataset, upload: BulkUpload) -> float:
    """Of the work, 0 to 1: taking a picture in and, where there is a schema, describing it are half of it each."""
    share = upload.done / max(1, upload.total)
    pictures = upload.total - len(upload.failures)
    if dataset.visual_schema is None or not pictures:
        return share
    described = sa.select(sa.func.count()).where(
        DatasetImage.dataset_id == dataset.id, DatasetImage.entry.is_not(None), DatasetImage.caption.is_not(None)
    )
    return (share + session.scalars(described).one() / pictures) / 2
