"""One database for our tables and the jobs': SQLite on a laptop, PostgreSQL past one machine, the same code.

Sessions are synchronous. A job and the row that it works on must enter the database in one transaction, which the
job library offers on a synchronous connection; endpoints call the services in worker threads.
"""

from __future__ import annotations

import logging
import math
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.orm import DeclarativeBase, Session

from sartor.kit.patience import PatientConnection

# A writer waits this long for another one; a slow disk under load has been seen to need more than SQLite's 5 s.
_BUSY_MILLISECONDS = 30_000
# PostgreSQL ends a transaction in which nothing was asked for so long: a process that is frozen, or whose machine is
# gone, would hold its rows' locks, and with them everybody who wants those rows, for hours.
_IDLE_MILLISECONDS = 60_000
# That a database's machine is gone is noticed within half a minute, and not after the system's quarter of an hour or
# two hours. What an address says itself counts.
_NOTICED = {
    "connect_timeout": 10,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 4,
    "tcp_user_timeout": 30_000,
}
_MIGRATIONS = Path(__file__).with_name("migrations")

# The database does not answer, or not in time. Nothing is wrong with what was asked: trying again may help.
AWAY = (sa.exc.OperationalError, sa.exc.InterfaceError, sa.exc.TimeoutError)
# SQLite's code of what its driver calls an OperationalError, and is a fault of ours: an unknown table or column, or no
# SQL at all. Everything else (a lock, a full or a missing disk) may pass.
_OURS = sqlite3.SQLITE_ERROR
# PostgreSQL's codes of what its driver calls an InternalError, and is no fault of ours: a standby that takes no
# writes, a transaction that the server ended because it was idle, or lasted, for too long.
_PASSING = {"25006", "25P03", "25P04"}

# For tables whose ids are in addresses or lists: SQLite would give the id of a deleted last row to the next one, and
# whoever still has the old one would find another thing there. PostgreSQL never does.
IDS_ARE_NEW = {"sqlite_autoincrement": True}


class Base(DeclarativeBase):
    """Base of every table; constraint names are fixed so that migrations can name them on both databases."""

    metadata = sa.MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


