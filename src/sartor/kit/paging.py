"""Lists by the page: the next one begins after the last row of this one, whatever came or went meanwhile."""

from __future__ import annotations

from typing import TypeVar

import sqlalchemy as sa
from sqlalchemy.orm import Session

Row = TypeVar("Row")


def page_of(
    session: Session, query: sa.Select[Row], place: sa.SQLColumnExpression[int], *, limit: int, after: int | None
) -> tuple[list[Row], int | None]:
    """Up to ``limit`` rows of ``query`` in the order of ``place``, which no two rows share: those after ``after``, or
    the first ones. With them what the next page comes after; None on the last one."""
    if after is not None:
        query = query.where(place > after)
    found = session.execute(query.add_columns(place.label("place")).order_by(place).limit(limit + 1)).all()
    rows = [(row[0], row[1]) for row in found[:limit]]
    return [row for row, _ in rows], rows[-1][1] if len(found) > limit else None
