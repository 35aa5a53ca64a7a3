"""The delivery of a webhook: attempts and pauses, until the receiver says 2xx or the attempts are used up.

    send -> record -> pause -> send -> record -> ...

Each arrow is a durable step, the pause too: a process that is restarted in between goes on with the same schedule. An
attempt that a crash kept from being recorded is made again, so a receiver may hear twice, always with the same id.
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
from sartor.kit.jobs import Job, Jobs, Queue, async_step, pause, step
from sartor.kit.metrics import Metrics
from sartor.webhooks.service import WEBHOOK, Webhooks
from sartor.webhooks.signature import headers
from sartor.webhooks.tables import Delivery

log = structlog.get_logger(__name__)

ATTEMPTS = 5
# Doubled each time: 3, 6, 12 and 24 minutes are the 45 that five attempts are spread over.
FIRST_PAUSE = timedelta(minutes=3)
_ATTEMPT_LIMIT = timedelta(seconds=10)
# A delivery that waits for its next attempt holds a place here, up to 45 minutes long, and little else.
_QUEUE = Queue("webhook", window=600, per_tenant=200)
# Connections open at the same time: each is a file descriptor, of which a process has about a thousand.
_SENDING = 100

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
        first_pause: timedelta = FIRST_PAUSE,
    ) -> None:
        self._database = database
        self._accounts = accounts
        self._webhooks = webhooks
        self._fetcher = fetcher
        self._metrics = metrics
        self._answer = answer
        self._first_pause = first_pause
        self._sending = asyncio.Semaphore(_SENDING)

    def register(self, jobs: Jobs) -> None:
        """Makes the job known to ``jobs``."""
        # It waits for most of its life, through any number of restarts, and a message has never killed a process.
        jobs.add(Job(WEBHOOK, _QUEUE, self.deliver, on_lost=self._webhooks.announce_again, recoveries=None))

    async def deliver(self, job_id: str) -> None:
        """The job of one delivery."""
        made = await step("begin", self.attempts_made, job_id)
        for attempt in range(made + 1, ATTEMPTS + 1):
            outcome = await async_step("send", self.send, job_id)
            if await step("record", self.record, job_id, attempt, outcome):
                return
            await pause(self._first_pause * 2 ** (attempt - 1))

    def attempts_made(self, job_id: str) -> int:
        """By an earlier job of the same delivery; all of them where there is nothing to deliver any more."""
        with self._database.transaction() as session:
            made = session.scalar(sa.select(Delivery.attempts).where(Delivery.job_id == job_id))
        return ATTEMPTS if made is None else made

    async def send(self, job_id: str) -> dict[str, Any]:
        """One attempt: the receiver's status, or the error that kept it from answering and whether to try again."""
        async with self._sending:
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

    def record(self, job_id: str, attempt: int, outcome: dict[str, Any]) -> bool:
        """Writes down how attempt number ``attempt`` went, and says whether it was the last one."""
        status, error = outcome["status"], outcome["error"]
        delivered = status is not None and 200 <= status < 300
        over = delivered or attempt >= ATTEMPTS or not outcome["again"]
        with self._database.transaction() as session:
            row = session.scalar(sa.select(Delivery).where(Delivery.job_id == job_id))
            if row is None:
                return True
            row.attempts, row.last_status, row.last_error, row.attempted_at = attempt, status, error, now()
            if delivered:
                row.delivered_at = now()
            elif over:
                row.given_up_at = now()
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
        return over

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
