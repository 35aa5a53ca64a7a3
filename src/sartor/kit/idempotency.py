"""The same request sent twice is one request: what ``Idempotency-Key`` promises.

A key belongs to a tenant and is kept together with what it led to, in the transaction that does the work: either both
are there or neither. For a day, the same key with the same body leads to the same result; with another body it is
refused.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, Session, mapped_column

from sartor.errors import Unprocessable
from sartor.kit.database import Base, Moment, now

Result = TypeVar("Result")

HEADER = "Idempotency-Key"
LIFETIME = timedelta(hours=24)
MAX_CHARACTERS = 255


class IdempotencyKey(Base):
    """``digest`` is of what was asked, ``result_id`` what came of it."""

    __tablename__ = "idempotency_keys"

    tenant: Mapped[str] = mapped_column(sa.String(40), primary_key=True)
    key: Mapped[str] = mapped_column(sa.String(MAX_CHARACTERS), primary_key=True)
    digest: Mapped[str] = mapped_column(sa.String(64))
    result_id: Mapped[str] = mapped_column(sa.String(36), index=True)
    created_at: Mapped[datetime] = mapped_column(Moment, default=now, index=True)


def check_key(key: str | None) -> str | None:
    """The key, or None where none was sent. Raises Unprocessable for one that is empty, too long or not printable."""
    if key is None:
        return None
    if not 0 < len(key) <= MAX_CHARACTERS or not key.isascii() or not key.isprintable():
        raise Unprocessable(f"{HEADER}: must have 1 to {MAX_CHARACTERS} printable ASCII characters")
    return key


def digest_of(operation: str, body: Mapping[str, Any]) -> str:
    """What tells one request from another: the operation and its body, whatever the order of the fields."""
    text = json.dumps([operation, body], sort_keys=True, ensure_ascii=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def claim(session: Session, tenant: str, key: str, digest: str, result_id: str) -> str:
    """The result that ``key`` stands for: ``result_id`` where the key is new, else the earlier one.

    Raises Unprocessable where the key was used for something else, and IntegrityError at the flush where another
    transaction claims it at this moment: then the whole transaction is tried again, as `at_once` does.
    """
    earlier = led_to(session, tenant, key, digest)
    if earlier is not None:
        return earlier
    # Only one that is over goes: another transaction may have written a fresh one since it was looked for.
    ours = (IdempotencyKey.tenant == tenant, IdempotencyKey.key == key)
    session.execute(sa.delete(IdempotencyKey).where(*ours, IdempotencyKey.created_at < now() - LIFETIME))
    session.add(IdempotencyKey(tenant=tenant, key=key, digest=digest, result_id=result_id))
    session.flush()
    return result_id


def at_once(key: str | None, do: Callable[[], Result]) -> Result:
    """What a transaction that claims ``key`` comes to, though another one with the same key may run at this moment."""
    try:
        return do()
    except IntegrityError:
        if key is None:
            raise
        return do()  # the other one with this key is in by now


def led_to(session: Session, tenant: str, key: str, digest: str) -> str | None:
    """The result that ``key`` stands for already: to be asked before work that is worth sparing.

    Raises Unprocessable where the key was used for something else.
    """
    found = session.get(IdempotencyKey, (tenant, key))
    if found is None or found.created_at < now() - LIFETIME:
        return None
    if found.digest != digest:
        raise Unprocessable(f"{HEADER}: was used for another request already")
    return found.result_id


def is_used(session: Session, tenant: str, key: str) -> bool:
    """Whether ``key`` stands for any result, of whatever body: then the body is read before anything is refused."""
    found = session.get(IdempotencyKey, (tenant, key))
    return found is not None and found.created_at >= now() - LIFETIME


def forget_tenant(session: Session, tenant: str) -> None:
    """Deletes all keys of the tenant."""
    session.execute(sa.delete(IdempotencyKey).where(IdempotencyKey.tenant == tenant))


def forget(session: Session, result_ids: Sequence[str], *, beginnings: Sequence[str] = ()) -> None:
    """Deletes the keys of results that are no more, or whose ids begin so, and those that no longer count."""
    over = IdempotencyKey.created_at < now() - LIFETIME
    gone = [IdempotencyKey.result_id.startswith(beginning, autoescape=True) for beginning in beginnings]
    session.execute(sa.delete(IdempotencyKey).where(sa.or_(over, IdempotencyKey.result_id.in_(result_ids), *gone)))
