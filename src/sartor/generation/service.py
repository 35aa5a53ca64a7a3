"""Requests: taken in together with their job, looked up, waited for, and in the end forgotten."""

from __future__ import annotations

import base64
import re
import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
import structlog
from sqlalchemy.orm import Session

from sartor.accounts.service import Caller, hold_organisation
from sartor.errors import Cancelled, RequestNotFound, TooManyRequests, Unprocessable
from sartor.generation.rows import end
from sartor.generation.schemas import ImageBody, StructuredPromptBody, drawn_seed
from sartor.generation.tables import COMPLETED, ERROR, IMAGE, IN_PROGRESS, STRUCTURED_PROMPT, GenerationRequest
from sartor.kit.database import Database
from sartor.kit.idempotency import at_once, claim, digest_of
from sartor.kit.idempotency import forget as forget_keys
from sartor.kit.jobs import Jobs
from sartor.kit.storage import Address, Storage
from sartor.models.service import Models
from sartor.webhooks.service import Webhooks

log = structlog.get_logger(__name__)

# What is left out of a body; the public service's defaults, but for the two that are Sartor's own.
DEFAULTS: Mapping[str, Any] = {
    "tailored_model_influence": 1.0,
    "guidance_scale": 5,
    "aspect_ratio": "1:1",
    "steps_num": 50,
    "negative_prompt": "",
    "caching": "exact",
    "guidance_until": None,
    "prompt_content_moderation": True,
    "visual_output_content_moderation": True,
}
# Told to whoever has too much in progress: by then an image or two are done.
_RETRY_AFTER_SECONDS = 5
_FORGET_AT_ONCE = 200
_ID = re.compile("[0-9a-f-]{36}")


