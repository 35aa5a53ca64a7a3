"""One attempt to deliver a webhook: a job of three durable steps.

    begin -> send -> record (-> the job of the next attempt, enqueued for later)

The record and the next job are one transaction. An attempt that a crash kept from being recorded is made again, so a
receiver may hear twice, always with the same id. Later attempts have a queue of their own: however many receivers are
silent, they keep no first attempt from being made.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
import structlog
from fastapi.responses import JSONResponse

from sartor.accounts.service import Accounts
from sartor.kit.database import AWAY, Database, now
from sartor.kit.fetch import BadAddress, Fetcher, FetchError, RefusedAddress
from sartor.kit.jobs import Job, Jobs, Queue
from sartor.kit.metrics import Metrics
from sartor.kit.steps import async_step, step
from sartor.webhooks.service import ATTEMPTS, WEBHOOK, WEBHOOK_AGAIN, Webhooks, job_of
from sartor.webhooks.signature import headers
from sartor.webhooks.tables import Delivery

log = structlog.get_logger(__name__)

_ATTEMPT_LIMIT = timedelta(seconds=10)
# A place is held for as long as an attempt takes, ten seconds at most. Each is a connection, which is a descriptor.
_FIRST = Queue("webhook", window=100, per_tenant=30)
_AGAIN = Queue("webhook-again", window=50, per_tenant=15)

# (request_id, base of links) -> what the status service answers about the request; None where it is forgotten.
Answer = Callable[[str, str], dict[str, Any] | None]


@dataclass(frozen=True)
class _Message:
    request_id: str
    url: str
    body: bytes
    key: bytes


class Deliverer:
    """The steps, and the job that is made of them."""

    def __init__(
        self,
        database: Database,
        accounts: Accounts,
        webhooks: Webhooks,
        fetcher: Fetcher,
        metrics: Metrics,
        *,
        answer: Answer,
    ) -> None:
        self._database = database
        self._accounts = accounts
        self._webhooks = webhooks
        self._fetcher = fetcher
        self._metrics = metrics
        self._answer = answer

    def register(self, jobs: Jobs) -> None:
        """Makes the jobs known to ``jobs``."""
        # A message has never killed a process.
        for name, queue in ((WEBHOOK, _FIRST), (WEBHOOK_AGAIN, _AGAIN)):
            jobs.add(Job(name, queue, self.attempt, on_lost=self._webhooks.announce_again, recoveries=None))

    async def attempt(self, run_id: str) -> None:
        """The job of one attempt."""
        job_id = job_of(run_id)
        made = await step("attempts_made", self.attempts_made, job_id)
        if made < ATTEMPTS:
            outcome = await async_step("send", self.send, job_id)
            await step("record", self.record, job_id, made + 1, outcome)

    def attempts_made(self, job_id: str) -> int:
        """By earlier jobs of the same delivery; all of them where there is nothing to deliver any more."""
        with self._database.transaction() as session:
            row = session.scalar(sa.select(Delivery).where(Delivery.job_id == job_id))
        return ATTEMPTS if row is None or row.delivered_at or row.given_up_at else row.attempts

    async def send(self, job_id: str) -> dict[str, Any]:
        """One attempt: the receiver's status, or the error that kept it from answering and whether to try again."""
        try:
            message = await asyncio.to_thread(self._compose, job_id)
            if isinstance(message, str):
                return _failed(message)
            signed = headers(message.request_id, int(time.time()), message.body, message.key)
            answer = await self._fetcher.post(message.url, message.body, headers=signed, limit=_ATTEMPT_LIMIT)
        except AWAY:
            raise
        except (BadAddress, RefusedAddress) as error:
            return _failed(str(error), again=False)
        except FetchError as error:
            return _failed(str(error))
        except Exception:
            log.exception("webhook failed", job_id=job_id)
            return _failed("An unexpected error occurred.")
        return {"status": answer.status, "error": None, "again": True}

    def record(self, job_id: str, attempt: int, outcome: dict[str, Any]) -> None:
        """Writes down how attempt number ``attempt`` went, once, and sees to it that the next one is made, if any."""
        status, error = outcome["status"], outcome["error"]
        delivered = status is not None and 200 <= status < 300
        over = delivered or attempt >= ATTEMPTS or not outcome["again"]
        with self._database.transaction() as session:
            row = session.scalar(sa.select(Delivery).where(Delivery.job_id == job_id))
            if row is None or row.attempts >= attempt:
                return
            row.attempts, row.last_status, row.last_error, row.attempted_at = attempt, status, error, now()
            if delivered:
                row.delivered_at = now()
            elif over:
                row.given_up_at = now()
            else:
                self._webhooks.try_again(session, row, job_id)
        self._metrics.webhook("delivered" if delivered else "given_up" if over else "failed")
        log.info(
            "webhook attempt",
            request_id=row.request_id,
            attempt=attempt,
            status=status,
            error=error,
            delivered=delivered,
            given_up=over and not delivered,
        )

    def _compose(self, job_id: str) -> _Message | str:
        """What to send, or why there is nothing to send now."""
        with self._database.transaction() as session:
            row = session.scalar(sa.select(Delivery).where(Delivery.job_id == job_id))
        answer = None if row is None else self._answer(row.request_id, row.base)
        if row is None or answer is None:
            return "The request is forgotten."
        key = self._accounts.signing_key(row.token_id)
        if key is None:
            return "There is no key to sign with until the token is used again."
        # Rendered as the status service renders it: the same bytes.
        return _Message(row.request_id, row.url, bytes(JSONResponse(answer).body), key)


def _failed(error: str, *, again: bool = True) -> dict[str, Any]:
    return {"status": None, "error": error, "again": again}
