"""The database: migrations that end in what the tables say, transactions that are whole, instants that stay aware."""

import threading
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

import sartor.app  # noqa: F401  (every table is known once the composition root is)
from sartor.accounts.tables import ApiToken, Organisation
from sartor.kit.database import AWAY, Base, Database, _alembic


@pytest.fixture
def database(tmp_path: Path) -> Database:
    return Database(f"sqlite:///{tmp_path / 'folder' / 'sartor.db'}")


def test_migrations_end_in_what_the_tables_say(database: Database) -> None:
    assert database.revision()[0] is None
    database.migrate()
    database.migrate()
    current, head = database.revision()
    assert current == head
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []


def test_a_table_that_is_made_anew_takes_nothing_along(database: Database) -> None:
    """SQLite would delete what names the rows of the old one. Numbers go on where they were, and none comes twice."""
    config = _alembic()
    with database.engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0006")
        for name in ("acme", "other"):
            connection.execute(sa.text(f"INSERT INTO organisations (name, created_at) VALUES ('{name}', '2030-01-01')"))
        connection.execute(
            sa.text("INSERT INTO api_tokens (organisation_id, digest, created_at) VALUES (2, 'd', '2030-01-01')")
        )
    database.migrate()
    with database.transaction() as session:
        assert session.scalars(sa.select(ApiToken.organisation_id)).all() == [2]
        session.execute(sa.delete(Organisation).where(Organisation.name == "other"))
        assert session.scalars(sa.select(ApiToken)).all() == []
        session.add(third := Organisation(name="third"))
        session.flush()
        session.add(ApiToken(organisation_id=third.id, digest="e"))
    with database.transaction() as session:
        assert session.scalars(sa.select(ApiToken.id)).all() == [2]
        assert session.scalars(sa.select(Organisation.id).order_by(Organisation.id)).all() == [1, 3]


def test_processes_that_start_at_once_migrate_once(tmp_path: Path) -> None:
    failures: list[BaseException] = []

    def start() -> None:
        try:
            Database(f"sqlite:///{tmp_path / 'sartor.db'}").migrate()
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=start) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_a_transaction_is_whole(database: Database) -> None:
    database.migrate()

    def half_way() -> None:
        with database.transaction() as session:
            session.add(Organisation(name="acme"))
            session.flush()
            raise RuntimeError("half-way")

    with pytest.raises(RuntimeError, match="half-way"):
        half_way()
    with database.transaction() as session:
        assert session.scalars(sa.select(Organisation)).all() == []


def test_what_is_written_is_not_in_an_errors_words(database: Database) -> None:
    """They go into the log; what is written may be a prompt. The job library writes through the same engine."""
    database.migrate()

    def twice() -> None:
        with database.transaction() as session:
            session.add_all([Organisation(name="a secret"), Organisation(name="a secret")])

    with pytest.raises(sa.exc.IntegrityError, match="INSERT INTO organisations") as caught:
        twice()
    assert "secret" not in str(caught.value)


def test_sqlite_is_set_up(database: Database) -> None:
    with database.engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1
        assert connection.exec_driver_sql("PRAGMA busy_timeout").scalar() == 30_000


@pytest.mark.parametrize("statement", ["SELECT * FROM nowhere", "SELECT nothing FROM organisations", "SELCT 1"])
def test_what_sqlite_cannot_make_sense_of_is_a_fault_of_ours(database: Database, statement: str) -> None:
    """No 503, after which a client would come again, and no job that tries it for an hour."""
    database.migrate()
    with pytest.raises(sa.exc.ProgrammingError), database.transaction() as session:
        session.execute(sa.text(statement))


def test_a_lock_and_a_missing_file_are_away(database: Database, tmp_path: Path) -> None:
    database.migrate()
    gone = Database(f"sqlite:///{tmp_path / 'gone' / 'sartor.db'}")
    (tmp_path / "gone").rmdir()
    with pytest.raises(AWAY):
        gone.check()
    with database.engine.connect() as holder, database.engine.connect() as waiter:
        holder.exec_driver_sql("BEGIN IMMEDIATE")
        waiter.exec_driver_sql("PRAGMA busy_timeout=10")
        with pytest.raises(AWAY):
            waiter.exec_driver_sql("BEGIN IMMEDIATE")


def test_writers_wait_for_each_other(database: Database) -> None:
    """Sixteen threads, each reading and then writing, ten times: nothing is locked out and nothing is lost."""
    database.migrate()
    failures: list[BaseException] = []

    def write(number: int) -> None:
        try:
            for turn in range(10):
                with database.transaction() as session:
                    session.scalar(sa.select(sa.func.count()).select_from(Organisation))
                    session.add(Organisation(name=f"{number}.{turn}"))
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    with database.transaction() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Organisation)) == 160


def test_instants_come_back_in_utc(database: Database) -> None:
    database.migrate()
    written = datetime(2030, 1, 1, 12, tzinfo=timezone(timedelta(hours=2)))
    with database.transaction() as session:
        session.add(Organisation(name="acme", created_at=written))
    with database.transaction() as session:
        read = session.scalars(sa.select(Organisation.created_at)).one()
    assert read == written
    assert read.tzinfo is UTC


def test_the_databases_clock_is_now(database: Database) -> None:
    with database.engine.connect() as connection:
        seconds = connection.execute(sa.select(database.clock())).scalar_one()
    assert abs(seconds - datetime.now(UTC).timestamp()) < 2


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:"])
def test_memory_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="needs a file"):
        Database(url)


def test_postgresql_is_spoken_to_by_psycopg() -> None:
    assert Database("postgresql://user:word@db/sartor").url == "postgresql+psycopg://user:word@db/sartor"
