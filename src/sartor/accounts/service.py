"""Makes tokens, recognises them and revokes them."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from sartor.accounts.signing import Seal, signing_key
from sartor.accounts.tables import ApiToken, Organisation
from sartor.errors import NotFound, Unauthorized
from sartor.kit.database import Database, lock_rows, now

# Recognisable to secret scanners, and to a person who finds one.
_PREFIX = "sartor_"


@dataclass(frozen=True)
class Caller:
    """Whose request it is, and which of the organisation's tokens came with it."""

    organisation_id: int
    token_id: int


@dataclass(frozen=True)
class TokenInfo:
    """What is known of a token without the token: its number, whose it is, since when, and until when it was good."""

    id: int
    organisation: str
    created_at: datetime
    revoked_at: datetime | None


@dataclass(frozen=True)
class OrganisationInfo:
    """An organisation: since when there is one, how many tokens are good, and whether it is being deleted."""

    id: int
    name: str
    created_at: datetime
    tokens: int
    deleted: bool


class Accounts:
    def __init__(self, database: Database, *, key: bytes) -> None:
        """``key`` is the service's secret key: what is kept of tokens beside their hashes is encrypted under it."""
        self._database = database
        self._seal = Seal(key)

    def create_token(self, organisation: str) -> str:
        """A new token of ``organisation``, which is made where it does not exist. Shown once: only its hash stays.

        Raises ValueError for an empty name, one of more than 200 characters, and one that is being deleted.
        """
        name = organisation.strip()
        if not 0 < len(name) <= 200:
            raise ValueError("an organisation's name has 1 to 200 characters")
        token = _PREFIX + secrets.token_urlsafe(32)
        try:
            self._keep(name, token)
        except IntegrityError:  # someone else made the organisation at this moment: now it is there
            self._keep(name, token)
        return token

    def organisations(self) -> list[OrganisationInfo]:
        """All of them, by their names."""
        good = sa.and_(ApiToken.organisation_id == Organisation.id, ApiToken.revoked_at.is_(None))
        counted = sa.select(Organisation, sa.func.count(ApiToken.id)).outerjoin(ApiToken, good)
        query = counted.group_by(Organisation.id).order_by(Organisation.name)
        with self._database.transaction() as session:
            return [
                OrganisationInfo(row.id, row.name, row.created_at, tokens, row.deleted_at is not None)
                for row, tokens in session.execute(query)
            ]

    def shut(self, organisation_id: int) -> None:
        """Refuses its tokens from now on, and new ones: what deleting an organisation begins with."""
        with self._database.transaction() as session:
            lock_rows(session, Organisation.deleted_at, Organisation.id == organisation_id, value=now())

    def tokens(self) -> list[TokenInfo]:
        """All tokens, the oldest first."""
        query = sa.select(ApiToken, Organisation.name).join(Organisation).order_by(ApiToken.id)
        with self._database.transaction() as session:
            return [TokenInfo(row.id, name, row.created_at, row.revoked_at) for row, name in session.execute(query)]

    def revoke(self, token: int | str) -> int:
        """Refuses a token, given itself or as its number, from now on; what it asked for before is still done, and one
        that is revoked already stays so. Returns its number. Raises NotFound."""
        one = ApiToken.id == token if isinstance(token, int) else ApiToken.digest == _digest(token)
        with self._database.transaction() as session:
            possible = isinstance(token, str) or 0 < token < 2**31
            row = session.scalar(sa.select(ApiToken).where(one)) if possible else None
            if row is None:
                raise NotFound("There is no such token.")
            row.revoked_at = row.revoked_at or now()
            return row.id

    def authenticate(self, token: str | None) -> Caller:
        """Whose token it is. Raises Unauthorized for none, an unknown and a revoked one alike, and for one of an
        organisation that is being deleted.

        The look-up is by hash: how long it takes says nothing about how nearly a guess was right.
        """
        if token:
            good = (ApiToken.digest == _digest(token), ApiToken.revoked_at.is_(None), Organisation.deleted_at.is_(None))
            query = sa.select(ApiToken).join(Organisation).where(*good)
            with self._database.transaction() as session:
                row = session.scalar(query)
                if row is not None and not self._seal.fits(row.signing_key):
                    # A token from before there were webhooks, or the secret key is another one: now it is at hand.
                    row.signing_key = self._seal.close(signing_key(token), row.digest)
            if row is not None:
                return Caller(row.organisation_id, row.id)
        raise Unauthorized("Send a valid token in the header api_token.")

    def signing_key(self, token_id: int | None) -> bytes | None:
        """The key that webhooks of requests under this token are signed with; None where nothing is kept of it that
        the present secret key opens. A revoked token's are signed too: they were asked for while it was good."""
        with self._database.transaction() as session:
            row = session.get(ApiToken, token_id) if token_id is not None else None
        return None if row is None else self._seal.open(row.signing_key, row.digest)

    def _keep(self, name: str, token: str) -> None:
        with self._database.transaction() as session:
            owner = session.scalar(sa.select(Organisation).where(Organisation.name == name))
            if owner is None:
                owner = Organisation(name=name)
                session.add(owner)
                session.flush()
            elif owner.deleted_at is not None:
                raise ValueError("this organisation is being deleted")
            digest = _digest(token)
            sealed = self._seal.close(signing_key(token), digest)
            session.add(ApiToken(organisation_id=owner.id, digest=digest, signing_key=sealed))


def hold_organisation(session: Session, organisation_id: int) -> None:
    """Until the transaction ends nobody else holds the organisation: what is counted of it under this hold stays."""
    lock_rows(session, Organisation.name, Organisation.id == organisation_id)


def close_organisation(session: Session, organisation_id: int) -> None:
    """Holds the organisation so that until the transaction ends nobody adds anything that belongs to it."""
    hold_organisation(session, organisation_id)  # SQLite's only lock; on PostgreSQL what names the row goes past it
    session.execute(sa.select(Organisation.id).where(Organisation.id == organisation_id).with_for_update())


def _digest(token: str) -> str:
    # Half a surrogate is in no token, and makes an unknown one.
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
