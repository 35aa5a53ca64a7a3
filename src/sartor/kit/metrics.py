"""Numbers for an operator's monitoring, in Prometheus' text format, kept by an object instead of by the process."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

_REQUEST_SECONDS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
_JOB_SECONDS = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60, 120, 300, 900)
_RUN_SECONDS = (0.1, 1, 10, 60, 600, 3600, 36000)
# Anything else that a stranger puts in a method's place is one label: a label, once seen, is kept for ever.
_METHODS = {"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"}
_OUTCOMES = ("delivered", "failed", "given_up")
_KINDS = ("image", "structured_prompt")
_ALARMING = ("500", "503")
MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Metrics:
    def __init__(self, *, ready: Callable[[], bool]) -> None:
        self._registry = CollectorRegistry()
        self._requests = Histogram(
            "sartor_http_request_seconds",
            "Time to answer, by route.",
            ["method", "route", "status"],
            buckets=_REQUEST_SECONDS,
            registry=self._registry,
        )
        self._waits = Histogram(
            "sartor_job_wait_seconds",
            "Time from accepting a job to starting it.",
            ["kind"],
            buckets=_REQUEST_SECONDS,
            registry=self._registry,
        )
        self._jobs = Histogram(
            "sartor_job_seconds",
            "Time from accepting a job to its end.",
            ["kind", "outcome"],
            buckets=_JOB_SECONDS,
            registry=self._registry,
        )
        self._runs = Histogram(
            "sartor_run_seconds",
            "From taking a job up to letting it go in this process; one that was interrupted goes on or was cancelled.",
            ["job", "outcome"],
            buckets=_RUN_SECONDS,
            registry=self._registry,
        )
        self._refusals = Counter(
            "sartor_job_errors", "Jobs that ended as ERROR.", ["kind", "code"], registry=self._registry
        )
        self._webhooks = Counter(
            "sartor_webhook_attempts", "Attempts to deliver a webhook.", ["outcome"], registry=self._registry
        )
        # What alerts look at is there from the start: where a count first appears as 1, nothing has grown.
        for outcome in _OUTCOMES:
            self._webhooks.labels(outcome)
        for kind, code in product(_KINDS, _ALARMING):
            self._refusals.labels(kind, code)
        gauge = Gauge("sartor_ready", "1 once requests can be worked on.", registry=self._registry)
        gauge.set_function(lambda: float(ready()))

    def request(self, method: str, route: str, status: int, seconds: float) -> None:
        """One answered HTTP request; ``route`` is the template, or empty where none matched."""
        known = method if method in _METHODS else "other"
        self._requests.labels(known, route or "unknown", str(status)).observe(seconds)

    def job_started(self, kind: str, waited: float) -> None:
        self._waits.labels(kind).observe(waited)

    def job_ended(self, kind: str, seconds: float, code: int | None = None) -> None:
        """``code`` is the error's, where it ended as one."""
        self._jobs.labels(kind, "completed" if code is None else "error").observe(seconds)
        if code is not None:
            self._refusals.labels(kind, str(code)).inc()

    def run(self, job: str, outcome: str, seconds: float) -> None:
        """One run of a job: ``ended``, ``interrupted`` or ``failed``."""
        self._runs.labels(job, outcome).observe(seconds)

    def webhook(self, outcome: str) -> None:
        """One attempt: ``delivered``, ``failed`` (there will be another one) or ``given_up``."""
        self._webhooks.labels(outcome).inc()

    def text(self) -> bytes:
        return generate_latest(self._registry)
