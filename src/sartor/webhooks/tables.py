"""One row a request that is to be announced: where to, under whose signature, and how that went."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from sartor.kit.database import Base, Moment, now


class Delivery(Base):
    """Made with the request; ``delivered_at`` or ``given_up_at`` says that it is over."""

    __tablename__ = "webhook_deliveries"

    request_id: Mapped[str] = mapped_column(sa.String(36), primary_key=True)
    organisation_id: Mapped[int] = mapped_column(sa.ForeignKey("organisations.id", ondelete="CASCADE"), index=True)
    # The token that came with the request: its key signs. None once the token's row is gone.
    token_id: Mapped[int | None] = mapped_column(sa.ForeignKey("api_tokens.id", ondelete="SET NULL"), index=True)
    url: Mapped[str] = mapped_column(sa.Text)
    # What links in the body begin with: the address that the client used.
    base: Mapped[str] = mapped_column(sa.Text)
    # The job of the first attempt; those of the others have this and their number.
    job_id: Mapped[str] = mapped_column(sa.String(36), unique=True)
    attempts: Mapped[int] = mapped_column(default=0)
    # Of the last attempt: the receiver's status, or why there was none.
    last_status: Mapped[int | None] = mapped_column()
    last_error: Mapped[str | None] = mapped_column(sa.Text)
    attempted_at: Mapped[datetime | None] = mapped_column(Moment)
    delivered_at: Mapped[datetime | None] = mapped_column(Moment)
    given_up_at: Mapped[datetime | None] = mapped_column(Moment)
    created_at: Mapped[datetime] = mapped_column(Moment, default=now)
