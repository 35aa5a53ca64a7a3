"""Idempotency keys: the same question leads to the same result, another one is refused, and both only for a day."""

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

import sartor.app  # noqa: F401  (every table is known once the composition root is)
from sartor.errors import Unprocessable
from sartor.kit import idempotency
from sartor.kit.database import Database, now
from sartor.kit.idempotency import (
    LIFETIME,
    IdempotencyKey,
    at_once,
    check_key,
    claim,
    digest_of,
    forget,
    forget_tenant,
    is_used,
    led_to,
)

FIRST, SECOND = digest_of("image", {"prompt": "a", "seed": None}), digest_of("image", {"prompt": "b", "seed": None})


def claimed(database: Database, key: str, digest: str, result: str, tenant: str = "1") -> str:
    with database.transaction() as session:
        return claim(session, tenant, key, digest, result)


def test_the_first_result_is_everybodys_of_that_tenant(database: Database) -> None:
    assert claimed(database, "k", FIRST, "one") == "one"
    assert claimed(database, "k", FIRST, "two") == "one"
    assert claimed(database, "K", FIRST, "three") == "three"
    assert claimed(database, "k", FIRST, "four", tenant="2") == "four"


def test_a_key_stands_for_one_body(database: Database) -> None:
    claimed(database, "k", FIRST, "one")
    with pytest.raises(Unprocessable, match="another request"):
        claimed(database, "k", SECOND, "two")


def test_a_key_that_comes_in_meanwhile_is_kept(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the reading and the writing another request with the same key may have come and gone."""

    def look_and_be_overtaken(*asked: Any) -> str | None:
        found = led_to(*asked)
        monkeypatch.setattr(idempotency, "led_to", led_to)
        claimed(database, "k", FIRST, "one")
        return found

    monkeypatch.setattr(idempotency, "led_to", look_and_be_overtaken)
    with pytest.raises(IntegrityError):
        claimed(database, "k", FIRST, "two")
    assert claimed(database, "k", FIRST, "two") == "one"


def test_what_was_rolled_back_claims_nothing(database: Database) -> None:
    def half_way() -> None:
        with database.transaction() as session:
            claim(session, "1", "k", FIRST, "one")
            raise RuntimeError("half-way")

    with pytest.raises(RuntimeError, match="half-way"):
        half_way()
    assert claimed(database, "k", SECOND, "two") == "two"


def test_keys_grow_old(database: Database) -> None:
    claimed(database, "k", FIRST, "one")
    claimed(database, "l", FIRST, "two")
    with database.transaction() as session:
        session.execute(sa.update(IdempotencyKey).values(created_at=now() - LIFETIME - timedelta(seconds=1)))
    with database.transaction() as session:
        assert not is_used(session, "1", "k")
    assert claimed(database, "k", SECOND, "three") == "three"
    with database.transaction() as session:
        assert is_used(session, "1", "k")
        assert not is_used(session, "2", "k")
        forget(session, [])
        assert session.scalars(sa.select(IdempotencyKey.result_id)).all() == ["three"]
        forget(session, ["three"])
        assert session.scalars(sa.select(IdempotencyKey)).all() == []


def test_a_tenants_keys_go_with_it(database: Database) -> None:
    claimed(database, "k", FIRST, "one")
    claimed(database, "k", FIRST, "two", tenant="2")
    with database.transaction() as session:
        forget_tenant(session, "1")
        assert session.scalars(sa.select(IdempotencyKey.result_id)).all() == ["two"]


def test_the_digest_is_of_what_is_said() -> None:
    assert digest_of("image", {"a": 1, "b": 2}) == digest_of("image", {"b": 2, "a": 1})
    assert len({FIRST, SECOND, digest_of("structured_prompt", {"prompt": "a", "seed": None})}) == 3


@pytest.mark.parametrize("key", ["", "x" * 256, "a\nb", "ü"])
def test_keys_that_are_none(key: str) -> None:
    with pytest.raises(Unprocessable, match="Idempotency-Key"):
        check_key(key)


def test_keys_that_are() -> None:
    assert check_key(None) is None
    assert check_key("7f4c d0/e=") == "7f4c d0/e="


def test_what_another_one_with_the_key_was_first_with_is_done_again() -> None:
    tries: list[int] = []

    def do() -> int:
        tries.append(len(tries))
        if len(tries) == 1:
            raise IntegrityError("", None, Exception())
        return len(tries)

    assert at_once("key", do) == 2
    tries.clear()
    with pytest.raises(IntegrityError):
        at_once(None, do)
    assert tries == [0]
