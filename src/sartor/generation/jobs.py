"""The way from a stored request to its result, one durable step after another.

    moderate text -> write the structured prompt -> draw -> moderate image -> store -> complete (-> webhook)

A step reads its request's row by id and does all its work again when it is repeated; what it must not do twice
(completing) is bound to the row's state. The image waits as a draft, for which no address is ever made, until it has
been moderated. Same recipe, same bytes: a draft that is drawn again after a crash is the same draft.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any

import structlog

from sartor.bridge.base import Bridge, BridgeUnavailable, ContentRefused, Translation, UnusablePrompt
from sartor.errors import Cancelled, ModelNotReady, Moderated, SartorError, Unavailable, Unprocessable
from sartor.fibo import Cancelled as Stopped
from sartor.fibo import InvalidAdapter, Spec
from sartor.generation.device import Device
from sartor.generation.drawing import Interrupted
from sartor.generation.keys import draft_key, image_key
from sartor.generation.rows import change, end
from sartor.generation.tables import COMPLETED, ERROR, IMAGE, STRUCTURED_PROMPT, GenerationRequest
from sartor.kit.database import AWAY, Database, now
from sartor.kit.jobs import Job, Jobs, Queue
from sartor.kit.metrics import Metrics
from sartor.kit.steps import interruptible_step, step
from sartor.kit.storage import Storage, StorageAway
from sartor.models.service import Models
from sartor.moderation.base import ImageModerator, ModeratorUnavailable, TextModerator
from sartor.moderation.negative import check_negative_prompt
from sartor.vgl import canonical, parse, said
from sartor.webhooks.service import Webhooks

log = structlog.get_logger(__name__)

# While one image is drawn others are translated, checked and stored; one tenant never fills the window.
GENERATE = Queue("generate", window=4, per_tenant=3)
LIGHT = Queue("light", window=4, per_tenant=3)
# Progress is written this often at most, in seconds: a step of the small model takes less.
_PROGRESS_PACE = 0.25
_STORAGE_ATTEMPTS = 4
_UNDRAWN = ("queued", "moderating_text", "writing_prompt")
# How long a request that has ended keeps its place in the window for bytes that cannot be deleted. Nothing names them,
# and what nothing names is found in the storage a week later.
_DELETING = timedelta(minutes=1)
# Between two attempts to store a draft, in seconds.
_LONGEST_PAUSE = 15.0
# A bridge has tried for most of a minute before it says that it cannot.
_BRIDGE_ATTEMPTS = 2


class Pipeline:
    """The steps, and the two jobs that are made of them."""

    def __init__(
        self,
        database: Database,
        storage: Storage,
        models: Models,
        webhooks: Webhooks,
        device: Device,
        metrics: Metrics,
        *,
        bridge: Callable[[], Bridge],
        text_moderator: TextModerator,
        image_moderator: ImageModerator,
    ) -> None:
        """``bridge`` is called when words have to be translated: making one can take seconds."""
        self._database = database
        self._storage = storage
        self._models = models
        self._webhooks = webhooks
        self._device = device
        self._metrics = metrics
        self._bridge = bridge
        self._text_moderator = text_moderator
        self._image_moderator = image_moderator

    def register(self, jobs: Jobs) -> None:
        """Makes both jobs known to ``jobs``."""
        jobs.add(Job(IMAGE, GENERATE, self.generate_image, on_lost=self.give_up))
        jobs.add(Job(STRUCTURED_PROMPT, LIGHT, self.generate_structured_prompt, on_lost=self.give_up))

    async def generate_image(self, request_id: str) -> None:
        """The job behind ``/image/generate/tailored``."""
        try:
            await step("moderate_text", self.moderate_text, request_id)
            await step("write_prompt", self.write_prompt, request_id, attempts=_BRIDGE_ATTEMPTS)
            await interruptible_step("draw", self.draw, request_id)
            await step("moderate_image", self.moderate_image, request_id, attempts=_STORAGE_ATTEMPTS)
            await step("store", self.store, request_id, attempts=_STORAGE_ATTEMPTS)
            await step("complete", self.complete, request_id)
        except Exception as error:
            await step("fail", self.fail, request_id, _record(error, request_id))

    async def generate_structured_prompt(self, request_id: str) -> None:
        """The job behind ``/structured_prompt/generate/tailored``."""
        try:
            await step("moderate_text", self.moderate_text, request_id)
            await step("write_prompt", self.write_prompt, request_id, attempts=_BRIDGE_ATTEMPTS)
            await step("complete", self.complete, request_id)
        except Exception as error:
            await step("fail", self.fail, request_id, _record(error, request_id))

    def moderate_text(self, request_id: str) -> None:
        """Checks every word that the request brought. Raises Moderated, or Unavailable where it could not."""
        row = self._begin(request_id, "moderating_text")
        if not row.options["prompt_content_moderation"]:
            return
        given = {
            "prompt": (row.prompt, self._text_moderator.check),
            "structured_prompt": (_words(row.given_structured_prompt), self._text_moderator.check),
            "negative_prompt": (row.options.get("negative_prompt"), check_negative_prompt),
        }
        try:
            for field, (text, check) in given.items():
                if text and (finding := check(text)):
                    raise Moderated(field, finding.category)
        except ModeratorUnavailable as error:
            log.warning("moderation unavailable", request_id=request_id, reason=str(error))
            raise Unavailable("The words could not be checked; try again later.") from None

    def write_prompt(self, request_id: str) -> None:
        """Text becomes a structured prompt, or changes the given one; without text the given one is used as it is.

        Once: a language model that is asked again answers something else, and another worker may be drawing by now what
        the first answer says.
        """
        row = self._begin(request_id, "writing_prompt")
        if row.structured_prompt is not None:
            return
        notes: tuple[str, ...] = ()
        if row.prompt is None:
            assert row.given_structured_prompt is not None
            structured_prompt = row.given_structured_prompt
        else:
            translation = self._translate(row)
            structured_prompt, notes = canonical(translation.structured_prompt), translation.notes
            if structured_prompt == "{}":
                raise Unprocessable("prompt: nothing in it could be made into a scene")
        with self._database.transaction() as session:
            unwritten = GenerationRequest.structured_prompt.is_(None)
            change(session, request_id, unwritten, structured_prompt=structured_prompt, notes=list(notes))

    def draw(self, request_id: str, *, stop: threading.Event) -> None:
        """Draws the draft. Waits for the engine to be ready and for its turn on the device."""
        row = self._begin(request_id, "drawing", counted_by="steps_num")
        written = time.monotonic()

        def on_step(done: int, of: int) -> None:
            nonlocal written
            if done == of or time.monotonic() - written >= _PROGRESS_PACE:
                written = time.monotonic()
                with suppress(*AWAY):  # no reason to give an image up
                    self._update(request_id, step=done, steps=of)

        try:
            try:
                result = self._device.draw(self._spec(row), on_step=on_step, stop=stop)
            except FileNotFoundError:  # while it waited for its turn, the model or this version of it was deleted
                result = self._device.draw(self._spec(row), on_step=on_step, stop=stop)
        except Stopped:
            raise Interrupted from None
        except InvalidAdapter as error:
            log.warning("adapter does not fit", request_id=request_id, reason=str(error))
            raise ModelNotReady("tailored_model_id: the model was trained for another checkpoint.") from None
        self._keep_draft(request_id, result.png, stop)
        if not self._update(request_id, fingerprint=result.fingerprint.to_dict()):
            self._storage.delete(draft_key(request_id))  # cancelled meanwhile

    def _keep_draft(self, request_id: str, png: bytes, stop: threading.Event) -> None:
        """Tries again, as a step does, without drawing again; while the storage is away or full, however long."""
        tries, seconds = 0, 1.0
        while True:
            try:
                self._storage.put(draft_key(request_id), png, media_type="image/png")
                return
            except Exception as error:
                tries += not isinstance(error, StorageAway)
                if tries == _STORAGE_ATTEMPTS or stop.wait(seconds):
                    raise
                log.warning("draft not stored yet", request_id=request_id, reason=str(error))
            seconds = min(2 * seconds, _LONGEST_PAUSE)

    def _spec(self, row: GenerationRequest) -> Spec:
        """What the engine is to draw, with the model as it is now. Raises ModelNotReady."""
        assert row.structured_prompt is not None
        options = row.options
        with self._database.transaction() as session:
            look = self._models.look(session, row.model_id)
        return Spec(
            prompt=row.structured_prompt,
            seed=row.seed,
            steps=options["steps_num"],
            guidance_scale=float(options["guidance_scale"]),
            aspect_ratio=options["aspect_ratio"],
            negative_prompt=options["negative_prompt"],
            adapter=look.adapter,
            influence=float(options["tailored_model_influence"]),
            # Requests of earlier versions have neither, and were taken in to be drawn exactly and guided to the end.
            caching=options.get("caching", "exact"),
            guidance_until=options.get("guidance_until", 0.0),
            model=look.reference,
        )

    def moderate_image(self, request_id: str) -> None:
        """Looks at the draft; `fail` removes one that is refused. Raises Moderated."""
        row = self._begin(request_id, "moderating_image")
        if not row.options["visual_output_content_moderation"]:
            return
        if finding := self._image_moderator.check(self._storage.get(draft_key(request_id))):
            raise Moderated("image", finding.category)

    def store(self, request_id: str) -> None:
        """The draft becomes an image. Only `complete` names it in the row, so that addresses can be made for it."""
        self._begin(request_id, "storing")
        self._storage.move(draft_key(request_id), image_key(request_id))
        self._clear(request_id)  # cancelled meanwhile

    def complete(self, request_id: str) -> None:
        """Ends the request well, once; the image of one that was cancelled is not kept."""
        image = {"image_key": image_key(request_id)} if self._row(request_id).kind == IMAGE else {}
        self._end(request_id, status=COMPLETED, **image)
        self._clear(request_id)

    def fail(self, request_id: str, error: dict[str, Any]) -> None:
        """Ends the request with ``error``, once, and leaves neither a draft nor an image behind. Where the storage does
        not delete, it waits for it, but not long: others want to be drawn."""
        self._end(request_id, status=ERROR, error=error)  # first: a refusal does not wait for a storage that is away
        with self._database.transaction() as session:
            row = session.get(GenerationRequest, request_id)
        if row is None or (row.kind == IMAGE and row.stage not in _UNDRAWN):
            try:
                self._storage.delete(draft_key(request_id))
                self._clear(request_id)
            except StorageAway as reason:
                if row is None or row.finished_at is None or now() - row.finished_at < _DELETING:
                    raise
                log.warning("an image that nobody gets stays", request_id=request_id, reason=str(reason))

    def _clear(self, request_id: str) -> None:
        """Deletes the image of a request that has ended with an error, which it stays at, or that was deleted. Whoever
        moves the image does so afterwards, and `fail` once more: it is told of every job that was cancelled or died."""
        with self._database.transaction() as session:
            row = session.get(GenerationRequest, request_id)
        if row is None or row.status == ERROR:
            self._storage.delete(image_key(request_id))

    def give_up(self, request_id: str) -> None:
        """Ends a request whose job ended without doing so."""
        self.fail(request_id, SartorError("The job failed repeatedly and was given up.").record())

    def _translate(self, row: GenerationRequest) -> Translation:
        assert row.prompt is not None
        with self._database.transaction() as session:
            schema = self._models.look(session, row.model_id).visual_schema
        try:
            if row.given_structured_prompt is None:
                return self._bridge().translate(row.prompt, visual_schema=schema)
            return self._bridge().refine(parse(row.given_structured_prompt), row.prompt, visual_schema=schema)
        except UnusablePrompt as error:
            raise Unprocessable(f"prompt: {error}") from None
        except ContentRefused:
            raise Moderated("prompt", "refused by the language model's provider") from None
        except BridgeUnavailable as error:
            log.warning("bridge unavailable", request_id=row.id, reason=str(error))
            raise

    def _begin(self, request_id: str, stage: str, *, counted_by: str | None = None) -> GenerationRequest:
        """Says which stage the request is in; ``counted_by`` is the option that tells how many steps the stage has.

        Raises Cancelled where it was ended meanwhile.
        """
        row = self._row(request_id)
        steps = 0 if counted_by is None else row.options[counted_by]
        if not self._update(request_id, stage=stage, step=0, steps=steps, started_at=row.started_at or now()):
            raise Cancelled
        if row.started_at is None:
            self._metrics.job_started(row.kind, (now() - row.created_at).total_seconds())
        return row

    def _end(self, request_id: str, **values: Any) -> None:
        with self._database.transaction() as session:
            ended = end(session, self._webhooks, request_id, **values)
        if ended:
            row = self._row(request_id)
            code = None if row.error is None else int(row.error["code"])
            self._metrics.job_ended(row.kind, (now() - row.created_at).total_seconds(), code)
            log.info("request ended", request_id=request_id, kind=row.kind, status=row.status, code=code)

    def _row(self, request_id: str) -> GenerationRequest:
        """Raises Cancelled where it was deleted, with its organisation."""
        with self._database.transaction() as session:
            found = session.get(GenerationRequest, request_id)
        if found is None:
            raise Cancelled
        return found

    def _update(self, request_id: str, **values: Any) -> bool:
        with self._database.transaction() as session:
            return change(session, request_id, **values)


def _words(structured_prompt: str | None) -> str:
    """What a structured prompt says in the client's own words, a line each."""
    return "\n".join(said(json.loads(structured_prompt or "null")))


def _record(error: Exception, request_id: str) -> dict[str, Any]:
    """What the client is told; a bug is only logged."""
    if isinstance(error, SartorError):
        return error.record()
    if isinstance(error, BridgeUnavailable):
        return Unavailable(f"The words could not be translated; try again later ({error}).").record()
    log.error("job failed", request_id=request_id, exc_info=error)
    return SartorError("An unexpected error occurred; quote the request_id when you report it.").record()
