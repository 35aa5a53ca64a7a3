"""One reply of a language model, by litellm: its time limit, what is tried again, and what its errors mean here."""

from __future__ import annotations

import json
import logging
import random
import re
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeVar

from sartor.bridge.base import BridgeUnavailable, ContentRefused, NoUsableReply
from sartor.bridge.language_model import packages
from sartor.bridge.language_model.asking import Question
from sartor.bridge.language_model.parameters import limits_thinking, parameters
from sartor.bridge.language_model.replying import UnusableReply

_log = logging.getLogger(__name__)

T = TypeVar("T")

DEFAULT_MODEL = "gemini/gemini-2.5-flash"
# Asked instead once the default one is gone: litellm's price list has it retired on 2026-12-01.
SUCCESSOR = "gemini/gemini-3.5-flash-lite"

# Gemini's own ends of a reply that failed, and refuse nothing: litellm files them under "content_filter" or "stop".
_FAILED = frozenset(
    {"OTHER", "RECITATION", "LANGUAGE", "MALFORMED_FUNCTION_CALL", "MALFORMED_RESPONSE", "UNEXPECTED_TOOL_CALL"}
)
_PICTURE = re.compile(r"data:image/[a-z]+;base64,[A-Za-z0-9+/=]*")  # as a message carries one; not for logs
# A 400 that no other question would escape: billing, or the place that is asked from.
_PRECONDITION = re.compile(r'"status":\s*"FAILED_PRECONDITION"')
_RETRY_INFO = re.compile(r'"retryDelay":\s*"([0-9]+(?:\.[0-9]+)?)s"')


@dataclass(frozen=True)
class Patience:
    """How long to wait, in seconds, and how often to try."""

    total: float = 45.0  # for a whole translation, with everything that is tried again
    attempt: float = 25.0  # a reply takes 3 to 10
    attempts: int = 5
    pause: float = 1.0  # before the second attempt, doubled for each further one
    longest_pause: float = 15.0  # a provider that asks for more is not waited for


class _Passing(Exception):
    """May be gone at the next attempt. ``wait`` is what the provider asks for, in seconds."""

    def __init__(self, reason: str, wait: float | None = None) -> None:
        super().__init__(reason)
        self.wait = wait


class _Empty(_Passing):
    """An answer came, and nothing is in it."""

    def __init__(self) -> None:
        super().__init__("its answer is empty")


class _Retired(Exception):
    """The default model is gone."""


class _ThinkingRefused(Exception):
    """The model does not take what it is told about thinking. The message is for a person."""


