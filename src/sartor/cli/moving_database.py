"""``sartor move database``: every row from one database into another, empty one, in one transaction.

What the job library keeps is not copied. What had been accepted and not ended is enqueued at the new place, in the same
transaction, and begins at its first step: each step is made to be repeated.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from rich.console import Console
from sqlalchemy.orm import Session

from sartor.assembly import Parts, assemble
from sartor.cli.studio import progress_bar
from sartor.datasets.bulk import BULK_UPLOAD
from sartor.datasets.bulk_rows import RUNNING
from sartor.datasets.jobs import REGENERATE
from sartor.datasets.tables import BulkUpload, Dataset
from sartor.generation.tables import IN_PROGRESS, GenerationRequest
from sartor.kit.database import Base, Database
from sartor.kit.leases import Lease, Leases
from sartor.models.jobs import TRAINING
from sartor.models.keys import job_id
from sartor.models.tables import IN_TRAINING, Model
from sartor.settings import Settings
from sartor.webhooks.tables import Delivery

_BATCH = 500
# A lease is a living process's, and there is none.
_TABLES = [table for table in Base.metadata.sorted_tables if table is not Lease.__table__]


class MoveFailed(Exception):
    """Nothing was moved; the message says why."""


def move_database(source_url: str, settings: Settings) -> None:
    """Copies the rows of the database at ``source_url`` into that of ``settings``, and says how many there were.

    Raises MoveFailed, and what the databases do where one does not answer or does not take a row: then the new one is
    as empty as before.
    """
    file = sa.make_url(source_url).database if source_url.startswith("sqlite") else None
    if source_url == settings.database:
        raise MoveFailed("SARTOR_DATABASE_URL names the database to move from; set it to the one to move to.")
    if file is not None and not Path(file).is_file():
        raise MoveFailed(f"There is no database {file}.")
    source, parts = Database(source_url), assemble(settings)
    try:
        _check_source(source)
        current, head = parts.database.revision()
        if current not in {None, head}:  # before it is changed: somebody has worked with it
            raise MoveFailed(f"The database to move to is not a new one: its form is {current}, not {head}.")
        parts.database.migrate()
        parts.jobs.prepare()
        _check_target(parts)
        console = Console(stderr=True, highlight=False)
        with source.engine.connect() as connection, parts.database.transaction() as session:
            _hold_still(connection)
            counts = {table.name: _count(connection, table) for table in _TABLES}
            with progress_bar(console, "rows", sum(counts.values())) as advance:
                _copy(connection, session, advance)
            found = {table.name: _count(session.connection(), table) for table in _TABLES}
            if found != counts:
                raise MoveFailed(f"Not every row came: {found} instead of {counts}.")
            for table in _TABLES:
                _count_on(connection, session.connection(), table)
            taken_up = _take_up(session, parts)
        for name, count in counts.items():
            print(f"{name}\t{count}")
        console.print(f"{taken_up} jobs had not ended, and begin again at the next start.")
    finally:
        source.close()
        parts.stop()


def _check_source(source: Database) -> None:
    current, head = source.revision()
    if current is None:
        raise MoveFailed("There are no tables of Sartor's in the database to move from.")
    if current != head:
        raise MoveFailed(
            f"The database to move from has the form {current}, and this version's is {head}: start that on it once."
        )
    if Leases(source, "", 0).alive():
        raise MoveFailed("A process works with the database to move from: stop every one, and wait for SARTOR_LEASE.")


def _check_target(parts: Parts) -> None:
    if parts.jobs.worked_on():
        raise MoveFailed("A process works with the database to move to: stop every one, and wait for SARTOR_LEASE.")
    with parts.database.engine.connect() as connection:
        full = [table.name for table in _TABLES if _count(connection, table)]
    if full:
        raise MoveFailed(f"The database to move to is not empty: it has {', '.join(full)}.")


def _hold_still(connection: sa.Connection) -> None:
    """Until the connection closes it sees the database as it is now; a file takes nothing from others meanwhile."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    else:
        connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")


def _count(connection: sa.Connection, table: sa.Table) -> int:
    return connection.scalars(sa.select(sa.func.count()).select_from(table)).one()


