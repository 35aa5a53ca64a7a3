"""How often a tenant may ask: a number of requests in a window of time, counted by the package ``limits``.

One process counts in memory. Several share their counts: in Redis where one is named, else in the table
``rate_windows`` of their PostgreSQL. Windows are fixed, so that across the border of two of them twice the number can
come through at most.
"""

from __future__ import annotations

import time

import sqlalchemy as sa
import structlog
from limits import RateLimitItem, parse
from limits.errors import ConfigurationError, StorageError
from limits.storage import Storage as Counter
from limits.storage import storage_from_string
from limits.strategies import FixedWindowRateLimiter
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, mapped_column

from sartor.errors import TooManyRequests, Unavailable, in_one_line
from sartor.kit.database import Base, Database

log = structlog.get_logger(__name__)


class CounterUnavailable(ValueError):
    """Requests cannot be counted at the address that is given; the message says why."""


class RateWindow(Base):
    """``count`` requests under ``key`` until ``expires_at``, in epoch seconds of the database's clock."""

    __tablename__ = "rate_windows"

    key: Mapped[str] = mapped_column(sa.String(200), primary_key=True)
    count: Mapped[int]
    expires_at: Mapped[float] = mapped_column(sa.Float, index=True)


class Rates:
    """Counts requests by tenant and refuses those above the rate. Safe to use from several threads."""

    def __init__(self, counter: Counter) -> None:
        self._limiter = FixedWindowRateLimiter(counter)

    def spend(self, rate: RateLimitItem, tenant: str, purpose: str) -> None:
        """Counts one request of ``tenant`` against ``rate``, which is counted for each ``purpose`` apart.

        Raises TooManyRequests, with the seconds until the window ends, where it is one too many, and Unavailable where
        what counts does not answer; a database raises what it does elsewhere.
        """
        try:
            if self._limiter.hit(rate, tenant, purpose):
                return
            reset = self._limiter.get_window_stats(rate, tenant, purpose).reset_time
        except StorageError as error:
            log.error("what counts the requests does not answer", reason=in_one_line(error))
            raise Unavailable("What counts the requests does not answer; try again.") from error
        raise TooManyRequests(f"Your rate limit is {rate}.", retry_after=reset - time.time())


def parse_rate(text: str) -> RateLimitItem:
    """``600/minute``, ``10/second``, ``5000/2hours``. Raises ValueError."""
    return parse(text)


def counter_for(url: str, database: Database) -> Counter:
    """Where requests are counted: a ``redis://`` address, ``memory://``, or, where empty, what suits the database.

    Raises CounterUnavailable for an address that names no such place, whose packages are missing, or that only
    asynchronous code can use.
    """
    if not url and not database.is_sqlite:
        return DatabaseCounter(database)
    scheme = url.partition(":")[0]
    try:
        counter = storage_from_string(url or "memory://", wrap_exceptions=True)
    except ConfigurationError as error:
        raise CounterUnavailable(str(error).replace(url, scheme)) from None  # it may hold a password
    if not isinstance(counter, Counter):
        raise CounterUnavailable(f"{scheme} is for asynchronous code")
    return counter


class DatabaseCounter(Counter):
    """Counts in the table ``rate_windows``, by the database's clock."""

    STORAGE_SCHEME = None

    def __init__(self, database: Database) -> None:
        super().__init__()
        self._database = database

    @property
    def base_exceptions(self) -> type[Exception]:
        return sa.exc.SQLAlchemyError

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """Adds ``amount`` to the window under ``key``, or begins one of ``expiry`` seconds; the new count."""
        clock = self._database.clock()
        insert = (sqlite if self._database.is_sqlite else postgresql).insert(RateWindow)
        over = RateWindow.expires_at <= clock
        counted = insert.values(key=key, count=amount, expires_at=clock + expiry).on_conflict_do_update(
            index_elements=[RateWindow.key],
            set_={
                "count": sa.case((over, amount), else_=RateWindow.count + amount),
                "expires_at": sa.case((over, clock + expiry), else_=RateWindow.expires_at),
            },
        )
        with self._database.transaction() as session:
            count: int = session.execute(counted.returning(RateWindow.count)).scalar_one()
            if count == amount:  # a window begins: those that ended long ago make room
                stale = sa.delete(RateWindow).where(RateWindow.expires_at < clock - 3600.0)
                session.execute(stale.execution_options(synchronize_session=False))
        return count

    def get(self, key: str) -> int:
        row = self._window(key)
        return 0 if row is None else row[0]

    def get_expiry(self, key: str) -> float:
        """When the window under ``key`` ends, in epoch seconds of this process's clock; now where there is none."""
        row = self._window(key)
        return time.time() + (0.0 if row is None else row[1])

    def check(self) -> bool:
        self._database.check()
        return True

    def reset(self) -> int | None:
        with self._database.transaction() as session:
            return int(session.execute(sa.delete(RateWindow)).rowcount)  # type: ignore[attr-defined]

    def clear(self, key: str) -> None:
        with self._database.transaction() as session:
            session.execute(sa.delete(RateWindow).where(RateWindow.key == key))

    def _window(self, key: str) -> tuple[int, float] | None:
        """(count, seconds left) of the running window under ``key``."""
        clock = self._database.clock()
        running = sa.select(RateWindow.count, RateWindow.expires_at - clock).where(
            RateWindow.key == key, RateWindow.expires_at > clock
        )
        with self._database.transaction() as session:
            row = session.execute(running).one_or_none()
        return None if row is None else (row[0], row[1])