class LanguageModel:
    """A model by its litellm name. One may serve many threads. ``name`` changes once the default one is gone."""

    def __init__(self, name: str, *, key: str = "", address: str | None = None, patience: Patience) -> None:
        """``key`` may be empty for providers that find their credentials in the environment.

        Raises BridgeUnavailable where the packages or a Gemini model's key are missing.
        """
        if not packages.installed():
            raise BridgeUnavailable('language models need the extra "gemini": docs/bridge.md has how')
        if name.startswith("gemini/") and not key:
            raise BridgeUnavailable(f"{name} needs an API key, and none is set")
        self.name = name
        self.patience = patience
        self._key = key
        self._address = address
        self._lock = threading.Lock()
        self._left_to_think: set[str] = set()  # models that are told nothing about thinking

    def load(self) -> None:
        """Imports what a call needs."""
        packages.load()

    def ask(self, question: Question, read: Callable[[str, bool], T]) -> T:
        """What ``read(reply, first)`` makes of the reply; where it raises UnusableReply, the question is asked once
        more with the fault named.

        Raises BridgeUnavailable where no attempt got a reply, NoUsableReply where that is this question's own fault,
        and ContentRefused.
        """
        until = time.monotonic() + self.patience.total
        for first in (True, False):
            reply = ""
            try:
                reply = self._reply(question, until)
                return read(reply, first)
            except UnusableReply as error:
                _log.warning("%s: a reply cannot be used", self.name)
                _log.debug("%s: %s", self.name, error)
                question = question.again(reply, str(error))
        raise self._unavailable("its replies could not be used", NoUsableReply)

    def _reply(self, question: Question, until: float) -> str:
        """The reply's text. ``until`` is a time of ``time.monotonic``. Also raises UnusableReply, for one that ended
        early."""
        _log.debug("asked %s: %s", self.name, _PICTURE.sub("<a picture>", str(question.messages)))
        for attempt in range(1, self.patience.attempts + 1):
            try:
                return self._attempt(question, until)
            except _Passing as error:
                pause = self._pause(attempt, error.wait)
                if error.wait is not None and error.wait > self.patience.longest_pause:
                    raise self._unavailable(f"{error}; it asks to wait {error.wait:.0f} s") from None
                if attempt == self.patience.attempts or time.monotonic() + pause >= until:
                    raise self._unavailable(str(error), NoUsableReply if isinstance(error, _Empty) else None) from None
                _log.warning("%s: %s; trying again in %.1f s", self.name, error, pause)
                time.sleep(pause)
        raise AssertionError("the last attempt returns or raises")

    def _pause(self, attempt: int, asked: float | None) -> float:
        """What the provider asks for and a little more, else doubled each time; random, so that workers spread out."""
        if asked is not None:
            return asked * random.uniform(1.0, 1.1)
        pause = self.patience.pause * 2.0 ** (attempt - 1) * random.uniform(0.5, 1.5)
        return min(pause, self.patience.longest_pause)

    def _attempt(self, question: Question, until: float) -> str:
        """Asks; what the provider no longer has or takes is left out, at once and from then on."""
        packages.load()
        name = self.name

        def once(*, limit_thinking: bool) -> str:
            return self._once(name, question, parameters(name, question, limit_thinking=limit_thinking), until)

        try:
            try:
                return once(limit_thinking=name not in self._left_to_think)
            except _ThinkingRefused as error:
                _log.warning("%s: %s; asked again without a limit of its thinking", name, error)
                text = once(limit_thinking=False)
                self._left_to_think.add(name)
                return text
        except _Retired:
            self._succeed()
            return self._attempt(question, until)

    def _succeed(self) -> None:
        with self._lock:
            if self.name == DEFAULT_MODEL:
                self.name = SUCCESSOR
                _log.warning(
                    "%s is no longer there: %s is asked instead. Set SARTOR_BRIDGE_MODEL to it, or to another model",
                    DEFAULT_MODEL,
                    SUCCESSOR,
                )

    def _once(self, name: str, question: Question, given: dict[str, Any], until: float) -> str:
        import litellm
        from litellm.llms.custom_httpx.http_handler import HTTPHandler

        within = min(self.patience.attempt, until - time.monotonic())
        if within <= 0:
            raise self._unavailable("the time for it is used up")
        # A client of this call's own: closing it ends a reply that goes on dripping after its time.
        client = HTTPHandler(timeout=within) if name.startswith(("gemini/", "vertex_ai/gemini")) else None
        answers: list[Any] = []
        if client is not None:
            # litellm keeps the finish reason of most replies, and loses RECITATION's.
            client.client.event_hooks = {"response": [answers.append]}
        started = time.monotonic()
        try:
            response = _within(
                within,
                lambda: litellm.completion(
                    model=name,
                    messages=[dict(message) for message in question.messages],
                    api_key=self._key or None,
                    api_base=self._address,
                    timeout=within,
                    num_retries=0,
                    max_retries=0,
                    drop_params=True,
                    client=client,
                    **given,
                ),
            )
        except TimeoutError:
            raise _Passing(f"it did not answer within {within:.3g} s") from None
        except Exception as error:
            raise self._meaning(name, error, limits_thinking(given)) from None
        finally:
            if client is not None:
                client.close()
        _log.info("%s answered in %.1f s", name, time.monotonic() - started)
        return self._text(response, _ends(answers[-1].content) if answers else [])

    def _text(self, response: Any, ends: Sequence[str]) -> str:
        """``ends`` are Gemini's finish reasons; other providers have none."""
        for end in _FAILED.intersection(ends):
            raise UnusableReply(f"the reply ended early ({end})")
        if not response.choices:
            raise _Empty
        choice = response.choices[0]
        if choice.finish_reason == "content_filter":
            raise ContentRefused(f"{self.name} does not describe such content")
        if choice.finish_reason == "length":
            raise UnusableReply("the reply was too long and was cut off: say the same in fewer words")
        text = choice.message.content
        if not isinstance(text, str) or not text.strip():
            raise _Empty
        _log.debug("%s replied: %s", self.name, text)
        return text

    def _meaning(self, name: str, error: Exception, limits_thinking: bool) -> Exception:
        """What went wrong, in words of ours: a provider's may repeat the prompt."""
        import litellm.exceptions as known

        status = getattr(error, "status_code", None)
        _log.debug("%s: %s", self.name, self._without_key(f"{type(error).__name__}: {error}"))
        if isinstance(error, known.ContentPolicyViolationError):
            return ContentRefused(f"{self.name} does not describe such content")
        if isinstance(error, known.RateLimitError):
            return _Passing("its quota is used up", _asked_pause(error))
        passing = (
            known.Timeout,
            known.InternalServerError,
            known.ServiceUnavailableError,
            known.BadGatewayError,
            known.APIConnectionError,
        )
        if isinstance(error, passing):
            return _Passing(f"it is overloaded or cannot be reached ({type(error).__name__})")
        if isinstance(error, IndexError):  # no candidates
            return _Empty()
        if status == 422:  # a body that is no JSON
            return _Passing("its answer is not one of a language model")
        if isinstance(error, known.AuthenticationError) or status in (401, 403) or "API_KEY_INVALID" in str(error):
            return self._unavailable("it refuses the API key")
        if isinstance(error, known.NotFoundError):
            if name == DEFAULT_MODEL:
                return _Retired()
            return self._unavailable("there is no such model; SARTOR_BRIDGE_MODEL names the one that is asked")
        if status == 400 and limits_thinking and "thinking" in str(error).lower():
            return _ThinkingRefused("it refuses what it is told about thinking")
        if _PRECONDITION.search(str(error)):
            return self._unavailable("it does not serve this API key, or not from here")
        reason = f"it refuses the request ({type(error).__name__})"
        return self._unavailable(reason, NoUsableReply if status == 400 else None)

    def _unavailable(self, reason: str, kind: type[BridgeUnavailable] | None = None) -> BridgeUnavailable:
        return (kind or BridgeUnavailable)(f"{self.name} gave no structured prompt: {reason}")

    def _without_key(self, text: str) -> str:
        return text.replace(self._key, "***") if self._key else text


def _within(seconds: float, call: Callable[[], T]) -> T:
    """What ``call`` returns or raises. Raises TimeoutError after ``seconds``; the call is left to its own thread.

    A client's own time limits count from one byte to the next: a reply that drips never meets them.
    """
    outcome: Future[T] = Future()

    def work() -> None:
        try:
            outcome.set_result(call())
        except BaseException as error:
            outcome.set_exception(error)

    threading.Thread(target=work, name="language-model", daemon=True).start()
    return outcome.result(timeout=seconds)


def _ends(body: bytes) -> list[str]:
    """The finish reasons in Gemini's answer; none in an error, or where the prompt was blocked."""
    try:
        return [str(candidate["finishReason"]) for candidate in json.loads(body)["candidates"]]
    except (ValueError, TypeError, LookupError):
        return []


def _asked_pause(error: Exception) -> float | None:
    """Seconds that the provider asks to wait: Google's RetryInfo, or the header Retry-After."""
    if found := _RETRY_INFO.search(str(error)):
        return float(found[1])
    headers = getattr(error, "litellm_response_headers", None) or {}
    with suppress(ValueError):
        return max(0.0, float(headers.get("retry-after", "")))
    return None