def _copy(source: sa.Connection, session: Session, advance: Callable[..., None]) -> None:
    done = 0
    for table in _TABLES:
        # Here None is SQL's NULL: a column may have that and JSON's null, and keeps which of them it has.
        insert = sa.insert(
            sa.table(
                table.name,
                *(
                    sa.column(each.name, sa.JSON(none_as_null=True) if _is_json(each) else each.type)
                    for each in table.columns
                ),
            )
        )
        for rows in _batches(source, table):
            session.execute(insert, rows)
            done += len(rows)
            advance(done, table.name)


def _batches(source: sa.Connection, table: sa.Table) -> Iterator[list[dict[str, Any]]]:
    columns = [sa.cast(each, sa.Text).label(each.name) if _is_json(each) else each for each in table.columns]
    json_names = [each.name for each in table.columns if _is_json(each)]
    query = sa.select(*columns).order_by(*table.primary_key).execution_options(yield_per=_BATCH)
    for part in source.execute(query).mappings().partitions():
        rows = [dict(row) for row in part]
        for row in rows:
            row.update({name: _value(row[name]) for name in json_names})
        yield rows


def _is_json(column: sa.Column[Any]) -> bool:
    return isinstance(column.type, sa.JSON)


def _value(text: str | None) -> Any:
    if text is None:
        return None
    value = json.loads(text)
    return sa.JSON.NULL if value is None else value


def _count_on(source: sa.Connection, target: sa.Connection, table: sa.Table) -> None:
    """Has the ids of new rows go on behind the last that was given, whether its row is still there or not."""
    column = table.autoincrement_column
    if column is None:
        return
    last = max(source.scalar(sa.select(sa.func.max(column))) or 0, _last_given(source, table.name, column.name))
    if not last:
        return
    if target.dialect.name == "sqlite":
        numbered = {"last": last, "name": table.name}
        target.execute(sa.text("DELETE FROM sqlite_sequence WHERE name = :name"), numbered)
        target.execute(sa.text("INSERT INTO sqlite_sequence (name, seq) VALUES (:name, :last)"), numbered)
    else:
        target.execute(sa.select(sa.func.setval(sa.func.pg_get_serial_sequence(table.name, column.name), last)))


def _last_given(source: sa.Connection, table: str, column: str) -> int:
    query = (
        "SELECT seq FROM sqlite_sequence WHERE name = :name"
        if source.dialect.name == "sqlite"
        else "SELECT pg_sequence_last_value(CAST(pg_get_serial_sequence(:name, :column) AS regclass))"
    )
    return int(source.scalar(sa.text(query), {"name": table, "column": column}) or 0)


def _take_up(session: Session, parts: Parts) -> int:
    """Enqueues what had not ended; how many jobs that are."""
    jobs: list[tuple[str, str, int]] = []
    requests = sa.select(GenerationRequest).where(GenerationRequest.status == IN_PROGRESS)
    jobs += [(row.kind, row.id, row.organisation_id) for row in session.scalars(requests)]
    trainings = sa.select(Model).where(Model.status.in_(IN_TRAINING))
    jobs += [(TRAINING, job_id(row), row.organisation_id or 0) for row in session.scalars(trainings)]
    uploads = sa.select(BulkUpload.id, Dataset.organisation_id).join(Dataset).where(BulkUpload.status.in_(RUNNING))
    jobs += [(BULK_UPLOAD, row[0], row[1]) for row in session.execute(uploads)]
    at_captions = sa.select(Dataset).where(
        Dataset.captions_update_status == "in_progress",
        Dataset.captions_job_id.is_not(None),
        Dataset.captions_job_id.not_in(sa.select(BulkUpload.id)),  # an upload writes its captions itself
    )
    jobs += [(REGENERATE, row.captions_job_id or "", row.organisation_id) for row in session.scalars(at_captions)]
    for name, identifier, tenant in jobs:
        parts.jobs.enqueue(session, name, identifier, tenant=str(tenant))
    unsent = (
        sa.select(Delivery)
        .join(GenerationRequest, GenerationRequest.id == Delivery.request_id)
        .where(Delivery.delivered_at.is_(None), Delivery.given_up_at.is_(None), GenerationRequest.status != IN_PROGRESS)
    )
    deliveries = session.scalars(unsent).all()
    for row in deliveries:
        parts.webhooks.try_again(session, row, row.job_id)
    return len(jobs) + len(deliveries)
