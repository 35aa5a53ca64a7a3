"""The keys of webhooks: derived as clients derive them, sealed for the database, made up for where they are missing."""

from pathlib import Path

import pytest
import sqlalchemy as sa
from bria_client.toolkit.webhook_verification import _derive_signing_key

from sartor.accounts.service import Accounts
from sartor.accounts.signing import Seal, signing_key
from sartor.accounts.tables import ApiToken
from sartor.kit.database import Database


def test_a_key_is_the_one_that_clients_derive() -> None:
    for token in ("sartor_abc", "ü", ""):
        assert signing_key(token) == _derive_signing_key(token)


def test_what_is_sealed_opens_for_its_owner_under_the_same_key_only() -> None:
    seal = Seal(b"a secret")
    closed = seal.close(b"x" * 32, "owner")
    assert b"x" * 8 not in closed
    assert closed != seal.close(b"x" * 32, "owner")
    assert seal.open(closed, "owner") == Seal(b"a secret").open(closed, "owner") == b"x" * 32
    assert seal.fits(closed)
    assert seal.open(closed, "another") is None
    assert seal.open(closed[:-1] + bytes([closed[-1] ^ 1]), "owner") is None
    assert seal.open(None, "owner") is None
    other = Seal(b"another secret")
    assert not other.fits(closed)
    assert other.open(closed, "owner") is None


def test_a_new_token_can_sign_in_another_process(database: Database) -> None:
    token = Accounts(database, key=b"a secret").create_token("acme")
    accounts = Accounts(database, key=b"a secret")
    assert accounts.signing_key(1) == signing_key(token)
    assert accounts.signing_key(2) is None
    assert accounts.signing_key(None) is None


@pytest.mark.parametrize("key", [b"a secret", b"a new secret"])
def test_a_missing_key_is_made_when_the_token_is_used(database: Database, key: bytes) -> None:
    """The token is from before there were webhooks, or the service's secret key was changed."""
    token = Accounts(database, key=b"a secret").create_token("acme")
    if key == b"a secret":
        with database.transaction() as session:
            session.execute(sa.update(ApiToken).values(signing_key=None))
    accounts = Accounts(database, key=key)
    assert accounts.signing_key(1) is None
    assert accounts.authenticate(token).token_id == 1
    assert accounts.signing_key(1) == signing_key(token)


def test_a_key_is_written_once(database: Database) -> None:
    accounts = Accounts(database, key=b"a secret")
    token = accounts.create_token("acme")

    def kept() -> bytes | None:
        with database.transaction() as session:
            return session.scalar(sa.select(ApiToken.signing_key))

    before = kept()
    accounts.authenticate(token)
    assert kept() == before


def test_what_was_asked_for_before_a_token_was_revoked_is_signed(database: Database) -> None:
    accounts = Accounts(database, key=b"a secret")
    token = accounts.create_token("acme")
    accounts.revoke(token)
    assert accounts.signing_key(1) == signing_key(token)


def test_the_database_holds_no_key(database: Database, tmp_path: Path) -> None:
    token = Accounts(database, key=b"a secret").create_token("acme")
    database.close()
    files = [file.read_bytes() for file in tmp_path.iterdir()]
    assert files
    assert not any(signing_key(token) in content for content in files)
