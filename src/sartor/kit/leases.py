"""Who is alive: every working process renews a lease in the database, and one whose lease is over counts as dead."""

from __future__ import annotations

import math
import time
from contextlib import suppress

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from sartor.kit.database import Base, Database

_FORGOTTEN_AFTER = 86_400.0  # seconds


class Lease(Base):
    """A living process. ``expires_at`` is in epoch seconds of the database's clock."""

    __tablename__ = "leases"

    executor_id: Mapped[str] = mapped_column(sa.String(64), primary_key=True)
    expires_at: Mapped[float] = mapped_column(sa.Float, index=True)


class Leases:
    """One process's own lease of ``seconds``, and what it may conclude from the others'."""

    def __init__(self, database: Database, executor_id: str, seconds: float) -> None:
        self._database = database
        self._executor_id = executor_id
        self._seconds = seconds
        # By the monotonic clock: the last success, and since when there was none too late.
        self._renewed: float | None = None
        self._steady_since = -math.inf

    def renew(self) -> None:
        """To be called every third of the lease. Raises what the database does where it is away."""
        self._write()
        moment = time.monotonic()
        if self._renewed is not None and moment - self._renewed > self._seconds:
            self._steady_since = moment  # the database was away, or this process
        self._renewed = moment

    def release(self) -> None:
        """Ends the own lease; where the database is away, it ends by itself."""
        with suppress(sa.exc.SQLAlchemyError), self._database.transaction() as session:
            session.execute(sa.delete(Lease).where(Lease.executor_id == self._executor_id))

    def alive(self) -> bool:
        """Whether any process has a lease that is not over."""
        with self._database.transaction() as session:
            return bool(session.scalar(sa.select(sa.exists().where(Lease.expires_at >= self._database.clock()))))

    def dead(self, owners: set[str]) -> list[str]:
        """Those of the owners whose leases are over; nobody while the own one is, and for a lease's length after that:
        in an outage of the database all leases end, and the others get as long to renew theirs."""
        moment = time.monotonic()
        if self._renewed is None or moment - self._renewed > self._seconds:
            return []
        if moment - self._steady_since < self._seconds:
            return []
        with self._database.transaction() as session:
            alive = set(session.scalars(sa.select(Lease.executor_id).where(Lease.expires_at >= self._database.clock())))
        return sorted(owners - alive - {self._executor_id})

    def _write(self) -> None:
        with self._database.transaction() as session:
            clock = self._database.clock()
            renewed = session.execute(
                sa.update(Lease)
                .where(Lease.executor_id == self._executor_id)
                .values(expires_at=clock + self._seconds)
                .execution_options(synchronize_session=False)
            )
            if not renewed.rowcount:  # type: ignore[attr-defined]
                lease = {"executor_id": self._executor_id, "expires_at": clock + self._seconds}
                session.execute(sa.insert(Lease).values(**lease))
            session.execute(
                sa.delete(Lease)
                .where(Lease.expires_at < clock - _FORGOTTEN_AFTER)
                .execution_options(synchronize_session=False)
            )
