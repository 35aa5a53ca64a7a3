"""Tokens: made once, kept as hashes, recognised whole."""

import threading
from pathlib import Path

import pytest
import sqlalchemy as sa

from sartor.accounts.service import Accounts
from sartor.accounts.tables import Organisation
from sartor.errors import NotFound, Unauthorized
from sartor.kit.database import Database


@pytest.fixture
def accounts(database: Database) -> Accounts:
    return Accounts(database, key=b"a secret")


@pytest.mark.parametrize("token", [None, "", "sartor_wrong", "\x00", "\udc80", chr(0xD800), "x" * 100_000])
def test_strangers_are_refused(accounts: Accounts, token: str | None) -> None:
    accounts.create_token("acme")
    with pytest.raises(Unauthorized):
        accounts.authenticate(token)


def test_a_token_belongs_to_one_organisation(accounts: Accounts) -> None:
    first, again, other = (accounts.create_token(name) for name in ("acme", " acme ", "other"))
    assert len({first, again, other}) == 3
    owners = [accounts.authenticate(token).organisation_id for token in (first, again, other)]
    assert owners[0] == owners[1] != owners[2]
    assert len({accounts.authenticate(token).token_id for token in (first, again, other)}) == 3


def test_a_prefix_or_another_case_is_not_the_token(accounts: Accounts) -> None:
    token = accounts.create_token("acme")
    for nearly in (token[:-1], token + "x", token.swapcase()):
        with pytest.raises(Unauthorized):
            accounts.authenticate(nearly)


def test_a_revoked_token_opens_nothing(accounts: Accounts) -> None:
    lost, known, kept = (accounts.create_token("acme") for _ in range(3))
    number = accounts.authenticate(known).token_id
    assert accounts.revoke(lost) == accounts.authenticate(kept).token_id - 2
    assert accounts.revoke(number) == number
    for token in (lost, known):
        with pytest.raises(Unauthorized):
            accounts.authenticate(token)
    assert accounts.authenticate(kept).organisation_id == 1


def test_a_token_is_revoked_once(accounts: Accounts) -> None:
    token = accounts.create_token("acme")
    accounts.revoke(token)
    (first,) = accounts.tokens()
    accounts.revoke(token)
    assert accounts.tokens() == [first]
    assert first.organisation == "acme"
    assert first.revoked_at is not None
    assert first.revoked_at >= first.created_at


@pytest.mark.parametrize("token", [0, 2, 2**80, "", "sartor_wrong", "\udc80"])
def test_what_is_no_token_cannot_be_revoked(accounts: Accounts, token: int | str) -> None:
    accounts.create_token("acme")
    with pytest.raises(NotFound):
        accounts.revoke(token)


def test_the_database_holds_no_token(accounts: Accounts, database: Database, tmp_path: Path) -> None:
    token = accounts.create_token("acme")
    database.close()
    files = list(tmp_path.iterdir())
    assert files
    assert not any(token.removeprefix("sartor_").encode() in file.read_bytes() for file in files)


@pytest.mark.parametrize("name", ["", "  ", "x" * 201])
def test_unusable_names(accounts: Accounts, database: Database, name: str) -> None:
    with pytest.raises(ValueError, match="1 to 200 characters"):
        accounts.create_token(name)
    with database.transaction() as session:
        assert session.scalars(sa.select(Organisation)).all() == []


def test_an_organisation_that_two_make_at_once_is_one(accounts: Accounts) -> None:
    tokens: list[str] = []
    threads = [threading.Thread(target=lambda: tokens.append(accounts.create_token("acme"))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({accounts.authenticate(token).organisation_id for token in tokens}) == 1
    assert len(tokens) == 8
