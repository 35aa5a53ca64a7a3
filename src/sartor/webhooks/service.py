"""Webhooks: wanted with a request, announced with its end, forgotten with it."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session

from sartor.accounts.service import Caller
from sartor.kit.database import Database
from sartor.kit.jobs import Jobs
from sartor.webhooks.tables import Delivery

# The job's name.
WEBHOOK = "webhook"


class Webhooks:
    def __init__(self, database: Database, jobs: Jobs) -> None:
        self._database = database
        self._jobs = jobs

    def expect(self, session: Session, caller: Caller, request_id: str, url: str, *, base: str) -> None:
        """Keeps, within the caller's transaction, that the end of ``request_id`` is to be told to ``url``."""
        session.add(
            Delivery(
                request_id=request_id,
                organisation_id=caller.organisation_id,
                token_id=caller.token_id,
                url=url,
                base=base,
                job_id=str(uuid.uuid4()),
            )
        )

    def announce(self, session: Session, request_id: str) -> None:
        """To be called once, in the transaction in which the request ends: both are committed, or neither. Does
        nothing where no webhook is wanted."""
        row = session.get(Delivery, request_id)
        if row is not None:
            self._jobs.enqueue(session, WEBHOOK, row.job_id, tenant=str(row.organisation_id))

    def announce_again(self, job_id: str) -> None:
        """A new job in the place of one that ended before its delivery was over; of several callers one does it."""
        successor = str(uuid.uuid4())
        unfinished = sa.select(Delivery).where(
            Delivery.job_id == job_id, Delivery.delivered_at.is_(None), Delivery.given_up_at.is_(None)
        )
        with self._database.transaction() as session:
            row = session.scalar(unfinished)
            replace = sa.update(Delivery).where(Delivery.job_id == job_id).values(job_id=successor)
            replaced = row is not None and session.execute(replace).rowcount  # type: ignore[attr-defined]
            if row is not None and replaced:
                self._jobs.enqueue(session, WEBHOOK, successor, tenant=str(row.organisation_id))
        if replaced:
            self._jobs.forget([job_id])

    def find(self, request_id: str) -> Delivery | None:
        """How it went, for an operator."""
        with self._database.transaction() as session:
            return session.get(Delivery, request_id)

    def forget(self, request_ids: Sequence[str]) -> None:
        """Deletes what is remembered of these requests' webhooks, their jobs included."""
        these = Delivery.request_id.in_(request_ids)
        with self._database.transaction() as session:
            job_ids = session.scalars(sa.select(Delivery.job_id).where(these)).all()
        if job_ids:
            self._jobs.forget(job_ids)
            with self._database.transaction() as session:
                session.execute(sa.delete(Delivery).where(these))
