"""Makes tokens and recognises them."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from sartor.accounts.tables import ApiToken, Organisation
from sartor.errors import Unauthorized
from sartor.kit.database import Database

# Recognisable to secret scanners, and to a person who finds one.
_PREFIX = "sartor_"


@dataclass(frozen=True)
class Caller:
    """Whose request it is."""

    organisation_id: int


class Accounts:
    def __init__(self, database: Database) -> None:
        self._database = database

    def create_token(self, organisation: str) -> str:
        """A new token of ``organisation``, which is made where it does not exist. Shown once: only its hash stays.

        Raises ValueError for an empty name or one of more than 200 characters.
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

    def authenticate(self, token: str | None) -> Caller:
        """Whose token it is. Raises Unauthorized for none, an unknown and a revoked one alike.

        The look-up is by hash: how long it takes says nothing about how nearly a guess was right.
        """
        if token:
            query = sa.select(ApiToken.organisation_id).where(
                ApiToken.digest == _digest(token), ApiToken.revoked_at.is_(None)
            )
            with self._database.transaction() as session:
                owner = session.scalar(query)
            if owner is not None:
                return Caller(owner)
        raise Unauthorized("Send a valid token in the header api_token.")

    def _keep(self, name: str, token: str) -> None:
        with self._database.transaction() as session:
            owner = session.scalar(sa.select(Organisation).where(Organisation.name == name))
            if owner is None:
                owner = Organisation(name=name)
                session.add(owner)
                session.flush()
            session.add(ApiToken(organisation_id=owner.id, digest=_digest(token)))


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()
