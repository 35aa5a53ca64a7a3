"""Where the storage keeps a request's image, and until when."""

from __future__ import annotations

import re
from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session

from sartor.generation.tables import IN_PROGRESS, GenerationRequest
from sartor.kit.orphans import Keyspace

_ID = re.compile("[0-9a-f-]{36}")


def draft_key(request_id: str) -> str:
    """An image that waits for moderation: no address is ever made for it."""
    return f"drafts/{request_id}.png"


def image_key(request_id: str) -> str:
    return f"images/{request_id}.png"


def needed(session: Session, keys: Sequence[str]) -> set[str]:
    """Those that a request leads to, and both of one that is in progress: its steps may be repeated."""
    ids = {found[0] for key in keys if (found := _ID.search(key))}
    columns = GenerationRequest.id, GenerationRequest.status, GenerationRequest.image_key
    named: set[str] = set()
    for request_id, status, key in session.execute(sa.select(*columns).where(GenerationRequest.id.in_(ids))):
        if status == IN_PROGRESS:
            named |= {draft_key(request_id), image_key(request_id)}
        elif key is not None:
            named.add(key)
    return named.intersection(keys)


KEYSPACES = (
    Keyspace("drafts", re.compile(rf"drafts/{_ID.pattern}\.png"), needed),
    Keyspace("images", re.compile(rf"images/{_ID.pattern}\.png"), needed),
)
