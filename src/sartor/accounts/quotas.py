"""How often an organisation may ask: one rate for what asks for work, a wider one for looking."""

from __future__ import annotations

from sartor.accounts.service import Caller
from sartor.kit.rates import Rates, parse_rate

_READING = frozenset({"GET", "HEAD", "OPTIONS"})


class Quotas:
    """``work`` and ``reading`` are rates as in ``600/minute``. Raises ValueError for any that is none."""

    def __init__(self, rates: Rates, *, work: str, reading: str) -> None:
        self._rates = rates
        self._work, self._reading = parse_rate(work), parse_rate(reading)

    def spend(self, caller: Caller, method: str) -> None:
        """Counts a request of the caller's organisation. Raises TooManyRequests."""
        reads = method in _READING
        self._rates.spend(
            self._reading if reads else self._work, str(caller.organisation_id), "reading" if reads else "work"
        )
