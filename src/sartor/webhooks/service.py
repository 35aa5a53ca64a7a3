"""Webhooks: wanted with a request, announced with its end, forgotten with it.

Each attempt is a job of its own. The first is enqueued with the request's end and each next one with the failure of
the one before it, for when its time has come: until then it has no place in any queue.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from sartor.accounts.service import Caller
from sartor.kit.database import Database, now
from sartor.kit.jobs import Jobs
from sartor.webhooks.tables import Delivery

# The jobs' names: of a first attempt, and of any other.
WEBHOOK, WEBHOOK_AGAIN = "webhook", "webhook-again"

ATTEMPTS = 5
# Doubled each time: 3, 6, 12 and 24 minutes are the 45 that five attempts are spread over.
FIRST_PAUSE = timedelta(minutes=3)


class Webhooks:
    """``first_pause`` is between the first two attempts, and doubled from then on."""

    def __init__(self, database: Database, jobs: Jobs, *, first_pause: timedelta = FIRST_PAUSE) -> None:
        self._database = database
        self._jobs = jobs
        self._first_pause = first_pause

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

    def announce_again(self, run_id: str) -> None:
        """New jobs in the place of those of a delivery one of which, ``run_id``, ended before its attempt was recorded;
        of several callers one does it. The schedule stays."""
        job_id, successor = job_of(run_id), str(uuid.uuid4())
        unfinished = sa.select(Delivery).where(
            Delivery.job_id == job_id, Delivery.delivered_at.is_(None), Delivery.given_up_at.is_(None)
        )
        with self._database.transaction() as session:
            row = session.scalar(unfinished)
            replace = sa.update(Delivery).where(Delivery.job_id == job_id).values(job_id=successor)
            replaced = row is not None and session.execute(replace).rowcount  # type: ignore[attr-defined]
            if row is not None and replaced:
                self.try_again(session, row, successor)
        if replaced:
            self._jobs.forget(_runs(job_id))

    def try_again(self, session: Session, row: Delivery, job_id: str) -> None:
        """Enqueues, within the caller's transaction, the attempt after the ``row.attempts`` that there were, for the
        time that the schedule says."""
        tenant = str(row.organisation_id)
        if row.attempted_at is None:
            self._jobs.enqueue(session, WEBHOOK, job_id, tenant=tenant)
            return
        due = row.attempted_at + self._first_pause * 2 ** (row.attempts - 1)
        run_id = _run(job_id, row.attempts + 1)
        self._jobs.enqueue(session, WEBHOOK_AGAIN, run_id, tenant=tenant, after=due - now())

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
            self._jobs.forget([run_id for job_id in job_ids for run_id in _runs(job_id)])
            with self._database.transaction() as session:
                session.execute(sa.delete(Delivery).where(these))


def job_of(run_id: str) -> str:
    """The ``job_id`` of the delivery that a job with this id makes an attempt of."""
    return run_id.partition("/")[0]


def _run(job_id: str, attempt: int) -> str:
    return job_id if attempt == 1 else f"{job_id}/{attempt}"


def _runs(job_id: str) -> list[str]:
    """The ids of all jobs that a delivery may have had."""
    return [_run(job_id, attempt) for attempt in range(1, ATTEMPTS + 1)]
