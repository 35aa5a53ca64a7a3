"""Requests: taken in together with their job, looked up, waited for, and in the end forgotten."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from sartor.accounts.service import Caller
from sartor.errors import RequestNotFound, TooManyRequests
from sartor.generation.schemas import ImageBody, StructuredPromptBody, drawn_seed
from sartor.generation.tables import COMPLETED, ERROR, IMAGE, IN_PROGRESS, STRUCTURED_PROMPT, GenerationRequest
from sartor.kit.database import Database
from sartor.kit.jobs import Jobs
from sartor.kit.storage import Storage
from sartor.models.service import Models

# What is left out of a body. The image's are the public service's defaults.
DEFAULTS: Mapping[str, Any] = {
    "tailored_model_influence": 1.0,
    "guidance_scale": 5,
    "aspect_ratio": "1:1",
    "steps_num": 50,
    "negative_prompt": "",
    "prompt_content_moderation": True,
    "visual_output_content_moderation": True,
}
# Told to whoever has too much in progress: by then an image or two are done.
_RETRY_AFTER_SECONDS = 5
_FORGET_AT_ONCE = 200
_ID = re.compile("[0-9a-f-]{36}")


@dataclass(frozen=True)
class Address:
    """Where clients reach this service, and how long the links that it gives them work."""

    base: str
    lifetime: timedelta


class Generation:
    def __init__(
        self, database: Database, storage: Storage, jobs: Jobs, models: Models, *, outstanding_limit: int
    ) -> None:
        self._database = database
        self._storage = storage
        self._jobs = jobs
        self._models = models
        self._outstanding_limit = outstanding_limit

    def submit(self, caller: Caller, request_id: str, body: StructuredPromptBody) -> None:
        """Takes a request in. When this returns, the row and its job are in the database.

        Raises Forbidden or ModelNotReady for the model, TooManyRequests above the organisation's limit.
        """
        kind = IMAGE if isinstance(body, ImageBody) else STRUCTURED_PROMPT
        options = {name: default for name, default in DEFAULTS.items() if name in type(body).model_fields}
        options |= {name: value for name in options if (value := getattr(body, name)) is not None}
        with self._database.transaction() as session:
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
            session.flush()
            self._jobs.enqueue(session, kind, request_id, tenant=str(caller.organisation_id))

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

    def result(self, row: GenerationRequest, address: Address) -> dict[str, Any]:
        """What a completed request came to."""
        result: dict[str, Any] = {"structured_prompt": row.structured_prompt, "seed": row.seed}
        if row.image_key is not None:
            result["image_url"] = self._storage.address(row.image_key, base=address.base, lifetime=address.lifetime)
        return result

    def forget(self, before: datetime) -> int:
        """Deletes requests that finished ``before``, with their images and jobs; how many there were."""
        expired = sa.select(GenerationRequest).where(GenerationRequest.finished_at < before).limit(_FORGET_AT_ONCE)
        total = 0
        while True:
            with self._database.transaction() as session:
                rows = session.scalars(expired).all()
            if not rows:
                return total
            for row in rows:  # bytes first: a row that is left can be tried again, a forgotten image cannot
                if row.image_key is not None:
                    self._storage.delete(row.image_key)
            ids = [row.id for row in rows]
            self._jobs.forget(ids)
            with self._database.transaction() as session:
                session.execute(sa.delete(GenerationRequest).where(GenerationRequest.id.in_(ids)))
            total += len(ids)
