"""What may be written into a request: anything while it is in progress, nothing once it has ended."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from sartor.generation.tables import IN_PROGRESS, GenerationRequest
from sartor.kit.database import now
from sartor.webhooks.service import Webhooks


def change(session: Session, request_id: str, *which: sa.ColumnElement[bool], **values: Any) -> bool:
    """Writes into a request that is in progress and as ``which`` says; another one is left alone, which False says."""
    changed = (
        sa.update(GenerationRequest)
        .where(GenerationRequest.id == request_id, GenerationRequest.status == IN_PROGRESS, *which)
        .values(**values)
        .execution_options(synchronize_session=False)
    )
    return bool(session.execute(changed).rowcount)  # type: ignore[attr-defined]


def end(session: Session, webhooks: Webhooks, request_id: str, **values: Any) -> bool:
    """Ends a request that is in progress, and has it announced, in one transaction; False where it had ended."""
    ended = change(session, request_id, finished_at=now(), **values)
    if ended:
        webhooks.announce(session, request_id)
    return ended