class Moment(sa.types.TypeDecorator[datetime]):
    """An instant: aware, UTC, the same from SQLite (which drops the zone) and from PostgreSQL."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def now() -> datetime:
    """This instant, in UTC."""
    return datetime.now(UTC)


def lock_rows(session: Session, column: Any, *which: sa.ColumnElement[bool], value: Any = None) -> None:
    """Until the transaction ends nobody else changes or deletes such rows, or locks them.

    By writing, before anything is read: it takes the rows' lock on PostgreSQL, and SQLite's only one. `column` becomes
    `value`, or stays; of a table that knows when it was changed it is that column, which would move otherwise.
    """
    touched = sa.update(column.class_).where(*which).values({column: column if value is None else value})
    session.execute(touched, execution_options={"synchronize_session": False})


class Database:
    """The engine, shared with the job library so that one set of connection rules holds for both."""

    def __init__(self, url: str) -> None:
        address = sa.make_url(url)
        if address.drivername in ("postgresql", "postgres"):
            address = address.set(drivername="postgresql+psycopg")
        self.is_sqlite = address.get_backend_name() == "sqlite"
        self.url = address.render_as_string(hide_password=False)
        noticed = {name: value for name, value in _NOTICED.items() if name not in address.query}
        if self.is_sqlite:
            if not address.database or address.database == ":memory:":
                raise ValueError("SQLite needs a file: jobs run in several threads and outlive the process")
            Path(address.database).parent.mkdir(parents=True, exist_ok=True)
        # Polling threads, running steps and endpoint threads each hold one for a few milliseconds. What is written
        # into the database (prompts, addresses) is not to be in the log, where an error's words go.
        self.engine = sa.create_engine(
            address,
            pool_size=16,
            max_overflow=48,
            pool_pre_ping=not self.is_sqlite,
            hide_parameters=True,
            connect_args={} if self.is_sqlite else noticed,
        )
        sa.event.listen(self.engine, "connect", _prepare_sqlite if self.is_sqlite else _prepare_postgresql)
        sa.event.listen(self.engine, "handle_error", _as_it_is)
        if not self.is_sqlite:
            sa.event.listen(self.engine, "do_connect", _connect)

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """A session whose work is committed at the end of the block, or rolled back by an exception."""
        with Session(self.engine, expire_on_commit=False) as session, session.begin():
            yield session

    def clock(self) -> sa.ColumnElement[float]:
        """SQL for the database's own time in epoch seconds: workers on several machines must agree on it."""
        if self.is_sqlite:
            return sa.cast((sa.func.julianday("now") - 2440587.5) * 86400.0, sa.Float)
        return sa.cast(sa.func.extract("epoch", sa.func.clock_timestamp()), sa.Float)

    def migrate(self) -> None:
        """Brings the tables to this version's form. Safe when several processes start at once."""
        logging.getLogger("alembic").setLevel(logging.WARNING)
        config = _alembic()
        with self.engine.connect() as connection:
            # One process migrates, the others wait here and find nothing left to do.
            if self.is_sqlite:
                # A table that is made anew takes what names it along while foreign keys are on, which cannot change
                # within a transaction. Nobody else gets this connection.
                connection.detach()
                connection.exec_driver_sql("PRAGMA foreign_keys=OFF")
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            else:
                _be_patient(connection)
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(0x5A27)))
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
            connection.commit()

    def revision(self) -> tuple[str | None, str | None]:
        """The schema's revision as it is and as this version wants it."""
        with self.engine.connect() as connection:
            current = MigrationContext.configure(connection).get_current_revision()
        return current, ScriptDirectory.from_config(_alembic()).get_current_head()

    def check(self) -> None:
        """Raises where the database does not answer."""
        with self.engine.connect() as connection:
            connection.execute(sa.select(1))

    def close(self) -> None:
        self.engine.dispose()


def _alembic() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


def _connect(_dialect: sa.Dialect, _record: object, given: Sequence[Any], named: Mapping[str, Any]) -> Any:
    return PatientConnection.connect(*given, **named)


def _be_patient(connection: sa.Connection) -> None:
    """A migration may take long, or wait for another process's. The connection is closed afterwards."""
    driver = connection.connection.driver_connection
    assert isinstance(driver, PatientConnection)
    driver.patience = math.inf
    connection.detach()


def _prepare_postgresql(connection: Any, _record: object) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SET idle_in_transaction_session_timeout = {_IDLE_MILLISECONDS}")
    connection.commit()


def _as_it_is(context: sa.engine.ExceptionContext) -> Exception | None:
    """An InternalError that passes as one of ``AWAY``, and an OperationalError that does not as none of them."""
    error = context.sqlalchemy_exception
    kind: type[sa.exc.DBAPIError]
    if isinstance(error, sa.exc.InternalError) and (context.is_disconnect or _code(error) in _PASSING):
        kind = sa.exc.OperationalError
    elif isinstance(error, sa.exc.OperationalError) and _code(error) == _OURS:
        kind = sa.exc.ProgrammingError
    else:
        return None
    assert error.orig is not None
    return kind(
        error.statement,
        error.params,
        error.orig,
        hide_parameters=True,
        connection_invalidated=context.is_disconnect,
    )


def _code(error: sa.exc.DBAPIError) -> str | int | None:
    """What the database calls it: PostgreSQL's SQLSTATE, or SQLite's number."""
    return getattr(error.orig, "sqlstate", None) or getattr(error.orig, "sqlite_errorcode", None)


def _prepare_sqlite(connection: Any, _record: object) -> None:
    # Transactions take the write lock when they begin to write, so two of them cannot deadlock half-way.
    connection.isolation_level = "IMMEDIATE"
    connection.execute(f"PRAGMA busy_timeout={_BUSY_MILLISECONDS}")
    # Readers and the writer do not wait for each other: 300 jobs by four processes in 11 s instead of 27 s.
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA foreign_keys=ON")