class Generation:
    def __init__(
        self,
        database: Database,
        storage: Storage,
        jobs: Jobs,
        models: Models,
        webhooks: Webhooks,
        *,
        outstanding_limit: int,
        defaults: Mapping[str, Any] | None = None,
    ) -> None:
        """``defaults`` are a deployment's own for what a body leaves out, by the fields' names; kept with the request,
        whatever they are later."""
        self._database = database
        self._storage = storage
        self._jobs = jobs
        self._models = models
        self._webhooks = webhooks
        self._outstanding_limit = outstanding_limit
        self.defaults = {**DEFAULTS, **(defaults or {})}

    def submit(
        self,
        caller: Caller,
        request_id: str,
        body: StructuredPromptBody,
        *,
        base: str,
        idempotency_key: str | None = None,
    ) -> str:
        """Takes a request in and says its id. When this returns, the row and its job are in the database.

        ``base`` is the address that the client reached this service at, for the links in its webhook.
        The id is ``request_id``, or the earlier request's that the same idempotency key led to.
        Raises Forbidden or ModelNotReady for the model, TooManyRequests above the organisation's limit, Unprocessable
        for an idempotency key that belongs to another body.
        """
        return at_once(idempotency_key, lambda: self._submit(caller, request_id, body, base, idempotency_key))

    def _submit(
        self, caller: Caller, request_id: str, body: StructuredPromptBody, base: str, idempotency_key: str | None
    ) -> str:
        kind = IMAGE if isinstance(body, ImageBody) else STRUCTURED_PROMPT
        options = {name: default for name, default in self.defaults.items() if name in type(body).model_fields}
        options |= {name: value for name in options if (value := getattr(body, name)) is not None}
        with self._database.transaction() as session:
            hold_organisation(session, caller.organisation_id)  # a burst is counted one after the other
            if idempotency_key is not None:
                # Without what was not said: fields that a later version adds must not make the same body another one.
                digest = digest_of(kind, body.model_dump(mode="json", exclude_none=True))
                claimed = claim(session, str(caller.organisation_id), idempotency_key, digest, request_id)
                if claimed != request_id:
                    return claimed
            model = self._models.usable(session, caller.organisation_id, body.tailored_model_id)
            outstanding = sa.select(sa.func.count()).where(
                GenerationRequest.organisation_id == caller.organisation_id, GenerationRequest.status == IN_PROGRESS
            )
            if session.scalars(outstanding).one() >= self._outstanding_limit:
                raise TooManyRequests(
                    f"{self._outstanding_limit} requests are in progress already.", retry_after=_RETRY_AFTER_SECONDS
                )
            session.add(
                GenerationRequest(
                    id=request_id,
                    organisation_id=caller.organisation_id,
                    model_id=model.id,
                    kind=kind,
                    prompt=body.prompt,
                    given_structured_prompt=body.structured_prompt,
                    seed=drawn_seed() if body.seed is None else body.seed,
                    options=options,
                )
            )
            if body.webhook_url is not None:
                self._webhooks.expect(session, caller, request_id, body.webhook_url, base=base)
            session.flush()
            self._jobs.enqueue(session, kind, request_id, tenant=str(caller.organisation_id))
        return request_id

    def find(self, caller: Caller, request_id: str) -> GenerationRequest:
        """Raises RequestNotFound for an unknown or forgotten one, and for another organisation's."""
        query = sa.select(GenerationRequest).where(
            GenerationRequest.id == request_id, GenerationRequest.organisation_id == caller.organisation_id
        )
        found = None
        if _ID.fullmatch(request_id):  # anything else is no id, and may hold what a database refuses
            with self._database.transaction() as session:
                found = session.scalar(query)
        if found is None:
            raise RequestNotFound("There is no such request, or it has expired.")
        return found

    def cancel(self, caller: Caller, request_id: str) -> GenerationRequest:
        """Ends a request that is in progress, as the error Cancelled; one that has ended stays what it is.

        Its job stops within about a second. Raises RequestNotFound.
        """
        self.find(caller, request_id)
        with self._database.transaction() as session:
            ended = end(session, self._webhooks, request_id, status=ERROR, error=Cancelled().record())
        if ended:  # only now: a job that is gone may not leave a request behind that nobody ends
            self._jobs.cancel(request_id)
        return self.find(caller, request_id)

    def page(
        self,
        caller: Caller,
        *,
        limit: int,
        cursor: str | None = None,
        status: str | None = None,
        kind: str | None = None,
    ) -> tuple[list[GenerationRequest], str | None]:
        """Up to ``limit`` of the organisation's requests, newest first, from ``cursor`` on; the next page's cursor.
        With ``status`` or ``kind`` those alone.

        Raises Unprocessable for a cursor that no page gave.
        """
        query = sa.select(GenerationRequest).where(GenerationRequest.organisation_id == caller.organisation_id)
        if status is not None:
            query = query.where(GenerationRequest.status == status)
        if kind is not None:
            query = query.where(GenerationRequest.kind == kind)
        if cursor is not None:
            query = query.where(_older_than(*_read_cursor(cursor)))
        order = GenerationRequest.created_at.desc(), GenerationRequest.id.desc()
        with self._database.transaction() as session:
            rows = list(session.scalars(query.order_by(*order).limit(limit + 1)))
        more = len(rows) > limit
        return rows[:limit], _cursor(rows[limit - 1]) if more else None

    def summary(self, row: GenerationRequest, address: Address) -> dict[str, Any]:
        """``row`` in a list of requests."""
        return self.status(row, address) | {
            "kind": row.kind,
            "tailored_model_id": str(row.model_id),
            "created_at": row.created_at,
            "finished_at": row.finished_at,
        }

    def status(self, row: GenerationRequest, address: Address) -> dict[str, Any]:
        """The status service's answer about ``row``."""
        answer: dict[str, Any] = {"status": row.status, "request_id": row.id}
        if row.status == COMPLETED:
            prompt = {"prompt": row.prompt} if row.prompt is not None else {}
            answer["result"] = self.result(row, address) | prompt
        elif row.status == ERROR:
            answer["error"] = row.error
        else:
            answer["progress"] = {"stage": row.stage, "step": row.step, "of": row.steps}
        return answer

    def announcement(self, request_id: str, address: Address) -> dict[str, Any] | None:
        """What a webhook says: the status service's answer. None for a request that is forgotten."""
        with self._database.transaction() as session:
            row = session.get(GenerationRequest, request_id)
        return None if row is None else self.status(row, address)

    def result(self, row: GenerationRequest, address: Address) -> dict[str, Any]:
        """What a completed request came to."""
        result: dict[str, Any] = {"structured_prompt": row.structured_prompt, "seed": row.seed}
        if row.image_key is not None:
            result["image_url"] = self._storage.link(row.image_key, address)
        return result

    def names_model(self, session: Session, model_id: int) -> bool:
        """Whether a request that is still remembered names this model."""
        found = sa.select(GenerationRequest.id).where(GenerationRequest.model_id == model_id).limit(1)
        return session.scalar(found) is not None

    def forget(
        self, before: datetime, stop: threading.Event | None = None, *, organisation_id: int | None = None
    ) -> int:
        """Deletes requests that finished ``before``, with their images and jobs; how many there were. With
        ``organisation_id`` its own alone.

        Once ``stop`` is set it leaves the rest for the next time, and a request whose image cannot be deleted, too.
        """
        expired = (
            sa.select(GenerationRequest).where(GenerationRequest.finished_at < before).order_by(GenerationRequest.id)
        )
        if organisation_id is not None:
            expired = expired.where(GenerationRequest.organisation_id == organisation_id)
        total, last = 0, ""
        while True:
            with self._database.transaction() as session:
                further = expired.where(GenerationRequest.id > last).limit(_FORGET_AT_ONCE)
                rows = session.scalars(further).all()
            if not rows or (stop is not None and stop.is_set()):
                return total
            last = rows[-1].id
            # Bytes first: a row that is left can be tried again, a forgotten image cannot.
            ids = [row.id for row in rows if not (stop is not None and stop.is_set()) and self._delete_image(row)]
            self._jobs.forget(ids)
            self._webhooks.forget(ids)
            with self._database.transaction() as session:
                session.execute(sa.delete(GenerationRequest).where(GenerationRequest.id.in_(ids)))
                forget_keys(session, ids)
            total += len(ids)

    def _delete_image(self, row: GenerationRequest) -> bool:
        """Whether there is none any more; one that cannot be deleted is no reason to leave the others."""
        try:
            if row.image_key is not None:
                self._storage.delete(row.image_key)
        except Exception:
            log.exception("an image could not be deleted", request_id=row.id)
            return False
        return True


def _cursor(row: GenerationRequest) -> str:
    text = f"{row.created_at.isoformat()} {row.id}"
    return base64.urlsafe_b64encode(text.encode()).decode()


def _read_cursor(cursor: str) -> tuple[datetime, str]:
    try:
        moment, identifier = base64.b64decode(cursor, altchars=b"-_", validate=True).decode("ascii").split(" ")
        created_at = datetime.fromisoformat(moment)
        if created_at.tzinfo is None or not _ID.fullmatch(identifier):
            raise ValueError
        created_at = created_at.astimezone(UTC)
    except (ValueError, OverflowError):
        raise Unprocessable("cursor: is none that this service gave") from None
    return created_at, identifier


def _older_than(moment: datetime, identifier: str) -> sa.ColumnElement[bool]:
    same = sa.and_(GenerationRequest.created_at == moment, GenerationRequest.id < identifier)
    return sa.or_(GenerationRequest.created_at < moment, same)
